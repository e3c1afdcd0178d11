"""The worker of one service: a Nameko container that consumes, and the loops of the store's leader.

Nameko and eventlet stay here and in `messaging`: all the container does is a `step()` or a `handle()` of the kernel.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from nameko.extensions import DependencyProvider

from contracts.topology import consumed_by
from services.seedwork.composition import Service
from services.seedwork.consumer import Consumer
from services.seedwork.families import families_of
from services.seedwork.feeds import CatchUp, FeedClient
from services.seedwork.forgetting import Forgetting
from services.seedwork.identity import checkpoint_key, service_token
from services.seedwork.messaging.entrypoint import BROKER_URL, Delivery, ReliableEvents, consuming
from services.seedwork.messaging.errors import TryLaterError
from services.seedwork.messaging.loops import Repeatedly
from services.seedwork.messaging.nets import raise_alarm
from services.seedwork.messaging.pace import WakeUp
from services.seedwork.messaging.publisher import publisher_to
from services.seedwork.projector import Projector
from services.seedwork.relay import Relay
from services.seedwork.retention import prune
from services.seedwork.settings import Settings
from services.seedwork.store.batch import Wanted
from services.seedwork.store.checkpoints import Checkpoints
from services.seedwork.store.condition import CONSUMING, restoring
from services.seedwork.store.drivers import Driver
from services.seedwork.store.errors import StoreError
from services.seedwork.store.leader import WAKE_CHANNEL
from services.seedwork.store.opening import (
    KEYRING_POOL,
    green_database,
    leadership,
    service_role,
    store_core,
    worker_pool_size,
)
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.sealer import seal
from services.seedwork.store.tables import meta
from services.seedwork.timers import Timers

POLL_SECONDS = 0.02
"""How often the leader looks for what another process committed, where nothing wakes it."""
LISTEN_SECONDS = 0.25
TIMER_SECONDS = 0.25
FORGET_SECONDS = 1.0
CATCH_UP_SECONDS = 5.0
HEARTBEAT_SECONDS = 2.0
CHECKPOINT_SECONDS = 5.0
RETENTION_SECONDS = 600.0
NETS_SECONDS = 30.0

logger = logging.getLogger(__name__)


def _heartbeat(insert: Any) -> sa.ClauseElement:
    upsert = insert(meta).values(name=CONSUMING, value=sa.bindparam("now", type_=sa.BigInteger))
    beat: sa.ClauseElement = upsert.on_conflict_do_update(
        index_elements=[meta.c.name], set_={"value": upsert.excluded.value}
    )
    return beat


_HEARTBEAT = Prepared(_heartbeat)


class WorkerRuntime:
    """Everything one service's worker process does, as steps."""

    def __init__(self, service: Service, settings: Settings) -> None:
        self.service = service
        url = settings.service_database_url(service.name)
        role = service_role(service.name, settings)
        self.database = green_database(url, worker_pool_size(settings), role)
        self._keyring = green_database(settings.keyring_database_url, KEYRING_POOL, role)
        core, driver = store_core(service, settings), Driver(self.database, self._keyring)
        self.consumer = Consumer(core, driver)
        self._broker_url = settings.broker_url
        self._publisher = publisher_to(settings.broker_url)
        self._relay = Relay(service.name, families_of(service.name), self.database, self._publisher)
        self._projector = Projector(core, driver, service.projections)
        self._timers = Timers(core, driver)
        self._forgetting = Forgetting(core, driver)
        self._feeds = FeedClient(settings.peer, lambda: service_token(settings, service.name))
        self._catch_up = CatchUp(service.name, self.consumer, self.database, self._feeds)
        self._checkpoints = Checkpoints(service.name, self.database, self._keyring, checkpoint_key(settings))
        self._leadership = leadership(self.database, service.name)
        self.leads = False
        self.sealed = (WakeUp(), WakeUp())
        """Wakes the relay and the projector."""

    def open(self) -> None:
        self.database.open()
        self._keyring.open()

    def close(self) -> None:
        self._leadership.resign()
        self._publisher.close()
        self._feeds.close()
        self.database.close()
        self._keyring.close()

    def handle(self, deliveries: Sequence[Delivery]) -> None:
        """Events from the broker."""
        self.consumer.handle([delivery.envelope for delivery in deliveries])
        with suppress(StoreError):  # it is handled; the leader's poll finds it
            self.database.notify(WAKE_CHANNEL)

    def _held_back(self) -> bool:
        """A restored store says nothing and decides nothing before it has been compared with its consumers."""
        try:
            return restoring(self.database)
        except StoreError as error:
            raise TryLaterError(repr(error)) from error

    def seal(self) -> bool:
        """The leader's first duty; everything else reads what it has sealed."""
        self.leads = self._leadership.held()
        if not self.leads:
            return False
        if seal(self.database):
            for wake_up in self.sealed:
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

    def sign_checkpoint(self) -> bool:
        return self.leads and self._checkpoints.step()

    def prune(self) -> bool:
        return self.leads and prune(self.database)[1]

    def watch_nets(self) -> bool:
        """Every store's leader does: whichever service is left tells of what nobody takes."""
        if self.leads:
            raise_alarm(self._broker_url)
        return False

    def catch_up(self) -> bool:
        return not self._held_back() and self._catch_up.step()

    def beat(self) -> None:
        """Tells the apis that this service consumes."""
        now = self.database.load(Wanted()).now
        self.database.write([_HEARTBEAT.bind(self.database, now=now)])


