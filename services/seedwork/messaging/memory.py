"""A broker in memory: exchanges, queues and routing as RabbitMQ does them, as far as rxflow uses it.

Nothing is durable. That is safe because producers keep what they published and consumers fetch what they miss. Every
call is short and holds one lock, so native threads and greenlets of a patched process may use it alike.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from amqp.exceptions import NotFound, PreconditionFailed

QUEUE_CAPACITY = 200_000
"""A queue holds no more: publishers are refused and try again later, instead of eating the process's memory."""


class Outcome(Enum):
    """What became of a published message: in every queue it belongs to, in none because none is bound, refused."""

    ROUTED = "routed"
    UNROUTABLE = "unroutable"
    REFUSED = "refused"


@dataclass(frozen=True)
class Message:
    """One copy of a message, in one queue."""

    body: bytes
    exchange: str
    routing_key: str
    properties: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, Any] = field(default_factory=dict)
    redelivered: bool = False


@dataclass
class Exchange:
    type: str
    arguments: dict[str, Any]
    bindings: set[tuple[str, str]] = field(default_factory=set)

    def matching(self, routing_key: str) -> set[str]:
        return {queue for key, queue in self.bindings if self.type == "fanout" or self._matches(key, routing_key)}

    def _matches(self, key: str, routing_key: str) -> bool:
        return topic_matches(key.split("."), routing_key.split(".")) if self.type == "topic" else key == routing_key


@dataclass
class Queue:
    arguments: dict[str, Any]
    messages: deque[Message] = field(default_factory=deque)
    wake_ups: set[Callable[[], None]] = field(default_factory=set)


def topic_matches(pattern: list[str], words: list[str]) -> bool:
    """`*` stands for one word, `#` for none or more."""
    if not pattern:
        return not words
    if pattern[0] == "#":
        return any(topic_matches(pattern[1:], words[skip:]) for skip in range(len(words) + 1))
    return bool(words) and pattern[0] in ("*", words[0]) and topic_matches(pattern[1:], words[1:])


