"""The aggregate Prescription: its state and how each event changes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from services.prescribe.domain import prescription_events as happened
from services.prescribe.domain.block_events import BLOCK_EVENTS, QueryAnswered, QueryRaised
from services.prescribe.domain.buckets import Buckets, by_line, cancelled, prescribed
from services.prescribe.domain.calendar import past
from services.prescribe.domain.prescription_transitions import PRESCRIPTION_TRANSITIONS
from services.prescribe.domain.values import (
    CLOSING,
    FINAL,
    UNDER_REVIEW,
    CancelledLine,
    Finding,
    LineQuantity,
    Reviewer,
    Status,
)
from services.seedwork.model import Aggregate, Refusal, derived_id


@dataclass(frozen=True)
class KeptCancellation:
    """A cancellation that waits for its prescription."""

    request_id: UUID
    requested_by: str
    organisation: str | None
    reason_code: str


@dataclass(frozen=True)
class Cancellation:
    """A request to cancel, and the answer so far (`requested`, `undecided`, or what dispatch said)."""

    request_id: UUID
    requested_by: str
    reason_code: str
    answer: str
    scope: tuple[LineQuantity, ...] | None = None
    lines: tuple[CancelledLine, ...] = ()
    answer_due_at: datetime | None = None
    undecided: bool = False
    final: bool = False


@dataclass(frozen=True)
class Block:
    """Lines that wait for the prescriber's word; `answered_by`: the digest of the signed answer, once there is one."""

    raised: QueryRaised
    answered_by: str | None = None

    @property
    def lines(self) -> tuple[int, ...]:
        return self.raised.lines


@dataclass(frozen=True)
class PrescriptionState:
    """A prescription as it is now. `current` is its last signed form, `confirmation` its second signature; `buckets`
    where its quantities are, `holders` the pharmacies at work on them, by hold and by supply."""

    status: Status = Status.NOT_YET
    current: happened.SignedRevision | None = None
    buckets: Buckets = field(default_factory=dict)
    confirmation: happened.FindingsConfirmed | None = None
    reviewers: tuple[Reviewer, ...] = ()
    findings: tuple[Finding, ...] = ()
    comment: str | None = None
    open_instalments: tuple[int, ...] = ()
    kept: tuple[KeptCancellation, ...] = ()
    cancellations: tuple[Cancellation, ...] = ()
    blocks: tuple[Block, ...] = ()
    holders: Mapping[UUID, str] = field(default_factory=dict)
    validity_over: bool = False

    @property
    def signed(self) -> happened.SignedRevision:
        """The last signed form; only for a prescription that has arrived."""
        if self.current is None:
            raise LookupError("nothing has been signed yet")
        return self.current

    @property
    def ended(self) -> bool:
        return self.status in FINAL

    @property
    def fulfilments(self) -> tuple[UUID, ...]:
        """The fulfilments not known to be closed, by the id dispatch gives them."""
        return tuple(fulfilment_id(self.signed.prescription_id, number) for number in self.open_instalments)

    def instalment_of(self, fulfilment: UUID) -> int | None:
        """The open instalment of a fulfilment; None when it has ended, or was never opened."""
        prescription_id = self.signed.prescription_id
        return next((n for n in self.open_instalments if fulfilment_id(prescription_id, n) == fulfilment), None)

    def block(self, block_id: UUID) -> Block | None:
        return next((each for each in self.blocks if each.raised.block_id == block_id), None)

    @property
    def blocked_lines(self) -> frozenset[int]:
        """Lines that nobody may hold until the prescriber has answered every question about them."""
        return frozenset(line for each in self.blocks if each.answered_by is None for line in each.lines)

    def cancellation(self, request_id: UUID) -> Cancellation | None:
        return next((each for each in self.cancellations if each.request_id == request_id), None)

    def past_validity(self, now: datetime) -> bool:
        """Whether validity is over, whether or not the clock has said so yet."""
        return now >= past(self.signed.valid_until)

    def refuses(self, trigger: str) -> Refusal | None:
        """The refusal of a trigger that the transition table does not list for this state."""
        if PRESCRIPTION_TRANSITIONS.allows(self.status, trigger):
            return None
        code = "prescription.ended" if self.ended else "prescription.wrong_state"
        return Refusal(code, {"state": str(self.status), "trigger": trigger})


def fulfilment_id(prescription_id: UUID, instalment: int) -> UUID:
    """The id of an instalment's fulfilment, the same in every service."""
    return derived_id("fulfilment", prescription_id, instalment)


