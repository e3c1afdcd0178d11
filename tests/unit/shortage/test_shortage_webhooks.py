"""Authorities are told of shortages: new, changed, eased, ended, back again, of the regions and drugs they name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.roles import Role
from services.seedwork.usecase import Actor
from services.seedwork.webhooks.feed import Subscription
from services.seedwork.webhooks.lanes import ThreadLanes
from services.seedwork.webhooks.post import Post
from services.seedwork.webhooks.sender import Rim, Sender
from services.seedwork.webhooks.signing import endpoint_secret
from services.seedwork.webhooks.use_cases import Wish, open_endpoint
from services.shortage.api import router
from services.shortage.application.following import CHANGES, KINDS
from services.shortage.composition import SERVICE
from services.shortage.domain.case import case_id
from tests.support.http_caller import Caller
from tests.support.service_on_sqlite import service_on_sqlite
from tests.support.waiting import eventually
from tests.support.webhook_receiver import receiver
from tests.unit.shortage.conftest import DRUG
from tests.unit.shortage.responses import DAY, NATION, PROVINCE, SHAANXI, Shortage
from tests.unit.shortage.test_shortage_on_sqlite import unfilled

ALL = list(KINDS)
URL = "https://authority.example/hooks"


def owner_of(actor: Actor) -> str:
    owner = CHANGES.owner(actor)
    assert owner is not None
    return owner


def told(world: Shortage, actor: Actor, **filters: tuple[str, ...]) -> list[tuple[str, str]]:
    """What an endpoint of this authority would be told, from the beginning."""
    subscription = Subscription(owner_of(actor), frozenset(KINDS), filters)
    kinds = []
    for row in world.store.rows("case_changes", after=0, limit=100):
        ref = CHANGES.wants(row)
        assert ref is not None
        assert CHANGES.stream_of(row) == ref.stream_id
        said = CHANGES.tell(row, world.store.loaded(ref), subscription)
        if said is not None:
            kinds.append((said.kind.removeprefix("shortage."), said.data["state"]))
    return kinds


def test_a_case_is_new_eases_ends_and_is_back_again() -> None:
    world = Shortage()
    world.confirmed()
    for _ in range(8):
        world.store.move_clock(3 * DAY)
    for pharmacy in ("P1", "P2", "P3"):
        world.unfilled(pharmacy, demand=f"again-{pharmacy}")

    everything = [
        ("new", "confirmed"),
        ("eased", "confirmed"),
        ("ended", "ended"),
        ("back_again", "confirmed"),
    ]
    assert told(world, SHAANXI) == everything
    with_suspicions = [("new", "suspected"), *everything[:3], ("back_again", "suspected"), everything[3]]
    assert told(world, PROVINCE) == with_suspicions
    assert told(world, NATION) == with_suspicions
    assert {f"shortage.{kind}" for kind, _ in with_suspicions} | {"shortage.changed"} == KINDS.keys()


def test_regions_and_drugs_narrow_what_is_told() -> None:
    world = Shortage()
    world.confirmed()
    everything = told(world, SHAANXI)
    assert everything == [("new", "confirmed")]
    for regions in (("330000",), ("330102",), ("000000",), ("610000", "330000")):
        assert told(world, SHAANXI, regions=regions) == everything, "in it, inside, or what it lies in"
    assert told(world, SHAANXI, regions=("610000",)) == []
    assert told(world, SHAANXI, drugs=(DRUG, "x|y|z")) == everything
    assert told(world, SHAANXI, drugs=("x|y|z",)) == []
    assert told(world, SHAANXI, drugs=(DRUG,), regions=("610000",)) == []


def test_what_never_began_or_was_not_read_is_not_told() -> None:
    world = Shortage()
    world.confirmed()
    (row, *_) = world.store.rows("case_changes", after=0, limit=1)
    subscription = Subscription("330000", frozenset(KINDS))
    assert CHANGES.tell(row, None, subscription) is None
    nothing = world.store.loaded(CHANGES.wants({**row, "case_id": case_id("x|y|z", "33", 1)}))  # type: ignore[arg-type]
    assert CHANGES.tell(row, nothing, subscription) is None
    assert CHANGES.owner(Actor("P1", "pharmacist")) is None


def test_authorities_are_called_in_order(tmp_path: Path) -> None:
    with service_on_sqlite(SERVICE, tmp_path) as shortage, receiver() as own, receiver() as other:
        rim = Rim(
            Post(development=True),
            ThreadLanes(lambda: None),
            lambda endpoint_id, serial: endpoint_secret(shortage.settings, endpoint_id, serial),
        )
        sender = Sender(shortage.core, shortage.driver, CHANGES, rim)
        for actor, subscriber in ((PROVINCE, own), (SHAANXI, other)):
            shortage.catch_up()
            wish = Wish(subscriber.url, tuple(ALL), {"drugs": (DRUG,)})
            assert shortage.run(open_endpoint(wish, owner_of(actor)), actor).refusal is None
        for pharmacy in ("P1", "P2", "P3"):
            shortage.react(unfilled(pharmacy))
        shortage.fire()
        shortage.catch_up()

        def done() -> bool:
            sender.step()
            return len(own.received) == 2 and len(other.received) == 1

        eventually(done, describe="both authorities are told")
        province = case_id(DRUG, "33", 1)
        said = [call.content["data"] for call in own.received]
        assert [(each["case_id"], each["state"]) for each in said] == [
            (str(province), "suspected"),
            (str(province), "confirmed"),
        ]
        assert other.received[0].content["data"] == said[1]


class Desk:
    """Authorities at the api."""

    def __init__(self, tmp_path: Path) -> None:
        self._caller = Caller(Shortage().store, router, tmp_path)

    def send(self, method: str, path: str, body: Any = None, region: str = "330000") -> httpx.Response:
        token = self._caller.token(f"R{region}", Role.REGULATOR, region=region)
        return self._caller(token, method, path, json=body)

    def prescriber(self) -> httpx.Response:
        return self._caller(self._caller.token("D1", Role.PRESCRIBER, organisation="H1"), "GET", "/shortage-webhooks")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_an_authority_opens_an_endpoint_for_regions_and_drugs(desk: Desk) -> None:
    wish = {"url": URL, "kinds": ALL, "regions": ["330100", "000000"], "drugs": [DRUG]}
    opened = desk.send("POST", "/shortage-webhooks", wish)
    assert opened.status_code == 200, opened.text
    place = f"/shortage-webhooks/{opened.json()['endpoint_id']}"
    shown = desk.send("GET", place).json()
    assert shown["filters"] == {"regions": ["330100", "000000"], "drugs": [DRUG]}
    assert desk.send("GET", "/shortage-webhooks").json()["items"] == [shown]
    assert desk.send("GET", "/shortage-webhooks", region="610000").json()["items"] == []
    assert desk.send("GET", place, region="610000").json()["code"] == "webhook.not_yours"
    assert desk.send("GET", place, region="000000").json()["code"] == "webhook.not_yours"
    assert desk.send("POST", "/shortage-webhooks", wish, region="000000").status_code == 200


def test_what_makes_no_sense_is_refused(desk: Desk) -> None:
    assert desk.prescriber().json()["code"] == "identity.forbidden"
    for wrong, code in (
        ({"regions": ["990000"]}, "report.region_unknown"),
        ({"regions": ["33"]}, "request.invalid"),
        ({"drugs": [""]}, "request.invalid"),
        ({"kinds": ["shortage.lost"]}, "request.invalid"),
        ({"url": "https://192.168.0.1/hooks"}, "webhook.url"),
    ):
        refused = desk.send("POST", "/shortage-webhooks", {"url": URL, "kinds": ALL, **wrong})
        assert refused.json()["code"] == code
