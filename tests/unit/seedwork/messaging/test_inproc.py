"""kombu's consumers over the broker in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from amqp.exceptions import ChannelError, NotFound, PreconditionFailed
from kombu import Connection, Consumer, Exchange, Producer, Queue

from services.seedwork.messaging import memory
from services.seedwork.messaging.inproc import broker_at

URL = "inproc://localhost/unit"


@pytest.fixture(autouse=True)
def _a_fresh_broker() -> Iterator[None]:
    memory.forget_everything()
    yield
    memory.forget_everything()


@pytest.fixture
def connection() -> Iterator[Connection]:
    with Connection(URL) as connected:
        yield connected


def queue_of(connection: Connection, name: str = "work") -> Queue:
    exchange = Exchange("events", "topic")
    queue = Queue(name, exchange, routing_key="case", queue_arguments={"x-delivery-limit": 3})
    return queue(connection.channel())


def publish(connection: Connection, count: int = 1, routing_key: str = "case", **options: Any) -> None:
    producer = Producer(connection.channel(), exchange=Exchange("events", "topic"), auto_declare=False)
    for number in range(count):
        producer.publish({"n": number}, routing_key=routing_key, **options)


def drain(connection: Connection) -> None:
    with suppress(TimeoutError):
        while True:
            connection.drain_events(timeout=0)


def test_a_consumer_receives_what_was_published(connection: Connection) -> None:
    queue = queue_of(connection)
    queue.declare()
    publish(connection, headers={"traceparent": "x"}, message_id="m1")
    seen: list[Any] = []
    with Consumer(connection.channel(), [queue], on_message=seen.append):
        drain(connection)
        (message,) = seen
        assert message.payload == {"n": 0}
        assert message.headers == {"traceparent": "x"}
        assert message.properties["message_id"] == "m1"
        assert message.delivery_info["routing_key"] == "case"
        message.ack()
    assert broker_at(URL).depth("work") == 0


def test_prefetch_bounds_what_is_in_a_consumers_hands(connection: Connection) -> None:
    queue = queue_of(connection)
    queue.declare()
    publish(connection, 5)
    seen: list[Any] = []
    with Consumer(connection.channel(), [queue], on_message=seen.append, prefetch_count=2):
        drain(connection)
        assert len(seen) == 2
        seen[1].ack(multiple=True)
        drain(connection)
        assert len(seen) == 4


def test_what_was_not_settled_goes_back_in_order_when_the_connection_closes(connection: Connection) -> None:
    queue = queue_of(connection)
    queue.declare()
    publish(connection, 3)
    with Connection(URL) as other:
        seen: list[Any] = []
        Consumer(other.channel(), [queue], on_message=seen.append).consume()
        drain(other)
        seen[0].ack()
    again = [queue.get() for _ in range(3)]
    assert [message and message.payload["n"] for message in again] == [1, 2, None]
    assert again[0].headers["x-delivery-count"] == 1
    assert again[0].delivery_info["redelivered"]


def test_a_requeued_message_returns_to_its_own_queue_only(connection: Connection) -> None:
    first, second = queue_of(connection, "first"), queue_of(connection, "second")
    first.declare()
    second.declare()
    publish(connection)
    first.get().requeue()
    assert broker_at(URL).depth("first") == 1
    assert broker_at(URL).depth("second") == 1


def test_competing_consumers_share_and_one_may_leave(connection: Connection) -> None:
    queue = queue_of(connection)
    queue.declare()
    seen: list[Any] = []
    one = Consumer(connection.channel(), [queue], on_message=seen.append)
    two = Consumer(connection.channel(), [queue], on_message=seen.append)
    one.consume()
    two.consume()
    publish(connection, 4)
    drain(connection)
    assert {message.channel for message in seen} == {one.channel, two.channel}
    one.cancel()
    publish(connection, 2)
    drain(connection)
    assert len(seen) == 6


def test_a_waiting_consumer_is_woken_at_once_by_another_thread(connection: Connection) -> None:
    queue = queue_of(connection)
    queue.declare()
    seen: list[Any] = []
    with Consumer(connection.channel(), [queue], on_message=seen.append):

        def publish_from_elsewhere() -> None:
            with Connection(URL) as other:
                publish(other)

        thread = threading.Thread(target=publish_from_elsewhere)
        thread.start()
        connection.drain_events(timeout=10)
        thread.join()
    assert len(seen) == 1


def test_mandatory_messages_without_a_queue_are_returned(connection: Connection) -> None:
    queue_of(connection).declare()
    publish(connection, routing_key="stock")
    with pytest.raises(ChannelError, match="NO_ROUTE"):
        publish(connection, routing_key="stock", mandatory=True)


def test_a_full_queue_refuses_the_publisher(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    queue_of(connection).declare()
    monkeypatch.setattr(broker_at(URL), "_queue_capacity", 0)
    with pytest.raises(ChannelError, match="full"):
        publish(connection)


def test_changed_queue_arguments_are_the_error_of_the_real_broker(connection: Connection) -> None:
    queue_of(connection).declare()
    with pytest.raises(PreconditionFailed):
        connection.channel().queue_declare("work", arguments={"x-delivery-limit": 4})


def test_an_unknown_queue_is_not_found_and_no_consumer_waits_in_vain(connection: Connection) -> None:
    channel = connection.channel()
    with pytest.raises(NotFound):
        channel.queue_declare("nobody", passive=True)
    assert channel.basic_get("nobody") is None
    channel.basic_cancel("nobody")
    channel.basic_reject(99)
    channel.close()
    channel.close()
    queue = queue_of(connection)
    queue.declare()
    queue.delete()
    assert "work" not in broker_at(URL).queues()
