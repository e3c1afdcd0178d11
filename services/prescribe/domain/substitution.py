"""Substitutes: proposed by a pharmacy, screened by the review, allowed by the prescriber's own signature; where the
protocol asks no prescriber, held against the same checks and the same screening."""

from __future__ import annotations

from datetime import date, datetime
from math import gcd
from uuid import UUID

from services.prescribe.domain.commands import ConfirmSubstitution, DeclineSubstitution, WrittenPrescription
from services.prescribe.domain.confirmation import in_the_way, not_confirmable
from services.prescribe.domain.issue_checks import DIRECTED, SUBSTITUTE, Written, broken
from services.prescribe.domain.plan import WrittenPlan
from services.prescribe.domain.policy import Policy
from services.prescribe.domain.prescription import PrescriptionState
from services.prescribe.domain.prescription_events import SignedRevision
from services.prescribe.domain.prescription_state import Proposal
from services.prescribe.domain.protocol import ProtocolState
from services.prescribe.domain.registers import Drug, Known, Prescriber
from services.prescribe.domain.signing_again import Signer, may_not_sign, other_content
from services.prescribe.domain.substitution_events import (
    SubstituteScreened,
    SubstitutionChecked,
    SubstitutionConfirmed,
    SubstitutionDeclined,
    SubstitutionProposed,
)
from services.prescribe.domain.values import RestrictedUse, WrittenLine
from services.seedwork.calendar import civil_day
from services.seedwork.model import Outcome, Refusal

Stated = tuple[bool | None, str | None]
"""Whether the insurance's restriction on the substitute is met (限制使用), and why not; None: nothing is said."""


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
    proposal = _asked(state, command.proposal_id)
    if isinstance(proposal, Refusal):
        return proposal
    if proposal.declined is not None:
        return Refusal("proposal.answered", about)
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
    known = _known(signer.entry, drug)
    stated = (command.restricted_use_met, command.restricted_use_reason)
    if refusal := _unlawful(state.signed, proposal.proposed, stated, known, policy, civil_day(now)):
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
            restricted_use_met=command.restricted_use_met,
            counter_only=not policy.may_be_delivered(known.drugs[command.substitute]),
        )
    ]


def _asked(state: PrescriptionState, proposal_id: UUID) -> Proposal | Refusal:
    """The proposal, where its prescriber is asked."""
    proposal = state.proposals.get(proposal_id)
    if proposal is None:
        return Refusal("proposal.unknown", {"proposal_id": str(proposal_id)})
    if not proposal.asks_prescriber:
        return Refusal("proposal.not_asked", {"proposal_id": str(proposal_id), "mode": proposal.proposed.mode})
    return proposal


def decline_substitution(state: PrescriptionState, command: DeclineSubstitution, by: str, now: datetime) -> Outcome:
    """By the prescriber, while the pharmacy waits, whatever has become of the rest: the pharmacy learns it, and what it
    holds for the substitute is free. It allows nothing, so it needs no signature. The same again changes nothing."""
    if state.current is None:
        return Refusal("prescription.unknown")
    if by != state.current.prescriber:
        return Refusal("prescription.not_yours")
    about = {"proposal_id": str(command.proposal_id)}
    proposal = _asked(state, command.proposal_id)
    if isinstance(proposal, Refusal):
        return proposal
    if proposal.declined is not None and proposal.declined.reason == command.reason:
        return []
    if proposal.declined is not None or proposal.confirmed_by is not None:
        return Refusal("proposal.answered", about)
    if refusal := state.refuses("DeclineSubstitution"):
        return refusal
    if now >= proposal.proposed.answer_due_at:
        return Refusal("proposal.over", {**about, "answer_due_at": proposal.proposed.answer_due_at.isoformat()})
    declined = SubstitutionDeclined(
        proposal_id=command.proposal_id,
        patient_ref=state.signed.patient_ref,
        reason=command.reason,
        declined_at=now,
    )
    return [declined]


def to_check(state: PrescriptionState, proposal_id: UUID) -> SubstitutionProposed | None:
    """What asks no prescriber, is screened and not checked yet."""
    proposal = state.proposals.get(proposal_id)
    if proposal is None or proposal.asks_prescriber or proposal.checked:
        return None
    if state.ended or proposal_id not in state.screenings:
        return None
    return proposal.proposed


