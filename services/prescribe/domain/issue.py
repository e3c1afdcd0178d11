"""Decisions about what is written: issue, and amend after a return."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.prescribe.domain.calendar import end_of_validity
from services.prescribe.domain.commands import AmendPrescription, IssuePrescription, WrittenPrescription
from services.prescribe.domain.issue_checks import WHAT, WHO, Written, broken
from services.prescribe.domain.plan_checks import as_planned
from services.prescribe.domain.policy import Policy
from services.prescribe.domain.prescription import KeptCancellation, PrescriptionState
from services.prescribe.domain.prescription_events import (
    PrescriptionAmended,
    PrescriptionArrivedCancelled,
    PrescriptionIssued,
)
from services.prescribe.domain.registers import Drug, Known, KnownPatient
from services.prescribe.domain.values import Line, ScreeningFacts, Signature, WrittenLine
from services.seedwork.calendar import civil_day
from services.seedwork.model import Outcome, Refusal


@dataclass(frozen=True)
class Signed:
    """The compact JWS as received and what checking it against the prescriber's registered keys gave."""

    compact: str
    check: Signature | Refusal


def issue(
    state: PrescriptionState, command: IssuePrescription, signed: Signed, known: Known, *, policy: Policy, now: datetime
) -> Outcome:
    """A first signature. Nothing of it reaches the review when its cancellation came before it."""
    if refusal := state.refuses("IssuePrescription"):
        same = isinstance(signed.check, Signature) and signed.check.sha256 == state.signed.signature.sha256
        return [] if same else Refusal("prescription.already_exists", refusal.facts)
    content = _checked(command, signed, known, policy, now)
    if isinstance(content, Refusal):
        return content
    kept = _applicable(state.kept, command)
    if kept:
        return [PrescriptionArrivedCancelled(**content, revision=1, request_id=kept.request_id)]
    return [PrescriptionIssued(**content, revision=1)]


def amend(
    state: PrescriptionState, command: AmendPrescription, signed: Signed, known: Known, *, policy: Policy, now: datetime
) -> Outcome:
    """A returned prescription, signed anew by the same prescriber for the same patient."""
    if state.current is None:
        return Refusal("prescription.unknown")
    before = state.current
    if command.prescriber != before.prescriber:
        return Refusal("prescription.not_yours")
    if isinstance(signed.check, Signature) and signed.check.sha256 == before.signature.sha256:
        return []
    if refusal := state.refuses("AmendPrescription"):
        return refusal
    if state.past_validity(now):
        return Refusal("prescription.validity_over", {"valid_until": before.valid_until.isoformat()})
    if command.revision != before.revision + 1:
        return Refusal("amendment.revision", {"revision": command.revision, "expected": before.revision + 1})
    if before.revision > policy.amendments_max:
        return Refusal("amendment.rounds", {"max": policy.amendments_max})
    if command.patient_ref != before.patient_ref:
        return Refusal("amendment.other_patient")
    content = _checked(command, signed, known, policy, now)
    if isinstance(content, Refusal):
        return content
    return [PrescriptionAmended(**content, revision=command.revision)]


def _applicable(kept: tuple[KeptCancellation, ...], command: IssuePrescription) -> KeptCancellation | None:
    """The first kept cancellation whose author could have cancelled this prescription."""
    return next(
        (each for each in kept if each.requested_by == command.prescriber or each.organisation == command.institution),
        None,
    )


def _checked(
    command: WrittenPrescription, signed: Signed, known: Known, policy: Policy, now: datetime
) -> dict[str, Any] | Refusal:
    """The content of the signed revision, or the first broken rule."""
    written = Written(command, known, policy, civil_day(now))
    if refusal := broken(WHO, written):
        return refusal
    if isinstance(signed.check, Refusal):
        return signed.check
    if refusal := broken(WHAT, written):
        return refusal
    return {
        "prescription_id": command.prescription_id,
        "patient_ref": command.patient_ref,
        "prescriber": command.prescriber,
        "institution": command.institution,
        "region": known.institution.region if known.institution else "",
        "visit_kind": command.visit_kind,
        "patient_name": known.patient.name if known.patient else None,
        "facts": _facts(known.patient, written) if known.patient else None,
        "diagnoses": command.diagnoses,
        "tcm_diagnoses": command.tcm_diagnoses,
        "medicine_kind": command.medicine_kind,
        "lines": tuple(_line(line, drug, written) for line, drug in written.lines()),
        "long_supply_reason": command.long_supply_reason,
        "renews": command.renews,
        "extends": command.extends,
        "replaces": command.replaces,
        "plan": as_planned(command.plan, policy.long_term) if command.plan and policy.long_term else None,
        "plan_assessment": command.plan.assessment if command.plan else None,
        "validity_days": command.validity_days,
        "validity_reason": command.validity_reason,
        "online_visit": command.online_visit,
        "online": command.online,
        "beyond_level_reason": command.beyond_level_reason,
        "hints_seen": command.hints_seen,
        "insurance_intent": command.insurance_intent,
        "insurance_disease_code": command.insurance_disease_code,
        "signature": signed.check,
        "jws": signed.compact,
        "policy_version": policy.version,
        "issued_at": now,
        "valid_until": end_of_validity(now, command.validity_days),
    }


def _facts(patient: KnownPatient, written: Written) -> ScreeningFacts:
    age_days = max((written.today - patient.birth_date).days, 0)
    return ScreeningFacts(**written.facts.model_dump(), age_days=age_days, sex=patient.sex)


def _line(line: WrittenLine, drug: Drug, written: Written) -> Line:
    """A written line, and what the register says of its drug: by law or nature some go over the counter only."""
    often = written.frequency(line)
    return Line(
        **line.model_dump(exclude={"frequency_per_day"}),
        frequency_per_day=often.times,
        per_days=often.per_days,
        as_needed=often.as_needed,
        split_pack=written.split_pack(line, drug),
        generic_name=drug.generic_name,
        form=drug.form,
        strength=drug.strength,
        base_unit=drug.base_unit,
        drug_class=drug.drug_class,
        atc=drug.atc,
        english_name=drug.english_name,
        counter_only=not written.policy.may_be_delivered(drug),
        cold_chain=drug.cold_chain,
    )