def evolve(state: PrescriptionState, event: object) -> PrescriptionState:
    """The state after one event."""
    match event:
        case happened.PrescriptionArrivedCancelled():
            return _cancelled_on_arrival(_signed(state, event, Status.CANCELLED), event.request_id)
        case happened.SignedRevision():
            return _signed(state, event, Status.ISSUED)
        case happened.FindingsConfirmed():
            again = state.signed.model_copy(update={"confirmation_no": event.confirmation_no})
            return replace(state, status=Status.ISSUED, current=again, confirmation=event)
        case happened.PrescriptionReleased():
            return replace(
                state, status=Status.RELEASED, reviewers=event.reviewers, findings=event.findings, comment=event.comment
            )
        case happened.PrescriptionReturned():
            return replace(state, status=Status.RETURNED, findings=event.findings, comment=event.comment)
        case happened.PrescriptionRefused():
            return replace(state, status=Status.REFUSED, findings=event.findings, comment=event.comment)
        case happened.InstalmentOpened():
            return replace(state, open_instalments=(*state.open_instalments, event.instalment))
        case happened.ProgressRecorded():
            return _progressed(state, event)
        case happened.InstalmentEnded():
            left = tuple(number for number in state.open_instalments if number != event.instalment)
            return replace(state, open_instalments=left, buckets=by_line(event.buckets))
        case happened.PrescriptionExpired():
            status = Status.EXPIRED if event.final else Status.CLOSING_EXPIRED
            return replace(state, status=status, validity_over=True, buckets=by_line(event.buckets))
        case happened.ExpiryConcluded():
            return replace(state, status=Status.EXPIRED)
        case happened.PrescriptionCompleted():
            return replace(state, status=Status.COMPLETED)
        case QueryRaised():
            return replace(state, blocks=(*state.blocks, Block(event)))
        case QueryAnswered():
            return replace(state, blocks=tuple(_answered(each, event) for each in state.blocks))
        case _:
            return _cancelling(state, event)


def _answered(block: Block, event: QueryAnswered) -> Block:
    return replace(block, answered_by=event.signature.sha256) if block.raised.block_id == event.block_id else block


def _signed(state: PrescriptionState, event: happened.SignedRevision, status: Status) -> PrescriptionState:
    buckets = prescribed(LineQuantity(line=line.line, quantity=line.quantity) for line in event.lines)
    if status is Status.CANCELLED:
        buckets = by_line(cancelled(buckets))
    return replace(state, status=status, current=event, confirmation=None, buckets=buckets)


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
    return replace(state, holders=holders, buckets=by_line(event.buckets))


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
            )
            status = Status.CLOSING_CANCELLED if event.scope is None else state.status
            return replace(state, status=status, cancellations=(*state.cancellations, request))
        case happened.CancellationAnswered():
            answered = _amended(state, event.request_id, answer=event.answer, lines=event.lines, final=event.final)
            return replace(answered, status=Status(event.status), buckets=by_line(event.buckets))
        case happened.CancellationUndecided():
            return _amended(state, event.request_id, answer="undecided", undecided=True)
        case happened.PrescriptionCancelled():
            moved = replace(state, status=Status.CANCELLED, buckets=by_line(event.buckets))
            if state.cancellation(event.request_id):
                return moved
            done = Cancellation(event.request_id, event.requested_by, event.reason_code, answer="cancelled", final=True)
            return replace(moved, cancellations=(*state.cancellations, done))
        case _:  # an answer that came too late changes nothing
            return state


def _amended(state: PrescriptionState, request_id: UUID, **change: object) -> PrescriptionState:
    requests = tuple(
        replace(each, **change) if each.request_id == request_id else each  # type: ignore[arg-type]
        for each in state.cancellations
    )
    return replace(state, cancellations=requests)


def next_due(state: PrescriptionState) -> Mapping[str, datetime]:
    """The deadlines that run: the end of validity, and the answer a cancellation waits for."""
    due: dict[str, datetime] = {}
    if state.current and (state.status in UNDER_REVIEW or state.status is Status.RELEASED):
        due["validity"] = past(state.current.valid_until)
    if state.status is Status.RELEASED or state.status in CLOSING:
        waiting = [each.answer_due_at for each in state.cancellations if not each.final and not each.undecided]
        due.update({"answer_due": min(filter(None, waiting))} if any(waiting) else {})
    return due


PRESCRIPTION = Aggregate(
    name="prescription",
    events=(*happened.EVENTS, *BLOCK_EVENTS),
    initial=PrescriptionState(),
    evolve=evolve,
    next_due=next_due,
)
