"""The worker of one service: a Nameko container that consumes, and the loops of the store's leader.

Nameko and eventlet stay here and in `messaging`: all the container does is one of the `duties` of the kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nameko.extensions import DependencyProvider

from contracts.topology import consumed_by
from services.seedwork.composition import Service
from services.seedwork.duties import HEARTBEAT_SECONDS, Duties
from services.seedwork.feeds import FeedClient
from services.seedwork.identity import checkpoint_key, service_token
from services.seedwork.messaging.entrypoint import BROKER_URL, Delivery, ReliableEvents, consuming
from services.seedwork.messaging.loops import Repeatedly
from services.seedwork.messaging.nets import raise_alarm
from services.seedwork.messaging.pace import WakeUp
from services.seedwork.messaging.publisher import publisher_to
from services.seedwork.settings import Settings
from services.seedwork.store.drivers import Driver
from services.seedwork.store.opening import (
    KEYRING_POOL,
    green_database,
    leadership,
    service_role,
    store_core,
    worker_pool_size,
)
from services.seedwork.watchdog import Watchdog
from services.seedwork.webhooks.lanes import ThreadLanes
from services.seedwork.webhooks.post import Post
from services.seedwork.webhooks.sender import Rim
from services.seedwork.webhooks.signing import endpoint_secret

NETS_SECONDS = 30.0
WATCHDOG_SECONDS = 10.0


class WorkerRuntime(Duties):
    """One service's duties on the databases and the broker of the settings."""

    def __init__(self, service: Service, settings: Settings) -> None:
        url = settings.service_database_url(service.name)
        role = service_role(service.name, settings)
        database = green_database(url, worker_pool_size(settings), role)
        self._keyring = green_database(settings.keyring_database_url, KEYRING_POOL, role)
        self._broker_url = settings.broker_url
        self._publisher = publisher_to(settings.broker_url)
        self._feeds = FeedClient(settings.peer, lambda: service_token(settings, service.name))
        core, driver = store_core(service, settings), Driver(database, self._keyring)
        super().__init__(
            core,
            driver,
            publisher=self._publisher,
            feeds=self._feeds,
            leadership=leadership(database, service.name),
            checkpoint_key=checkpoint_key(settings),
            wake_ups=(WakeUp(), WakeUp()),
            webhooks=_webhooks(settings) if service.webhooks is not None else None,
        )
        self._watchdog = Watchdog(core, driver, service.heartbeat) if service.heartbeat else None

    def open(self) -> None:
        self.database.open()
        self._keyring.open()

    def close(self) -> None:
        self._leadership.resign()
        self._publisher.close()
        self._feeds.close()
        self.database.close()
        self._keyring.close()

    def watch_heartbeat(self) -> bool:
        return self.leads and self._watchdog is not None and self._watchdog.step()

    def watch_nets(self) -> bool:
        """Every store's leader does: whichever service is left tells of what nobody takes."""
        if self.leads:
            raise_alarm(self._broker_url)
        return False


def _webhooks(settings: Settings) -> Rim:
    back = WakeUp()
    return Rim(
        post=Post(development=settings.development),
        lanes=ThreadLanes(back.set),
        secret=lambda endpoint_id, serial: endpoint_secret(settings, endpoint_id, serial),
        wake_up=back,
    )


class OwnContainer(DependencyProvider):
    """The container a method runs in."""

    def get_dependency(self, worker_ctx: Any) -> Any:
        del worker_ctx
        return self.container


def worker_class(runtime: WorkerRuntime) -> type:
    """The Nameko service: one reliable entrypoint per family taken, one loop per duty."""
    members: dict[str, Any] = {"name": runtime.service.name}

    def loop(name: str, step: Any, idle_seconds: float, wake_up: WakeUp | None = None) -> None:
        def method(_self: Any) -> bool:
            return bool(step())

        method.__name__ = name
        members[name] = Repeatedly.decorator(idle_seconds=idle_seconds, wake_up=wake_up)(method)

    for each in runtime.loops():
        loop(each.name, each.step, each.idle_seconds, each.wake_up)
    if runtime.service.heartbeat:
        loop("watch_heartbeat", runtime.watch_heartbeat, WATCHDOG_SECONDS)
    loop("watch_nets", runtime.watch_nets, NETS_SECONDS)
    for family in consumed_by(runtime.service.name):

        def handle(_self: Any, deliveries: Sequence[Delivery]) -> None:
            runtime.take([delivery.envelope for delivery in deliveries])

        handle.__name__ = f"handle_{family.name}"
        members[handle.__name__] = ReliableEvents.decorator(runtime.service.name, family.name)(handle)

    def beat(self: Any) -> bool:
        return all(consuming([self.own_container]).values()) and runtime.beat()

    members["own_container"] = OwnContainer()
    members["beat"] = Repeatedly.decorator(idle_seconds=HEARTBEAT_SECONDS)(beat)
    return type(f"{runtime.service.name.title()}Worker", (), members)


def nameko_config(settings: Settings) -> dict[str, Any]:
    return {BROKER_URL: settings.broker_url, "max_workers": 20}
