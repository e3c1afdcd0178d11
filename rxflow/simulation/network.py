"""The network port: requests of people and of services to the apis that live at the moment, and what gets lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx

from contracts.topology import PORTS
from rxflow.simulation.accepted import Accepted
from rxflow.simulation.mishaps import Fortune, Mishap
from rxflow.simulation.processes import Killed, Process
from rxflow.simulation.virtual_time import wait_for

LATENCY_SECONDS = 0.01
CLICK_SECONDS_MAX = 0.05
PATIENCE_SECONDS = 8.0
_SERVICE = {port: name for name, port in PORTS.items()}


class Api:
    """One api process: an ASGI application and the process it dies with."""

    def __init__(self, process: Process, app: Any) -> None:
        self.process, self.app = process, app

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """Raises httpx.ReadError where the process dies meanwhile."""
        task = self.process.start(self._answered(request), f"{request.method} {request.url.path}")
        try:
            return await asyncio.shield(task)
        except Killed:
            raise httpx.ReadError("the process died", request=request) from None
        except asyncio.CancelledError:
            if self.process.alive:  # not the process, but who asked has given up; it goes on
                raise
            raise httpx.ReadError("the process died", request=request) from None

    async def _answered(self, request: httpx.Request) -> httpx.Response:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": request.url.path,
            "raw_path": request.url.raw_path.partition(b"?")[0],
            "query_string": request.url.query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "server": (request.url.host, request.url.port),
            "client": ("127.0.0.1", 1),
        }
        told: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": request.content, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            told.append(message)

        await self.app(scope, receive, send)
        content = b"".join(part.get("body", b"") for part in told[1:])
        return httpx.Response(told[0]["status"], headers=told[0]["headers"], content=content, request=request)


class Network:
    """Carries requests to whichever process of a service lives."""

    def __init__(
        self, fortune: Fortune, apis: Callable[[str], list[Api]], clock_ns: Callable[[str], int], accepted: Accepted
    ) -> None:
        self._fortune, self._apis, self._clock_ns, self.accepted = fortune, apis, clock_ns, accepted

    async def exchange(self, request: httpx.Request, *, by_hand: bool) -> httpx.Response:
        """The answer, as httpx would give it. `by_hand`: somebody who may click twice."""
        service = _SERVICE[request.url.port or 0]
        request.read()
        self._mark(request)
        first = asyncio.ensure_future(self._once(service, request))
        first.add_done_callback(_unheard)
        if by_hand and "idempotency-key" in request.headers and self._fortune.strikes(Mishap.DOUBLE_CLICK, service):
            await asyncio.sleep(self._fortune.chance.random() ** 3 * CLICK_SECONDS_MAX)
            second = asyncio.ensure_future(self._once(service, request))
            second.add_done_callback(_unheard)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await asyncio.shield(first)
        except TimeoutError:
            raise httpx.ReadTimeout("no answer", request=request) from None

    async def _once(self, service: str, request: httpx.Request) -> httpx.Response:
        await self._travel()
        if self._fortune.holds(Mishap.PARTITION, service):
            raise httpx.ConnectTimeout("nobody can be reached", request=request)
        if self._fortune.strikes(Mishap.REQUEST_LOST, service):
            await asyncio.sleep(PATIENCE_SECONDS)
            raise httpx.ReadTimeout("no answer", request=request)
        apis = [api for api in self._apis(service) if api.process.alive]
        if not apis:
            raise httpx.ConnectError("connection refused", request=request)
        asked_ns = self._clock_ns(service)
        response = await self._fortune.chance.choice(apis).answer(request)
        self.accepted.note(service, request, response, asked_ns, self._clock_ns(service))
        if response.status_code < 300 and "idempotency-key" in request.headers:
            await self._reuse(service, request)
        if self._fortune.strikes(Mishap.ANSWER_LOST, service):
            await asyncio.sleep(PATIENCE_SECONDS)
            raise httpx.ReadTimeout("no answer", request=request)
        await self._travel()
        return response

    async def _reuse(self, service: str, request: httpx.Request) -> None:
        """Other bytes under the same key are another command, even where they mean the same."""
        if not self._fortune.strikes(Mishap.KEY_REUSED, service):
            return
        apis = [api for api in self._apis(service) if api.process.alive]
        if apis:
            headers = {name: value for name, value in request.headers.items() if name != "content-length"}
            other = httpx.Request(request.method, request.url, headers=headers, content=request.content + b" ")
            with suppress(httpx.TransportError):
                self.accepted.note_reuse(other, await apis[0].answer(other))

    async def _travel(self) -> None:
        await asyncio.sleep(self._fortune.chance.random() * LATENCY_SECONDS)

    @staticmethod
    def _mark(request: httpx.Request) -> None:
        """A command's correlation is its key: whatever it caused is found by it, in whichever store."""
        key = request.headers.get("idempotency-key")
        if key is not None:
            request.headers["x-correlation-id"] = key


def _unheard(answer: asyncio.Future[httpx.Response]) -> None:
    """Who asked may be gone by then: it must not be reported as never looked at."""
    if not answer.cancelled():
        answer.exception()


class Line(httpx.BaseTransport):
    """The network as httpx's synchronous client sees it, in a greenlet."""

    def __init__(self, network: Network, *, by_hand: bool) -> None:
        self._network, self._by_hand = network, by_hand

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return wait_for(self._network.exchange(request, by_hand=self._by_hand))
