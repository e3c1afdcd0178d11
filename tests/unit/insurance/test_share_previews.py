"""The patient's share before signing: the golden amounts, what is assumed and said, who is shown what, nothing kept."""

from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from contracts.errors import CATALOGUE
from contracts.errors.share import PROBLEMS as CONCERNS
from contracts.roles import Role
from services.insurance.domain.preview import ALONE
from tests.unit.insurance.memory import (
    ADMIN,
    BING,
    INSURER,
    JIA,
    PATIENT,
    PHARMACY,
    YI,
    Memory,
    dispensed,
    insured_world,
    recorded,
)
from tests.unit.insurance.test_insurance_api import Desk, problem

GOLDEN = (f"{JIA}:20:10:2550", f"{YI}:30:10:4800", f"{BING}:10:10:3000")
"""The lines of `china.md` 3.1: 2 x 25.50, 3 x 48.00, 1 x 30.00."""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(insured_world(), tmp_path)


def ask(desk: Desk, *lines: str, role: Role = Role.PATIENT, **changed: Any) -> httpx.Response:
    sent = {"patient_ref": str(PATIENT), "insurance_intent": "pooled_outpatient", "lines": list(lines or GOLDEN)}
    query = str(httpx.QueryParams({**sent, **changed}))
    claims = {"patient_ref": PATIENT} if role is Role.PATIENT else {"organisation": "H31010100001"}
    return desk.send("GET", f"/share-previews?{query}", role, **claims)


def concerns(response: httpx.Response) -> list[tuple[str, int | None]]:
    assert response.status_code == 200, response.text
    return [(concern["code"], concern["line"]) for concern in response.json()["concerns"]]


def agree(memory: Memory, channels: tuple[str, ...] = ("定点", "门诊统筹"), **more: Any) -> None:
    content = {"pharmacy": PHARMACY, "insurer": INSURER, "channels": channels}
    memory.run(recorded("designation", f"{PHARMACY}-{INSURER}", content, date(2020, 1, 1), **more), ADMIN)


def test_the_golden_amounts_with_the_rule_of_each(desk: Desk) -> None:
    shown = ask(desk).json()

    assert (shown["total"], shown["fund"], shown["person_share"]) == (22500, 7350 + 4950, 10200)
    assert {share["payer"]: share["amount"] for share in shown["payers"]} == {
        "hifp": 7350,
        "maf": 4950,
        "acct": 6000,
        "patient": 4200,
    }
    assert shown["patient_share"] == 4200
    assert all(share["rule"] for line in shown["lines"] for share in line["payers"])
    assert [line["line"] for line in shown["lines"]] == [1, 2, 3]
    assert shown["policy"] == "cn/000000/390/2026"
    assert shown["complete"] is True


def test_it_is_what_the_claim_is_quoted_at(desk: Desk) -> None:
    shown = ask(desk).json()

    desk.memory.hear(dispensed())

    adjudication = desk.memory.claim().adjudication
    assert adjudication is not None
    quoted = [line.model_dump(mode="json") for line in adjudication.lines]
    own = {"price_from", "person_share"}
    assert [{name: value for name, value in line.items() if name not in own} for line in shown["lines"]] == quoted


def test_nothing_is_kept(desk: Desk) -> None:
    before = len(desk.memory.log)

    assert ask(desk).status_code == 200
    assert len(desk.memory.log) == before


def test_a_prescriber_is_not_shown_what_the_personal_account_holds(desk: Desk) -> None:
    response = ask(desk, role=Role.PRESCRIBER)

    shown = response.json()
    assert shown["person_share"] == 10200
    assert "patient_share" not in shown
    assert "acct" not in response.text
    assert "personal-account" not in response.text


def test_who_may_ask(desk: Desk) -> None:
    assert problem(ask(desk, patient_ref=str(UUID(int=9)))) == (403, "share.not_yours")
    assert problem(ask(desk, role=Role.PHARMACIST)) == (403, "identity.forbidden")
    assert problem(ask(desk, role=Role.INSURANCE_OFFICER)) == (403, "identity.forbidden")


def test_the_same_answer_has_the_same_name_and_another_one_another(desk: Desk) -> None:
    first, again = ask(desk).json(), ask(desk).json()
    other = ask(desk, f"{JIA}:10:10:2550").json()

    assert first["id"] == again["id"] != other["id"]
    assert first["id"].startswith("share:")
    assert len(first["id"]) <= 100
    stranger = ask(desk, role=Role.PRESCRIBER, patient_ref=str(UUID(int=9))).json()
    assert stranger["id"] != ask(desk, role=Role.PRESCRIBER).json()["id"]


