"""How prescribe reacts to the others: every event of a family that names a prescription goes into its trace; some move
the prescription itself, in the same save.

A refusal of the domain (a contradiction, an unknown prescription) does not stop the trace: what was told is recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from contracts.envelope import Envelope, IntegrationEvent
from contracts.events import EVENTS
from contracts.events import dispatch as told_by_dispatch
from contracts.events import dispatch_later as told_later_by_dispatch
from contracts.events import review as told_by_review
from contracts.events.dispatch_returned import SupplyTakenBack
from contracts.values import LineBuckets as PublicBuckets
from services.prescribe.application.allocations import ALLOCATION_REACTIONS
from services.prescribe.application.findings import finding_of
from services.prescribe.application.reactions_to_blocks import found_by_rescreen, refused_at_pharmacy
from services.prescribe.application.registers import REGISTER
from services.prescribe.application.substitutions import (
    PROTOCOL_REACTIONS,
    checked_without_prescriber,
    proposed_by_pharmacy,
    screened_by_review,
)
from services.prescribe.domain.cancellation import take_decision
from services.prescribe.domain.prescription import PRESCRIPTION, PrescriptionState
from services.prescribe.domain.progress import Progress, end_fulfilment, follow
from services.prescribe.domain.registration import stopped_by_register
from services.prescribe.domain.review_answers import ReviewAnswer, take_answer
from services.prescribe.domain.trace import TRACE, TraceRecorded, TraceState, record, summary_of, trace_id
from services.prescribe.domain.values import CancelledLine, LineBuckets, Reviewer
from services.seedwork.calendar import civil_day
from services.seedwork.composition import Reaction
from services.seedwork.model import DomainEvent, Loaded, Outcome, Refusal
from services.seedwork.reference import entry
from services.seedwork.usecase import Decision, Load, Moment, UseCase

TRACED_FAMILIES = frozenset({"case", "advice", "fulfilment", "delivery", "claim", "payment", "audit"})
Thinking = Generator[Load, Any, Decision]
Effect = Callable[[Any, PrescriptionState, Moment], Outcome]


def _buckets(told: tuple[PublicBuckets, ...]) -> tuple[LineBuckets, ...]:
    return tuple(LineBuckets.model_validate(each.model_dump()) for each in told)


def _answered(
    event: told_by_review.CasePassed | told_by_review.CaseReturned | told_by_review.CaseRefused,
    state: PrescriptionState,
    moment: Moment,
) -> Outcome:
    answer = ReviewAnswer(
        answer=_ANSWERS[type(event)],
        case_id=event.case_id,
        revision=event.revision,
        confirmation_no=event.confirmation_no,
        signed_sha256=event.signed_sha256,
        reviewers=tuple(Reviewer.model_validate(each.model_dump()) for each in event.reviewers),
        findings=tuple(finding_of(each) for each in event.findings),
        codes=() if isinstance(event, told_by_review.CasePassed) else event.codes,
        comment=event.reason if isinstance(event, told_by_review.CaseRefused) else event.comment,
    )
    return take_answer(state, answer, moment.now)


_ANSWERS: Mapping[type[IntegrationEvent], Any] = {
    told_by_review.CasePassed: "passed",
    told_by_review.CaseReturned: "returned",
    told_by_review.CaseRefused: "refused",
}


def _held(event: told_by_dispatch.QuantityHeld, state: PrescriptionState, _moment: Moment) -> Outcome:
    progress = Progress(
        "quantity_held",
        _buckets(event.buckets),
        hold_id=event.hold_id,
        pharmacy=event.pharmacy,
        instalment=_number(event, state),
    )
    return follow(state, progress)


def _hold_ended(event: told_by_dispatch.HoldEnded, state: PrescriptionState, _moment: Moment) -> Outcome:
    progress = Progress(
        "hold_ended",
        _buckets(event.buckets),
        hold_id=event.hold_id,
        pharmacy=event.pharmacy,
        reason=event.reason or event.how,
        instalment=_number(event, state),
    )
    return follow(state, progress)


def _dispensed(event: told_by_dispatch.SupplyDispensed, state: PrescriptionState, _moment: Moment) -> Outcome:
    progress = Progress(
        "supply_dispensed",
        _buckets(event.buckets),
        hold_id=event.hold_id,
        supply_id=event.supply_id,
        pharmacy=event.pharmacy,
        instalment=_number(event, state),
    )
    return follow(state, progress)


def _received(
    event: told_by_dispatch.SupplyReceived, state: PrescriptionState, _moment: Moment, *, at: datetime
) -> Outcome:
    """`at`: when the patient had it in hands, however late that is told; the next instalment opens by it."""
    progress = Progress(
        "supply_received",
        _buckets(event.buckets),
        supply_id=event.supply_id,
        rejected=any(line.quantity for line in event.rejected),
        instalment=_number(event, state),
        at=at,
    )
    return follow(state, progress)


def _undone(event: told_by_dispatch.SupplyUndone, state: PrescriptionState, _moment: Moment) -> Outcome:
    progress = Progress(
        "supply_undone",
        _buckets(event.buckets),
        supply_id=event.supply_id,
        reason=event.why,
        instalment=_number(event, state),
    )
    return follow(state, progress)


def _taken_back(event: SupplyTakenBack, state: PrescriptionState, _moment: Moment) -> Outcome:
    progress = Progress(
        "supply_taken_back",
        _buckets(event.buckets),
        supply_id=event.supply_id,
        pharmacy=event.pharmacy,
        reason=event.why,
        instalment=_number(event, state),
    )
    return follow(state, progress)


def _number(event: told_by_dispatch.FulfilmentEvent, state: PrescriptionState) -> int | None:
    """Which instalment dispatch tells of."""
    return state.instalment_of(event.fulfilment_id) if state.current else None


def _decided(event: told_by_dispatch.CancellationDecided, state: PrescriptionState, _moment: Moment) -> Outcome:
    lines = tuple(CancelledLine.model_validate(each.model_dump()) for each in event.lines)
    told = _buckets(event.buckets)
    return take_decision(state, event.request_id, lines, told, final=event.final, fulfilment=event.fulfilment_id)


def _closed(event: told_by_dispatch.FulfilmentClosed, state: PrescriptionState, _moment: Moment) -> Outcome:
    return end_fulfilment(state, event.fulfilment_id, event.outcome, _buckets(event.buckets))


EFFECTS: Mapping[type[IntegrationEvent], Effect] = {
    told_by_review.CasePassed: _answered,
    told_by_review.CaseReturned: _answered,
    told_by_review.CaseRefused: _answered,
    told_by_review.RescreenFound: found_by_rescreen,
    told_by_dispatch.SupplyRefused: refused_at_pharmacy,
    told_by_dispatch.QuantityHeld: _held,
    told_by_dispatch.HoldEnded: _hold_ended,
    told_by_dispatch.SupplyDispensed: _dispensed,
    told_by_dispatch.SupplyUndone: _undone,
    SupplyTakenBack: _taken_back,
    told_by_dispatch.CancellationDecided: _decided,
    told_by_dispatch.FulfilmentClosed: _closed,
    told_later_by_dispatch.SubstitutionProposed: proposed_by_pharmacy,
    told_by_review.SubstituteScreened: screened_by_review,
}
"""Events that move the prescription, beside a receipt, which does so by its own time; all others of the traced families
are recorded only."""
SUBSTITUTES = (told_later_by_dispatch.SubstitutionProposed, told_by_review.SubstituteScreened)


def react(event: Any, envelope: Envelope) -> UseCase:
    """Records the event in the trace of its prescription and applies its effect, once."""
    prescription_id: UUID = event.prescription_id
    trace = TRACE.ref(trace_id(prescription_id))
    line = _line(event, envelope, prescription_id)
    received = isinstance(event, told_by_dispatch.SupplyReceived)
    effect = partial(_received, at=line.occurred_at) if received else EFFECTS.get(type(event))

    def only_trace(_moment: Moment, trace: Loaded[TraceState]) -> Decision:
        return Decision.on(trace, record(trace.state, line))

    def trace_and_effect(
        moment: Moment, trace: Loaded[TraceState], prescription: Loaded[PrescriptionState]
    ) -> Thinking:
        recorded = record(trace.state, line)
        if effect is None or not recorded:
            return Decision.nothing()
        outcome = effect(event, prescription.state, moment)
        if isinstance(outcome, Refusal):
            return replace(Decision.on(trace, recorded), refusal=outcome)
        if isinstance(event, told_by_review.CasePassed):
            outcome = [*outcome, *(yield from _stopped_at_release(moment, prescription.after(outcome)))]
        if isinstance(event, SUBSTITUTES):
            after = prescription.after(outcome)
            outcome = [*outcome, *(yield from checked_without_prescriber(event.proposal_id, after, moment))]
        return Decision.on(trace, recorded).and_also(prescription, outcome)

    if effect is None:
        return UseCase((trace,), only_trace)
    return UseCase((trace, PRESCRIPTION.ref(prescription_id)), trace_and_effect)


def _stopped_at_release(moment: Moment, state: PrescriptionState) -> Generator[Load, Any, list[DomainEvent]]:
    """What is released while its prescriber is out of force is stopped with the same save."""
    (person,) = yield Load.of(entry(REGISTER, "person", state.signed.prescriber))
    return [] if person.state.in_force(civil_day(moment.now)) else stopped_by_register(state, person.state)


def _line(event: IntegrationEvent, envelope: Envelope, prescription_id: UUID) -> TraceRecorded:
    body = envelope.parsed_body()
    return TraceRecorded(
        prescription_id=prescription_id,
        type=envelope.type,
        producer=envelope.producer,
        stream=envelope.stream,
        public_seq=envelope.public_seq,
        hash=envelope.hash.hex(),
        message_id=envelope.message_id,
        causation_id=body.causation_id,
        occurred_at=body.occurred_at,
        actor=body.actor,
        summary=summary_of(event),
    )


REACTIONS: Mapping[type[IntegrationEvent], Reaction] = {
    **{event: react for event in EVENTS.values() if event.FAMILY in TRACED_FAMILIES},
    **PROTOCOL_REACTIONS,
    **ALLOCATION_REACTIONS,
}
