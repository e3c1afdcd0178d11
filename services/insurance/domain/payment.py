"""Payment: the patient's share of one claim, or the delivery fee of one supply, through a payment provider.

The two are apart, each with an id, a reference and a refund of its own. Only the share belongs to its claim.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Protocol, assert_never, get_args
from uuid import UUID

from pydantic import Field

from services.insurance.domain.delivery_fee import FeeEnd
from services.insurance.domain.gateway import OutcomeKind
from services.insurance.domain.ledger import Posting, Postings, booking, negated
from services.insurance.domain.payment_events import (
    FeeEarned,
    PaymentCarriedOver,
    PaymentCovered,
    PaymentEvent,
    PaymentExpired,
    PaymentFailed,
    PaymentOutcomeUnknown,
    PaymentOverdue,
    PaymentPaid,
    PaymentRefunded,
    PaymentRequested,
    RefundNotConfirmed,
    Source,
)
from services.insurance.domain.payment_task_events import TaskClosed, TaskOpened, TaskTaken
from services.insurance.domain.payment_tasks import NOBODY_CALLED, TaskState, followed, with_a_call
from services.seedwork.model import Aggregate, Command, DomainEvent, Outcome, Refusal, StreamRef, derived_id
from services.seedwork.transitions import NOT_YET, Transition, Transitions

REQUESTED = "requested"
PAID = "paid"
FAILED = "failed"
REFUNDED = "refunded"
EXPIRED = "expired"
CARRIED_OVER = "carried_over"

EXPIRY = "payment_expiry"
INQUIRY = "payment_inquiry"
"""The deadlines that run: the end of what nobody pays, and asking again what the provider has not answered."""


class PayShare(Command):
    """The patient has paid, or wants to pay, at the provider under this reference."""

    payment_id: UUID
    reference: Annotated[str, Field(min_length=4, max_length=64)]


@dataclass(frozen=True)
class PaymentState:
    """A payment as it stands. `postings` and `ended` are those of a fee."""

    state: str = NOT_YET
    requested: PaymentRequested | None = None
    channel: str | None = None
    reference: str | None = None
    refund_reference: str | None = None
    postings: tuple[Posting, ...] = ()
    ended: FeeEnd | None = None
    """How the carriage of a fee ended."""
    dropped: bool = False
    """It is owed no more, although nobody had paid it."""
    expires_at: datetime | None = None
    next_inquiry_at: datetime | None = None
    """The provider has not answered, and is asked again then."""
    asked: str | None = None
    """The reference it was asked under."""
    covered: int = 0
    """Fen that had been paid for the claim before."""
    sources: tuple[Source, ...] = ()
    """What was paid and has not gone back or over to another, as the provider knows it."""
    refund: RefundNotConfirmed | None = None
    """The refund that is ordered and that the provider has not confirmed."""
    by_pharmacy: bool = False
    """The pharmacy gave it back itself."""
    task: TaskState = NOBODY_CALLED
    carried_to: UUID | None = None

    @property
    def due(self) -> int:
        """What is still to be paid of it."""
        return self.requested.amount - self.covered if self.requested else 0

    @property
    def held(self) -> int:
        """Fen of the patient's that the provider has for it: all, or what had been paid for the claim before."""
        return sum(source.amount for source in self.sources)

    @property
    def outcome_unknown(self) -> bool:
        """Only the provider's own word ends it, never a timer."""
        return self.next_inquiry_at is not None

    @property
    def is_fee(self) -> bool:
        return self.requested is not None and self.requested.item == "delivery_fee"


@dataclass(frozen=True)
class ProviderAnswer:
    """What the provider says about a payment. Unknown: ask again under the same reference.

    `reference`: the one it knows the payment by, where it was asked without.
    """

    kind: OutcomeKind
    channel: str
    reference: str | None = None


class PaymentProvider(Protocol):
    """A payment provider: idempotent by payment id and reference."""

    def pay(self, payment_id: UUID, amount: int, reference: str) -> ProviderAnswer: ...

    def inquire(self, payment_id: UUID, reference: str | None) -> ProviderAnswer:
        """What became of a payment, under whatever reference where none is named; refused: it has booked nothing."""
        ...

    def refund(self, payment_id: UUID, amount: int, reference: str, refund_id: UUID) -> ProviderAnswer:
        """Order the refund of a payment or a part of it; the provider's reference, the same for a repeat under
        `refund_id`, another for another. Refused or unknown: nothing is known to have gone back, order it again. Its
        file of the day lists it as `Source.refund_number`."""
        ...


