"""Substitutes: proposed by pharmacies, screened by review, signed by prescribers or checked without them; protocols as
shortage tells them."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from typing import Any, cast
from uuid import UUID

from contracts.envelope import Envelope, IntegrationEvent
from contracts.events import dispatch_later, shortage
from contracts.events import prescribe_later as public
from contracts.events import review as told_by_review
from contracts.events.prescribe import RemainingFinding
from contracts.values import SubstitutionRatio
from services.prescribe.application.findings import finding_of
from services.prescribe.application.known import drug_entry, prescriber_entry
from services.prescribe.application.registers import REGISTER
from services.prescribe.application.signed_commands import check_signature, read_payload
from services.prescribe.domain import substitution
from services.prescribe.domain.commands import ConfirmSubstitution, DeclineSubstitution
from services.prescribe.domain.policy import POLICIES
from services.prescribe.domain.prescription import PRESCRIPTION, PrescriptionState
from services.prescribe.domain.protocol import ProtocolKnown, ProtocolOver, ProtocolState, protocol_ref
from services.prescribe.domain.signing_again import Signer
from services.prescribe.domain.substitution_events import (
    SubstituteScreened,
    SubstitutionChecked,
    SubstitutionConfirmed,
    SubstitutionDeclined,
    SubstitutionProposed,
)
from services.seedwork.calendar import civil_day
from services.seedwork.composition import Happened, Reaction, Translation
from services.seedwork.model import DomainEvent, Loaded, Outcome, Refusal
from services.seedwork.reference import EntryState, entry
from services.seedwork.usecase import Answer, Decision, Load, Moment, UseCase

Thinking = Generator[Load, Any, Decision]
NOBODY = UUID(int=0)


def proposed_by_pharmacy(
    event: dispatch_later.SubstitutionProposed, state: PrescriptionState, _moment: Moment
) -> Outcome:
    """A pharmacy asks about a substitute."""
    names = set(SubstitutionProposed.model_fields) - {"substitute"}
    facts = event.model_dump(include=names)
    proposed = SubstitutionProposed(
        **facts,
        substitute=event.substitute.product,
        substitute_name=f"{event.substitute.generic_name} {event.substitute.strength} {event.substitute.form}",
        substitute_drug_key=event.substitute.drug_key,
        numerator=event.ratio.numerator,
        denominator=event.ratio.denominator,
    )
    return substitution.propose(state, proposed)


def screened_by_review(event: told_by_review.SubstituteScreened, state: PrescriptionState, _moment: Moment) -> Outcome:
    """What its screening found, shown beside the proposal."""
    found = SubstituteScreened(
        proposal_id=event.proposal_id,
        findings=tuple(finding_of(each) for each in event.findings),
        degraded=event.degraded,
    )
    return substitution.screened(state, found)


def checked_without_prescriber(
    proposal_id: UUID, state: PrescriptionState, moment: Moment
) -> Generator[Load, Any, list[DomainEvent]]:
    """Once both the proposal and its screening are told, whichever came first."""
    proposed = substitution.to_check(state, proposal_id)
    if proposed is None:
        return []
    person, drug = yield Load.of(
        entry(REGISTER, "person", state.signed.prescriber), entry(REGISTER, "drug", proposed.substitute)
    )
    day = civil_day(moment.now)
    checked = substitution.check_substitution(
        state,
        proposed,
        prescriber_entry(person.state, day),
        drug_entry(drug.state, day),
        policy=POLICIES.on(day, moment.jurisdiction),
        today=day,
    )
    return [checked]


def confirm_substitution(jws: str, prescription_id: UUID) -> UseCase:
    """The prescriber's own signature over a proposed substitute."""
    command = read_payload(jws, ConfirmSubstitution)
    if isinstance(command, Refusal):
        return _refused(command)
    if command.prescription_id != prescription_id:
        return _refused(Refusal("prescription.other_id"))

    def decide(
        moment: Moment, prescription: Loaded[PrescriptionState], person: Loaded[EntryState], drug: Loaded[EntryState]
    ) -> Thinking:
        if moment.actor.subject != command.prescriber:
            return Decision.refused(Refusal("prescription.not_yours"))
        day = civil_day(moment.now)
        signer = Signer(jws, check_signature(jws, person.state, moment), prescriber_entry(person.state, day))
        proposal = prescription.state.proposals.get(command.proposal_id)
        (protocol,) = yield Load.of(protocol_ref(proposal.proposed.protocol_id if proposal else NOBODY))
        outcome = substitution.confirm_substitution(
            prescription.state,
            command,
            signer,
            protocol.state,
            drug_entry(drug.state, day),
            policy=POLICIES.on(day, moment.jurisdiction),
            now=moment.now,
        )
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        return Decision.on(prescription, outcome, Answer(201, _shown(prescription.after(outcome), command.proposal_id)))

    known = entry(REGISTER, "person", command.prescriber), entry(REGISTER, "drug", command.substitute)
    return UseCase((PRESCRIPTION.ref(prescription_id),), decide, relaxed=known)


