"""The broker port: queues as RabbitMQ keeps them (a queue per consumer and family, acknowledgements, confirms), without
any order of their own, and with everything that can happen to a message on the way."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from contracts.topology import FAMILY
from rxflow.simulation.mishaps import Fortune, Mishap
from rxflow.simulation.processes import Process
from rxflow.simulation.virtual_time import wait_for
from services.seedwork.messaging.errors import PublishFailedError
from services.seedwork.messaging.publisher import Outgoing

LATENCY_SECONDS = 0.005
DELAY_SECONDS_MAX = 15.0
"""Longer than catch-up leaves to the broker: what it fetches arrives once more."""
EVERYBODY = "broker"


@dataclass(eq=False)
class Message:
    """One copy in one queue; visible from a moment on, so that later ones may overtake it."""

    body: bytes
    visible_at: float


@dataclass
class Queue:
    waiting: list[Message] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)


class Broker:
    """All queues of the installation."""

    def __init__(self, fortune: Fortune) -> None:
        self._fortune = fortune
        self.queues: defaultdict[tuple[str, str], Queue] = defaultdict(Queue)
        self.is_under_way = 0
        """Messages taken and not yet acknowledged."""
        self.had: set[str] = set()
        """Every message that it has had at least once, by id."""
        self.acknowledged: Callable[[str, Sequence[Message]], None] = lambda _consumer, _messages: None
        """Told of what a consumer says it has handled."""

    @property
    def empty(self) -> bool:
        return not self.is_under_way and not any(queue.waiting for queue in self.queues.values())

    def reached_by(self, service: str) -> bool:
        """Whether it is there, and no partition between."""
        holds = self._fortune.holds
        return not holds(Mishap.BROKER_AWAY, EVERYBODY) and not holds(Mishap.BROKER_CUT_OFF, service)

    def lose_everything(self) -> None:
        """It comes back without the content of its queues."""
        for queue in self.queues.values():
            queue.waiting.clear()

    async def take(self, consumer: str, family: str, most: int) -> list[Message]:
        """Some of what is there; waits until there is something. To be settled with `ack` or `give_back`."""
        queue = self.queues[consumer, family]
        clock = asyncio.get_running_loop().time
        while True:
            if self.reached_by(consumer):
                here = [each for each in queue.waiting if each.visible_at <= clock()]
                if here:
                    here.sort(key=lambda each: each.visible_at)
                    del here[most:]
                    queue.waiting = [each for each in queue.waiting if each not in here]
                    self.is_under_way += len(here)
                    return here
            queue.arrived.clear()
            later = min((each.visible_at for each in queue.waiting), default=clock() + 1.0)
            try:
                async with asyncio.timeout(max(later - clock(), 0.01)):
                    await queue.arrived.wait()
            except TimeoutError:
                continue

    def ack(self, consumer: str, messages: Sequence[Message]) -> None:
        self.is_under_way -= len(messages)
        self.acknowledged(consumer, messages)

    def give_back(self, consumer: str, family: str, messages: Sequence[Message]) -> None:
        """They come again."""
        self.is_under_way -= len(messages)
        queue = self.queues[consumer, family]
        queue.waiting += messages
        queue.arrived.set()

    def route(self, outgoing: Outgoing) -> None:
        """Into every queue that is bound for it."""
        self.had.add(outgoing.message_id)
        now, chance = asyncio.get_running_loop().time(), self._fortune.chance
        for consumer in FAMILY[outgoing.routing_key].consumers:
            queue = self.queues[consumer, outgoing.routing_key]
            copies = 2 if self._fortune.strikes(Mishap.DUPLICATED, f"{outgoing.routing_key} to {consumer}") else 1
            for _ in range(copies):
                delay = LATENCY_SECONDS * chance.random()
                if self._fortune.strikes(Mishap.DELAYED, f"{outgoing.routing_key} to {consumer}"):
                    delay += DELAY_SECONDS_MAX * chance.random() ** 3
                queue.waiting.append(Message(outgoing.body, now + delay))
            queue.arrived.set()


class Publishing:
    """`services.seedwork.messaging.publisher.Publisher` of one process."""

    def __init__(self, broker: Broker, process: Process, fortune: Fortune) -> None:
        self._broker, self._process, self._fortune = broker, process, fortune

    def publish(self, batch: Sequence[Outgoing]) -> None:
        """Returns when all is confirmed."""
        wait_for(self._published(batch))

    async def _published(self, batch: Sequence[Outgoing]) -> None:
        """A connection that breaks takes the confirms of the whole batch with it: all of it is published again."""
        unsure = PublishFailedError("the connection broke", unconfirmed=[one.message_id for one in batch])
        for each in batch:
            await self._travel()
            if not self._broker.reached_by(self._process.service):
                raise unsure
            if self._fortune.strikes(Mishap.DROPPED_BEFORE_CONFIRM, each.routing_key):
                raise unsure
            self._broker.route(each)
            if self._fortune.strikes(Mishap.CONFIRM_LOST, each.routing_key):
                raise unsure
        await self._travel()

    async def _travel(self) -> None:
        await asyncio.sleep(LATENCY_SECONDS * self._fortune.chance.random())
        self._process.check()

    def close(self) -> None: ...