def test_a_pharmacy_without_the_agreement_is_paid_by_the_patient_alone(desk: Desk) -> None:
    alone = ask(desk, pharmacy=PHARMACY)
    assert concerns(alone) == [("share.not_designated", None)]
    assert (alone.json()["person_share"], alone.json()["policy"]) == (22500, "self-pay")

    agree(desk.memory)
    assert ask(desk, pharmacy=PHARMACY).json()["person_share"] == 10200
    agree(desk.memory, ("定点",))
    assert concerns(ask(desk, pharmacy=PHARMACY)) == [("share.not_designated", None)]
    agree(desk.memory, suspended=True)
    assert concerns(ask(desk, pharmacy=PHARMACY)) == [("share.not_designated", None)]


def test_who_is_not_insured_pays_alone_and_hears_why(tmp_path: Path, desk: Desk) -> None:
    stranger = ask(desk, role=Role.PRESCRIBER, patient_ref=str(UUID(int=9)), pharmacy=PHARMACY)
    assert concerns(stranger) == [("share.not_a_member", None)]
    over = Desk(insured_world(insured_until=date(2026, 1, 31)), tmp_path)
    assert concerns(ask(over)) == [("share.not_a_member", None)]
    unknown = Desk(insured_world(insutype="999"), tmp_path)
    assert concerns(ask(unknown)) == [("share.no_policy", None)]
    closed = insured_world()
    insurer = {"name": "市医疗保障局", "region": "310100"}
    closed.run(recorded("insurer", INSURER, insurer, date(2020, 1, 1), suspended=True), ADMIN)
    assert concerns(ask(Desk(closed, tmp_path))) == [("share.insurer_not_in_force", None)]


def test_who_wants_to_pay_alone_has_no_problem(desk: Desk) -> None:
    shown = ask(desk, insurance_intent="self_pay")

    assert concerns(shown) == []
    assert shown.json()["person_share"] == 22500


def test_an_intent_that_nobody_knows_is_no_insurance(desk: Desk) -> None:
    assert concerns(ask(desk, insurance_intent="holiday")) == [("share.not_designated", None)]


def test_a_price_that_nobody_named_is_the_payment_standard_and_said_to_be(desk: Desk) -> None:
    shown = ask(desk, f"{YI}:30:10").json()

    (line,) = shown["lines"]
    assert (line["total"], line["price_from"]) == (3 * 4500, "payment_standard")
    assert ask(desk, f"{YI}:30:10:4500").json()["lines"][0]["price_from"] == "named"


def test_a_line_without_any_price_is_not_in_the_sums(desk: Desk) -> None:
    shown = ask(desk, f"{JIA}:20:10", f"{JIA}:20:10:2550", "XZ99:1:1")

    assert concerns(shown) == [("share.price_unknown", 1), ("share.price_unknown", 3), ("share.not_listed", 3)]
    assert (shown.json()["total"], shown.json()["complete"]) == (5100, False)


def test_the_rules_that_make_the_share_larger_are_named_by_line(desk: Desk) -> None:
    shown = ask(desk, f"{BING}:10:10:3000", f"{YI}:10:10:4501", f"{YI}:10:10:4500", "XZ99:10:10:100")

    assert concerns(shown) == [("share.class_c", 1), ("share.above_standard", 2), ("share.not_listed", 4)]


def test_an_opened_pack_is_rounded_half_up_once(desk: Desk) -> None:
    assert ask(desk, f"{JIA}:1:10:2555").json()["total"] == 256
    assert ask(desk, f"{JIA}:1:10:2554").json()["total"] == 255


@pytest.mark.parametrize(
    "lines",
    [[], ["x"], [f"{JIA}:0:10"], [f"{JIA}:1:0"], [f"{JIA}:1:10:-5"], [f"{JIA}:1:10:5:5"], [f"{JIA}:1:10"] * 51],
    ids=["none", "form", "nothing", "no pack", "less than nothing", "too long", "too many"],
)
def test_what_cannot_be_a_line_is_refused(desk: Desk, lines: list[str]) -> None:
    query = str(httpx.QueryParams({"patient_ref": str(PATIENT), "insurance_intent": "general", "lines": lines}))

    response = desk.patient("GET", f"/share-previews?{query}")

    assert problem(response) == (422, "request.invalid")


def test_every_concern_is_in_the_catalogue() -> None:
    assert set(ALONE.values()) <= {each.code for each in CONCERNS} <= CATALOGUE.keys()
