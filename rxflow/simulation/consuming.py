"""How a worker takes events from a queue: the way of `services.seedwork.messaging.entrypoint`, without its sockets.

One batch at a time; what fails is tried one by one, what fails alone goes back to its queue; while the store is away
the batch waits. Acknowledged when it is handled; who dies before has taken nothing.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

from contracts.envelope import Envelope
from rxflow.simulation.broker import Broker, Message
from rxflow.simulation.processes import in_greenlet
from services.seedwork.duties import Duties
from services.seedwork.messaging.errors import TryLaterError

BATCH_MAX = 20
PAUSE_SECONDS, PAUSE_SECONDS_MAX = 0.2, 10.0


class Consuming:
    """One family's queue of one consumer, taken by one process."""

    def __init__(self, broker: Broker, duties: Duties, family: str, chance: random.Random) -> None:
        self._broker, self._duties, self._family, self._chance = broker, duties, family, chance
        self._consumer = duties.service.name

    async def forever(self) -> None:
        while True:
            most = self._chance.randint(1, BATCH_MAX)
            unsettled = await self._broker.take(self._consumer, self._family, most)
            try:
                await self._handle(unsettled)
            except BaseException:
                self._broker.give_back(self._consumer, self._family, unsettled)
                raise

    async def _handle(self, unsettled: list[Message]) -> None:
        if await self._call(unsettled) is None:
            self._settle(unsettled, list(unsettled))
            return
        for message in list(unsettled):
            if await self._call([message]) is None:
                self._settle(unsettled, [message])
                continue
            await asyncio.sleep(PAUSE_SECONDS)
            unsettled.remove(message)
            self._broker.give_back(self._consumer, self._family, [message])

    def _settle(self, unsettled: list[Message], handled: Sequence[Message]) -> None:
        """An acknowledgement that does not reach the broker is none: the messages come again."""
        for message in handled:
            unsettled.remove(message)
        if self._broker.reached_by(self._consumer):
            self._broker.ack(self._consumer, handled)
        else:
            self._broker.give_back(self._consumer, self._family, handled)

    async def _call(self, messages: Sequence[Message]) -> Exception | None:
        envelopes = [Envelope.from_wire(message.body) for message in messages]
        pause = PAUSE_SECONDS
        while True:
            try:
                await in_greenlet(self._duties.take, envelopes)
            except TryLaterError:
                await asyncio.sleep(pause)
                pause = min(2 * pause, PAUSE_SECONDS_MAX)
            except Exception as error:  # noqa: BLE001 - whatever a handler raises, its event comes again
                return error
            else:
                return None
