"""HTTP into applications of this very process: the whole way from bytes to bytes, without a socket."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import httpx

T = TypeVar("T")
PATIENCE_SECONDS = 60.0


class Applications(httpx.BaseTransport):
    """A transport to several applications, by the port of the address; they run on an event loop in a thread."""

    def __init__(self, by_port: Mapping[int, Any], before: Callable[[httpx.Request], None] = lambda _request: None):
        self._by_port = dict(by_port)
        self._before = before
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="applications", daemon=True)
        self._running = AsyncExitStack()

    def start(self) -> None:
        self._thread.start()
        self.await_(self._enter())

    def stop(self) -> None:
        self.await_(self._running.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_SECONDS)
        self._loop.close()

    def await_(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The result of something asynchronous, run where the applications run."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE_SECONDS)

    def at_once(self, requests: list[httpx.Request]) -> list[httpx.Response]:
        """Answers to requests that are all under way at the same time."""

        async def all_of_them() -> list[httpx.Response]:
            return list(await asyncio.gather(*(self._answer(request) for request in requests)))

        return self.await_(all_of_them())

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._before(request)
        return self.await_(self._answer(request))

    async def _enter(self) -> None:
        for app in self._by_port.values():
            await self._running.enter_async_context(app.router.lifespan_context(app))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        app = self._by_port[request.url.port or 80]
        transport = httpx.ASGITransport(app)
        sent = httpx.Request(request.method, request.url, headers=request.headers, content=request.read())
        response = await transport.handle_async_request(sent)
        content = await response.aread()
        return httpx.Response(response.status_code, headers=response.headers, content=content, request=request)
