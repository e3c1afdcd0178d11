"""The HTTP api of responses: authorities decide, prescribers and pharmacies are told."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from contracts.roles import Role
from services.shortage.api import router
from tests.support.http_caller import Caller
from tests.unit.shortage.conftest import DRUG, HANGZHOU
from tests.unit.shortage.responses import DAY, OTHER, Shortage, word

TEXT = {
    "from_drug_key": DRUG,
    "to_drug_key": OTHER,
    "numerator": 1,
    "denominator": 2,
    "regions": ["33"],
    "mode": "prescriber_confirms",
    "valid_from": "2026-03-02",
}


class Desk:
    """Two people of the province, one of another, and a prescriber."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._tokens = {
            "zhejiang": caller.token("R33", Role.REGULATOR, region="330000"),
            "deputy": caller.token("R33-2", Role.REGULATOR, region="330000"),
            "shaanxi": caller.token("R61", Role.REGULATOR, region="610000"),
            "prescriber": caller.token("D1", Role.PRESCRIBER, organisation="H1"),
            "patient": caller.token("p", Role.PATIENT),
        }

    def get(self, who: str, path: str, **query: Any) -> Any:
        return self._caller(self._tokens[who], "GET", path, params=query)

    def send(self, who: str, path: str, compact: str) -> Any:
        headers = {"Content-Type": "application/jose"}
        return self._caller(self._tokens[who], "POST", path, content=compact.encode(), headers=headers)

    def post(self, who: str, path: str, body: Any) -> Any:
        return self._caller(self._tokens[who], "POST", path, json=body)


@pytest.fixture
def shortage() -> Shortage:
    world = Shortage()
    world.confirmed()
    return world


@pytest.fixture
def desk(shortage: Shortage, tmp_path: Path) -> Desk:
    return Desk(Caller(shortage.store, router, tmp_path))


def test_a_protocol_from_draft_to_end(shortage: Shortage, desk: Desk) -> None:
    drafted = desk.post("zhejiang", f"/shortages/{shortage.id()}/protocols", TEXT)
    assert drafted.status_code == 201
    path = f"/protocols/{drafted.json()['protocol_id']}"
    about = word(drafted.json()["protocol_id"], drafted.json()["digest"])
    draft, deputy = (shortage.officer(person).sign(about) for person in ("R33", "R33-2"))
    assert desk.post("zhejiang", f"{path}/sign", {"digest": "0" * 64}).json()["code"] == "request.media_type"
    assert desk.send("zhejiang", f"{path}/sign", draft).json()["code"] == "protocol.own_draft"
    assert desk.send("deputy", f"{path}/sign", draft).json()["code"] == "signature.unknown_key"
    assert desk.send("deputy", f"{path}/sign", deputy).json()["state"] == "in_force"
    assert desk.post("prescriber", f"{path}/withdraw", {"reason": "x"}).status_code == 403
    withdrawn = desk.post("zhejiang", f"{path}/withdraw", {"reason": "到货"}).json()
    assert (withdrawn["state"], withdrawn["ends_on"]) == ("ended", "2026-03-09")


def test_what_is_done_is_listed_for_the_authorities_of_the_region(shortage: Shortage, desk: Desk) -> None:
    path = f"/shortages/{shortage.id()}"
    body = {"region": "33", "max_days": 7, "reason": "缺", "priority_diagnoses": ["J18"]}
    limit = desk.post("zhejiang", f"{path}/allocations", body)
    assert limit.status_code == 201
    shortage.store.time += DAY / 24
    released = {"region": "3301", "quantity": 500, "to": "承储", "reason": "缺"}
    reserve = desk.post("zhejiang", f"{path}/reserves", released)
    assert reserve.status_code == 201
    for _ in range(8):
        shortage.store.move_clock(DAY)

    first = desk.get("zhejiang", f"{path}/responses", limit=1).json()
    second = desk.get("zhejiang", f"{path}/responses", limit=1, cursor=first["next"]).json()
    assert [row["kind"] for row in (*first["items"], *second["items"])] == ["allocation", "reserve"]
    assert second["next"] is None
    (row,) = first["items"]
    assert (row["max_days"], row["priority_diagnoses"], row["state"]) == (7, ["J18"], "set")
    assert row["effect"]["after"]["demands"] == {"filled": 0, "wanted": 0}
    assert second["items"][0]["state"] == "over"

    end = f"/allocations/{limit.json()['response_id']}/end"
    assert desk.post("shaanxi", end, {"reason": "x"}).status_code == 403
    assert desk.post("zhejiang", end, {"reason": "到货"}).json()["state"] == "ended"
    assert desk.get("shaanxi", f"{path}/responses").json()["code"] == "shortage.unknown"
    assert desk.get("zhejiang", f"/shortages/{uuid4()}/responses").json()["code"] == "shortage.unknown"
    assert desk.get("prescriber", f"{path}/responses").status_code == 403


