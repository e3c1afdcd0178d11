"""What a worker does with events that are good, bad or untimely; the same over both brokers."""

from __future__ import annotations

import signal
from urllib.parse import urlsplit

import pytest

from services.seedwork.messaging import topology
from tests.integration.messaging.conftest import StartWorker, connect
from tests.support.proxy import proxy
from tests.support.waiting import eventually


def test_published_events_are_handled_in_order_and_the_worker_stops_when_asked(
    any_broker: str, start_worker: StartWorker
) -> None:
    worker = start_worker(any_broker).ready()
    worker.publish(*[{"number": number} for number in range(60)])
    eventually(lambda: len(worker.handled()) == 60)
    assert worker.handled() == list(range(60))
    worker.program.signal(signal.SIGTERM)
    assert worker.program.exit_status(within=5) == 0


def test_what_cannot_be_decoded_is_kept_in_the_poison_queue_and_its_neighbours_are_handled(
    any_broker: str, start_worker: StartWorker
) -> None:
    worker = start_worker(any_broker, "--watch-poison").ready()
    worker.publish({"number": 1})
    worker.publish_raw("000002", b"\xff not an envelope")
    worker.publish_raw("000003", b'{"family": "case"}')
    worker.publish({"number": 4})
    eventually(lambda: worker.handled() == [1, 4])
    worker.program.until(r"poison b'\xff not an envelope' from prescribe.case;")
    worker.program.until("from prescribe.case;")
    eventually(lambda: worker.program.output().count("from prescribe.case;") == 2)


def test_an_event_that_fails_does_not_fail_its_batch_and_is_handled_when_it_can_be(
    any_broker: str, start_worker: StartWorker
) -> None:
    worker = start_worker(any_broker).ready()
    worker.publish({"number": 1}, {"number": 2, "fail": 4}, {"number": 3})
    eventually(lambda: sorted(worker.handled()) == [1, 2, 3])
    assert worker.handled() == [1, 3, 2]
    assert "handled 2; redelivered" in worker.program.output()
    assert worker.program.running()


def test_while_what_a_handler_needs_is_away_its_batch_waits_in_its_place(
    any_broker: str, start_worker: StartWorker
) -> None:
    worker = start_worker(any_broker).ready()
    worker.publish({"number": 1, "away": 3}, {"number": 2})
    eventually(lambda: worker.handled() == [1, 2])
    assert worker.program.output().count("began 1") == 4
    assert "redelivered" not in worker.program.output()


def test_a_handler_ended_by_a_green_timeout_does_not_stall_its_queue(
    any_broker: str, start_worker: StartWorker
) -> None:
    worker = start_worker(any_broker).ready()
    worker.publish({"number": 1, "timeout": 2})
    worker.publish({"number": 2})
    eventually(lambda: sorted(worker.handled()) == [1, 2])


def test_a_queue_with_other_arguments_ends_the_worker_with_an_error(any_broker: str, start_worker: StartWorker) -> None:
    worker = start_worker(any_broker, "--declare-otherwise")
    assert worker.program.exit_status(within=10) == 1
    assert "prescribe.case exists with other arguments" in worker.program.output()


def test_a_step_that_fails_is_tried_again(any_broker: str, start_worker: StartWorker) -> None:
    worker = start_worker(any_broker).ready()
    worker.publish_raw("broken", b"")
    worker.program.until("relay failed, again in")
    worker.publish({"number": 1})
    eventually(lambda: worker.handled() == [1])


def test_a_handler_that_runs_when_the_worker_is_stopped_ends_and_is_acknowledged(
    any_broker: str, start_worker: StartWorker
) -> None:
    worker = start_worker(any_broker).ready()
    worker.publish({"number": 1, "sleep": 1.5})
    worker.program.until("began 1;")
    worker.program.signal(signal.SIGTERM)
    assert worker.program.exit_status() == 0
    assert worker.handled() == [1]
    if any_broker.startswith("amqp"):
        with connect(any_broker) as connection:
            assert topology.depth(connection.channel(), "prescribe.case") == 0


@pytest.mark.parametrize("how", ["sleep", "block"])
def test_a_handler_that_does_not_end_is_ended_with_the_deadline_and_its_event_is_not_lost(
    any_broker: str, start_worker: StartWorker, how: str
) -> None:
    worker = start_worker(any_broker, "--grace", "1").ready()
    worker.publish({"number": 1, how: 60})
    worker.program.until("began 1;")
    worker.program.signal(signal.SIGTERM)
    assert worker.program.exit_status(within=5) == 70
    assert worker.handled() == []
    if any_broker.startswith("amqp"):
        again = start_worker(any_broker).ready()
        again.program.until("began 1;")


@pytest.mark.servers
def test_what_waits_when_a_worker_stops_is_left_for_the_next(amqp_url: str, start_worker: StartWorker) -> None:
    first = start_worker(amqp_url).ready()
    first.publish({"number": 0, "sleep": 3})
    first.program.until("began 0;")
    first.publish(*[{"number": number} for number in range(1, 40)])
    first.program.until("published 39")
    first.program.signal(signal.SIGTERM)
    assert first.program.exit_status() == 0
    assert first.handled() == [0]
    second = start_worker(amqp_url).ready()
    eventually(lambda: sorted(second.handled()) == list(range(1, 40)))


@pytest.mark.servers
def test_a_killed_workers_events_are_handled_by_the_next(amqp_url: str, start_worker: StartWorker) -> None:
    first = start_worker(amqp_url).ready()
    first.publish({"number": 1, "sleep": 60})
    first.program.until("began 1;")
    first.program.signal(signal.SIGKILL)
    first.program.exit_status()
    second = start_worker(amqp_url).ready()
    second.program.until("began 1;")


@pytest.mark.servers
def test_a_handler_that_blocks_the_process_costs_a_repetition_and_not_the_worker(
    amqp_url: str, start_worker: StartWorker
) -> None:
    worker = start_worker(amqp_url, "--heartbeat", "1").ready()
    worker.publish({"number": 1, "block": 4})
    eventually(lambda: worker.handled() == [1, 1], within=30)
    worker.publish({"number": 2})
    eventually(lambda: worker.handled() == [1, 1, 2])


@pytest.mark.servers
def test_a_connection_lost_while_a_handler_runs_costs_a_repetition_and_not_the_worker(
    amqp_url: str, start_worker: StartWorker
) -> None:
    with proxy(urlsplit(amqp_url).port or 5672) as passing:
        worker = start_worker(passing.url(amqp_url)).ready()
        worker.publish({"number": 1, "block": 1.5}, *[{"number": number} for number in range(2, 9)])
        worker.program.until("began 1")
        passing.cut()  # while nothing green can notice
        eventually(lambda: worker.handled().count(8) == 2, within=30)
        assert worker.program.running()
