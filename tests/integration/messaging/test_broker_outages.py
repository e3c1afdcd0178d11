"""A worker whose broker is away, comes late, dies or freezes. Every test has a broker of its own to mistreat."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from services.seedwork.messaging import topology
from services.seedwork.messaging.errors import PublishFailedError
from services.seedwork.messaging.publisher import BatchPublisher, Outgoing
from tests.integration.messaging.conftest import READY, StartWorker, connect
from tests.support.envelopes import envelope
from tests.support.link import link
from tests.support.private_servers import PrivateRabbit, missing_private_servers, private_rabbit
from tests.support.servers import demand, free_port
from tests.support.waiting import eventually

pytestmark = pytest.mark.servers

SWALLOWED_SECONDS_MAX = 40.0
"""After this long nobody may still believe in a connection that says nothing: two heartbeats, the look after them, and
as much again for a busy machine. Two heartbeats of 30 s would be 60."""


@pytest.fixture(scope="module")
def node() -> Iterator[PrivateRabbit]:
    demand(missing_private_servers())
    with private_rabbit() as server:
        yield server


@contextmanager
def frozen(node: PrivateRabbit) -> Iterator[None]:
    node.freeze()
    try:
        yield
    finally:
        node.thaw()


@pytest.fixture
def rabbit(node: PrivateRabbit) -> Iterator[PrivateRabbit]:
    """The node, running and without queues of an earlier test."""
    with connect(node.url) as connection:
        for queue in [*topology.consumer_queues(), *topology.NET_QUEUES]:
            connection.channel().queue_delete(queue.name)
    yield node
    if not node.running():
        node.start()


def test_a_worker_stops_while_the_broker_is_down(start_worker: StartWorker) -> None:
    worker = start_worker(f"amqp://guest:guest@127.0.0.1:{free_port()}/")
    worker.program.until("the broker is away")
    begun = time.monotonic()
    worker.program.signal(signal.SIGTERM)
    assert worker.program.exit_status(within=10) == 0
    assert time.monotonic() - begun < 4


def test_a_worker_that_starts_before_its_broker_consumes_when_it_is_there(
    rabbit: PrivateRabbit, start_worker: StartWorker
) -> None:
    rabbit.stop()
    worker = start_worker(rabbit.url)
    worker.program.until("the broker is away")
    assert READY not in worker.program.output()
    rabbit.start()
    worker.ready()
    worker.publish({"number": 1})
    eventually(lambda: worker.handled() == [1], within=20)


def test_no_event_is_lost_when_the_broker_dies_and_comes_back(rabbit: PrivateRabbit, start_worker: StartWorker) -> None:
    with connect(rabbit.url) as connection:
        topology.declare_everything(connection.channel())
    rabbit.stop()  # RabbitMQ writes down some seconds late that a queue exists; its messages it writes at once
    rabbit.start()
    worker = start_worker(rabbit.url).ready()
    worker.publish(*[{"number": number, "sleep": 0.01} for number in range(100)])
    worker.program.until("handled")
    rabbit.kill()
    worker.until_not_consuming()
    worker.publish(*[{"number": number} for number in range(100, 150)])
    worker.program.until("relay failed, again in")
    rabbit.start()
    eventually(lambda: set(worker.handled()) == set(range(150)), within=60)
    assert worker.program.running()


def test_a_frozen_broker_is_noticed_and_after_it_thaws_all_goes_on(
    rabbit: PrivateRabbit, start_worker: StartWorker
) -> None:
    worker = start_worker(rabbit.url, "--heartbeat", "1").ready()
    publisher = BatchPublisher(rabbit.url, deadline_seconds=1)
    publisher.publish([])
    with frozen(rabbit):
        begun = time.monotonic()
        with pytest.raises(PublishFailedError):
            publisher.publish([Outgoing("case", "7", envelope(7).to_wire())])
        assert time.monotonic() - begun < 5
        worker.until_not_consuming()
    publisher.publish([Outgoing("case", "7", envelope(7).to_wire())])
    eventually(lambda: 7 in worker.handled(), within=30)


def test_a_connection_that_swallows_everything_is_noticed_in_time_and_another_one_takes_over(
    rabbit: PrivateRabbit, start_worker: StartWorker
) -> None:
    with link(rabbit.port) as way:
        worker = start_worker(way.url(rabbit.url)).ready()
        way.treat(half_open=True)
        begun = time.monotonic()
        way.treat()  # new connections work: as after a router that forgot its table
        worker.publish({"number": 7})
        eventually(lambda: 7 in worker.handled(), within=30)
        assert time.monotonic() - begun < SWALLOWED_SECONDS_MAX


def test_a_queue_that_nobody_serves_any_more_is_made_anew(rabbit: PrivateRabbit, start_worker: StartWorker) -> None:
    # given: it stays declared, whoever wants to consume it is refused, what is published into it is never confirmed
    with connect(rabbit.url) as connection:
        topology.declare_everything(connection.channel())
    rabbit.lose_process_of("prescribe.case")

    # when
    worker = start_worker(rabbit.url)
    worker.publish({"number": 7})

    # then
    eventually(lambda: 7 in worker.handled(), within=60)


def test_a_worker_stops_while_the_broker_is_frozen(rabbit: PrivateRabbit, start_worker: StartWorker) -> None:
    worker = start_worker(rabbit.url).ready()
    with frozen(rabbit):
        begun = time.monotonic()
        worker.program.signal(signal.SIGTERM)
        assert worker.program.exit_status(within=10) == 0
        assert time.monotonic() - begun < 5
