"""One call to a subscriber, or to a system that an administrator names: an address that was checked, one deadline for
all of it, a bounded answer, no redirect.

httpx follows environment and redirects and has a time-out per read only; httpcore below it takes its connections from
us, which is where addresses are checked (after the name was resolved, so that no second answer of a name server can
change them) and time is kept.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpcore

from services.seedwork.settings import Settings
from services.seedwork.webhooks.addresses import allowed, wrong_with

BODY_BYTES_MAX = 64 * 1024
ANSWER_BYTES_MAX = 16 * 1024
"""More is not read, unless who writes the letter expects more."""
CONNECT_SECONDS_MAX = 5.0
RETRY_AFTER_LENGTH_MAX = 64
Resolve = Callable[[str, int], Iterable[str]]


@dataclass(frozen=True)
class Letter:
    """One attempt, by POST unless who is called wants another method. `body_bytes_max` and `answer_bytes_max` bound
    what is sent and read; None: as for everybody."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    deadline_seconds: float
    body_bytes_max: int | None = None
    answer_bytes_max: int | None = None
    method: str = "POST"


@dataclass(frozen=True)
class Answer:
    """HTTP status, None: there was none; and in a word what went wrong on the way. `retry_after`: what the subscriber
    says of when to come again, as it says it; `body`: what it answers, nothing where that was too long."""

    status: int | None
    error: str | None = None
    retry_after: str | None = None
    body: bytes = field(default=b"", compare=False)

    @property
    def is_good(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class AddressRefused(Exception):  # noqa: N818
    """The name leads to a place that may not be called."""


def resolve(host: str, port: int) -> Iterable[str]:
    """The addresses of a name, in the order to try them."""
    return dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


class Post:
    """Calls subscribers. `private`: who is called, an administrator of ours says, so it may stand in a network that
    others cannot reach. `plain`: without TLS will do."""

    def __init__(
        self,
        *,
        development: bool,
        tls: ssl.SSLContext | None = None,
        resolving: Resolve = resolve,
        private: bool = False,
        plain: bool = False,
    ) -> None:
        self._development = development
        self._private = private
        self._plain = plain
        self._tls = tls or ssl.create_default_context()
        self._resolve = resolving

    def __call__(self, letter: Letter) -> Answer:
        """Whatever goes wrong is an answer, too."""
        if len(letter.body) > (letter.body_bytes_max or BODY_BYTES_MAX):
            return Answer(None, "too_large")
        wrong = wrong_with(letter.url, development=self._development, private=self._private, plain=self._plain)
        if wrong is not None:
            return Answer(None, f"url: {wrong}")
        line = _Line(time.monotonic() + letter.deadline_seconds, self._resolve, self._may_be_called)
        try:
            with httpcore.ConnectionPool(ssl_context=self._tls, network_backend=line, max_connections=1) as pool:
                return _called(pool, letter)
        except AddressRefused:
            return Answer(None, "address")
        except (httpcore.TimeoutException, TimeoutError):
            return Answer(None, "time_out")
        except (httpcore.NetworkError, OSError):
            return Answer(None, "no_connection")
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol, ValueError):
            return Answer(None, "no_http")

    def _may_be_called(self, address: str) -> bool:
        return self._private or allowed(address, development=self._development)


def post_to_named(settings: Settings) -> Post:
    """Calls whom an administrator names: a courier, an insurer's platform, dispatch of another region."""
    return Post(development=settings.development, private=True, plain=settings.plain_http)


def _called(pool: httpcore.ConnectionPool, letter: Letter) -> Answer:
    with pool.stream(letter.method, letter.url, headers=list(letter.headers.items()), content=letter.body) as response:
        body = b""
        for chunk in response.iter_stream():
            body += chunk
            if len(body) > (letter.answer_bytes_max or ANSWER_BYTES_MAX):
                body = b""
                break
        return Answer(response.status, retry_after=_retry_after(response.headers), body=body)


def _retry_after(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    found = next((value for name, value in headers if name.lower() == b"retry-after"), b"")
    return found[:RETRY_AFTER_LENGTH_MAX].decode("ascii", "replace") or None


class _Line(httpcore.NetworkBackend):
    """Connects to checked addresses only, and to none after the deadline."""

    def __init__(self, until: float, resolving: Resolve, may_be_called: Callable[[str], bool]) -> None:
        self._until = until
        self._resolve = resolving
        self._may_be_called = may_be_called
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - there is one deadline for all
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            found = list(self._resolve(host, port))
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        if not found or not all(map(self._may_be_called, found)):
            raise AddressRefused(host)
        seconds = min(_left(self._until), CONNECT_SECONDS_MAX)
        stream = self._plain.connect_tcp(found[0], port, seconds, local_address, socket_options)
        return _Hurried(stream, self._until)


class _Hurried(httpcore.NetworkStream):
    """A connection of which each step has the time that is left of the whole."""

    def __init__(self, stream: httpcore.NetworkStream, until: float) -> None:
        self._stream = stream
        self._until = until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        return self._stream.read(max_bytes, _left(self._until))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._stream.write(buffer, _left(self._until))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, _left(self._until))
        return _Hurried(secured, self._until)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(until: float) -> float:
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise httpcore.ReadTimeout("the whole took too long")
    return seconds