def decline_substitution(command: DeclineSubstitution) -> UseCase:
    """The prescriber says no, and why."""

    def decide(moment: Moment, prescription: Loaded[PrescriptionState]) -> Decision:
        outcome = substitution.decline_substitution(prescription.state, command, moment.actor.subject, moment.now)
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        shown = _shown(prescription.after(outcome), command.proposal_id)
        return Decision.on(prescription, outcome, Answer(201, shown))

    return UseCase((PRESCRIPTION.ref(command.prescription_id),), decide)


def _shown(state: PrescriptionState, proposal_id: UUID) -> dict[str, Any]:
    proposal = state.proposals[proposal_id]
    return {
        "prescription_id": str(state.signed.prescription_id),
        "proposal_id": str(proposal_id),
        "line": proposal.proposed.line,
        "substitute": proposal.proposed.substitute,
        "confirmed": proposal.confirmed_by is not None,
        "declined": proposal.declined is not None,
    }


def _refused(refusal: Refusal) -> UseCase:
    return UseCase((), lambda _moment: Decision.refused(refusal))


def on_protocol_issued(event: shortage.ProtocolIssued, _envelope: Envelope) -> UseCase:
    """Kept as it was told; told again it changes nothing."""
    known = ProtocolKnown(**event.model_dump(include=set(ProtocolKnown.model_fields)))

    def decide(_moment: Moment, protocol: Loaded[ProtocolState]) -> Decision:
        return Decision.nothing() if protocol.state.known == known else Decision.on(protocol, [known])

    return UseCase((protocol_ref(event.protocol_id),), decide)


def on_protocol_ended(event: shortage.ProtocolEnded, _envelope: Envelope) -> UseCase:
    """Nobody signs under it after its last day."""
    over = ProtocolOver(protocol_id=event.protocol_id, ends_on=event.ends_on)

    def decide(_moment: Moment, protocol: Loaded[ProtocolState]) -> Decision:
        return Decision.nothing() if protocol.state.ends_on == over.ends_on else Decision.on(protocol, [over])

    return UseCase((protocol_ref(event.protocol_id),), decide)


PROTOCOL_REACTIONS: Mapping[type[IntegrationEvent], Reaction] = {
    shortage.ProtocolIssued: on_protocol_issued,
    shortage.ProtocolEnded: on_protocol_ended,
}


def _proposal(
    it: Happened, event: SubstitutionConfirmed | SubstitutionDeclined | SubstitutionChecked
) -> dict[str, Any]:
    """Which proposal is answered, and what it proposes instead of what."""
    proposed = it.after.proposals[event.proposal_id].proposed
    return {
        "prescription_id": it.after.signed.prescription_id,
        "patient_ref": event.patient_ref,
        "proposal_id": event.proposal_id,
        "fulfilment_id": proposed.fulfilment_id,
        "line": proposed.line,
        "substitute": proposed.substitute,
    }


def _confirmed(it: Happened) -> Iterable[public.SubstitutionConfirmed]:
    event = cast(SubstitutionConfirmed, it.event)
    proposed = it.after.proposals[event.proposal_id].proposed
    yield public.SubstitutionConfirmed(
        **_proposal(it, event),
        substitute_drug_key=proposed.substitute_drug_key,
        ratio=SubstitutionRatio(numerator=proposed.numerator, denominator=proposed.denominator),
        protocol_id=proposed.protocol_id,
        signed_sha256=event.signature.sha256,
        counter_only=event.counter_only,
        restricted_use_met=event.restricted_use_met,
        prescriber=it.after.signed.prescriber,
    )


def _declined(it: Happened) -> Iterable[public.SubstitutionDeclined]:
    event = cast(SubstitutionDeclined, it.event)
    yield public.SubstitutionDeclined(
        **_proposal(it, event),
        reason=event.reason,
    )


def _checked(it: Happened) -> Iterable[public.SubstitutionChecked]:
    event = cast(SubstitutionChecked, it.event)
    found = it.after.screenings[event.proposal_id].findings
    yield public.SubstitutionChecked(
        **_proposal(it, event),
        problem=event.problem,
        findings=tuple(RemainingFinding(**each.model_dump()) for each in found),
        in_the_way=event.in_the_way,
        degraded=event.degraded,
        counter_only=event.counter_only,
    )


TRANSLATE_SUBSTITUTIONS: Mapping[type[DomainEvent], Translation] = {
    SubstitutionConfirmed: _confirmed,
    SubstitutionDeclined: _declined,
    SubstitutionChecked: _checked,
}
