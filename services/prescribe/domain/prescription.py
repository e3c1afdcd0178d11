"""The aggregate Prescription: how each event changes it, and which deadlines run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.prescribe.domain import prescription_events as happened
from services.prescribe.domain.block_events import BLOCK_EVENTS, QueryAnswered, QueryRaised
from services.prescribe.domain.calendar import past
from services.prescribe.domain.confirmation_events import FindingsConfirmed
from services.prescribe.domain.parts import Parts
from services.prescribe.domain.prescription_state import (
    Block,
    Cancellation,
    KeptCancellation,
    PrescriptionState,
    Proposal,
    StopUse,
    Window,
    fulfilment_id,
)
from services.prescribe.domain.stop_use_events import STOP_USE_EVENTS, StopUseAcknowledged, StopUseNotified
from services.prescribe.domain.substitution_events import (
    SUBSTITUTION_EVENTS,
    SubstituteScreened,
    SubstitutionChecked,
    SubstitutionConfirmed,
    SubstitutionDeclined,
    SubstitutionProposed,
)
from services.prescribe.domain.values import CLOSING, UNDER_REVIEW, Status
from services.prescribe.domain.windows import instalments_due
from services.seedwork.model import Aggregate

__all__ = [
    "PRESCRIPTION",
    "Block",
    "Cancellation",
    "KeptCancellation",
    "PrescriptionState",
    "Proposal",
    "StopUse",
    "fulfilment_id",
]


def evolve(state: PrescriptionState, event: object) -> PrescriptionState:
    """The state after one event."""
    match event:
        case happened.PrescriptionArrivedCancelled():
            return _cancelled_on_arrival(_signed(state, event, Status.CANCELLED), event.request_id)
        case happened.SignedRevision():
            return _signed(state, event, Status.ISSUED)
        case FindingsConfirmed():
            again = state.signed.model_copy(update={"confirmation_no": event.confirmation_no})
            return replace(state, status=Status.ISSUED, current=again, confirmation=event)
        case happened.PharmacyNominated():
            return replace(state, nominated_pharmacy=event.pharmacy)
        case happened.PrescriptionReleased():
            return replace(
                state, status=Status.RELEASED, reviewers=event.reviewers, findings=event.findings, comment=event.comment
            )
        case happened.PrescriptionReturned():
            return replace(state, status=Status.RETURNED, findings=event.findings, comment=event.comment)
        case happened.PrescriptionRefused():
            return replace(state, status=Status.REFUSED, findings=event.findings, comment=event.comment)
        case happened.InstalmentOpened():
            window = Window(event.opens_at, event.closes_at)
            windows = {**state.windows, event.instalment: window}
            return replace(state, open_instalments=(*state.open_instalments, event.instalment), windows=windows)
        case happened.ProgressRecorded():
            return _progressed(state, event)
        case happened.InstalmentEnded():
            left = tuple(number for number in state.open_instalments if number != event.instalment)
            return replace(state, open_instalments=left, parts=state.parts.told(event.instalment, event.buckets))
        case happened.InstalmentLapsed():
            window = replace(state.windows[event.instalment], lapsed=True)
            windows = {**state.windows, event.instalment: window}
            return replace(state, windows=windows, parts=state.parts.lapsed(event.instalment))
        case happened.PrescriptionExpired():
            status = Status.EXPIRED if event.final else Status.CLOSING_EXPIRED
            return replace(state, status=status, validity_over=True, parts=state.parts.all_lapsed())
        case happened.ExpiryConcluded():
            return replace(state, status=Status.EXPIRED)
        case happened.PrescriptionCompleted():
            return replace(state, status=Status.COMPLETED)
        case StopUseNotified():
            return replace(state, stop_use={**state.stop_use, event.request_id: StopUse(event)})
        case StopUseAcknowledged():
            read = replace(state.stop_use[event.request_id], acknowledged=event)
            return replace(state, stop_use={**state.stop_use, event.request_id: read})
        case SubstitutionProposed() | SubstituteScreened():
            return _substituting(state, event)
        case SubstitutionConfirmed() | SubstitutionDeclined() | SubstitutionChecked():
            return _substituting(state, event)
        case QueryRaised():
            return replace(state, blocks=(*state.blocks, Block(event)))
        case QueryAnswered():
            return replace(state, blocks=tuple(_answered(each, event) for each in state.blocks))
        case _:
            return _cancelling(state, event)


def _substituting(state: PrescriptionState, event: object) -> PrescriptionState:
    match event:
        case SubstitutionProposed():
            return replace(state, proposals={**state.proposals, event.proposal_id: Proposal(event)})
        case SubstituteScreened():
            return replace(state, screenings={**state.screenings, event.proposal_id: event})
        case SubstitutionConfirmed():
            signed = replace(state.proposals[event.proposal_id], confirmed_by=event.signature.sha256)
            return replace(state, proposals={**state.proposals, event.proposal_id: signed})
        case SubstitutionDeclined():
            declined = replace(state.proposals[event.proposal_id], declined=event)
            return replace(state, proposals={**state.proposals, event.proposal_id: declined})
        case SubstitutionChecked():
            checked = replace(state.proposals[event.proposal_id], checked=event)
            return replace(state, proposals={**state.proposals, event.proposal_id: checked})
    return state  # pragma: no cover - evolve sends nothing else here


def _answered(block: Block, event: QueryAnswered) -> Block:
    return replace(block, answered_by=event.signature.sha256) if block.raised.block_id == event.block_id else block


def _signed(state: PrescriptionState, event: happened.SignedRevision, status: Status) -> PrescriptionState:
    parts = Parts.of(event.lines, event.plan)
    if status is Status.CANCELLED:
        parts = parts.all_cancelled()
    return replace(state, status=status, current=event, confirmation=None, parts=parts)


def _cancelled_on_arrival(state: PrescriptionState, request_id: UUID) -> PrescriptionState:
    done = tuple(
        Cancellation(each.request_id, each.requested_by, each.reason_code, answer="cancelled", final=True)
        for each in state.kept
        if each.request_id == request_id
    )
    return replace(state, cancellations=(*state.cancellations, *done))


def _progressed(state: PrescriptionState, event: happened.ProgressRecorded) -> PrescriptionState:
    begins = event.cause in {"quantity_held", "supply_dispensed"}
    about = event.supply_id or event.hold_id
    holders = {key: pharmacy for key, pharmacy in state.holders.items() if key not in {event.hold_id, about}}
    if begins and about and event.pharmacy:
        holders[about] = event.pharmacy
    windows = dict(state.windows)
    if event.received_at and event.instalment in windows:
        windows[event.instalment] = replace(windows[event.instalment], received_at=event.received_at)
    return replace(state, holders=holders, windows=windows, parts=state.parts.told(event.instalment, event.buckets))


def _cancelling(state: PrescriptionState, event: object) -> PrescriptionState:
    match event:
        case happened.CancellationKept():
            kept = KeptCancellation(event.request_id, event.requested_by, event.organisation, event.reason_code)
            return replace(state, kept=(*state.kept, kept))
        case happened.CancellationRequested():
            request = Cancellation(
                event.request_id,
                event.requested_by,
                event.reason_code,
                answer="requested",
                scope=event.scope,
                answer_due_at=event.answer_due_at,
                fulfilments=state.fulfilments,
                urgent=event.urgent,
                unopened=event.unopened,
            )
            never = {each.line: each.quantity for each in event.unopened}
            parts = state.parts.never_opened(state.unopened, never)
            status = Status.CLOSING_CANCELLED if event.scope is None else state.status
            return replace(state, status=status, parts=parts, cancellations=(*state.cancellations, request))
        case happened.CancellationAnswered():
            return _decided(state, event)
        case happened.CancellationUndecided():
            return _amended(state, event.request_id, answer="undecided", undecided=True)
        case happened.PrescriptionCancelled():
            parts = state.parts.all_cancelled() if state.status in UNDER_REVIEW else state.parts
            moved = replace(state, status=Status.CANCELLED, parts=parts)
            if state.cancellation(event.request_id):
                return moved
            done = Cancellation(event.request_id, event.requested_by, event.reason_code, answer="cancelled", final=True)
            return replace(moved, cancellations=(*state.cancellations, done))
        case _:  # an answer that came too late changes nothing
            return state


def _decided(state: PrescriptionState, event: happened.CancellationAnswered) -> PrescriptionState:
    """One fulfilment's answer, or prescribe's own where nothing was open."""
    request = state.cancellation(event.request_id)
    decided = dict(request.decided) if request else {}
    if event.fulfilment:
        decided[event.fulfilment] = (event.decided, event.decided_final)
    answered = _amended(
        state, event.request_id, answer=event.answer, lines=event.lines, final=event.final, decided=decided
    )
    parts = state.parts.told(event.instalment, event.buckets)
    return replace(answered, status=Status(event.status), parts=parts)


def _amended(state: PrescriptionState, request_id: UUID, **change: object) -> PrescriptionState:
    requests = tuple(
        replace(each, **change) if each.request_id == request_id else each  # type: ignore[arg-type]
        for each in state.cancellations
    )
    return replace(state, cancellations=requests)


def next_due(state: PrescriptionState) -> Mapping[str, datetime]:
    """The deadlines that run: the end of validity, an instalment's opening and end, the answer of a cancellation."""
    due: dict[str, datetime] = {}
    planned = state.current is not None and state.current.plan is not None and state.status is Status.RELEASED
    if state.current and not planned and (state.status in UNDER_REVIEW or state.status is Status.RELEASED):
        due["validity"] = past(state.current.valid_until)
    if planned:
        due.update(instalments_due(state))
    if state.status is Status.RELEASED or state.status in CLOSING:
        waiting = [each.answer_due_at for each in state.cancellations if not each.final and not each.undecided]
        due.update({"answer_due": min(filter(None, waiting))} if any(waiting) else {})
    return due


PRESCRIPTION = Aggregate(
    name="prescription",
    events=(*happened.EVENTS, FindingsConfirmed, *BLOCK_EVENTS, *STOP_USE_EVENTS, *SUBSTITUTION_EVENTS),
    initial=PrescriptionState(),
    evolve=evolve,
    next_due=next_due,
)
