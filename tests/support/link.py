"""A network link of a test's own, in a process of its own: forwards one TCP port until it is told to mistreat it.

    python -m tests.support.link 5432

It is a process because whoever mistreats has threads enough, and every byte of the system under test passes here twice.
It obeys lines on its standard input (a `Treatment` as JSON), answers each with a line, and ends with its input.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import uvloop

from tests.support.process import ROOT

CHUNK_BYTES = 65536
HOST = "127.0.0.1"
ANSWER_SECONDS_MAX = 10.0


@dataclass(frozen=True)
class Treatment:
    """How a link is from now on. The default is a sound one.

    `cut`: every connection of now is gone. `refused`: nobody can connect. `half_open`: whatever is connected now or
    connects is swallowed both ways and never closed; when that ends the server's side is closed, the client's is not,
    as after a router that forgot its table. `delay_seconds` for each piece, each way; `bytes_per_second` each way.
    """

    cut: bool = False
    refused: bool = False
    half_open: bool = False
    delay_seconds: float = 0.0
    bytes_per_second: int = 0


SOUND = Treatment()


@dataclass(eq=False)
class _Connected:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    lost: bool = False
    """Swallowed once: for ever, because a stream with a hole in it is no stream."""

    def close(self) -> None:
        for writer in (self.client, self.server):
            if writer is not None:
                writer.transport.abort()


@dataclass
class _Forwarder:
    target: int
    port: int = 0
    treatment: Treatment = SOUND
    connected: set[_Connected] = field(default_factory=set)
    listener: asyncio.Server | None = None

    async def listen(self) -> None:
        self.listener = await asyncio.start_server(self._serve, HOST, self.port)
        self.port = self.listener.sockets[0].getsockname()[1]

    async def treat(self, treatment: Treatment) -> None:
        self.treatment = treatment
        if treatment.cut:
            for each in [each for each in self.connected if not each.lost]:
                each.close()
        for each in self.connected:
            each.lost = each.lost or treatment.half_open
            if each.lost and not treatment.half_open and each.server is not None:
                each.server.transport.abort()
        if treatment.refused and self.listener is not None:
            self.listener.close()
            self.listener = None
        elif not treatment.refused and self.listener is None:
            await self.listen()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected = _Connected(writer, lost=self.treatment.half_open)
        self.connected.add(connected)
        try:
            if connected.lost:
                await self._pump(reader, writer, connected)
                return
            from_server, connected.server = await asyncio.open_connection(HOST, self.target)
            back = asyncio.create_task(self._pump(from_server, writer, connected))
            await self._pump(reader, connected.server, connected)
            await back
        except OSError:
            pass
        finally:
            self.connected.discard(connected)
            connected.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connected: _Connected) -> None:
        """Until one side ends; the other one hears of it, unless the connection is lost."""
        with contextlib.suppress(OSError):
            while part := await reader.read(CHUNK_BYTES):
                treatment = self.treatment
                seconds = treatment.delay_seconds
                if treatment.bytes_per_second:
                    seconds += len(part) / treatment.bytes_per_second
                if seconds:
                    await asyncio.sleep(seconds)
                if not connected.lost and writer.transport.is_closing():
                    break
                if not connected.lost:
                    writer.write(part)
                    await writer.drain()
        if not connected.lost:
            connected.close()


async def _obey(target: int) -> None:
    forwarder = _Forwarder(target)
    await forwarder.listen()
    _say(str(forwarder.port))
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        await forwarder.treat(Treatment(**json.loads(line)))
        _say("done")
    for each in list(forwarder.connected):
        each.close()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Link:
    """The way to one server, as its clients see it: `port` instead of the server's own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lock = threading.Lock()
        self.port = int(self._line())

    def url(self, url: str) -> str:
        """The same URL, by way of this link."""
        parts = urlsplit(url)
        user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        return urlunsplit(parts._replace(netloc=f"{user}{HOST}:{self.port}"))

    def treat(self, **how: Any) -> None:
        """From now on, and not before it returns; without arguments the link is sound again."""
        with self._lock:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(asdict(Treatment(**how))) + "\n")
            self._process.stdin.flush()
            self._line()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the link ended with {self._process.poll()}")
        return line


@contextmanager
def link(port: int) -> Iterator[Link]:
    """A link to a port of this machine."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.link", str(port)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for whoever made it
    )
    try:
        yield Link(process)
    finally:
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            stream.close()
        try:
            process.wait(timeout=ANSWER_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_obey(int(sys.argv[1])))
