"""What one service's worker does, as steps: loops of production call them, and so does the simulation.

No Nameko, no eventlet and no thread: whoever calls decides how to wait.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa

from contracts.envelope import Envelope
from contracts.topology import consumed_by
from services.seedwork.consumer import Consumer
from services.seedwork.families import families_of
from services.seedwork.feeds import CatchUp, FeedClient
from services.seedwork.forgetting import Forgetting
from services.seedwork.messaging.errors import TryLaterError
from services.seedwork.messaging.publisher import Publisher
from services.seedwork.projector import Projector
from services.seedwork.relay import Relay
from services.seedwork.retention import prune
from services.seedwork.store.batch import Wanted
from services.seedwork.store.checkpoints import Checkpoints
from services.seedwork.store.condition import CONSUMING, restoring
from services.seedwork.store.drivers import Driver
from services.seedwork.store.errors import StoreError
from services.seedwork.store.executor import StoreCore
from services.seedwork.store.leader import WAKE_CHANNEL
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.sealer import seal
from services.seedwork.store.tables import meta
from services.seedwork.timers import Timers
from services.seedwork.webhooks.sender import Rim, Sender

POLL_SECONDS = 0.02
"""How often the leader looks for what another process committed, where nothing wakes it."""
LISTEN_SECONDS = 0.25
TIMER_SECONDS = 0.25
FORGET_SECONDS = 1.0
CATCH_UP_SECONDS = 5.0
HEARTBEAT_SECONDS = 2.0
CHECKPOINT_SECONDS = 5.0
RETENTION_SECONDS = 600.0


def _heartbeat(insert: Any) -> sa.ClauseElement:
    upsert = insert(meta).values(name=CONSUMING, value=sa.bindparam("now", type_=sa.BigInteger))
    beat: sa.ClauseElement = upsert.on_conflict_do_update(
        index_elements=[meta.c.name], set_={"value": upsert.excluded.value}
    )
    return beat


_HEARTBEAT = Prepared(_heartbeat)


class Leadership(Protocol):
    """The right to lead a store."""

    @property
    def listens(self) -> bool:
        """Whether `wait` really waits."""
        ...

    def held(self) -> bool: ...
    def resign(self) -> None: ...
    def wait(self, seconds: float) -> bool: ...


class Wakes(Protocol):
    """Ends somebody's idle wait early."""

    def set(self) -> None: ...


@dataclass(frozen=True)
class Loop:
    """One duty: a step that says whether there may be more, and how long to rest when there is not."""

    name: str
    step: Callable[[], bool]
    idle_seconds: float
    wake_up: Any = None


class Duties:
    """Everything one service's worker does, as steps."""

    def __init__(
        self,
        core: StoreCore,
        driver: Driver,
        *,
        publisher: Publisher,
        feeds: FeedClient,
        leadership: Leadership,
        checkpoint_key: dict[str, Any],
        wake_ups: tuple[Wakes, Wakes],
        webhooks: Rim | None = None,
    ) -> None:
        self.service = core.service
        self.database = driver.database
        self.consumer = Consumer(core, driver)
        self._relay = Relay(self.service.name, families_of(self.service.name), self.database, publisher)
        self._projector = Projector(core, driver, self.service.projections)
        self._timers = Timers(core, driver)
        self._forgetting = Forgetting(core, driver)
        self._catch_up = CatchUp(self.service.name, self.consumer, self.database, feeds)
        self._checkpoints = Checkpoints(self.service.name, self.database, driver.keyring, checkpoint_key)
        self._jurisdiction = core.jurisdiction
        feed = self.service.webhooks
        self._webhooks = webhooks
        self._sender = Sender(core, driver, feed, webhooks) if feed is not None and webhooks is not None else None
        self._leadership = leadership
        self._wake_ups = wake_ups
        self.leads = False

    def loops(self) -> tuple[Loop, ...]:
        """What has to be done again and again, beside taking events."""
        relay_wake, project_wake = self._wake_ups
        loops: tuple[Loop, ...] = (
            Loop("seal", self.seal, POLL_SECONDS),
            Loop("relay", self.relay, TIMER_SECONDS, relay_wake),
            Loop("project", self.project, TIMER_SECONDS, project_wake),
            Loop("fire_timers", self.fire_timers, TIMER_SECONDS),
            Loop("forget", self.forget, FORGET_SECONDS),
            Loop("prune", self.prune, RETENTION_SECONDS),
            Loop("sign_checkpoint", self.sign_checkpoint, CHECKPOINT_SECONDS),
        )
        if self._sender is not None and self._webhooks is not None:
            loops = (*loops, Loop("send_webhooks", self.send_webhooks, TIMER_SECONDS, self._webhooks.wake_up))
        if not consumed_by(self.service.name):
            return loops
        return (*loops, Loop("catch_up", self.catch_up, CATCH_UP_SECONDS))

    def take(self, envelopes: Sequence[Envelope]) -> None:
        """Events from the broker; they may be acknowledged when this returns."""
        self.consumer.handle(envelopes)
        with suppress(StoreError):  # it is handled; the leader's poll finds it
            self.database.notify(WAKE_CHANNEL)

    def seal(self) -> bool:
        """The leader's first duty; everything else reads what it has sealed."""
        self.leads = self._leadership.held()
        if not self.leads:
            return False
        if seal(self.database):
            for wake_up in self._wake_ups:
                wake_up.set()
            return True
        return self._leadership.wait(LISTEN_SECONDS) or self._leadership.listens

    def relay(self) -> bool:
        return self.leads and self._relay.step()

    def project(self) -> bool:
        return self.leads and self._projector.step()

    def fire_timers(self) -> bool:
        return self.leads and not self._held_back() and self._timers.step()

    def forget(self) -> bool:
        return self.leads and self._forgetting.step()

    def send_webhooks(self) -> bool:
        return self.leads and self._sender is not None and not self._held_back() and self._sender.step()

    def sign_checkpoint(self) -> bool:
        return self.leads and self._checkpoints.step()

    def prune(self) -> bool:
        return self.leads and prune(self.database, self.service, self._jurisdiction)[1]

    def catch_up(self) -> bool:
        return not self._held_back() and self._catch_up.step()

    def beat(self) -> bool:
        """Tells the apis that this service consumes."""
        now = self.database.load(Wanted()).now
        self.database.write([_HEARTBEAT.bind(self.database, now=now)])
        return False

    def _held_back(self) -> bool:
        """A restored store says nothing and decides nothing before it has been compared with its consumers."""
        try:
            return restoring(self.database)
        except StoreError as error:
            raise TryLaterError(repr(error)) from error
