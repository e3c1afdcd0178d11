"""Poison: bodies that are no events and events with another content, in consumers' queues; and who settles it."""

from __future__ import annotations

from contextlib import suppress
from time import monotonic

import amqp
import httpx
import orjson

from contracts.envelope import Envelope
from contracts.roles import Role
from contracts.topology import FAMILIES, POISON_QUEUE, Family, queue_name
from rxflow.installation import Installation
from rxflow.tokens import tokens_of
from services.seedwork.identity import SERVICE_PREFIX
from services.seedwork.messaging import topology
from tests.chaos.deeds import Done, NotNow, Scene
from tests.chaos.house import House
from tests.faults.systems import rxflow
from tests.integration.messaging.conftest import connect

LOOKED_AT_SECONDS_MAX = 20.0
STEP_SECONDS = 0.5


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
    """What an operator does with it, once its consumer is well enough to have looked at it."""
    end = monotonic() + LOOKED_AT_SECONDS_MAX
    while not (numbers := _waiting(scene.house.installation, consumer)):
        if monotonic() > end or scene.ended.wait(STEP_SECONDS):
            return "passed over: handled before"
    # one altered event at a time: what else waits is left for the look at the end
    done = rxflow(
        scene.house.installation, "dead-letters", "discard", consumer, numbers[0], "--reason", "altered on its way"
    )
    if done.returncode:
        return f"not settled: {done.stdout}{done.stderr}"
    return "set aside and discarded"


def _waiting(installation: Installation, consumer: str) -> list[str]:
    with suppress(NotNow):
        return dead_letters(installation, consumer)
    return []


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


def _consumed(scene: Scene) -> tuple[str, Family]:
    family = scene.chance.choice([each for each in FAMILIES if each.name in {"prescription", "case", "fulfilment"}])
    return scene.chance.choice(family.consumers), family


def _publish(scene: Scene, queue: str, body: bytes) -> None:
    try:
        connection = connect(scene.house.servers["rabbit"].url)
    except (OSError, amqp.AMQPError) as error:
        raise NotNow(f"the broker takes no connection: {error!r}") from error
    with connection:
        channel = connection.channel()
        channel.confirm_select()
        channel.basic_publish_confirm(amqp.Message(body, delivery_mode=2), "", queue)


def _last_of(installation: Installation, family: Family) -> Envelope:
    """The newest event of a family, as its producer's feed tells it."""
    token = tokens_of(installation)(f"{SERVICE_PREFIX}chaos", Role.SERVICE)
    newest: list[bytes] = []
    after = 0
    while True:
        try:
            page = httpx.get(
                f"{installation.addresses.of(family.producer)}/internal/feed/{family.name}",
                params={"after": after},
                headers={"Authorization": f"Bearer {token}"},
                timeout=10,
                trust_env=False,
            )
            lines = page.raise_for_status().content.splitlines()
        except httpx.HTTPError as error:
            raise NotNow(f"the feed of {family.name} gives no answer: {error!r}") from error
        if not lines:
            break
        newest, after = lines, Envelope.from_wire(lines[-1]).log_index
    if not newest:
        raise NotNow(f"nothing was said of {family.name} yet")
    return Envelope.from_wire(newest[-1])
