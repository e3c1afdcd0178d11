"""The kombu transport `inproc://[localhost]/[virtual host]` over `memory.Broker`: importing this module registers it.

Consumers wake up at once. Every queue holds its own copy, a requeue goes back to the same queue, closing a channel
gives back what was not acknowledged, and redeclaring with other arguments is the same 406 as on RabbitMQ. kombu's own
`memory://` does none of these.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from amqp.exceptions import ChannelError, NotFound
from amqp.protocol import queue_declare_ok_t
from kombu.transport import TRANSPORT_ALIASES, base
from kombu.utils.url import parse_url

from services.seedwork.messaging import memory

TRANSPORT_ALIASES["inproc"] = f"{__name__}:Transport"


def broker_at(url: str) -> memory.Broker:
    """The broker behind an `inproc://` URL."""
    return memory.broker_of(parse_url(url)["virtual_host"] or "/")


@dataclass(frozen=True)
class Delivered:
    """A message in a consumer's hands, not settled yet."""

    tag: int
    queue: str
    consumer_tag: str
    message: memory.Message


class Message(base.Message):
    """What kombu's consumers are handed."""

    def __init__(self, delivered: Delivered, channel: Channel) -> None:
        message = delivered.message
        super().__init__(
            body=message.body,
            delivery_tag=delivered.tag,
            content_type=message.properties.get("content_type"),
            content_encoding=message.properties.get("content_encoding"),
            delivery_info={
                "consumer_tag": delivered.consumer_tag,
                "delivery_tag": delivered.tag,
                "redelivered": message.redelivered,
                "exchange": message.exchange,
                "routing_key": message.routing_key,
            },
            properties=dict(message.properties),
            headers=dict(message.headers),
            channel=channel,
        )


