"""Serves several applications from one process, each on its port, until a signal stops them all."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator, Sequence
from typing import Any

import uvicorn

GRACE_SECONDS = 5
"""With an open event stream uvicorn would otherwise wait for ever."""
BACKLOG = 512
ADDRESS_IN_USE = 3
FAILED = 1


class _Server(uvicorn.Server):
    """One of several: signals are the group's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(applications: Sequence[tuple[Any, int]], *, host: str) -> int:
    """Runs (application, port) pairs until SIGTERM or SIGINT; returns the exit status."""
    try:
        sockets = [_listen(host, port) for _, port in applications]
    except OSError as error:
        print(f"cannot listen: {error}", flush=True)  # noqa: T201 - before any log exists
        return ADDRESS_IN_USE
    servers = [_Server(_config(application)) for application, _ in applications]
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        return runner.run(_serve(servers, sockets))


async def _serve(servers: Sequence[_Server], sockets: Sequence[socket.socket]) -> int:
    def stop() -> None:
        for server in servers:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    pairs = zip(servers, sockets, strict=True)
    tasks = [asyncio.create_task(_serve_one(server, listening)) for server, listening in pairs]
    # A server that does not come up returns early; the others must not go on without it.
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    stop()
    await asyncio.gather(*tasks)
    return 0 if all(server.started for server in servers) else FAILED


async def _serve_one(server: _Server, listening: socket.socket) -> None:
    """uvicorn ends the process where an application's start fails; here the others have to be stopped first."""
    with contextlib.suppress(SystemExit):
        await server.serve(sockets=[listening])


def _config(application: Any) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror}: {host}:{port}") from error


def _new_loop() -> asyncio.AbstractEventLoop:
    import uvloop  # noqa: PLC0415 - a worker process must not load it

    return uvloop.new_event_loop()