def check_substitution(
    state: PrescriptionState,
    proposed: SubstitutionProposed,
    prescriber: Prescriber | None,
    drug: Drug | None,
    *,
    policy: Policy,
    today: date,
) -> SubstitutionChecked:
    """As if the prescriber wrote the substitute today, and nobody stood for what its screening found: a pharmacist does
    not confirm in a prescriber's place. `restricted_use` is what the pharmacist states."""
    known = _known(prescriber, drug)
    stated = (proposed.restricted_use_met, proposed.restricted_use_reason)
    refusal = _unlawful(state.signed, proposed, stated, known, policy, today)
    found = state.screenings[proposed.proposal_id]
    return SubstitutionChecked(
        proposal_id=proposed.proposal_id,
        patient_ref=state.signed.patient_ref,
        pharmacist=proposed.pharmacist,
        problem=refusal.code if refusal else None,
        in_the_way=in_the_way(found.findings),
        degraded=found.degraded,
        counter_only=drug is None or not policy.may_be_delivered(drug),
    )


def _known(prescriber: Prescriber | None, drug: Drug | None) -> Known:
    return Known(prescriber, institution=None, patient=None, drugs={drug.code: drug} if drug else {})


def _unlawful(
    signed: SignedRevision,
    proposed: SubstitutionProposed,
    stated: Stated,
    known: Known,
    policy: Policy,
    today: date,
) -> Refusal | None:
    """What the checks of an issue say to the substitute on its line, as if the prescriber wrote it there today.

    Amounts are those of all that may be given on the line, because the signature holds for whoever holds it; what the
    ratio leaves over is no part of that. Another drug, or another form of it, is taken by what the ratio makes of it;
    another strength of the same as directed, compared `numerator` lines at once, so that nothing is left over.
    """
    line = next(each for each in signed.lines if each.line == proposed.line)
    number = signed.plan.instalments if signed.plan else 1
    most = number * _most(proposed, line.quantity // number)
    written = _written(signed, stated, line.model_copy(update={"product": proposed.substitute, "quantity": most}))
    if refusal := broken(SUBSTITUTE, Written(written, known, policy, today)):
        return refusal
    drug = known.drugs[proposed.substitute]
    if (line.generic_name, line.form, line.dose_unit) != (drug.generic_name, drug.form, drug.dose_unit):
        return None
    many = {"dose": line.dose * proposed.numerator, "quantity": line.quantity * proposed.denominator}
    written = _written(signed, stated, line.model_copy(update={"product": proposed.substitute, **many}))
    return broken(DIRECTED, Written(written, known, policy, today))


def _most(proposed: SubstitutionProposed, prescribed: int) -> int:
    """Base units of the substitute that may stand for at most so many prescribed ones, by the ratio and exactly."""
    common = gcd(proposed.numerator, proposed.denominator)
    return prescribed // (proposed.numerator // common) * (proposed.denominator // common)


def _written(signed: SignedRevision, said: Stated, line: WrittenLine) -> WrittenPrescription:
    """The signed form as it was written, with this line alone, and what is stated of the substitute. Its form was
    checked when it was signed: that of today may be stricter."""
    met, reason = said
    stated = () if met is None else (RestrictedUse(line=line.line, met=met, reason=reason),)
    plan = None
    if signed.plan is not None:
        plan = WrittenPlan.model_construct(
            instalments=signed.plan.instalments,
            days=signed.plan.days,
            assessment=signed.plan_assessment,
            patient_agreed=True,
        )
    return WrittenPrescription.model_construct(
        prescription_id=signed.prescription_id,
        patient_ref=signed.patient_ref,
        prescriber=signed.prescriber,
        institution=signed.institution,
        visit_kind=signed.visit_kind,
        medicine_kind=signed.medicine_kind,
        diagnoses=signed.diagnoses or (),
        lines=(line,),
        long_supply_reason=signed.long_supply_reason,
        online_visit=signed.online_visit,
        beyond_level_reason=signed.beyond_level_reason,
        insurance_intent=signed.insurance_intent.model_copy(update={"restricted_use": stated}),
        plan=plan,
    )