class Channel(base.StdChannel):
    """One user's conversation: its consumers and what it has not settled."""

    no_ack_consumers = None

    def __init__(self, transport: Transport) -> None:
        self.connection: Transport | None = transport
        self.broker = transport.broker
        self._wake_up = transport.wake_up
        self._consumers: dict[str, tuple[str, bool, Callable[[Delivered], None]]] = {}
        self._unacked: dict[int, Delivered] = {}
        self._tags = itertools.count(1)
        self._prefetch = 0
        self._last_served = ""

    # -- entities

    def exchange_declare(
        self,
        exchange: str,
        type: str = "direct",  # noqa: A002 - AMQP's name
        arguments: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        self.broker.declare_exchange(exchange, type, arguments or {})

    def queue_declare(
        self,
        queue: str = "",
        passive: bool = False,  # noqa: FBT001, FBT002 - AMQP's signature
        arguments: dict[str, Any] | None = None,
        **_: Any,
    ) -> queue_declare_ok_t:
        if not passive:
            self.broker.declare_queue(queue, arguments or {})
        return queue_declare_ok_t(queue, self.broker.depth(queue), 0)

    def queue_bind(self, queue: str, exchange: str = "", routing_key: str = "", **_: Any) -> None:
        self.broker.bind(queue, exchange, routing_key)

    def queue_delete(self, queue: str, **_: Any) -> None:
        self.broker.delete_queue(queue)

    # -- in

    def prepare_message(
        self,
        body: Any,
        _priority: int | None = None,
        content_type: str | None = None,
        content_encoding: str | None = None,
        headers: dict[str, Any] | None = None,
        properties: dict[str, Any] | None = None,
    ) -> memory.Message:
        stored = {"content_type": content_type, "content_encoding": content_encoding}
        data = body.encode() if isinstance(body, str) else bytes(body)
        return memory.Message(data, "", "", {**(properties or {}), **stored}, dict(headers or {}))

    def basic_publish(self, message: memory.Message, exchange: str = "", routing_key: str = "", **options: Any) -> None:
        placed = memory.Message(message.body, exchange, routing_key, message.properties, message.headers)
        outcome = self.broker.publish(placed)
        if outcome is memory.Outcome.REFUSED:
            raise ChannelError(f"RESOURCE_LOCKED - a queue for '{routing_key}' is full", (60, 40))
        if outcome is memory.Outcome.UNROUTABLE and options.get("mandatory"):
            raise ChannelError("Basic.return: (312) NO_ROUTE", (60, 50))

    # -- out

    def basic_qos(self, prefetch_size: int, prefetch_count: int, a_global: bool) -> None:  # noqa: FBT001, ARG002
        self._prefetch = prefetch_count
        self._wake_up()

    def basic_consume(
        self,
        queue: str,
        consumer_tag: str,
        callback: Callable[[Any], None],
        no_ack: bool = False,  # noqa: FBT001, FBT002 - AMQP's signature
        **_: Any,
    ) -> str:
        self._consumers[consumer_tag] = (queue, no_ack, callback)
        self.broker.subscribe(queue, self._wake_up)
        return consumer_tag

    def basic_cancel(self, consumer_tag: str, **_: Any) -> None:
        queue, _no_ack, _callback = self._consumers.pop(consumer_tag, ("", False, None))
        if queue not in {other for other, *_rest in self._consumers.values()}:
            self.broker.unsubscribe(queue, self._wake_up)

    def message_to_python(self, raw_message: Delivered | Message) -> Message:
        return raw_message if isinstance(raw_message, Message) else Message(raw_message, self)

    def basic_get(self, queue: str, no_ack: bool = False, **_: Any) -> Message | None:  # noqa: FBT001, FBT002
        message = self.broker.take(queue)
        return None if message is None else Message(self._hand_out(queue, "", message, no_ack=no_ack), self)

    def deliver_one(self) -> bool:
        """Hands the next message to its consumer, the consumers taking turns; False when there is none to hand."""
        tags = sorted(self._consumers)
        after_last = [tag for tag in tags if tag > self._last_served]
        for tag in after_last + [tag for tag in tags if tag <= self._last_served]:
            queue, no_ack, callback = self._consumers[tag]
            if self._prefetch and len(self._unacked) >= self._prefetch and not no_ack:
                continue
            message = self.broker.take(queue)
            if message is not None:
                self._last_served = tag
                callback(self._hand_out(queue, tag, message, no_ack=no_ack))
                return True
        return False

    def _hand_out(self, queue: str, consumer_tag: str, message: memory.Message, *, no_ack: bool) -> Delivered:
        delivered = Delivered(next(self._tags), queue, consumer_tag, message)
        if not no_ack:
            self._unacked[delivered.tag] = delivered
        return delivered

    # -- settle

    def basic_ack(self, delivery_tag: int, multiple: bool = False, **_: Any) -> None:  # noqa: FBT001, FBT002
        for tag in [each for each in tuple(self._unacked) if each <= delivery_tag] if multiple else [delivery_tag]:
            self._unacked.pop(tag, None)
        self._wake_up()

    def basic_reject(self, delivery_tag: int, requeue: bool = False, **_: Any) -> None:  # noqa: FBT001, FBT002
        delivered = self._unacked.pop(delivery_tag, None)
        if delivered is not None and requeue:
            self.broker.put_back(delivered.queue, delivered.message)
        elif delivered is not None:
            self.broker.reject(delivered.queue, delivered.message)
        self._wake_up()

    def close(self) -> None:
        """Everything not settled goes back, in its order."""
        transport, self.connection = self.connection, None
        for consumer_tag in tuple(self._consumers):
            self.basic_cancel(consumer_tag)
        while self._unacked:
            _tag, delivered = self._unacked.popitem()
            self.broker.put_back(delivered.queue, delivered.message)
        if transport is not None:
            transport.close_channel(self)


class Transport(base.Transport):
    """A connection to the process's broker; it cannot be lost."""

    driver_type = driver_name = "inproc"
    default_port = None
    connection_errors = (ConnectionError,)
    channel_errors = (ChannelError, NotFound)
    recoverable_connection_errors = ()  # else kombu tries NO_ROUTE again and wraps it
    recoverable_channel_errors = ()
    implements = base.Transport.implements.extend(asynchronous=False, heartbeats=False)

    def __init__(self, client: Any, **options: Any) -> None:
        super().__init__(client, **options)
        self.broker = memory.broker_of(client.virtual_host or "/")
        self.channels: list[Channel] = []
        self._something_to_do = threading.Event()
        self.wake_up = self._something_to_do.set

    @property
    def default_connection_params(self) -> dict[str, Any]:
        return {"hostname": "localhost", "port": None, "virtual_host": "/"}

    def driver_version(self) -> str:
        return "1"

    def establish_connection(self) -> Transport:
        return self

    def verify_connection(self, connection: Transport) -> bool:  # noqa: ARG002
        return True

    def create_channel(self, connection: Transport) -> Channel:  # noqa: ARG002
        channel = Channel(self)
        self.channels.append(channel)
        return channel

    def close_channel(self, channel: Channel) -> None:
        if channel in self.channels:
            self.channels.remove(channel)

    def close_connection(self, connection: Transport) -> None:  # noqa: ARG002
        for channel in tuple(self.channels):
            channel.close()

    def _last_in_turn(self, channel: Channel) -> None:
        if channel in self.channels:  # its consumer may have closed it
            self.channels.remove(channel)
            self.channels.append(channel)

    def drain_events(self, connection: Transport, timeout: float | None = None, **_: Any) -> None:  # noqa: ARG002
        """One message to one consumer; `socket.timeout` when none came in time."""
        end = None if timeout is None else monotonic() + timeout
        while True:
            self._something_to_do.clear()  # before looking, or an arrival in between would be missed
            for channel in tuple(self.channels):
                if channel.deliver_one():
                    self._last_in_turn(channel)
                    return
            left = None if end is None else end - monotonic()
            if left is not None and left <= 0:
                raise TimeoutError
            self._something_to_do.wait(left)