class OwnContainer(DependencyProvider):
    """The container a method runs in."""

    def get_dependency(self, worker_ctx: Any) -> Any:
        del worker_ctx
        return self.container


def worker_class(runtime: WorkerRuntime) -> type:
    """The Nameko service: one reliable entrypoint per family taken, one loop per duty."""
    relay_wake, project_wake = runtime.sealed
    members: dict[str, Any] = {"name": runtime.service.name}

    def loop(name: str, step: Any, idle_seconds: float, wake_up: WakeUp | None = None) -> None:
        def method(_self: Any) -> bool:
            return bool(step())

        method.__name__ = name
        members[name] = Repeatedly.decorator(idle_seconds=idle_seconds, wake_up=wake_up)(method)

    loop("seal", runtime.seal, POLL_SECONDS)
    loop("relay", runtime.relay, TIMER_SECONDS, relay_wake)
    loop("project", runtime.project, TIMER_SECONDS, project_wake)
    loop("fire_timers", runtime.fire_timers, TIMER_SECONDS)
    loop("forget", runtime.forget, FORGET_SECONDS)
    loop("prune", runtime.prune, RETENTION_SECONDS)
    loop("watch_nets", runtime.watch_nets, NETS_SECONDS)
    loop("sign_checkpoint", runtime.sign_checkpoint, CHECKPOINT_SECONDS)
    if consumed_by(runtime.service.name):
        loop("catch_up", runtime.catch_up, CATCH_UP_SECONDS)
    for family in consumed_by(runtime.service.name):

        def handle(_self: Any, deliveries: Sequence[Delivery]) -> None:
            runtime.handle(deliveries)

        handle.__name__ = f"handle_{family.name}"
        members[handle.__name__] = ReliableEvents.decorator(runtime.service.name, family.name)(handle)

    def beat(self: Any) -> bool:
        if all(consuming([self.own_container]).values()):
            runtime.beat()
        return False

    members["own_container"] = OwnContainer()
    members["beat"] = Repeatedly.decorator(idle_seconds=HEARTBEAT_SECONDS)(beat)
    return type(f"{runtime.service.name.title()}Worker", (), members)


def nameko_config(settings: Settings) -> dict[str, Any]:
    return {BROKER_URL: settings.broker_url, "max_workers": 20, "HEARTBEAT": 30}