PAYMENT_TRANSITIONS = Transitions(
    (
        Transition(NOT_YET, "claim authorised", "share above 0; a fee, if it is brought", REQUESTED, "payment_changed"),
        Transition(REQUESTED, "PayShare", "the patient's own; claim authorised; accepted", PAID, "payment_changed"),
        Transition(REQUESTED, "PayShare", "the patient's own; claim authorised; declined", FAILED, "payment_changed"),
        Transition(REQUESTED, "claim voided", "share; nothing of it was paid", FAILED, "payment_changed"),
        *(
            Transition(state, "claim voided", "share; paid for the claim before", REFUNDED, "payment_changed")
            for state in (REQUESTED, FAILED, EXPIRED)
        ),
        Transition(PAID, "claim voided", "share", REFUNDED, "payment_changed"),
        Transition(
            FAILED, "PayShare", "declined while the patient already had the supply, or a fee", PAID, "payment_changed"
        ),
        Transition(REQUESTED, "carriage ended", "fee; the patient does not bear it", FAILED, "payment_changed"),
        Transition(FAILED, "carriage ended", "fee; the patient does not bear it", FAILED, "payment_changed"),
        Transition(PAID, "carriage ended", "fee; the patient does not bear it", REFUNDED, "payment_changed"),
        Transition(REQUESTED, "PayShare", "no answer: asked again, nothing assumed", REQUESTED, "-"),
        Transition(
            REQUESTED,
            "clock: payment_inquiry",
            "the provider says what became of it",
            "paid, failed",
            "payment_changed",
        ),
        Transition(
            FAILED, "clock: payment_inquiry", "the provider says what became of it", "paid, failed", "payment_changed"
        ),
        *(
            Transition(state, "clock: payment_inquiry", "refund not confirmed: ordered again", after, "payment_changed")
            for state, after in ((PAID, "paid, refunded"), (CARRIED_OVER, CARRIED_OVER))
        ),
        Transition(
            REQUESTED,
            "clock: payment_expiry",
            "nobody has paid; the provider knows of nothing",
            EXPIRED,
            "payment_changed",
        ),
        Transition(REQUESTED, "clock: payment_expiry", "in hands, or a fee with a newer share", REQUESTED, "-"),
        Transition(FAILED, "clock: payment_expiry", "fee, declined and not tried again", EXPIRED, "payment_changed"),
        Transition(EXPIRED, "claim authorised", "fee; another attempt", REQUESTED, "payment_changed"),
        *(
            Transition(state, "claim replaced", "share: only the difference moves", CARRIED_OVER, "payment_changed")
            for state in (PAID, REQUESTED, FAILED, EXPIRED)
        ),
        Transition(REQUESTED, "claim replaced", "paid for the claim before", "requested, paid", "payment_changed"),
        Transition("any", "carriage ended", "fee; the patient bears it: it is earned", "same", "-"),
    )
)


def request_payment(state: PaymentState, request: PaymentRequested) -> list[DomainEvent]:
    return [request] if PAYMENT_TRANSITIONS.allows(state.state, "claim authorised") else []


def pay_share(
    state: PaymentState,
    command: PayShare,
    provider: PaymentProvider,
    claim_state: str,
    again_at: datetime,
    *,
    payable: bool,
) -> Outcome:
    """Pay through the provider. The same reference on a paid payment is the first answer again; without an answer the
    provider is asked at `again_at`, and nobody pays under another reference meanwhile."""
    if state.requested is None:
        return Refusal("payment.unknown")
    if state.state == PAID and state.reference == command.reference:
        return []
    if not PAYMENT_TRANSITIONS.allows(state.state, "PayShare") or not payable:
        return Refusal("payment.wrong_state", {"state": state.state, "claim": claim_state, "trigger": "PayShare"})
    if state.outcome_unknown and state.asked != command.reference:
        return Refusal("payment.outcome_unknown", {"reference": state.asked})
    answer = provider.pay(command.payment_id, state.due, command.reference)
    return answered(answer, command.reference, again_at, state)


