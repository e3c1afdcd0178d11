"""Insurance over HTTP: the routes of the claim's way, and who may not take them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from contracts.errors.insurance import PROBLEMS
from contracts.roles import Role
from services.insurance.api import router
from services.insurance.domain.claim import claim_id_of
from services.insurance.domain.payment import payment_of
from tests.support.http_caller import Caller
from tests.unit.insurance.memory import (
    INSURER,
    JIA,
    PATIENT,
    PHARMACY,
    SUPPLY,
    Memory,
    dispensed,
    insured_world,
    received,
)

CLAIM = claim_id_of(SUPPLY, 1)
PAYMENT = payment_of(CLAIM).stream_id


class Desk:
    """Speaks HTTP to the api as each of its users."""

    def __init__(self, memory: Memory, key_directory: Path) -> None:
        self.memory = memory
        self._call = Caller(memory, router, key_directory)

    def send(self, method: str, path: str, role: Role, body: Any = None, **claims: Any) -> httpx.Response:
        return self._call(self._call.token(f"{role}-1", role, **claims), method, path, json=body)

    def patient(self, method: str, path: str, body: Any = None, patient_ref: UUID = PATIENT) -> httpx.Response:
        return self.send(method, path, Role.PATIENT, body, patient_ref=patient_ref)

    def officer(self, path: str, insurer: str = INSURER) -> httpx.Response:
        return self.send("GET", path, Role.INSURANCE_OFFICER, organisation=insurer)

    def admin(self, path: str, body: Any) -> httpx.Response:
        return self.send("POST", path, Role.SYSTEM_ADMIN, body)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(insured_world(), tmp_path)


def problem(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["type"].removeprefix("urn:rxflow:problem:")


def test_a_claim_goes_from_credential_to_settlement(desk: Desk) -> None:
    # given a dispensed supply
    desk.memory.hear(dispensed())
    # when the patient authorises, looks, pays and has it
    authorised = desk.patient("POST", f"/claims/{CLAIM}/authorise", {"credential": "token-4711"})
    assert authorised.json()["state"] == "authorised"
    (listed,) = desk.patient("GET", f"/payments?claim_id={CLAIM}").json()["items"]
    assert (listed["payment_id"], listed["status"]) == (str(PAYMENT), "requested")
    paid = desk.patient("POST", f"/payments/{PAYMENT}/pay", {"reference": "WX-0001"})
    assert paid.json()["status"] == "paid"
    assert desk.patient("GET", f"/payments/{PAYMENT}").json()["reference"] == "WX-0001"
    desk.memory.hear(received())
    # then the claim is settled, with every amount's rule, and the insurer's feed has it
    claim = desk.patient("GET", f"/claims/{CLAIM}").json()
    assert (claim["state"], claim["patient_share"]) == ("settled", 4200)
    feed = desk.officer("/settlements").json()
    assert [(item["kind"], item["claim_id"]) for item in feed["items"]] == [("settled", str(CLAIM))]
    assert desk.officer(f"/settlements?after={feed['next']}").json() == {"items": [], "next": feed["next"]}
    balance = desk.officer("/ledger/trial-balance").json()
    assert balance["balance"] == 0
    (payable,) = [row for row in balance["accounts"] if row["account"] == f"payable.{PHARMACY}"]
    assert payable == {
        "account": f"payable.{PHARMACY}",
        "kind": "pharmacy",
        "debit": 0,
        "credit": 22500,
        "balance": -22500,
        "pending_debit": 0,
        "pending_credit": 0,
        "pending": 0,
        "posted_debit": 0,
        "posted_credit": 22500,
        "posted": -22500,
    }


def test_a_standing_authorisation_is_given_and_withdrawn(desk: Desk) -> None:
    assert desk.patient("POST", "/authorisations").json() == {"standing": True}
    assert problem(desk.patient("POST", "/authorisations")) == (409, "authorisation.wrong_state")
    assert desk.patient("POST", "/authorisations/withdrawals").json() == {"standing": False}
    assert problem(desk.send("POST", "/authorisations", Role.PATIENT)) == (403, "authorisation.not_a_patient")


def test_a_patient_may_pay_alone_with_written_consent(desk: Desk) -> None:
    desk.memory.hear(dispensed())
    answered = desk.patient("POST", f"/claims/{CLAIM}/self-pay", {"consent": "paper-1"}).json()
    assert (answered["state"], answered["patient_share"]) == ("authorised", 22500)
    assert problem(desk.patient("POST", f"/claims/{CLAIM}/self-pay", {"consent": "paper-1"})) == (
        409,
        "claim.wrong_state",
    )


def test_claims_are_shown_to_their_parties_only(desk: Desk) -> None:
    desk.memory.hear(dispensed())
    stranger = UUID(int=77)
    assert problem(desk.patient("GET", f"/claims/{CLAIM}", patient_ref=stranger)) == (403, "claim.not_yours")
    assert problem(desk.patient("GET", f"/claims/{UUID(int=9)}")) == (404, "claim.unknown")
    assert desk.patient("GET", f"/claims?supply_id={SUPPLY}", patient_ref=stranger).json() == {"items": []}
    assert len(desk.patient("GET", f"/claims?supply_id={SUPPLY}").json()["items"]) == 1
    assert len(desk.officer(f"/claims?supply_id={SUPPLY}").json()["items"]) == 1
    assert desk.officer(f"/claims?supply_id={SUPPLY}", "I330100").json() == {"items": []}
    assert problem(desk.officer("/payments?claim_id=" + str(CLAIM))) == (403, "identity.forbidden")


def test_payments_are_shown_to_their_patient_only(desk: Desk) -> None:
    desk.memory.hear(dispensed(insurance_intent="self_pay"))
    stranger = UUID(int=77)
    assert problem(desk.patient("GET", f"/payments/{PAYMENT}", patient_ref=stranger)) == (403, "payment.not_yours")
    assert problem(desk.patient("GET", f"/payments/{UUID(int=9)}")) == (404, "payment.unknown")
    assert desk.patient("GET", f"/payments?claim_id={CLAIM}", patient_ref=stranger).json() == {"items": []}


def test_members_and_registers_are_loaded_by_the_administrator(desk: Desk) -> None:
    member = {
        "patient_ref": str(UUID(int=60)),
        "as_of": "2026-03-01",
        "insurer": INSURER,
        "insutype": "310",
        "psn_type": "在职",
        "account_balance": 12345,
        "insured_from": "2020-01-01",
    }
    assert desk.admin("/members", member).status_code == 201
    assert problem(desk.admin("/members", member | {"insurer": "I000000"})) == (422, "member.unknown_insurer")
    assert problem(desk.admin("/members", member | {"as_of": "2026-02-01"})) == (409, "member.import_outdated")
    entry = {"code": "I330100", "content": {"name": "二局", "region": "330100"}, "valid_from": "2026-01-01"}
    report = desk.admin("/registers/insurer", {"entries": [entry, entry | {"code": "I330200", "content": {}}]}).json()
    assert (report["recorded"], report["refused"]) == (1, 1)
    assert problem(desk.admin("/registers/drug", {"entries": [entry]})) == (404, "register.kind")
    assert problem(desk.officer("/registers/drug")) == (404, "register.kind")


def test_a_register_is_read_page_by_page(desk: Desk) -> None:
    first = desk.officer("/registers/catalogue_entry?limit=2").json()
    assert first["items"][0]["code"] == JIA
    rest = desk.officer(f"/registers/catalogue_entry?limit=2&cursor={first['next']}").json()
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"/claims/{CLAIM}/authorise", {"credential": 7}),
        (f"/claims/{CLAIM}/self-pay", {}),
        (f"/payments/{PAYMENT}/pay", {"reference": "x"}),
    ],
)
def test_a_malformed_command_is_refused_before_anything_is_decided(desk: Desk, path: str, body: Any) -> None:
    assert problem(desk.patient("POST", path, body)) == (422, "request.invalid")


def test_every_problem_of_the_catalogue_stands_at_a_route() -> None:
    named: set[str] = set()
    for route in router.routes:
        for response in route.responses.values():  # type: ignore[attr-defined]
            named |= {code for code in (problem.code for problem in PROBLEMS) if code in repr(response)}
    assert named == {problem.code for problem in PROBLEMS}
