"""A hospital with two reviewing pharmacists and a doctor, and the prescriptions that reach its review."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from joserfc.jwk import ECKey

from contracts.events.prescribe import PrescriptionIssued, PrescriptionReleased, RegisterEntryRecorded
from services.review.application.library import checked, load_knowledge
from services.review.composition import SERVICE
from services.review.domain.case import case_id
from services.review.domain.verdicts import PER_MILLE
from services.seedwork.signing import sign_compact
from services.seedwork.usecase import Actor
from tests.support.knowledge import document, drug, entry
from tests.support.store_in_memory import StoreInMemory

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
HOSPITAL = "H33010200001"
DOCTOR = "D330102000001"
SUN = "HY330102000001"
LI = "HY330102000002"
REASON = "慢性病, 病情稳定"


PLAIN = document(
    version="plain-1",
    drugs=[drug(f"drug-{number}", f"药品{number}", atc=f"X{number:02}AA01") for number in range(1, 60)],
    groups=[],
    doses=[],
    interactions=[],
    allergy_groups=[entry("penicillins", names=["青霉素"], members=[{"atc": "J01C"}])],
)
"""Drugs of which nothing bad is known."""


class NothingDrawn:
    """Identifiers by which chance draws no case for a comment: what a test wants drawn it draws itself."""

    def new(self) -> UUID:
        return next(each for each in iter(uuid4, None) if each.int % PER_MILLE)


class Hospital:
    """Review of one hospital: what happens to it from outside, and what its pharmacists ask for."""

    def __init__(self) -> None:
        self.store = StoreInMemory(SERVICE, NOW, ids=NothingDrawn())
        self.key = ECKey.generate_key("P-256")
        self.store.run(load_knowledge(*checked(PLAIN)), Actor("root", "system_admin"))
        self.admit("institution", HOSPITAL, {"name": "上城区示例医院", "region": "330102", "level": 3})
        self.admit_person(SUN, "孙丽", "reviewer")
        self.admit_person(LI, "李强", "reviewer")
        self.admit_person(DOCTOR, "王芳", "prescriber", "reviewer")

    def admit(self, kind: str, code: str, content: dict[str, Any], **validity: Any) -> None:
        entry = {"kind": kind, "code": code, "content": content, "valid_from": date(2026, 1, 1)} | validity
        self.store.react(RegisterEntryRecorded.model_validate(entry))

    def admit_person(self, code: str, name: str, *professions: str, organisation: str = HOSPITAL, **more: Any) -> None:
        key = {"kid": f"{code}-1", "valid_from": "2026-01-01", "valid_until": "2026-12-31"}
        content = {
            "name": name,
            "professions": professions,
            "organisation": organisation,
            "registration_no": "R1",
            "prescribing_rights": ["ordinary", "toxic"],
            "keys": [key | {"jwk": self.key.as_dict(private=False)}],
        }
        self.admit("person", code, content, **more)

    def issue(self, **changes: Any) -> UUID:
        """A prescription reaches review; the id of its case."""
        event = issued(**changes)
        self.store.react(event)
        return case_id(event.prescription_id, event.revision, event.confirmation_no)

    def signed(self, case: UUID, *, person: str = SUN, **changes: Any) -> str:
        payload = {"case_id": str(case), "revision": 1, "signed_sha256": digest(1), "comments": []} | changes
        return sign_compact(json.dumps(payload).encode(), self.key.as_dict(private=True), f"{person}-1")


def reviewer(person: str = SUN, organisation: str = HOSPITAL) -> Actor:
    return Actor(person, "reviewer", organisation)


def digest(revision: int) -> str:
    return hashlib.sha256(f"revision {revision}".encode()).hexdigest()


def line(number: int = 1, *, days: int = 7, drug_key: str | None = None) -> dict[str, Any]:
    return {
        "line": number,
        "product": f"XA01AAA00{number:014}",
        "generic_name": f"药品{number}",
        "drug_key": drug_key or f"药品{number}|片剂|5mg",
        "form": "片剂",
        "strength": "5mg",
        "drug_class": "ordinary",
        "base_unit": "片",
        "quantity": 3 * days,
        "dose": "5",
        "dose_unit": "mg",
        "frequency_per_day": 3,
        "route": "oral",
        "days": days,
    }


def issued(**changes: Any) -> PrescriptionIssued:
    revision = changes.get("revision", 1)
    fields = {
        "prescription_id": uuid4(),
        "patient_ref": UUID(int=7),
        "kind": "first" if revision == 1 else "amended",
        "revision": revision,
        "confirmation_no": 0,
        "prescriber": DOCTOR,
        "institution": HOSPITAL,
        "region": "330102",
        "visit_kind": "outpatient",
        "facts": {"age_days": 20_000, "sex": "female", "allergies": ["青霉素"]},
        "diagnoses": [{"code": "I10", "name": "高血压"}],
        "lines": [line()],
        "validity_days": 1,
        "insurance_intent": {"kind": "general"},
        "signed_sha256": digest(revision),
        "signature": {"kid": "d-1", "checked_at": NOW},
        "issued_at": NOW,
        "valid_until": NOW + timedelta(hours=14),
    }
    return PrescriptionIssued.model_validate(fields | changes)


@pytest.fixture
def hospital() -> Hospital:
    return Hospital()


@pytest.fixture
def code_of() -> Callable[[Any], str | None]:
    return lambda outcome: outcome.refusal.code if outcome.refusal else None


def released(event: PrescriptionIssued) -> PrescriptionReleased:
    """The same prescription in circulation."""
    lines = [
        each.model_dump() | {"dose_text": "x", "counter_only": False, "deliverable": True, "cold_chain": False}
        for each in event.lines
    ]
    fields = event.model_dump() | {"patient_name": "某", "reviewers": [], "lines": lines}
    for each in lines:
        each["substitution_consent"] = True
    return PrescriptionReleased.model_validate(fields)
