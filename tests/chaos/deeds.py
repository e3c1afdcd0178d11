"""How each fault is done to the house, and undone. A deed answers what was hit and how to lift it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import get_args

import httpx
import orjson

from contracts.envelope import Envelope
from contracts.roles import Role
from contracts.topology import FAMILIES, POISON_QUEUE, Family, queue_name
from rxflow.client import Administrator
from rxflow.client.transport import Service
from rxflow.installation import Installation
from rxflow.tokens import tokens_of
from services.seedwork.identity import SERVICE_PREFIX
from services.seedwork.messaging import topology
from tests.chaos.house import STANDBYS, House
from tests.faults.systems import leader_of, rxflow
from tests.integration.messaging.conftest import connect

DELAY_SECONDS = 0.05
BYTES_PER_SECOND = 200_000
PULSE_STOPPED_SECONDS = 1.0
PULSE_RUNNING_SECONDS = 0.25
CLOCK_FORWARD_SECONDS = 45
CLOCK_BACK_SECONDS = 5


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

        return Done(f"disk of {kind}", lift)

    return do


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
        scene.clock_ahead_seconds = max(0, scene.clock_ahead_seconds + seconds)
        move_clocks(scene.administrator, scene.clock_ahead_seconds)
        return Done(f"clock {seconds:+d} s")

    return do


def move_clocks(administrator: Administrator, ahead_seconds: int) -> None:
    for service in get_args(Service):
        administrator.move_clock(service, ahead_seconds)


def undecodable(scene: Scene) -> Done:
    """A body that is no event, in a consumer's queue. It must end in the poison queue, and nothing wait behind it."""
    consumer, family = _consumed(scene)
    _publish(scene, queue_name(consumer, family.name), b"\xff\x00 no event")
    scene.undecodable += 1
    return Done(queue_name(consumer, family.name))


def altered(scene: Scene) -> Done:
    """An event out of its producer's feed with another content, under its own number or, half the time, the next one:
    set aside, what follows in its stream waits, until an operator discards it."""
    consumer, family = _consumed(scene)
    event = _last_of(scene.house.installation, family)
    fields = orjson.loads(event.to_wire())
    if scene.chance.random() < 0.5:
        fields |= {"public_seq": event.public_seq + 1, "prev_hash": fields["hash"]}
    body = orjson.loads(fields["body"])
    fields["body"] = orjson.dumps({**body, "actor": "somebody else"}).decode()
    _publish(scene, queue_name(consumer, family.name), orjson.dumps(fields))

    def lift() -> None:
        scene.altered.append(_settle(scene, consumer))

    return Done(f"{event.type} to {consumer}", lift)


def _settle(scene: Scene, consumer: str) -> str:
    """What an operator does with it."""
    for number in dead_letters(scene.house.installation, consumer):
        done = rxflow(
            scene.house.installation, "dead-letters", "discard", consumer, number, "--reason", "altered on its way"
        )
        if done.returncode:
            return f"not settled: {done.stdout}{done.stderr}"
        return "set aside and discarded"
    return "passed over: handled before"


def dead_letters(installation: Installation, consumer: str) -> list[str]:
    """The numbers of those that wait for a person."""
    listed = rxflow(installation, "dead-letters", "list", consumer)
    if listed.returncode:
        raise NotNow(f"dead letters cannot be listed: {listed.stderr[-300:]}")
    rows = [line.split("│") for line in listed.stdout.splitlines() if line.startswith("│")]
    return [row[2].strip() for row in rows if row[2].strip().isdigit()]


def poisoned(house: House) -> int:
    """How many messages lie in the broker's poison queue; none where the broker is in memory."""
    if "rabbit" not in house.servers:
        return 0
    with connect(house.servers["rabbit"].url) as connection:
        return topology.depth(connection.channel(), POISON_QUEUE)


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


def _consumed(scene: Scene) -> tuple[str, Family]:
    family = scene.chance.choice([each for each in FAMILIES if each.name in {"prescription", "case", "fulfilment"}])
    return scene.chance.choice(family.consumers), family


def _publish(scene: Scene, queue: str, body: bytes) -> None:
    import amqp  # noqa: PLC0415

    with connect(scene.house.servers["rabbit"].url) as connection:
        channel = connection.channel()
        channel.confirm_select()
        channel.basic_publish_confirm(amqp.Message(body, delivery_mode=2), "", queue)


def _last_of(installation: Installation, family: Family) -> Envelope:
    """The newest event of a family, as its producer's feed tells it."""
    token = tokens_of(installation)(f"{SERVICE_PREFIX}chaos", Role.SERVICE)
    newest: list[bytes] = []
    after = 0
    while True:
        page = httpx.get(
            f"{installation.addresses.of(family.producer)}/internal/feed/{family.name}",
            params={"after": after},
            headers={"Authorization": f"Bearer {token}"},
            timeout=10,
            trust_env=False,
        )
        lines = page.raise_for_status().content.splitlines()
        if not lines:
            break
        newest, after = lines, Envelope.from_wire(lines[-1]).log_index
    if not newest:
        raise NotNow(f"nothing was said of {family.name} yet")
    return Envelope.from_wire(newest[-1])
