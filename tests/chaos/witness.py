"""The transport under all clients: writes down what is answered, clicks twice now and then, and mixes in invalid calls.

It sits below the repeats of `rxflow.client`, so it sees each try by itself.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from random import Random
from typing import TypeVar

import httpx

from tests.chaos import invalid
from tests.chaos.invalid import Strangers
from tests.chaos.notes import Notes, Sent

T = TypeVar("T")

DOUBLE_CLICKS = 0.05
"""Share of commands that are sent twice at once."""
CATCHING_UP = 0.25
"""How often a call is spoilt while there are fewer invalid ones than there should be."""
CONNECTIONS_MAX = 400
ASIDE_THREADS = 12
ASIDE_WAITING_MAX = 500
"""Invalid calls and second clicks that wait for their turn; beyond it none is added, so that load stays open."""
KEPT_HEADERS = ("authorization", "content-type", "idempotency-key", "x-min-log-position")
CALM_STATUSES = frozenset({200, 201, 202})


class Witness(httpx.BaseTransport):
    """`invalid_share` of all calls are invalid ones, each made out of a call that is sent as well."""

    def __init__(
        self, notes: Notes, services: Mapping[int, str], strangers: Strangers, *, seed: int, invalid_share: float
    ) -> None:
        self._notes = notes
        self._services = services
        self._strangers = strangers
        self._random = Random(seed)
        self._share = invalid_share
        self._http = httpx.HTTPTransport(limits=httpx.Limits(max_connections=CONNECTIONS_MAX))
        self._aside = ThreadPoolExecutor(ASIDE_THREADS, "aside")
        self._room = threading.Semaphore(ASIDE_WAITING_MAX)
        self._lock = threading.Lock()
        self.mischievous = True
        """Whether it adds anything of its own."""

    def close(self) -> None:
        self._aside.shutdown(cancel_futures=True)
        self._http.close()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        sent = self._sent(request)
        spoil, twice, after = self._chances()
        if spoil and not after:
            self._spoil(sent, after=False)
        second = self._click_again(sent) if twice and sent.key else None
        try:
            response = self._read(request)
        except httpx.TransportError:
            self._notes.answer("no answer")
            self._notes.refuse(sent.service, "no answer")
            raise
        accepted = self._note(sent, response)
        if spoil and after and accepted:
            self._spoil(sent, after=True)
        if second is not None:
            second.add_done_callback(lambda other: self._compare(sent, response, other))
        return response

    # -- what it adds

    def _chances(self) -> tuple[bool, bool, bool]:
        with self._lock:
            if not self.mischievous:
                return False, False, False
            # some calls cannot be spoilt: where they fall behind their share the next ones make up for it
            behind = self._notes.invalid_calls < self._share * self._notes.calls
            spoil = behind and self._random.random() < CATCHING_UP
            return spoil, self._random.random() < DOUBLE_CLICKS, self._random.random() < 0.3

    def _spoil(self, sent: Sent, *, after: bool) -> None:
        with self._lock:
            picked = invalid.pick(sent, self._strangers, Random(self._random.random()), after=after)
        if picked is not None and self._room.acquire(blocking=False):
            self._put_aside(self._try_invalid, *picked)

    def _try_invalid(self, kind: str, spoilt: Sent) -> None:
        try:
            response = self._read(_request(spoilt))
        except httpx.TransportError:
            self._notes.invalid_answer(kind, "no answer")
            return
        code = _code_of(response)
        self._notes.invalid_answer(kind, code or str(response.status_code))
        if not invalid.permitted(response.status_code, code):
            said = response.content[:300].decode(errors="replace")
            self._notes.breach("wrong", f"{kind}: {spoilt.method} {spoilt.service}{spoilt.path} got {said}")

    def _click_again(self, sent: Sent) -> Future[httpx.Response | None] | None:
        if not self._room.acquire(blocking=False):
            return None
        self._notes.click_twice()
        return self._put_aside(self._again, sent)

    def _again(self, sent: Sent) -> httpx.Response | None:
        try:
            return self._read(_request(sent))
        except httpx.TransportError:
            return None

    def _compare(self, sent: Sent, first: httpx.Response, other: Future[httpx.Response | None]) -> None:
        """Two clicks, one effect: where both are accepted they say the same, and one of them is a replay."""
        second = None if other.cancelled() else other.result()
        if second is None or {first.status_code, second.status_code} - CALM_STATUSES:
            return
        replays = [_replayed(first), _replayed(second)]
        if first.status_code != second.status_code or first.content != second.content or not any(replays):
            self._notes.breach("doubled", f"{sent.method} {sent.service}{sent.path} clicked twice got two answers")

    def _put_aside(self, what: Callable[..., T], *arguments: object) -> Future[T]:
        future: Future[T]
        try:
            future = self._aside.submit(what, *arguments)
        except RuntimeError:  # it is closed: the run is over
            future = Future()
            future.cancel()
        future.add_done_callback(lambda _: self._room.release())
        return future

    # -- what it sees

    def _read(self, request: httpx.Request) -> httpx.Response:
        response = self._http.handle_request(request)
        try:
            content = b"".join(response.stream)  # type: ignore[arg-type]
        finally:
            response.close()
        return httpx.Response(response.status_code, headers=response.headers, content=content, request=request)

    def _note(self, sent: Sent, response: httpx.Response) -> bool:
        status, code = response.status_code, _code_of(response)
        self._notes.answer(code or str(status))
        if status == invalid.UNAVAILABLE:
            self._notes.refuse(sent.service, code or "503")
        elif status >= 500 or (status >= 400 and not invalid.permitted(status, code)):
            said = response.content[:300].decode(errors="replace")
            self._notes.breach("wrong", f"{sent.method} {sent.service}{sent.path} got {status} {said}")
        accepted = bool(sent.key) and status in CALM_STATUSES
        if accepted:
            self._notes.accept(sent, status, response.content, response.headers.get("X-Log-Position"))
        return accepted

    def _sent(self, request: httpx.Request) -> Sent:
        headers = {name: request.headers[name] for name in KEPT_HEADERS if name in request.headers}
        return Sent(
            service=self._services.get(request.url.port or 0, "?"),
            method=request.method,
            url=str(request.url),
            headers=headers,
            content=request.read(),
            key=headers.get("idempotency-key", "") if request.method == "POST" else "",
        )


def send_again(http: httpx.Client, sent: Sent) -> httpx.Response:
    """The very same command."""
    return http.request(sent.method, sent.url, headers=dict(sent.headers), content=sent.content)


def _request(sent: Sent) -> httpx.Request:
    timeout = {"timeout": httpx.Timeout(15.0).as_dict()}
    return httpx.Request(
        sent.method, sent.url, headers=dict(sent.headers), content=sent.content or None, extensions=timeout
    )


def _replayed(response: httpx.Response) -> bool:
    return bool(response.headers.get("Idempotent-Replay") == "true")


def _code_of(response: httpx.Response) -> str | None:
    if response.status_code < 400:
        return None
    try:
        body = json.loads(response.content)
    except ValueError:
        return None
    return str(body["code"]) if isinstance(body, dict) and "code" in body else None
