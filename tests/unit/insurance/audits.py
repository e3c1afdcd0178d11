"""An insured world whose audit has rules for its own drugs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from contracts.events.prescribe import PrescriptionReleased
from rxflow.docs.schemas import examples
from services.insurance.application.audits import appeal_audit, decide_audit, decide_audit_appeal
from services.insurance.application.claims import authorise_claim
from services.insurance.application.payments import pay
from services.insurance.domain.audit.case import (
    AppealAudit,
    AuditState,
    DecideAppeal,
    DecideAudit,
    audit_id_of,
    audit_of,
)
from services.insurance.domain.claim import AuthoriseClaim, claim_id_of
from services.insurance.domain.payment import PayShare, payment_of
from services.seedwork.ports import Outcome
from services.seedwork.usecase import Actor
from tests.unit.insurance.memory import (
    INSURER,
    PATIENT,
    PATIENT_ACTOR,
    PRESCRIPTION,
    SUPPLY,
    Memory,
    dispensed,
    dispensed_line,
    insured_world,
    received,
    recorded,
)

AUDIT_ID = audit_id_of(SUPPLY)
OFFICER = Actor("officer-1", "insurance_officer", organisation=INSURER)
COLLEAGUE = Actor("officer-2", "insurance_officer", organisation=INSURER)


def rule(identity: str, check: dict[str, Any], grade: str, **more: Any) -> dict[str, Any]:
    named = {"id": identity, "check": check, "grade": grade, "about": "prescribing", "says": identity, "source": "test"}
    return {**named, **more}


SEX = rule("SEX", {"kind": "sex", "allowed": "male"}, "violation", drugs={"names": ["药2"]})
AGE = rule("AGE", {"kind": "age", "from_years": 18}, "suspicious", about="patient")
EARLY = rule("EARLY", {"kind": "early", "lead_days": 5}, "suspicious", about="patient")
HINT = rule("HINT", {"kind": "indication", "diagnoses": ["K"]}, "hint")
TRACE = rule("TRACE", {"kind": "trace_reuse"}, "violation", about="dispensing")
RECALLED = rule("RECALLED", {"kind": "recalled_lot"}, "suspicious", about="dispensing")


def audited_world(*rules: dict[str, Any], appeal_days: int = 15, **member: Any) -> Memory:
    """Rules of its own are loaded, and nothing else."""
    memory = insured_world(**member)
    content = {"version": "t-1", "rules": list(rules), "appeal_days": appeal_days}
    memory.run(recorded("audit_rules", "cn", content))
    memory.told.clear()
    return memory


def released(**changed: Any) -> PrescriptionReleased:
    """The prescription of the dispensed supply: three lines for ten days."""
    example = examples()["prescribe.prescription_released.v1"]
    lines = [
        {**example["lines"][0], "line": number, "generic_name": f"药{number}", "quantity": 10 * packs, "days": 10}
        for number, packs in ((1, 2), (2, 3), (3, 1))
    ]
    about = {"prescription_id": str(PRESCRIPTION), "patient_ref": str(PATIENT), "prescriber": "D1", "lines": lines}
    patient = {"patient_sex": "male", "patient_age_days": 12_000}
    return PrescriptionReleased.model_validate({**example, **about, **patient, **changed})


def authorise(memory: Memory, supply: UUID = SUPPLY, attempt: int = 1) -> Outcome:
    command = AuthoriseClaim(claim_id=claim_id_of(supply, attempt), credential="token-1")
    return memory.attempt(authorise_claim(command, memory.outside), PATIENT_ACTOR)


def pay_share(memory: Memory, supply: UUID = SUPPLY) -> None:
    share = PayShare(payment_id=payment_of(claim_id_of(supply, 1)).stream_id, reference="WX-1")
    memory.run(pay(share, memory.outside), PATIENT_ACTOR)


def settle(memory: Memory, supply: UUID = SUPPLY) -> None:
    """Authorised, paid and received."""
    assert authorise(memory, supply).refusal is None
    pay_share(memory, supply)
    memory.hear(received(supply=supply))


def again(memory: Memory, days: int, number: int = 20, **changed: Any) -> UUID:
    """Another prescription of the same drugs, released and dispensed some days later."""
    memory.move_clock(timedelta(days=days))
    supply = UUID(int=number)
    prescription, fulfilment = UUID(int=number + 1), UUID(int=number + 2)
    memory.hear(released(prescription_id=str(prescription), **changed))
    names = {"prescription_id": prescription, "fulfilment_id": fulfilment, "supply_id": supply}
    lines = tuple(
        dispensed_line(
            line.line, line.product, line.packs, line.unit_price, trace_codes=(f"9{number}{line.line}",) * line.packs
        )
        for line in dispensed().lines
    )
    memory.hear(dispensed(**names, lines=lines))
    return supply


def case_of(memory: Memory, supply: UUID = SUPPLY) -> AuditState:
    state: AuditState = memory.state(audit_of(supply))
    return state


def decide(memory: Memory, decision: Any, actor: Actor = OFFICER, supply: UUID = SUPPLY) -> Outcome:
    command = DecideAudit(audit_id=audit_id_of(supply), decision=decision, reason="病历核实")
    return memory.attempt(decide_audit(command, memory.outside), actor)


def appeal(memory: Memory, actor: Actor = PATIENT_ACTOR, supply: UUID = SUPPLY) -> Outcome:
    command = AppealAudit(audit_id=audit_id_of(supply), grounds="确有需要")
    return memory.attempt(appeal_audit(command, memory.outside), actor)


def decide_appeal(memory: Memory, decision: Any, actor: Actor = COLLEAGUE, supply: UUID = SUPPLY) -> Outcome:
    command = DecideAppeal(audit_id=audit_id_of(supply), decision=decision, reason="复核病历")
    return memory.attempt(decide_audit_appeal(command, memory.outside), actor)
