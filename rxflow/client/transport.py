"""HTTP to the services: tokens, idempotency keys, and repeats that cannot do a thing twice.

A command keeps its Idempotency-Key over all repeats, so a lost answer is asked for again, never a second effect. What
is repeated: no connection, no answer in time, and 429 or 503 after its
`Retry-After`. Everything else is final.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self, TypeVar
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx

from contracts.topology import PORTS
from rxflow.client.failures import NoAnswer, Problem
from rxflow.client.waiting import wait_until

T = TypeVar("T")

Service = Literal["prescribe", "review", "dispatch", "insurance", "shortage"]
Json = Mapping[str, Any]

ATTEMPTS_MAX = 6
WAIT_SECONDS_MAX = 5.0
TIMEOUT_SECONDS = 15.0
JOSE = "application/jose"
POSITION_WANTED = "X-Min-Log-Position"


@dataclass(frozen=True)
class Addresses:
    """Base URL of each service."""

    urls: Mapping[str, str]

    @classmethod
    def local(cls, ports: Mapping[str, int] | None = None, host: str = "127.0.0.1") -> Self:
        return cls({service: f"http://{host}:{port}" for service, port in {**PORTS, **(ports or {})}.items()})

    def of(self, service: str) -> str:
        return self.urls[service].rstrip("/")

    @property
    def on_this_machine(self) -> bool:
        return all(_is_loopback(urlsplit(url).hostname or "") for url in self.urls.values())


@dataclass(frozen=True)
class Reply:
    """An answer: status, body, the aggregate's version tag, and whether it is the first answer given again.

    `position`: where the last event of a command stands in its service. `age_seconds`: of a list, whatever was
    committed longer ago is in it.
    """

    status: int
    body: dict[str, Any]
    etag: str | None
    replayed: bool
    position: int | None = None
    age_seconds: float | None = None


class Connection:
    """Connections to one installation, shared by all users of a process. Close it, or use it in a `with`."""

    def __init__(
        self,
        addresses: Addresses,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        attempts_max: int = ATTEMPTS_MAX,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        transport: httpx.BaseTransport | None = None,
        new_id: Callable[[], UUID] = uuid4,
    ) -> None:
        self.addresses = addresses
        self.new_id = new_id
        self._attempts_max = attempts_max
        self._sleep = sleep
        self._clock = clock
        # A proxy of the environment must not be asked for the services of this very machine.
        self._http = httpx.Client(timeout=timeout_seconds, transport=transport, trust_env=not addresses.on_this_machine)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def wait_until(self, condition: Callable[[], T | None], what: str) -> T:
        """The first truthy value of `condition`, at this connection's pace. Raises TimedOut."""
        return wait_until(condition, what, clock=self._clock, sleep=self._sleep)

    def send(
        self,
        method: str,
        service: str,
        path: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        json: Json | None = None,
        content: str | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Reply:
        """One request and its repeats. Raises Problem or NoAnswer."""
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        request = self._http.build_request(
            method,
            self.addresses.of(service) + path,
            headers=sent,
            json=json,
            content=content,
            params={name: value for name, value in (params or {}).items() if value is not None},
        )
        for attempt in range(1, self._attempts_max + 1):
            try:
                response = self._http.send(request)
            except httpx.TransportError as error:
                if attempt == self._attempts_max:
                    raise NoAnswer(f"{method} {service}{path}: {error!r}") from error
                self._sleep(_backoff(attempt))
                continue
            if response.status_code not in {429, 503} or attempt == self._attempts_max:
                return _reply(response)
            self._sleep(_wanted_wait(response, attempt))
        raise AssertionError("a last attempt returns or raises")


@dataclass(frozen=True)
class Session:
    """One bearer of a token on a connection, who reads what he wrote: a list waits for his last command's effect."""

    connection: Connection
    token: str | None
    written: dict[str, int] = field(default_factory=dict, repr=False, compare=False)
    """Per service the position of the last command."""

    def read(self, service: Service, path: str, **params: Any) -> dict[str, Any]:
        """A query's body."""
        return self.ask(service, path, **params).body

    def ask(self, service: Service, path: str, **params: Any) -> Reply:
        """A query's whole answer: of a list it tells how old it is."""
        headers = {POSITION_WANTED: str(self.written[service])} if service in self.written else None
        return self.connection.send("GET", service, path, token=self.token, headers=headers, params=params)

    def command(
        self,
        service: Service,
        path: str,
        body: Json | None = None,
        *,
        jws: str | None = None,
        key: str | None = None,
        method: str = "POST",
    ) -> Reply:
        """One intent. `key` only to repeat an earlier one; `jws` is the compact form of a signed command."""
        headers = {"Idempotency-Key": key or self.connection.new_id().hex}
        if jws is not None:
            headers["Content-Type"] = JOSE
        reply = self.connection.send(
            method,
            service,
            path,
            token=self.token,
            headers=headers,
            json=None if jws is not None else dict(body or {}),
            content=jws,
        )
        if reply.position is not None:
            self.written[service] = reply.position
        return reply


def _reply(response: httpx.Response) -> Reply:
    if response.status_code >= 400:
        raise Problem.of(response)
    body = response.json() if response.content else {}
    position, age = response.headers.get("X-Log-Position"), response.headers.get("X-Age-Seconds")
    return Reply(
        status=response.status_code,
        body=body,
        etag=response.headers.get("ETag"),
        replayed=response.headers.get("Idempotent-Replay") == "true",
        position=None if position is None else int(position),
        age_seconds=None if age is None else float(age),
    )


def _wanted_wait(response: httpx.Response, attempt: int) -> float:
    text = response.headers.get("Retry-After", "")
    wanted = float(text) if text.isdigit() else _backoff(attempt)
    return min(wanted, WAIT_SECONDS_MAX)


def _backoff(attempt: int) -> float:
    return float(min(0.1 * 2**attempt, WAIT_SECONDS_MAX))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
