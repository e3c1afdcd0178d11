"""Publishing a batch so that it is known what arrived.

Confirms are collected for the whole batch (waiting for each message is 6 to 8 times slower). No call blocks longer than
its deadline, also while the broker is frozen or blocks publishers: every read and write of the socket is bounded, and
after any doubt the socket is dropped without the closing handshake, which could block again.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Protocol

import amqp
from kombu import Connection
from kombu.utils.url import parse_url

from contracts.topology import EXCHANGE
from services.seedwork.messaging import inproc, memory, topology
from services.seedwork.messaging.errors import FatalError, PublishFailedError
from services.seedwork.turns import in_turns

DEADLINE_SECONDS = 5.0
CONNECT_SECONDS_MAX = 30.0
"""For connecting and declaring everything on a new broker; each single answer has the deadline of a publish."""
PERSISTENT = 2


@dataclass(frozen=True)
class Outgoing:
    """One message to publish. The routing key of an integration event is its family."""

    routing_key: str
    message_id: str
    body: bytes
    headers: Mapping[str, Any] = field(default_factory=dict)


class Publisher(Protocol):
    def publish(self, batch: Sequence[Outgoing]) -> None:
        """Returns when every message is safe in every queue bound for it, else raises PublishFailedError."""
        ...

    def close(self) -> None: ...


def publisher_to(url: str, *, deadline_seconds: float = DEADLINE_SECONDS) -> Publisher:
    """The publisher for a broker URL, `amqp://`, `amqps://` or `inproc://`."""
    if url.startswith("inproc:"):
        return InprocPublisher(url)
    return BatchPublisher(url, deadline_seconds=deadline_seconds)


class _Connection(amqp.Connection):
    """Without the capability connection.blocked py-amqp does not poll the socket before each publish.

    A blocked connection shows as missing confirms anyway, within the deadline.
    """

    negotiate_capabilities: Mapping[str, bool] = {"consumer_cancel_notify": True, "authentication_failure_close": True}


class _Deadline:
    """How long the next read or write may take, so that all of them together end in time."""

    def __init__(self, seconds: float, each_seconds: float | None = None) -> None:
        self._end = monotonic() + seconds
        self._each_seconds = each_seconds or seconds

    def left(self) -> float:
        left = self._end - monotonic()
        if left <= 0:
            raise TimeoutError("the deadline passed")
        return min(left, self._each_seconds)


@dataclass
class _Batch:
    """The messages under way: by delivery tag until confirmed; ids the broker gave back."""

    open: dict[int, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    returned: set[str] = field(default_factory=set)

    def settle(self, tag: int, multiple: bool) -> list[str]:  # noqa: FBT001
        tags = [each for each in self.open if each <= tag] if multiple else [tag]
        return [self.open.pop(each) for each in tags if each in self.open]


class BatchPublisher:
    """Publishes over a connection of its own, for one user at a time (others wait). Connects when first needed.

    Each new connection declares the whole topology. A topology mismatch is raised as it is: trying again cannot help.
    """

    def __init__(self, url: str, *, deadline_seconds: float = DEADLINE_SECONDS, exchange: str = EXCHANGE) -> None:
        self._parameters = _connection_parameters(url)
        self._deadline_seconds = deadline_seconds
        self._exchange = exchange
        self._one_user = threading.Lock()
        self._connection: Any = None
        self._channel: Any = None
        self._last_tag = 0
        self._batch = _Batch()

    def publish(self, batch: Sequence[Outgoing]) -> None:
        with self._alone(batch):
            self._batch = under_way = _Batch()
            published: set[str] = set()
            try:
                self._connect(_Deadline(CONNECT_SECONDS_MAX, self._deadline_seconds))
                deadline = _Deadline(self._deadline_seconds)
                for outgoing in in_turns(batch):
                    self._send(outgoing, deadline)
                    published.add(outgoing.message_id)
                while under_way.open:
                    self._connection.drain_events(timeout=deadline.left())
            except FatalError:
                self._drop()
                raise
            except (OSError, AttributeError, amqp.AMQPError) as error:  # py-amqp: AttributeError on a lost connection
                self._drop()
                unsent = {each.message_id for each in batch} - published
                unknown = unsent | set(under_way.open.values()) | under_way.refused
                raise PublishFailedError(repr(error), unconfirmed=unknown, returned=under_way.returned) from error
            except BaseException:  # killed in the middle: the connection's state is unknown
                self._drop()
                raise
        if under_way.refused or under_way.returned:
            raise PublishFailedError(
                "refused by the broker", unconfirmed=under_way.refused, returned=under_way.returned
            )

    def close(self) -> None:
        """Every confirm is in, so nothing is lost by dropping the socket."""
        self._drop()

    @contextlib.contextmanager
    def _alone(self, batch: Sequence[Outgoing]) -> Iterator[None]:
        if not self._one_user.acquire(timeout=self._deadline_seconds):
            raise PublishFailedError("another batch holds the connection", unconfirmed=[b.message_id for b in batch])
        try:
            yield
        finally:
            self._one_user.release()

    def _connect(self, deadline: _Deadline) -> None:
        if self._connection is not None:
            return
        self._connection = _Connection(connect_timeout=deadline.left(), heartbeat=0, **self._parameters)
        self._connection.connect()
        self._bound_socket(deadline)
        self._channel = self._connection.channel()
        topology.declare_everything(_BoundedChannel(self._channel, lambda: self._bound_socket(deadline)))
        self._channel.confirm_select()
        self._last_tag = 0
        self._channel.events["basic_ack"].add(self._on_ack)
        self._channel.events["basic_nack"].add(self._on_nack)
        self._channel.events["basic_return"].add(self._on_return)

    def _bound_socket(self, deadline: _Deadline) -> None:
        self._connection.transport.sock.settimeout(deadline.left())

    def _send(self, outgoing: Outgoing, deadline: _Deadline) -> None:
        message = amqp.Message(
            outgoing.body,
            message_id=outgoing.message_id,
            delivery_mode=PERSISTENT,
            content_type="application/json",
            application_headers=dict(outgoing.headers),
        )
        self._bound_socket(deadline)
        self._last_tag += 1
        self._batch.open[self._last_tag] = outgoing.message_id
        self._channel.basic_publish(message, self._exchange, outgoing.routing_key, mandatory=True)

    def _on_ack(self, tag: int, multiple: bool) -> None:  # noqa: FBT001
        self._batch.settle(tag, multiple)

    def _on_nack(self, tag: int, multiple: bool) -> None:  # noqa: FBT001
        self._batch.refused.update(self._batch.settle(tag, multiple))

    def _on_return(self, _error: Exception, _exchange: str, _routing_key: str, message: Any) -> None:
        self._batch.returned.add(message.properties["message_id"])

    def _drop(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.collect()


class _BoundedChannel:
    """A channel that renews its socket's time limit before each call."""

    def __init__(self, channel: Any, bound: Any) -> None:
        self._channel = channel
        self._bound = bound

    def __getattr__(self, name: str) -> Any:
        self._bound()
        return getattr(self._channel, name)


