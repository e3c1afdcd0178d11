"""`kill -9` of whoever calls subscribers, between a delivery and its record: told at least once, under the same
id, each claim in order. What stays undelivered is listed and replayed at the command line."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, MutableSequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from rxflow.client import Connection, Subscriber, Supply
from rxflow.installation import Installation
from rxflow.play.cast import Cast
from rxflow.play.journey import Journey
from rxflow.play.stage import Admitted, Stage
from rxflow.tokens import tokens_of
from rxflow.world import Store, build_world, everyday_products, line_for, prescription_for
from services.insurance.application.webhooks import KINDS
from services.seedwork.calendar import ZONE
from tests.faults.systems import System, embedded_system, rxflow
from tests.support.waiting import eventually
from tests.support.webhook_receiver import Receiver, receiver

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(900)]

INSURER = "I330100"
ATTEMPTS_MAX = 60
"""Of a request, while whoever should answer it is started again."""
DEATHS = 2
LAST_ATTEMPT = 9
"""So many attempts have failed before the one that makes a dead letter."""


@dataclass
class Town:
    """An insurer's members who fetch medicines and bring them back."""

    system: System
    stage: Stage
    connection: Connection

    @property
    def subscriber(self) -> Subscriber:
        return Subscriber(self.stage.cast.insurer(INSURER).session, "insurance")

    def feed(self) -> list[dict[str, Any]]:
        return list(self.stage.cast.insurer(INSURER).settlements())

    def settle(self, number: int) -> tuple[Store, Supply]:
        """One prescription from its signature to its settlement."""
        world = self.stage.world
        patient = [each for each in world.patients if each.insurer == INSURER][number]
        admitted: Admitted = self.stage.admit(patient)
        hospital = next(each for each in world.hospitals if each.institution.region == patient.region)
        doctor = hospital.doctors[number % len(hospital.doctors)]
        designated = {entry.code for entry in world.entries("designation")}
        store = next(each for each in world.stores_in(patient.region) if f"{each.code}-{INSURER}" in designated)
        draft = prescription_for(
            world,
            patient,
            doctor,
            prescription_id=uuid4(),
            patient_ref=admitted.patient_ref,
            lines=[line_for(1, everyday_products(world, patient)[number])],
            validity_days=3,
        )
        journey = Journey(self.stage, doctor, admitted, draft)
        journey.issue()
        journey.pass_review()
        supply = journey.dispense(store, journey.hold(store))
        journey.clear(store, supply)
        journey.collect(store, supply)
        journey.wait_for_settlement()
        return store, supply

    def settle_and_take_back(self, number: int) -> None:
        """Two messages about one claim: settled, and reversed."""
        known = len(self.feed())
        store, supply = self.settle(number)
        self.stage.cast.pharmacy(store).take_back(supply, "quality")
        eventually(lambda: len(self.feed()) == known + 2, within=60, describe="a reversal in the feed")


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with embedded_system(tmp_path) as system:
        installation = system.installation
        with Connection(installation.addresses, attempts_max=ATTEMPTS_MAX) as connection:
            world = build_world(as_of=datetime.now(ZONE).date())
            stage = Stage(Cast(world, connection, tokens_of(installation)))
            stage.load_registers()
            yield Town(system, stage, connection)


@dataclass
class Executioner:
    """Kills the sender when a message has wholly arrived and nobody has answered it yet.

    Of two messages that were under way at once the second one meets a sender that is dead already: another one, then.
    """

    system: System
    replies: MutableSequence[Any]
    deaths: list[int] = field(default_factory=list)

    def __call__(self, _handler: BaseHTTPRequestHandler) -> None:
        process = self.system.kill("worker")
        if process in self.deaths:
            self.replies.append(self)
        else:
            self.deaths.append(process)


def told(subscriber: Receiver) -> dict[str, list[tuple[str, str]]]:
    """Of each claim what was told and under which id, in the order it came."""
    by_claim: dict[str, list[tuple[str, str]]] = {}
    for call in list(subscriber.received):
        by_claim.setdefault(call.content["data"]["claim_id"], []).append((call.content["type"], call.message_id))
    return by_claim


