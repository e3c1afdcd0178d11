"""The audit over HTTP: lists by party, cases, decisions and appeals by their roles."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from contracts.roles import Role
from services.insurance.domain.claim import claim_id_of
from services.seedwork.forgotten import PatientForgotten
from services.seedwork.forgotten_copies import keep_forgotten
from services.seedwork.model import PersonalClass
from services.seedwork.store.sealing import personal_fields
from tests.unit.insurance.audits import AGE, AUDIT_ID, audited_world, released
from tests.unit.insurance.memory import INSURER, PATIENT, PHARMACY, SUPPLY, dispensed
from tests.unit.insurance.test_insurance_api import Desk, problem


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A child's claim waits for an officer."""
    memory = audited_world(AGE)
    memory.hear(released(patient_age_days=4000))
    memory.hear(dispensed())
    return Desk(memory, tmp_path)


def officer(desk: Desk, path: str, body: Any = None, number: int = 1, insurer: str = INSURER) -> Any:
    token = desk._call.token(f"officer-{number}", Role.INSURANCE_OFFICER, organisation=insurer)
    return desk._call(token, "GET" if body is None else "POST", path, json=body)


def test_a_case_goes_from_its_list_to_its_appeal(desk: Desk) -> None:
    (listed,) = officer(desk, "/audits?state=open").json()["items"]
    assert (listed["audit_id"], listed["rules"], listed["grade"]) == (str(AUDIT_ID), ["audit/AGE@t-1"], "suspicious")
    assert officer(desk, "/audits?state=final").json()["items"] == []
    assert problem(officer(desk, "/audits?state=lost")) == (422, "request.invalid")
    (own,) = desk.send("GET", "/audits", Role.PHARMACIST, organisation=PHARMACY).json()["items"]
    assert own["audit_id"] == str(AUDIT_ID)
    assert desk.send("GET", "/audits", Role.PHARMACIST, organisation="P33010200001").json()["items"] == []
    assert officer(desk, "/audits", insurer="I330100").json()["items"] == []
    held = desk.patient("POST", f"/claims/{claim_id_of(SUPPLY, 1)}/authorise", {"credential": "token-1"})
    assert problem(held) == (409, "claim.audit_open")
    assert "4000" not in officer(desk, f"/audits/{AUDIT_ID}").text

    decided = officer(desk, f"/audits/{AUDIT_ID}/decision", {"decision": "upheld", "reason": "年龄不符"})
    assert decided.json()["state"] == "upheld"
    appealed = desk.patient("POST", f"/audits/{AUDIT_ID}/appeal", {"grounds": "医师评估后使用"})
    assert appealed.json()["appeal"]["role"] == "patient"
    granted = {"decision": "granted", "reason": "病历充分"}
    assert problem(officer(desk, f"/audits/{AUDIT_ID}/appeal-decision", granted)) == (403, "audit.same_person")
    assert officer(desk, f"/audits/{AUDIT_ID}/appeal-decision", granted, 2).json()["state"] == "cleared"
    shown = desk.patient("GET", f"/audits/{AUDIT_ID}").json()
    assert (shown["decision"]["decided_by"], shown["appeal_decision"]["decided_by"]) == ("officer-1", "officer-2")
    (listed,) = officer(desk, "/audits").json()["items"]
    assert listed["state"] == "cleared"
    assert desk.patient("GET", f"/claims/{claim_id_of(SUPPLY, 1)}").json()["audit"]["findings"][0]["rule"] == "AGE"


def test_a_rejected_appeal_and_one_nobody_made_are_listed_as_final(desk: Desk) -> None:
    officer(desk, f"/audits/{AUDIT_ID}/decision", {"decision": "upheld", "reason": "年龄不符"})
    desk.patient("POST", f"/audits/{AUDIT_ID}/appeal", {"grounds": "医师评估后使用"})
    assert officer(desk, "/audits").json()["items"][0]["state"] == "appealed"
    officer(desk, f"/audits/{AUDIT_ID}/appeal-decision", {"decision": "rejected", "reason": "病历不足"}, 2)
    assert officer(desk, "/audits").json()["items"][0]["state"] == "final"


def test_strangers_learn_nothing(desk: Desk) -> None:
    assert problem(desk.patient("GET", f"/audits/{AUDIT_ID}", patient_ref=UUID(int=9))) == (403, "audit.not_yours")
    assert problem(officer(desk, f"/audits/{UUID(int=9)}")) == (404, "audit.unknown")
    body = {"decision": "cleared", "reason": "年龄不符"}
    assert problem(officer(desk, f"/audits/{AUDIT_ID}/decision", body, insurer="I330100")) == (403, "audit.not_yours")
    assert problem(desk.patient("POST", f"/audits/{AUDIT_ID}/decision", body)) == (403, "identity.forbidden")


def test_of_a_forgotten_patient_the_case_stays_and_nobody_is_named(desk: Desk) -> None:
    desk.memory.run(keep_forgotten(PatientForgotten(patient_ref=PATIENT), None))
    (row,) = desk.memory.rows("audits_of_insurer", party=INSURER, state="", before=2**40, limit=9)
    assert row["patient_ref"] == UUID(int=0)


def test_what_is_clinical_is_sealed() -> None:
    from services.insurance.domain.audit.case import AuditAppealed  # noqa: PLC0415
    from services.insurance.domain.audit.prescription import PrescriptionKnown  # noqa: PLC0415

    clinical = PersonalClass.CLINICAL
    assert personal_fields(AuditAppealed) == {"grounds": clinical}
    assert personal_fields(PrescriptionKnown) == dict.fromkeys(("sex", "age_days", "diagnoses"), clinical)