class Broker:
    """The exchanges and queues of one virtual host."""

    def __init__(self, queue_capacity: int = QUEUE_CAPACITY) -> None:
        self._lock = threading.RLock()
        self._exchanges: dict[str, Exchange] = {}
        self._queues: dict[str, Queue] = {}
        self._queue_capacity = queue_capacity

    # -- entities

    def declare_exchange(self, name: str, exchange_type: str, arguments: dict[str, Any]) -> None:
        with self._lock:
            exchange = self._exchanges.setdefault(name, Exchange(exchange_type, arguments))
            if (exchange.type, exchange.arguments) != (exchange_type, arguments):
                raise PreconditionFailed(f"PRECONDITION_FAILED - inequivalent arg for exchange '{name}'", (40, 10))

    def declare_queue(self, name: str, arguments: dict[str, Any]) -> None:
        with self._lock:
            queue = self._queues.setdefault(name, Queue(arguments))
            if queue.arguments != arguments:
                raise PreconditionFailed(f"PRECONDITION_FAILED - inequivalent arg for queue '{name}'", (50, 10))

    def delete_queue(self, name: str) -> None:
        with self._lock:
            self._queues.pop(name, None)
            for exchange in self._exchanges.values():
                exchange.bindings = {(key, queue) for key, queue in exchange.bindings if queue != name}

    def bind(self, queue: str, exchange: str, routing_key: str) -> None:
        with self._lock:
            self._queue(queue)
            self._exchange(exchange).bindings.add((routing_key, queue))

    def clear(self) -> None:
        """Forgets everything, as a broker that lost its disk."""
        with self._lock:
            self._exchanges.clear()
            self._queues.clear()

    def depth(self, queue: str) -> int:
        with self._lock:
            return len(self._queue(queue).messages)

    def queues(self) -> frozenset[str]:
        with self._lock:
            return frozenset(self._queues)

    # -- in

    def publish(self, message: Message, *, bounded: bool = True) -> Outcome:
        """A copy to every matching queue, or to none of them when one is full."""
        with self._lock:
            names = self._route(message.exchange, message.routing_key)
            targets = [self._queues[name] for name in names if name in self._queues]
            if not targets:
                return Outcome.UNROUTABLE
            if bounded and any(len(queue.messages) >= self._queue_capacity for queue in targets):
                return Outcome.REFUSED
            for queue in targets:
                queue.messages.append(replace(message, headers=dict(message.headers)))
        for queue in targets:
            _wake(queue)
        return Outcome.ROUTED

    def _route(self, exchange: str, routing_key: str) -> set[str]:
        if not exchange:
            return {routing_key}
        seen: set[str] = set()
        while exchange and exchange not in seen:  # alternates may point in a circle
            seen.add(exchange)
            found = self._exchange(exchange)
            queues = found.matching(routing_key)
            if queues:
                return queues
            exchange = found.arguments.get("alternate-exchange", "")
        return set()

    # -- out

    def subscribe(self, queue: str, wake_up: Callable[[], None]) -> None:
        """`wake_up()` is called after each arrival; it must not block."""
        with self._lock:
            self._queue(queue).wake_ups.add(wake_up)
        wake_up()

    def unsubscribe(self, queue: str, wake_up: Callable[[], None]) -> None:
        with self._lock:
            found = self._queues.get(queue)
            if found is not None:
                found.wake_ups.discard(wake_up)

    def take(self, queue: str) -> Message | None:
        with self._lock:
            found = self._queues.get(queue)
            return found.messages.popleft() if found and found.messages else None

    def put_back(self, queue: str, message: Message) -> None:
        """Not handled: to the head of the same queue, the delivery counted; at the limit to the dead letters."""
        with self._lock:
            found = self._queues.get(queue)
            if found is None:
                return
            count = int(message.headers.get("x-delivery-count", 0)) + 1
            if count > found.arguments.get("x-delivery-limit", count):
                self._dead_letter(queue, found, message, "delivery_limit")
                return
            headers = {**message.headers, "x-delivery-count": count}
            found.messages.appendleft(replace(message, headers=headers, redelivered=True))
        _wake(found)

    def reject(self, queue: str, message: Message) -> None:
        """Will never be handled: to the dead letters, if the queue has any."""
        with self._lock:
            found = self._queues.get(queue)
            if found is not None:
                self._dead_letter(queue, found, message, "rejected")

    def _dead_letter(self, name: str, queue: Queue, message: Message, reason: str) -> None:
        exchange = queue.arguments.get("x-dead-letter-exchange")
        if exchange is None or exchange not in self._exchanges:
            return
        death = {"queue": name, "reason": reason, "exchange": message.exchange, "routing-keys": [message.routing_key]}
        headers = {key: value for key, value in message.headers.items() if key != "x-delivery-count"}
        headers["x-death"] = [{**death, "count": 1}, *headers.get("x-death", [])]
        headers.setdefault("x-first-death-queue", name)
        headers.setdefault("x-first-death-reason", reason)
        routing_key = queue.arguments.get("x-dead-letter-routing-key", message.routing_key)
        dead = replace(message, exchange=exchange, routing_key=routing_key, headers=headers, redelivered=False)
        self.publish(dead, bounded=False)  # a full queue must not lose the evidence

    # -- look up

    def _exchange(self, name: str) -> Exchange:
        try:
            return self._exchanges[name]
        except KeyError:
            raise NotFound(f"NOT_FOUND - no exchange '{name}'", (60, 40)) from None

    def _queue(self, name: str) -> Queue:
        try:
            return self._queues[name]
        except KeyError:
            raise NotFound(f"NOT_FOUND - no queue '{name}'", (50, 10)) from None


def _wake(queue: Queue) -> None:
    for wake_up in tuple(queue.wake_ups):
        wake_up()


_BROKERS: dict[str, Broker] = {}


def broker_of(virtual_host: str) -> Broker:
    """The process's broker of that virtual host; made when first asked for."""
    return _BROKERS.setdefault(virtual_host, Broker())


def forget_everything() -> None:
    """For tests: every virtual host of this process starts again from nothing."""
    for each in _BROKERS.values():
        each.clear()
    _BROKERS.clear()