def answered(
    answer: ProviderAnswer, reference: str | None, again_at: datetime, state: PaymentState, postings: Postings = ()
) -> list[DomainEvent]:
    """What the provider's answer means; `postings` are those of its having the money."""
    named = answer.reference or reference
    if answer.kind is OutcomeKind.UNKNOWN:
        unknown = PaymentOutcomeUnknown(reference=reference, next_inquiry_at=again_at)
        return with_a_call(state.task, state.requested, unknown, answer.channel, state.due)
    if answer.kind is OutcomeKind.REFUSED:
        return [PaymentFailed(reason="declined", channel=answer.channel, reference=named)]
    booked = booking(state.postings, postings)
    return [PaymentPaid(channel=answer.channel, reference=named or "", **booked)]


def expire(state: PaymentState, answer: ProviderAnswer, again_at: datetime, paid: tuple[Posting, ...]) -> Outcome:
    """Its time is over and nobody has paid, as far as we know: the provider has been asked, and its word counts."""
    if answer.kind is OutcomeKind.REFUSED:
        return [PaymentExpired(postings=negated(state.postings))]
    return answered(answer, None, again_at, state, paid)


def evolve_payment(state: PaymentState, event: PaymentEvent) -> PaymentState:
    state = replace(state, postings=state.postings + event.postings, task=followed(state.task, event))
    match event:
        case PaymentRequested():
            return replace(state, state=REQUESTED, requested=event, expires_at=event.expires_at)
        case PaymentPaid():
            paid = replace(state, state=PAID, channel=event.channel, reference=event.reference)
            own = state.requested.payment_id if state.requested else None
            new = () if own is None else (Source(payment_id=own, reference=event.reference, amount=state.due),)
            return replace(paid, next_inquiry_at=None, asked=None, sources=state.sources + new)
        case PaymentCovered():
            covered = replace(state, covered=event.amount, sources=event.sources, channel=event.channel)
            return covered if event.left else replace(covered, state=PAID, reference=event.reference)
        case PaymentCarriedOver():
            carried = replace(state, state=CARRIED_OVER, refund_reference=event.reference, carried_to=event.to)
            return replace(carried, sources=event.awaited)
        case PaymentOutcomeUnknown():
            return replace(state, asked=event.reference, next_inquiry_at=event.next_inquiry_at)
        case PaymentExpired():
            return replace(state, state=EXPIRED)
        case PaymentOverdue():
            return replace(state, expires_at=event.until)
        case PaymentFailed():
            dropped = event.reason == "not_owed"
            failed = replace(state, state=FAILED, dropped=dropped, ended=event.ended or state.ended)
            failed = replace(failed, next_inquiry_at=None, asked=None)
            return failed if dropped else replace(failed, channel=event.channel, reference=event.reference)
        case RefundNotConfirmed():
            return replace(state, refund=event, next_inquiry_at=event.next_inquiry_at)
        case PaymentRefunded():
            ended, reached = event.ended or state.ended, CARRIED_OVER if event.rest else REFUNDED
            back = replace(state, state=reached, refund_reference=event.reference, ended=ended, sources=())
            return replace(back, refund=None, next_inquiry_at=None, by_pharmacy=event.by_pharmacy)
        case FeeEarned():
            return replace(state, ended=event.ended)
        case TaskOpened() | TaskTaken() | TaskClosed():
            return state
        case _:
            assert_never(event)


def next_due(state: PaymentState) -> Mapping[str, datetime]:
    if state.next_inquiry_at is not None:
        return {INQUIRY: state.next_inquiry_at}
    open_fee = state.is_fee and state.state == FAILED and not state.dropped
    return {EXPIRY: state.expires_at} if state.expires_at and (state.state == REQUESTED or open_fee) else {}


PAYMENT: Aggregate[PaymentState] = Aggregate(
    name="payment",
    events=get_args(PaymentEvent),
    initial=PaymentState(),
    evolve=evolve_payment,
    next_due=next_due,
)


def payment_of(claim_id: UUID) -> StreamRef[PaymentState]:
    """The payment of a claim's share."""
    return PAYMENT.ref(derived_id("payment", claim_id))


def fee_of(supply_id: UUID) -> StreamRef[PaymentState]:
    """The payment of a supply's delivery fee, whatever becomes of the claims for it."""
    return PAYMENT.ref(derived_id("delivery_fee", supply_id))
