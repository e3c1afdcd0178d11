"""Several applications in one process: all of them or none, until a signal."""

import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from rxflow.free_ports import free_ports

APPLICATIONS = """
    import sys
    from rxflow.serving import serve

    def application(name, fails=False):
        async def run(scope, receive, send):
            if scope["type"] == "lifespan":
                while True:
                    message = await receive()
                    if fails:
                        raise RuntimeError("no store")
                    await send({"type": message["type"] + ".complete"})
                    if message["type"] == "lifespan.shutdown":
                        print("stopped", name, flush=True)
                        return
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": name.encode()})
        return run

    first, second = int(sys.argv[1]), int(sys.argv[2])
    sys.exit(serve([(application("one"), first), (application("two", fails=sys.argv[3] == "fails"), second)],
                   host="127.0.0.1"))
"""


@contextmanager
def process(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", textwrap.dedent(APPLICATIONS), *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


def answer_of(port: int, seconds: float = 20) -> str:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).text
        except httpx.TransportError:
            assert time.monotonic() < deadline, "no answer in time"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_each_application_answers_on_its_port_until_a_signal(number: signal.Signals) -> None:
    first, second = free_ports(2)
    with process(first, second, "works") as running:
        assert answer_of(first) == "one"
        assert answer_of(second) == "two"

        running.send_signal(number)

        output, _ = running.communicate(timeout=20)
        assert running.returncode == 0
        assert sorted(output.splitlines()) == ["stopped one", "stopped two"]


def test_none_goes_on_when_one_cannot_start() -> None:
    with process(*free_ports(2), "fails") as running:
        output, _ = running.communicate(timeout=20)

        assert running.returncode == 1
        assert output.splitlines() == ["stopped one"]


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with process(*free_ports(1), port, "works") as running:
            output, _ = running.communicate(timeout=20)

    assert running.returncode == 3
    assert f"127.0.0.1:{port}" in output