def dead_of_the_next_failure(installation: Installation) -> None:
    """What waits for another attempt has had all but the last of them, and is due."""
    path = Path(installation.settings["database_url"].removeprefix("sqlite:///")) / "insurance.db"
    with closing(sqlite3.connect(path, timeout=30)) as store, store:
        changed = store.execute(
            "UPDATE webhook_delivery SET attempts = ?, due_at = 0 WHERE status = 'pending' AND attempts > 0",
            (LAST_ATTEMPT,),
        )
        assert changed.rowcount == 1


def test_killed_between_delivery_and_record_it_tells_again_in_order(town: Town) -> None:
    for number in range(2):
        town.settle_and_take_back(number)
    feed = town.feed()
    assert len(feed) == 4
    with receiver() as here:
        kill = Executioner(town.system, here.replies)
        here.replies.extend([kill] * DEATHS)
        opened = town.subscriber.open(here.url, list(KINDS), after=0)
        endpoint = opened["endpoint_id"]

        def delivered() -> bool:
            rows = list(town.subscriber.deliveries(endpoint))
            return len(rows) == len(feed) and all(each["status"] == "delivered" for each in rows)

        eventually(delivered, within=240, describe="everything to be delivered")
        calls = told(here)
        by_id: dict[str, set[bytes]] = {}
        for call in here.received:
            assert call.is_signed_with(opened["secret"])
            by_id.setdefault(call.message_id, set()).add(call.body)
        rows = list(town.subscriber.deliveries(endpoint))

    assert len(kill.deaths) == DEATHS
    assert len(here.received) >= len(feed) + DEATHS, "what was delivered and not recorded is told again"
    assert len(by_id) == len(feed), "under the same id"
    assert all(len(bodies) == 1 for bodies in by_id.values())
    for messages in calls.values():
        assert [kind for (kind, _), _ in groupby(messages)] == ["settlement.settled", "settlement.reversed"]
    assert {each["message_id"] for each in rows} == set(by_id)
    assert {each["attempts"] for each in rows} == {1}, "nobody has recorded the attempts of the dead"


def test_what_stays_undelivered_is_listed_and_replayed_at_the_command_line(town: Town) -> None:
    installation = town.system.installation
    town.settle_and_take_back(0)

    def cli(*arguments: str) -> str:
        ended = rxflow(installation, "webhooks", *arguments)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def shown(*arguments: str) -> list[str]:
        return cli(*arguments, "--party", INSURER).splitlines()

    def standing(what: str) -> int:
        """Of the endpoint, as soon as the list has it."""
        return sum(each[what] for each in town.subscriber.endpoints())

    with receiver() as here:
        here.replies.extend([500] * ATTEMPTS_MAX)
        endpoint = town.subscriber.open(here.url, list(KINDS), after=0)["endpoint_id"]
        eventually(lambda: standing("failures") >= 1, within=60, describe="a failure")
        dead_of_the_next_failure(installation)
        eventually(lambda: standing("dead") == 1, within=60, describe="a dead letter")
        (letter,) = town.subscriber.deliveries(endpoint, "dead")
        here.replies.clear()
        failed = len(here.received)
        (row,) = [line for line in shown("list", "insurance") if endpoint in line]
        assert all(each in row for each in (here.url, "active"))
        (row,) = [line for line in shown("dead", "insurance", endpoint) if letter["message_id"] in line]
        assert all(each in row for each in (str(letter["place"]), "settlement.settled", "500"))
        assert len(here.received) == failed, "its claim waits behind it"

        strange = rxflow(installation, "webhooks", "dead", "insurance", endpoint, "--party", "I310100")
        assert (strange.returncode, "webhook.not_yours" in strange.stderr) == (1, True), strange.stderr
        other = rxflow(installation, "webhooks", "replay", "insurance", endpoint, "999999", "--party", INSURER)
        assert (other.returncode, "webhook.no_letter" in other.stderr) == (1, True), other.stderr
        cli("replay", "insurance", endpoint, str(letter["place"]), "--party", INSURER)
        eventually(lambda: len(here.received) == failed + 2, within=60, describe="it, and what waited behind it")
        assert shown("dead", "insurance", endpoint) == ["no dead letters"]
        (messages,) = told(here).values()
    assert [kind for kind, _ in messages] == ["settlement.settled"] * (failed + 1) + ["settlement.reversed"]
    assert len({identity for _, identity in messages[:-1]}) == 1
