"""Sends prepared HTTP requests over a few kept connections, from a process of its own, and says how long it took.

Bytes in, status out: a full HTTP client would take more of the machine than the service it measures.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import uvloop

CONNECTIONS = 16
OVERLOADED = 503
SHED_SHARE_MAX = 0.05


@dataclass(frozen=True)
class Load:
    """What became of the requests sent."""

    seconds: float
    statuses: Mapping[int, int]
    latencies_ms: Sequence[float]
    shed: frozenset[int]
    """Numbers of the requests answered 503: no connection was free in time, come again."""

    def rate(self, status: int) -> float:
        """Successes per second. On a machine that stalls now and then a few are shed; more, or anything answered
        otherwise, is an error of the measurement."""
        done = self.statuses.get(status, 0)
        if not set(self.statuses) <= {status, OVERLOADED} or len(self.shed) > SHED_SHARE_MAX * done:
            raise RuntimeError(f"expected {status}, got {dict(self.statuses)}")
        return done / self.seconds


def post(path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """One request as bytes."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class _Client(asyncio.Protocol):
    """One kept connection: sends the next request when the last one is answered."""

    def __init__(self, requests: Iterator[tuple[int, bytes]], load: _Counting) -> None:
        self._requests = requests
        self._load = load
        self._received = b""
        self._transport: Any = None
        self._sent_at = 0.0
        self._number = 0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        _, _, after = head.lower().partition(b"content-length:")
        if len(body) < int(after.partition(b"\r\n")[0]):
            return
        self._received = b""
        self._load.latencies_ms.append((time.perf_counter() - self._sent_at) * 1000)
        status = int(head[9:12])
        self._load.statuses[status] += 1
        if status == OVERLOADED:
            self._load.shed.add(self._number)
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.ended.append(exc)
        if len(self._load.ended) == CONNECTIONS:
            self._load.done.set_result(None)

    def _send(self) -> None:
        numbered = next(self._requests, None)
        if numbered is None:
            self._transport.close()
            return
        self._number, request = numbered
        self._sent_at = time.perf_counter()
        self._transport.write(request)


class _Counting:
    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.latencies_ms: list[float] = []
        self.shed: set[int] = set()
        self.ended: list[Exception | None] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()


async def _send_all(port: int, requests: Sequence[bytes]) -> Load:
    counting, left = _Counting(), iter(enumerate(requests))
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    for _ in range(CONNECTIONS):
        await loop.create_connection(lambda: _Client(left, counting), "127.0.0.1", port)
    await counting.done
    seconds = time.perf_counter() - started
    return Load(seconds, dict(counting.statuses), counting.latencies_ms, frozenset(counting.shed))


def _run(pipe: Connection) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        while (order := pipe.recv()) is not None:
            pipe.send(runner.run(_send_all(*order)))


class Generator:
    """The process that sends."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def send(self, port: int, requests: Sequence[bytes]) -> Load:
        self._pipe.send((port, list(requests)))
        load: Load = self._pipe.recv()
        return load


@contextmanager
def generator() -> Iterator[Generator]:
    """Starts the process and ends it."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Generator(ours)
    finally:
        if process.is_alive():
            ours.send(None)
        process.join(5)
        if process.is_alive():
            process.kill()
