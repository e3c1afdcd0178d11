"""Declares `contracts.topology` on a broker.

Works on any channel with py-amqp's methods: py-amqp's own, kombu's and the in-process one. Declaring again what exists
changes nothing; what exists with other arguments is a `TopologyMismatchError`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from amqp.exceptions import NotFound, PreconditionFailed

from contracts.topology import (
    DEAD_LETTER_EXCHANGE,
    DELIVERY_LIMIT,
    EXCHANGE,
    FAMILIES,
    POISON_QUEUE,
    UNROUTED_EXCHANGE,
    UNROUTED_QUEUE,
    queue_name,
)
from services.seedwork.messaging.errors import TopologyMismatchError


@dataclass(frozen=True)
class ExchangeDeclaration:
    name: str
    type: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class QueueDeclaration:
    """A durable quorum queue and the one binding that fills it."""

    name: str
    exchange: str
    routing_key: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)


EXCHANGES = (
    ExchangeDeclaration(UNROUTED_EXCHANGE, "fanout"),
    ExchangeDeclaration(DEAD_LETTER_EXCHANGE, "fanout"),
    ExchangeDeclaration(EXCHANGE, "topic", {"alternate-exchange": UNROUTED_EXCHANGE}),
)

NET_QUEUES = (
    QueueDeclaration(UNROUTED_QUEUE, UNROUTED_EXCHANGE, arguments={"x-queue-type": "quorum"}),
    QueueDeclaration(POISON_QUEUE, DEAD_LETTER_EXCHANGE, arguments={"x-queue-type": "quorum"}),
)
"""What nobody takes and what nobody can take. Both raise an alarm when they are not empty."""

CONSUMER_ARGUMENTS: dict[str, Any] = {
    "x-queue-type": "quorum",
    "x-delivery-limit": DELIVERY_LIMIT,
    "x-dead-letter-exchange": DEAD_LETTER_EXCHANGE,
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",  # at-least-once dead lettering requires it
}


def consumer_queue(consumer: str, family: str) -> QueueDeclaration:
    """The queue through which one consumer takes one family, whole."""
    return QueueDeclaration(queue_name(consumer, family), EXCHANGE, family, dict(CONSUMER_ARGUMENTS))


def consumer_queues() -> Iterator[QueueDeclaration]:
    for family in FAMILIES:
        for consumer in family.consumers:
            yield consumer_queue(consumer, family.name)


def declare_everything(channel: Any) -> None:
    """All of it, from any service: an event must not be unroutable only because its consumer never ran yet."""
    _declare_net(channel)
    for queue in consumer_queues():
        _declare_queue(channel, queue)


def declare_consumer_queue(channel: Any, consumer: str, family: str) -> None:
    """What one consumer of one family needs: the exchanges, the nets and its own queue."""
    _declare_net(channel)
    _declare_queue(channel, consumer_queue(consumer, family))


def delete_consumer_queue(channel: Any, consumer: str, family: str) -> None:
    """With all that is in it: its consumer fetches from the producer's feed what it lacks.

    For a quorum queue whose log RabbitMQ cannot read any more after a full disk and a crash: it stays declared, each
    `basic.consume` is an internal error, no message into it is confirmed, so all of its producer's relay stands still.
    https://github.com/rabbitmq/rabbitmq-server/issues/2499, https://github.com/rabbitmq/ra/issues/471
    """
    channel.queue_delete(queue_name(consumer, family))


def depth(channel: Any, queue: str) -> int:
    """How many messages wait in a queue; 0 where it does not exist. Close the channel afterwards: a miss breaks it."""
    try:
        return int(channel.queue_declare(queue, passive=True).message_count)
    except NotFound:
        return 0


def _declare_net(channel: Any) -> None:
    for exchange in EXCHANGES:
        with _mismatch_is_fatal(exchange.name):
            channel.exchange_declare(
                exchange.name, exchange.type, durable=True, auto_delete=False, arguments=dict(exchange.arguments)
            )
    for queue in NET_QUEUES:
        _declare_queue(channel, queue)


def _declare_queue(channel: Any, queue: QueueDeclaration) -> None:
    with _mismatch_is_fatal(queue.name):
        channel.queue_declare(queue.name, durable=True, auto_delete=False, arguments=dict(queue.arguments))
    channel.queue_bind(queue.name, queue.exchange, queue.routing_key)


@contextmanager
def _mismatch_is_fatal(name: str) -> Iterator[None]:
    try:
        yield
    except PreconditionFailed as error:
        raise TopologyMismatchError(f"{name} exists with other arguments: {error}") from error
