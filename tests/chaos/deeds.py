"""How each fault is done to the house, and undone. A deed answers what was hit and how to lift it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from time import monotonic
from typing import get_args

from rxflow.client import Administrator
from rxflow.client.transport import Service
from tests.chaos.house import STANDBYS, House
from tests.faults.systems import checks_that_fail, leader_of

DELAY_SECONDS = 0.05
BYTES_PER_SECOND = 200_000
PULSE_STOPPED_SECONDS = 1.0
PULSE_RUNNING_SECONDS = 0.25
CLOCK_FORWARD_SECONDS = 45
CLOCK_BACK_SECONDS = 5
PUBLISHES_AGAIN_SECONDS = 30.0


class NotNow(Exception):  # noqa: N818
    """This fault cannot be done at the moment; it says why."""


@dataclass(frozen=True)
class Done:
    """What was hit, and what ends it."""

    target: str
    lift: Callable[[], None] = lambda: None


@dataclass
class Scene:
    """What deeds act on. `ended`: the run is over, nobody need wait for anything."""

    house: House
    administrator: Administrator
    chance: Random
    ended: threading.Event = field(default_factory=threading.Event)
    clock_ahead_seconds: int = 60
    """From the beginning, so that it can also step back."""
    undecodable: int = 0
    """Bodies that were published and that no consumer can read: they stay in the broker's poison queue."""
    broker_restarts: int = 0
    """How often an operator had to restart the broker after its disk was full."""
    altered: list[str] = field(default_factory=list)
    """What became of each altered event."""


Deed = Callable[[Scene], Done]


def kill(kind: str) -> Deed:
    """-9; the supervisor starts another."""

    def do(scene: Scene) -> Done:
        name, pid = _process(scene, kind)
        scene.house.signal(pid, signal.SIGKILL)
        return Done(name)

    return do


def freeze(kind: str) -> Deed:
    """SIGSTOP, and SIGCONT at the end."""

    def do(scene: Scene) -> Done:
        name, pid = _process(scene, kind)
        scene.house.signal(pid, signal.SIGSTOP)
        return Done(name, lambda: scene.house.signal(pid, signal.SIGCONT))

    return do


def kill_server(kind: str) -> Deed:
    """As in a power failure; started again at the end."""

    def do(scene: Scene) -> Done:
        scene.house.servers[kind].kill()
        return Done(kind, lambda: scene.house.revive(kind))

    return do


def freeze_server(kind: str) -> Deed:
    def do(scene: Scene) -> Done:
        server = scene.house.servers[kind]
        server.freeze()
        return Done(kind, server.thaw)

    return do


def fill_disk(kind: str) -> Deed:
    """Nothing can be written any more; afterwards there is room again, and a server that died is started."""

    def do(scene: Scene) -> Done:
        if kind not in scene.house.disks:
            raise NotNow("no disk of its own: mounting is not allowed here")
        scene.house.fill(kind)

        def lift() -> None:
            scene.house.clear(kind)
            scene.house.revive(kind)
            if kind == "rabbit" and not _publishes_again(scene):
                scene.broker_restarts += 1
                scene.house.servers[kind].stop()
                scene.house.servers[kind].start()

        return Done(f"disk of {kind}", lift)

    return do


def _publishes_again(scene: Scene) -> bool:
    """Whether services get rid of their events. A node whose disk was full now and then keeps a queue that refuses
    everything until the node is restarted: services say so (`unpublished`), and an operator does it."""
    installation, end = scene.house.installation, monotonic() + PUBLISHES_AGAIN_SECONDS
    while any("unpublished" in checks_that_fail(installation, name) for name in installation.addresses.urls):
        if scene.ended.wait(1.0) or monotonic() > end:
            return False
    return True


def cut(kind: str) -> Deed:
    return _mistreat(kind, cut=True, refused=True)


def slow(kind: str) -> Deed:
    return _mistreat(kind, delay_seconds=DELAY_SECONDS, bytes_per_second=BYTES_PER_SECOND)


def half_open(kind: str) -> Deed:
    return _mistreat(kind, half_open=True)


def _mistreat(kind: str, **treatment: object) -> Deed:
    def do(scene: Scene) -> Done:
        link = scene.house.links[kind]
        link.treat(**treatment)
        return Done(f"connections to {kind}", link.treat)

    return do


def slow_consumer(scene: Scene) -> Done:
    """A worker that gets a fifth of its time."""
    name, pid = _process(scene, "worker")
    over = threading.Event()

    def pulse() -> None:
        while not over.is_set():
            scene.house.signal(pid, signal.SIGSTOP)
            over.wait(PULSE_STOPPED_SECONDS)
            scene.house.signal(pid, signal.SIGCONT)
            over.wait(PULSE_RUNNING_SECONDS)

    pulsing = threading.Thread(target=pulse, name="pulse", daemon=True)
    pulsing.start()

    def lift() -> None:
        over.set()
        pulsing.join()
        scene.house.signal(pid, signal.SIGCONT)

    return Done(name, lift)


def step_clock(seconds: int) -> Deed:
    """Of the whole installation, by the administrator; never behind the machine's own."""

    def do(scene: Scene) -> Done:
        ahead = max(0, scene.clock_ahead_seconds + seconds)
        move_clocks(scene.administrator, ahead)
        scene.clock_ahead_seconds = ahead
        return Done(f"clock {seconds:+d} s")

    return do


def move_clocks(administrator: Administrator, ahead_seconds: int) -> None:
    for service in get_args(Service):
        administrator.move_clock(service, ahead_seconds)


def _process(scene: Scene, kind: str) -> tuple[str, int]:
    """One of the kind `api`, `worker` or `leader`, by chance."""
    if kind == "leader":
        service = scene.chance.choice(STANDBYS)
        name = leader_of(scene.house.system, service)
        if name is None:
            raise NotNow(f"nobody leads {service}")
    else:
        names = scene.house.names(kind)
        if not names:
            raise NotNow(f"no {kind} runs")
        name = scene.chance.choice(names)
    pid = scene.house.pids().get(name)
    if pid is None:
        raise NotNow(f"{name} does not run")
    return name, pid