class InprocPublisher:
    """Publishes to the broker of this process, under the same promises."""

    def __init__(self, url: str, *, exchange: str = EXCHANGE) -> None:
        self._url = url
        self._broker = inproc.broker_at(url)
        self._exchange = exchange
        self._declared = False

    def publish(self, batch: Sequence[Outgoing]) -> None:
        try:
            self._declare()
            outcomes = {outgoing.message_id: self._broker.publish(self._message(outgoing)) for outgoing in batch}
        except amqp.NotFound as error:  # the broker was cleared
            self._declared = False
            raise PublishFailedError(repr(error), unconfirmed=[each.message_id for each in batch]) from error
        refused = [key for key, outcome in outcomes.items() if outcome is memory.Outcome.REFUSED]
        returned = [key for key, outcome in outcomes.items() if outcome is memory.Outcome.UNROUTABLE]
        if refused or returned:
            raise PublishFailedError("refused by the broker", unconfirmed=refused, returned=returned)

    def close(self) -> None:
        """Nothing is held."""

    def _declare(self) -> None:
        if not self._declared:
            with Connection(self._url) as connection:
                topology.declare_everything(connection.channel())
            self._declared = True

    def _message(self, outgoing: Outgoing) -> memory.Message:
        properties = {"message_id": outgoing.message_id, "content_type": "application/json"}
        return memory.Message(outgoing.body, self._exchange, outgoing.routing_key, properties, dict(outgoing.headers))


def _connection_parameters(url: str) -> dict[str, Any]:
    parts = parse_url(url)
    secure = bool(parts["transport"] == "amqps")
    return {
        "host": f"{parts['hostname'] or '127.0.0.1'}:{parts['port'] or (5671 if secure else 5672)}",
        "userid": parts["userid"] or "guest",
        "password": parts["password"] or "guest",
        "virtual_host": parts["virtual_host"] or "/",
        "ssl": secure,
    }
