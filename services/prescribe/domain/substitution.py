"""Substitutes: proposed by a pharmacy, screened by the review, allowed by the prescriber's own signature."""

from __future__ import annotations

from datetime import datetime

from services.prescribe.domain.commands import ConfirmSubstitution, WrittenPrescription
from services.prescribe.domain.confirmation import not_confirmable
from services.prescribe.domain.issue_checks import SUBSTITUTE, Written, broken
from services.prescribe.domain.policy import Policy
from services.prescribe.domain.prescription import PrescriptionState
from services.prescribe.domain.protocol import ProtocolState
from services.prescribe.domain.registers import Drug, Known
from services.prescribe.domain.signing_again import Signer, may_not_sign, other_content
from services.prescribe.domain.substitution_events import (
    SubstituteScreened,
    SubstitutionConfirmed,
    SubstitutionProposed,
)
from services.seedwork.calendar import civil_day
from services.seedwork.model import Outcome, Refusal


def propose(state: PrescriptionState, proposed: SubstitutionProposed) -> Outcome:
    """Into the prescriber's inbox, once."""
    if state.current is None:
        return Refusal("prescription.unknown")
    if proposed.proposal_id in state.proposals:
        return []
    if refusal := state.refuses("substitution_proposed"):
        return refusal
    if proposed.line not in {line.line for line in state.signed.lines}:
        return Refusal("query.unknown_line", {"lines": [proposed.line]})
    return [proposed]


def screened(state: PrescriptionState, found: SubstituteScreened) -> Outcome:
    """Beside the proposal, once; it may be told before the proposal itself."""
    if state.current is None:
        return Refusal("prescription.unknown")
    return [] if found.proposal_id in state.screenings else [found]


def confirm_substitution(
    state: PrescriptionState,
    command: ConfirmSubstitution,
    signer: Signer,
    protocol: ProtocolState,
    drug: Drug | None,
    *,
    policy: Policy,
    now: datetime,
) -> Outcome:
    """By the prescriber, registered today and with the rights that the substitute itself asks for, while the pharmacy
    waits and the protocol holds, and never past what no signature may insist on: nobody reviews the substitute between
    this signature and the counter. So its screening has come, if only to say that it could not be made. The same bytes
    again change nothing."""
    signature = may_not_sign(state, command, signer)
    if isinstance(signature, Refusal):
        return signature
    about = {"proposal_id": str(command.proposal_id)}
    proposal = state.proposals.get(command.proposal_id)
    if proposal is None:
        return Refusal("proposal.unknown", about)
    if proposal.confirmed_by is not None:
        return [] if proposal.confirmed_by == signature.sha256 else Refusal("proposal.answered", about)
    if refusal := state.refuses("ConfirmSubstitution") or other_content(state, command):
        return refusal
    if now >= proposal.proposed.answer_due_at:
        return Refusal("proposal.over", {**about, "answer_due_at": proposal.proposed.answer_due_at.isoformat()})
    if not protocol.in_force(civil_day(now)):
        return Refusal("proposal.protocol_over", about)
    if (command.line, command.substitute) != (proposal.proposed.line, proposal.proposed.substitute):
        return Refusal("proposal.other_substitute", {**about, "proposed": proposal.proposed.substitute})
    if refusal := broken(SUBSTITUTE, _as_written(state, command, signer, drug, policy, now)):
        return refusal
    found = state.screenings.get(command.proposal_id)
    if found is None:
        return Refusal("proposal.not_screened", about)
    if stubborn := not_confirmable(found.findings):
        return Refusal("proposal.not_confirmable", {**about, "findings": stubborn})
    return [
        SubstitutionConfirmed(
            proposal_id=command.proposal_id,
            patient_ref=state.signed.patient_ref,
            signature=signature,
            jws=signer.compact,
            confirmed_at=now,
        )
    ]


def _as_written(
    state: PrescriptionState,
    command: ConfirmSubstitution,
    signer: Signer,
    drug: Drug | None,
    policy: Policy,
    now: datetime,
) -> Written:
    """The line as if the prescriber had written the substitute on it, today."""
    current = state.signed
    content = WrittenPrescription(
        prescription_id=current.prescription_id,
        patient_ref=current.patient_ref,
        prescriber=current.prescriber,
        institution=current.institution,
        visit_kind=current.visit_kind,
        medicine_kind=current.medicine_kind,
        diagnoses=(),
        lines=tuple(
            line.model_copy(update={"product": command.substitute})
            for line in current.lines
            if line.line == command.line
        ),
        online_visit=current.online_visit,
        beyond_level_reason=current.beyond_level_reason,
        insurance_intent=current.insurance_intent,
    )
    known = Known(signer.entry, institution=None, patient=None, drugs={drug.code: drug} if drug else {})
    return Written(content, known, policy, civil_day(now))
