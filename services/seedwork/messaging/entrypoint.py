"""`reliable_events`: a worker's method takes the events of one family, in batches, and loses none.

Acknowledged only after the method returned. What cannot be decoded goes to the poison queue, body kept. A batch that
fails is handled event by event; an event that fails alone waits and goes back to its queue while its neighbours go on.
Lost connections, acknowledgements on a dead socket and a broker that is away are ordinary; only a topology mismatch is
fatal. One batch runs at a time, so the order of the queue is the order of handling.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any, TypeVar

import eventlet
from amqp.exceptions import InternalError
from eventlet.event import Event
from eventlet.queue import Empty, LightQueue
from kombu import Connection, Queue
from kombu.mixins import ConsumerMixin
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import Entrypoint

import services.seedwork.messaging.inproc  # noqa: F401 - registers the transport inproc://
from contracts.envelope import Envelope
from contracts.topology import queue_name
from services.seedwork.messaging import topology
from services.seedwork.messaging.errors import FatalError, TryLaterError
from services.seedwork.turns import in_turns

BROKER_URL = "AMQP_URI"
"""Nameko's name for it in the container's configuration."""
HEARTBEAT_SECONDS = 10
"""A connection that swallows everything is given up after twice this long; until then nobody is told anything."""
CLOSE_SECONDS_MAX = 2.0
BACKOFF_SECONDS_MAX = 10.0
RECONNECT = {"interval_start": 0.2, "interval_step": 0.5, "interval_max": 5.0}
REFUSALS_MAX = 5
"""After so many internal errors in a row, some a second, a queue that is declared is served by nobody."""

Take = TypeVar("Take", bound=Callable[..., None])

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Delivery:
    """One event as it arrived: the bytes of the wire and the envelope they hold."""

    body: bytes
    envelope: Envelope
    headers: Mapping[str, Any]
    redelivered: bool


class ReliableEvents(Entrypoint, ConsumerMixin):
    """Consumes the queue `<consumer>.<family>` over a connection of its own.

    - `batch`, `linger_seconds`: how many events a call gets at most, and how long a first one waits for company
      where the call before had company; one that comes alone is handled at once.
    - `prefetch`: how many the broker hands over unacknowledged; twice the batch unless told.
    - `backoff_seconds`: the first pause after a failure; it doubles with each delivery, up to 10 s.
    """

    def __init__(
        self,
        consumer: str,
        family: str,
        *,
        batch: int = 100,
        linger_seconds: float = 0.005,
        prefetch: int | None = None,
        backoff_seconds: float = 0.2,
        **options: Any,
    ) -> None:
        self.consumer, self.family = consumer, family
        self.queue = queue_name(consumer, family)
        self.batch, self.linger_seconds = batch, linger_seconds
        self.prefetch = prefetch or 2 * batch
        self.backoff_seconds = backoff_seconds
        self.consuming = False
        super().__init__(**options)

    # -- nameko's life cycle

    def setup(self) -> None:
        config = self.container.config
        heartbeat = config.get("HEARTBEAT", HEARTBEAT_SECONDS)
        self.connection = Connection(config[BROKER_URL], heartbeat=heartbeat, connect_timeout=5)
        self._lost = (*self.connection.connection_errors, *self.connection.channel_errors)
        self._arrived: LightQueue = LightQueue()
        self._channel: Any = None
        self._consumers: list[Any] = []
        self._stopping = Event()
        self._crowded = True  # after a start there is most probably a backlog
        self._refusals = 0

    def start(self) -> None:
        self._reading = self.container.spawn_managed_thread(self.run, identifier=f"read {self.queue}")
        self._handling = self.container.spawn_managed_thread(self._handle_batches, identifier=f"handle {self.queue}")

    def stop(self) -> None:
        """Finishes and acknowledges the batch at hand, gives back the rest and disconnects.

        Also while the broker is down: then reading waits inside kombu's reconnecting and is simply ended.
        """
        self._stop_handling()
        with suppress(Exception):  # then the container is being killed already
            self._handling.wait()
        self.should_stop = True
        deadline = monotonic() + CLOSE_SECONDS_MAX
        while self.consuming and monotonic() < deadline:
            eventlet.sleep(0.02)
        self._reading.kill()

    def kill(self) -> None:
        self.should_stop = True
        self._stop_handling()

    def _stop_handling(self) -> None:
        if not self._stopping.ready():
            self._stopping.send(None)
        self._arrived.put(None)

    # -- reading: kombu's callbacks, run again after every reconnect

    def run(self, *args: Any, **options: Any) -> None:
        while not self.should_stop:
            try:
                super().run(*args, **options)
            except AttributeError:  # py-amqp stumbles over the parts of a connection that was just lost
                if self._channel is not None and self._channel.connection is not None:
                    raise
                logger.warning("the connection of %s was lost", self.queue)

    @contextmanager
    def establish_connection(self) -> Iterator[Any]:
        connection = self.create_connection()
        try:
            connection.ensure_connection(self.on_connection_error, None, **RECONNECT)
            yield connection
            with eventlet.Timeout(CLOSE_SECONDS_MAX, False):  # noqa: FBT003 - eventlet's way to say: do not raise
                connection.release()
        finally:
            connection.collect()  # whatever happened: no closing handshake with a broker that may not answer

    def on_connection_error(self, exc: Exception, interval: float) -> None:
        logger.warning("the broker is away for %s: %r, again in %.1f s", self.queue, exc, interval)

    def get_consumers(self, consumer_class: Any, channel: Any) -> list[Any]:
        if self._refusals >= REFUSALS_MAX:
            logger.error("alarm: %s is served by nobody, it is made anew; what was in it is fetched", self.queue)
            topology.delete_consumer_queue(channel, self.consumer, self.family)
            self._refusals = 0
        topology.declare_consumer_queue(channel, self.consumer, self.family)
        self._channel = channel
        queue = Queue(self.queue, no_declare=True)
        self._consumers = [
            consumer_class([queue], on_message=self._arrived.put, prefetch_count=self.prefetch, auto_declare=False)
        ]
        return self._consumers

    def on_consume_ready(self, *_args: Any, **_options: Any) -> None:
        self.consuming = True
        self._refusals = 0

    def on_iteration(self) -> None:
        if self._stopping.ready() and self._consumers:
            consumers, self._consumers = self._consumers, []
            for consumer in consumers:
                consumer.cancel()

    def consume(self, *args: Any, **options: Any) -> Iterator[None]:
        try:
            yield from super().consume(*args, **{**options, "safety_interval": 0.5})
        except InternalError:
            self._refusals += not self.consuming
            raise
        finally:
            self.consuming = False

    # -- handling

    def _handle_batches(self) -> None:
        while True:
            messages = self._next_batch()
            if self._stopping.ready():
                return
            self._handle(messages)
            eventlet.sleep(0)  # heartbeats and other queues have their turn even when this one never runs dry

    def _next_batch(self) -> list[Any]:
        messages = [self._arrived.get()]
        end = monotonic() + (self.linger_seconds if self._crowded else 0.0)
        while len(messages) < self.batch and messages[-1] is not None:
            left = end - monotonic()
            try:
                messages.append(self._arrived.get(timeout=left) if left > 0 else self._arrived.get_nowait())
            except Empty:
                break
        self._crowded = len(messages) > 1
        return [message for message in messages if message is not None and self._is_ours(message)]

    def _handle(self, messages: Sequence[Any]) -> None:
        decoded = [
            (message, delivery) for message in in_turns(messages) if (delivery := self._decode(message)) is not None
        ]
        if not decoded:
            return
        if self._call([delivery for _message, delivery in decoded]) is None:
            for message, _delivery in in_turns(decoded):
                self._settle(message, message.ack)
            return
        for message, delivery in decoded:  # find out whose fault it was
            if self._stopping.ready():
                return
            failure = self._call([delivery]) if len(decoded) > 1 else Exception("failed alone")
            if failure is None:
                self._settle(message, message.ack)
            else:
                self.container.spawn_managed_thread(partial(self._give_back, message), identifier="back off")
            eventlet.sleep(0)

    def _decode(self, message: Any) -> Delivery | None:
        body = message.body.encode() if isinstance(message.body, str) else bytes(message.body or b"")
        try:
            envelope = Envelope.from_wire(body)
        except ValueError as error:
            logger.error("undecodable message on %s set aside in the poison queue: %s", self.queue, error)
            self._settle(message, partial(message.reject, requeue=False))
            return None
        return Delivery(body, envelope, dict(message.headers or {}), bool(message.delivery_info.get("redelivered")))

    def _call(self, deliveries: list[Delivery]) -> BaseException | None:
        """Runs the service's method; again and again while what it needs is away. Returns the error it ended with."""
        tries = 0
        while True:
            failure: BaseException | None = self._run_worker(deliveries)
            if isinstance(failure, FatalError):
                raise failure
            if not isinstance(failure, TryLaterError) or self._stopping.ready():
                return failure
            self._stopping.wait(timeout=self._pause(tries))
            tries += 1

    def _run_worker(self, deliveries: list[Delivery]) -> BaseException | None:
        outcome = Event()

        def handle_result(_context: Any, result: Any = None, exc_info: Any = None) -> Any:
            outcome.send((exc_info[1] if exc_info else None,))
            return result, exc_info

        try:
            context = self.container.spawn_worker(self, (deliveries,), {}, handle_result=handle_result)
        except ContainerBeingKilled:
            return RuntimeError("the container is being killed")
        while not outcome.ready():
            outcome.wait(timeout=1)
            # a worker that ended by something that is no Exception (eventlet.Timeout) never reports its result
            if not outcome.ready() and context not in self.container._worker_threads:
                return RuntimeError("the handler was ended from outside")
        failure: BaseException | None = outcome.wait()[0]
        return failure

    def _give_back(self, message: Any) -> None:
        deliveries = message.headers.get("x-delivery-count", 0)
        self._stopping.wait(timeout=self._pause(deliveries if isinstance(deliveries, int) else 0))
        self._settle(message, partial(message.reject, requeue=True))

    def _pause(self, tries: int) -> float:
        return float(min(self.backoff_seconds * 2 ** min(tries, 10), BACKOFF_SECONDS_MAX))

    def _is_ours(self, message: Any) -> bool:
        """Whether the connection it came by still lives; if not, the broker delivers it again."""
        return message.channel is self._channel and getattr(message.channel, "connection", None) is not None

    def _settle(self, message: Any, settle: Callable[[], None]) -> None:
        if not self._is_ours(message):
            return
        try:
            settle()
        except (*self._lost, AttributeError) as error:
            logger.warning("could not settle a message of %s, it will come again: %r", self.queue, error)


def reliable_events(consumer: str, family: str, **options: Any) -> Callable[[Take], Take]:
    """Decorates `def take(self, deliveries: list[Delivery]) -> None`; several may stand on one method."""
    decorate: Callable[[Take], Take] = ReliableEvents.decorator(consumer, family, **options)
    return decorate


def consuming(containers: Sequence[Any]) -> dict[str, bool]:
    """For readiness: each queue of these containers and whether it is being consumed now."""
    entrypoints = [each for container in containers for each in container.entrypoints]
    return {each.queue: each.consuming for each in entrypoints if isinstance(each, ReliableEvents)}
