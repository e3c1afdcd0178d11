"""Workers under test, over both brokers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import amqp
import pytest
from kombu.utils.url import parse_url

from tests.support.envelopes import envelope
from tests.support.process import Program, program
from tests.support.waiting import eventually

READY = 'consuming {"prescribe.case": true}'
NOT_READY = 'consuming {"prescribe.case": false}'


class Worker:
    """The worker program and the spool its relay publishes from."""

    def __init__(self, running: Program, spool: Path) -> None:
        self.program = running
        self._spool = spool

    def ready(self, *, within: float = 20.0) -> Worker:
        self.program.until(READY, within=within)
        return self

    def until_not_consuming(self) -> None:
        """After it was ready: it has noticed that its connection is lost."""
        eventually(lambda: NOT_READY in self.program.output().rpartition(READY)[2], describe=NOT_READY)

    def publish(self, *events: dict[str, Any]) -> None:
        """One batch, published as one; each event's data says what its handler shall do."""
        self._spool_batch({f"{event['number']:06d}": envelope(**event).to_wire() for event in events})

    def publish_raw(self, name: str, body: bytes) -> None:
        self._spool_batch({name: body})

    def _spool_batch(self, bodies: dict[str, bytes]) -> None:
        """A directory that appears whole, so that the relay sees all of its events or none."""
        hidden = self._spool / f"{min(bodies)}.hidden"
        hidden.mkdir()
        for name, body in bodies.items():
            (hidden / f"{name}.event").write_bytes(body)
        hidden.rename(hidden.with_suffix(".batch"))

    def handled(self) -> list[int]:
        """The numbers in the order in which their handling ended well."""
        lines = [line for line in self.program.output().splitlines() if line.startswith("handled ")]
        return [int(number) for line in lines for number in line.split()[1].rstrip(";").split(",")]


StartWorker = Callable[..., Worker]


@pytest.fixture(
    params=["inproc", pytest.param("rabbitmq", marks=pytest.mark.servers)],
)
def any_broker(request: pytest.FixtureRequest) -> str:
    """The URL of an empty broker: the one in the worker's own process, and a virtual host of the real one."""
    return "inproc://localhost/worker" if request.param == "inproc" else str(request.getfixturevalue("amqp_url"))


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[StartWorker]:
    with ExitStack() as programs:

        def start(url: str, *arguments: str) -> Worker:
            spool = tmp_path / "spool"
            spool.mkdir(exist_ok=True)
            running = program("tests.integration.messaging.worker", url, str(spool), *arguments, directory=tmp_path)
            return Worker(programs.enter_context(running), spool)

        yield start


def connect(url: str) -> amqp.Connection:
    """A plain connection, to look into the real broker."""
    parts = parse_url(url)
    connection = amqp.Connection(
        f"{parts['hostname']}:{parts['port']}", virtual_host=parts["virtual_host"] or "/", connect_timeout=5
    )
    connection.connect()
    return connection
