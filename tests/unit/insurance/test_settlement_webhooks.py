"""Insurers are told of settlements: what the cursor feed tells, to endpoints that they open themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
import sqlalchemy as sa

from contracts.roles import Role
from services.insurance.application.webhooks import KINDS, SETTLEMENTS
from services.insurance.composition import SERVICE
from services.insurance.domain.claim import claim_id_of
from services.seedwork.store.tables import webhook_delivery
from services.seedwork.webhooks.lanes import ThreadLanes
from services.seedwork.webhooks.post import Post
from services.seedwork.webhooks.sender import Rim, Sender
from services.seedwork.webhooks.signing import endpoint_secret
from services.seedwork.webhooks.use_cases import Wish, open_endpoint
from tests.support.service_on_sqlite import service_on_sqlite
from tests.support.waiting import eventually
from tests.support.webhook_receiver import receiver
from tests.unit.insurance.memory import (
    INSURER,
    OFFICER,
    PATIENT,
    SUPPLY,
    dispensed,
    insured_world,
    received,
    taken_back,
    undone,
)
from tests.unit.insurance.test_insurance_api import Desk, problem
from tests.unit.insurance.test_insurance_on_sqlite import admit, pay_share

URL = "https://insurer.example/hooks"
ALL = list(KINDS)
OTHER = UUID(int=22)


def test_what_the_feed_tells_is_told_each_claim_in_order(tmp_path: Path) -> None:
    with service_on_sqlite(SERVICE, tmp_path) as insurance, receiver() as subscriber:
        rim = Rim(
            Post(development=True),
            ThreadLanes(lambda: None),
            lambda endpoint_id, serial: endpoint_secret(insurance.settings, endpoint_id, serial),
        )
        sender = Sender(insurance.core, insurance.driver, SETTLEMENTS, rim)
        insurance.catch_up()
        opened = insurance.run(open_endpoint(Wish(subscriber.url, tuple(ALL)), INSURER), OFFICER)
        stranger = insurance.run(open_endpoint(Wish(subscriber.url, tuple(ALL)), "I330100"), OFFICER)
        secret = endpoint_secret(insurance.settings, UUID(str(opened.body["endpoint_id"])), 1)

        admit(insurance)
        insurance.react(dispensed())
        pay_share(insurance)
        insurance.react(received())
        insurance.react(dispensed(supply_id=OTHER, hold_id=UUID(int=23)))
        insurance.react(undone(supply=OTHER))
        insurance.react(taken_back())
        feed = insurance.find("settlements_of_insurer", insurer=INSURER, after=0, limit=9)

        def told() -> bool:
            sender.step()
            return len(subscriber.received) == len(feed)

        eventually(told, describe="everything in the feed is told")
        by_claim: dict[str, list[str]] = {}
        for call in subscriber.received:
            assert call.is_signed_with(secret)
            by_claim.setdefault(call.content["data"]["claim_id"], []).append(call.content["type"])
        claim, other = str(claim_id_of(SUPPLY, 1)), str(claim_id_of(OTHER, 1))
        assert by_claim == {
            claim: ["settlement.settled", "settlement.reversed"],
            other: ["settlement.voided"],
        }
        said = {call.content["data"]["position"]: call.content["data"] for call in subscriber.received}
        assert said == {row["position"]: orjson.loads(orjson.dumps(row)) for row in feed}
        assert stranger.refusal is None, "another insurer's endpoint is there, and was told nothing"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(insured_world(), tmp_path)


def officer(desk: Desk, method: str, path: str, body: Any = None, insurer: str | None = INSURER) -> httpx.Response:
    return desk.send(method, path, Role.INSURANCE_OFFICER, body, organisation=insurer)


def opened(desk: Desk, **changed: Any) -> dict[str, Any]:
    response = officer(desk, "POST", "/settlement-webhooks", {"url": URL, "kinds": ALL, **changed})
    assert response.status_code == 200, response.text
    answered: dict[str, Any] = response.json()
    return answered


def test_an_endpoint_is_opened_and_its_secret_shown_once(desk: Desk) -> None:
    answered = opened(desk)
    assert answered["secret"].startswith("whsec_")
    place = f"/settlement-webhooks/{answered['endpoint_id']}"
    shown = officer(desk, "GET", place)
    listed = officer(desk, "GET", "/settlement-webhooks")
    assert answered["secret"] not in shown.text + listed.text
    assert listed.json()["items"] == [shown.json()]
    assert {name: shown.json()[name] for name in ("url", "kinds", "status", "dead", "waiting", "failures")} == {
        "url": URL,
        "kinds": ALL,
        "status": "active",
        "dead": 0,
        "waiting": 0,
        "failures": 0,
    }
    rotated = officer(desk, "POST", f"{place}/secret", {"overlap_hours": 1}).json()
    assert (rotated["serial"], rotated["secret"] != answered["secret"]) == (2, True)
    assert officer(desk, "GET", place).json()["previous_until"] is not None


def test_an_endpoint_is_paused_resumed_pinged_and_removed(desk: Desk) -> None:
    place = f"/settlement-webhooks/{opened(desk)['endpoint_id']}"
    assert problem(officer(desk, "POST", f"{place}/resume")) == (409, "webhook.wrong_state")
    assert officer(desk, "POST", f"{place}/pause", {"reason": "系统维护"}).json()["status"] == "paused"
    shown = officer(desk, "GET", place).json()
    assert (shown["status"], shown["reason"], shown["changed_by"]) == ("paused", "系统维护", "insurance_officer-1")
    assert officer(desk, "POST", f"{place}/resume").json()["status"] == "active"
    assert officer(desk, "POST", f"{place}/ping").status_code == 200
    assert officer(desk, "POST", f"{place}/removal").json()["status"] == "removed"
    assert problem(officer(desk, "GET", place)) == (404, "webhook.unknown")
    assert officer(desk, "GET", "/settlement-webhooks").json()["items"] == []


def test_letters_are_listed_replayed_and_skipped(desk: Desk) -> None:
    endpoint = opened(desk)["endpoint_id"]
    place = f"/settlement-webhooks/{endpoint}/deliveries"
    with desk.memory.engine.begin() as connection:
        for number, status in ((3, "dead"), (5, "delivered"), (9, "dead")):
            row = {"place": number, "stream_id": PATIENT, "kind": ALL[0], "message_id": f"msg_{number}", "attempts": 10}
            connection.execute(
                sa.insert(webhook_delivery).values(
                    endpoint_id=UUID(endpoint), status=status, made_at=0, answer=500, **row
                )
            )
    first = officer(desk, "GET", f"{place}?limit=2").json()
    rest = officer(desk, "GET", f"{place}?limit=2&cursor={first['next']}").json()
    assert [row["place"] for row in first["items"] + rest["items"]] == [9, 5, 3]
    dead = officer(desk, "GET", f"{place}?status=dead").json()["items"]
    assert [(row["place"], row["answer"], row["attempts"]) for row in dead] == [(9, 500, 10), (3, 500, 10)]
    assert officer(desk, "GET", f"/settlement-webhooks/{endpoint}").json()["dead"] == 2

    assert officer(desk, "POST", f"{place}/3/replay").status_code == 200
    assert officer(desk, "POST", f"{place}/9/skip", {"reason": "已从游标取得"}).status_code == 200
    assert problem(officer(desk, "POST", f"{place}/5/skip", {"reason": "已从游标取得"})) == (409, "webhook.no_letter")
    assert problem(officer(desk, "POST", f"{place}/5/skip", {"reason": "因"})) == (422, "request.invalid")
    decided = {row["place"]: row for row in officer(desk, "GET", place).json()["items"]}
    assert decided[9]["decided_because"] == "已从游标取得"
    assert decided[3]["decided_by"] == decided[9]["decided_by"] == "insurance_officer-1"


def test_strangers_and_wrong_urls_are_refused(desk: Desk) -> None:
    endpoint = opened(desk)["endpoint_id"]
    place = f"/settlement-webhooks/{endpoint}"
    assert problem(officer(desk, "GET", place, insurer="I330100")) == (403, "webhook.not_yours")
    assert problem(officer(desk, "GET", f"{place}/deliveries", insurer="I330100")) == (403, "webhook.not_yours")
    assert problem(officer(desk, "POST", f"{place}/removal", insurer="I330100")) == (403, "webhook.not_yours")
    assert problem(officer(desk, "POST", f"/settlement-webhooks/{UUID(int=1)}/ping")) == (404, "webhook.unknown")
    assert officer(desk, "GET", "/settlement-webhooks", insurer="I330100").json()["items"] == []
    assert problem(desk.patient("GET", "/settlement-webhooks")) == (403, "identity.forbidden")
    body = {"url": "https://10.0.0.1/hooks", "kinds": ALL}
    refused = officer(desk, "POST", "/settlement-webhooks", body)
    assert problem(refused) == (422, "webhook.url")
    assert refused.json()["facts"] == {"wrong": "address"}
    for wrong in ({"kinds": []}, {"kinds": ["settlement.lost"]}, {"url": "x" * 501}, {"after": -1}, {"regions": []}):
        refused = officer(desk, "POST", "/settlement-webhooks", {"url": URL, "kinds": ALL, **wrong})
        assert problem(refused) == (422, "request.invalid")
    nobody = officer(desk, "POST", "/settlement-webhooks", {"url": URL, "kinds": ALL}, insurer=None)
    assert problem(nobody) == (403, "webhook.nobody")
    for _ in range(9):
        opened(desk)
    body = {"url": URL, "kinds": ALL}
    assert problem(officer(desk, "POST", "/settlement-webhooks", body)) == (409, "webhook.too_many")


def test_an_endpoint_may_go_on_from_a_place_in_the_feed(desk: Desk) -> None:
    endpoint = opened(desk, after=17, kinds=["settlement.settled"])["endpoint_id"]
    (begun,) = desk.memory.rows("webhook_decided", after=0, limit=9)
    assert (str(begun["endpoint_id"]), begun["what"], begun["place"]) == (endpoint, "opened", 17)
    assert begun["log_index"] == desk.memory.log_index