def test_transfers_are_planned_over_what_the_pharmacies_told(shortage: Shortage, desk: Desk) -> None:
    path = f"/shortages/{shortage.id()}/transfers"
    assert desk.post("zhejiang", path, {}).json()["code"] == "response.nothing_to_move"
    assert desk.post("shaanxi", path, {}).json()["code"] == "shortage.not_your_region"
    assert desk.post("zhejiang", f"/shortages/{uuid4()}/transfers", {}).json()["code"] == "shortage.unknown"

    # given: P9 has much and asks for little, P1 could not give 12; P3 is of another chain and could not either
    for pharmacy, chain in (("P9", "一心堂"), ("P1", "一心堂"), ("P3", "老百姓")):
        shortage.pharmacy(pharmacy, chain=chain)
    shortage.shelf("P9", 400, dispensed=1)

    inside = desk.post("zhejiang", path, {}).json()
    (proposal,) = inside["proposals"]
    assert (proposal["from_pharmacy"], proposal["to_pharmacy"], proposal["quantity"]) == ("P9", "P1", 20)
    assert (proposal["explanation"]["kept_from"], proposal["explanation"]["unfilled_to"]) == (14, 12)
    assert (inside["needed"], inside["covered"]) == (24, 12)

    ordered = desk.post("zhejiang", path, {"order_reason": "紧急调用"}).json()
    assert ordered["covered"] == 24
    assert {row["legal_ground"] for row in ordered["proposals"]} == {"same_chain", "authority_order"}


def test_a_prescriber_is_told_what_is_short_what_may_be_given_and_what_else_there_is(
    shortage: Shortage, desk: Desk
) -> None:
    protocol = shortage.issued(max_days=14)
    shortage.limit()
    shortage.limit(region="3302", max_days=3)
    shortage.issued(valid_from="2026-03-04", regions=("3301",))
    for pharmacy in ("P8", "P9"):
        shortage.pharmacy(pharmacy)
    shortage.shelf("P9", 50, drug=OTHER)
    shortage.shelf("P8", 90, drug=OTHER, reserved=20)
    shortage.shelf("P8", 30, drug="头孢克肟|颗粒剂|50mg", product="X-g")

    hint = desk.get("prescriber", "/shortage-hints", region=HANGZHOU, drug_key=[DRUG, "阿司匹林|片剂|100mg"]).json()
    short, fine = hint["items"]
    assert [row["grade"] for row in short["shortages"]] == ["II"]
    assert [row["max_days"] for row in short["limits"]] == [7]
    allowed, other = short["alternatives"]
    assert (allowed["drug_key"], allowed["protocol"]["protocol_id"]) == (OTHER, str(protocol))
    assert (allowed["how"], allowed["protocol"]["max_days"]) == ("prescriber_confirms", 14)
    assert [(row["pharmacy"], row["free"], row["same_county"]) for row in allowed["pharmacies"]] == [
        ("P8", 70, True),
        ("P9", 50, True),
    ]
    assert (other["drug_key"], other["protocol"]) == ("头孢克肟|颗粒剂|50mg", None)
    assert (fine["shortages"], fine["limits"], fine["alternatives"]) == ([], [], [])
    assert "events" not in short["shortages"][0]
    (there,) = desk.get("prescriber", "/shortage-hints", region="330203", drug_key=DRUG).json()["items"]
    assert sorted(row["max_days"] for row in there["limits"]) == [3, 7]
    assert desk.get("patient", "/shortage-hints", region=HANGZHOU, drug_key=DRUG).status_code == 403
    assert desk.get("prescriber", "/shortage-hints", region="33", drug_key=DRUG).status_code == 422
    assert desk.get("prescriber", "/shortage-hints", region=HANGZHOU).status_code == 422


def test_a_suspicion_is_in_no_hint(tmp_path: Path) -> None:
    world = Shortage()
    world.unfilled("P1")
    world.unfilled("P2")
    desk = Desk(Caller(world.store, router, tmp_path))
    (item,) = desk.get("prescriber", "/shortage-hints", region=HANGZHOU, drug_key=DRUG).json()["items"]
    assert (item["shortages"], item["alternatives"]) == ([], [])


def test_a_protocol_that_runs_out_is_hinted_at_until_its_last_day(shortage: Shortage, desk: Desk) -> None:
    protocol = shortage.issued()
    desk.post("deputy", f"/protocols/{protocol}/withdraw", {"reason": "x"})
    shortage.pharmacy("P9")
    shortage.shelf("P9", 50, drug=OTHER)
    for days, hinted in ((7, True), (1, False)):
        shortage.store.time += days * DAY
        (item,) = desk.get("prescriber", "/shortage-hints", region=HANGZHOU, drug_key=DRUG).json()["items"]
        assert [row["protocol"] is not None for row in item["alternatives"]] == [hinted]
