"""Payment of the patient's share of one claim, through a payment provider."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal, Protocol, assert_never
from uuid import UUID

from pydantic import Field

from services.insurance.domain.gateway import OutcomeKind
from services.seedwork.model import Aggregate, Command, DomainEvent, Outcome, Refusal, StreamRef, derived_id
from services.seedwork.transitions import NOT_YET, Transition, Transitions

REQUESTED = "requested"
PAID = "paid"
FAILED = "failed"
REFUNDED = "refunded"

FailReason = Literal["declined", "claim_voided"]


class PayShare(Command):
    """The patient has paid, or wants to pay, at the provider under this reference."""

    payment_id: UUID
    reference: Annotated[str, Field(min_length=4, max_length=64)]


class PaymentRequested(DomainEvent):
    """The patient owes this share of a claim, in fen."""

    TOPIC: ClassVar[str] = "insurance.payment.requested"

    payment_id: UUID
    claim_id: UUID
    supply_id: UUID
    prescription_id: UUID
    fulfilment_id: UUID
    patient_ref: UUID
    amount: Annotated[int, Field(gt=0)]


class PaymentPaid(DomainEvent):
    """The provider has the money."""

    TOPIC: ClassVar[str] = "insurance.payment.paid"

    channel: str
    reference: str


class PaymentFailed(DomainEvent):
    """The provider declined, or the claim was voided before anything was paid."""

    TOPIC: ClassVar[str] = "insurance.payment.failed"

    reason: FailReason
    channel: str | None = None
    reference: str | None = None


class PaymentRefunded(DomainEvent):
    """The whole share went back to the patient."""

    TOPIC: ClassVar[str] = "insurance.payment.refunded"

    reference: str


@dataclass(frozen=True)
class PaymentState:
    """A payment as it stands."""

    state: str = NOT_YET
    requested: PaymentRequested | None = None
    channel: str | None = None
    reference: str | None = None
    refund_reference: str | None = None


@dataclass(frozen=True)
class ProviderAnswer:
    """What the provider says about a payment. Unknown: ask again under the same reference."""

    kind: OutcomeKind
    channel: str


class PaymentProvider(Protocol):
    """A payment provider: idempotent by payment id and reference."""

    def pay(self, payment_id: UUID, amount: int, reference: str) -> ProviderAnswer: ...

    def refund(self, payment_id: UUID, amount: int, reference: str) -> str:
        """Order the refund of a payment; the provider's reference for it, the same for a repeat."""
        ...


PAYMENT_TRANSITIONS = Transitions(
    (
        Transition(NOT_YET, "claim authorised", "share above 0", REQUESTED, "payment_changed"),
        Transition(REQUESTED, "PayShare", "the patient's own; claim authorised; accepted", PAID, "payment_changed"),
        Transition(REQUESTED, "PayShare", "the patient's own; claim authorised; declined", FAILED, "payment_changed"),
        Transition(REQUESTED, "claim voided", "", FAILED, "payment_changed"),
        Transition(PAID, "claim voided", "", REFUNDED, "payment_changed"),
        Transition(FAILED, "PayShare", "declined while the patient already had the supply", PAID, "payment_changed"),
    )
)


def request_payment(state: PaymentState, request: PaymentRequested) -> list[DomainEvent]:
    return [request] if PAYMENT_TRANSITIONS.allows(state.state, "claim authorised") else []


def pay_share(
    state: PaymentState, command: PayShare, provider: PaymentProvider, claim_state: str, *, payable: bool
) -> Outcome:
    """Pay through the provider. The same reference on a paid payment is the first answer again."""
    if state.requested is None:
        return Refusal("payment.unknown")
    if state.state == PAID and state.reference == command.reference:
        return []
    if not PAYMENT_TRANSITIONS.allows(state.state, "PayShare") or not payable:
        return Refusal("payment.wrong_state", {"state": state.state, "claim": claim_state, "trigger": "PayShare"})
    answer = provider.pay(command.payment_id, state.requested.amount, command.reference)
    match answer.kind:
        case OutcomeKind.ACCEPTED | OutcomeKind.DUPLICATE:
            return [PaymentPaid(channel=answer.channel, reference=command.reference)]
        case OutcomeKind.REFUSED:
            return [PaymentFailed(reason="declined", channel=answer.channel, reference=command.reference)]
        case _:
            return Refusal("payment.outcome_unknown", {"reference": command.reference})


def give_back(state: PaymentState, provider: PaymentProvider) -> list[DomainEvent]:
    """The claim is voided: refund what was paid, drop what was only asked for."""
    if state.requested is None or not PAYMENT_TRANSITIONS.allows(state.state, "claim voided"):
        return []
    if state.state == REQUESTED:
        return [PaymentFailed(reason="claim_voided")]
    requested = state.requested
    return [PaymentRefunded(reference=provider.refund(requested.payment_id, requested.amount, state.reference or ""))]


PaymentEvent = PaymentRequested | PaymentPaid | PaymentFailed | PaymentRefunded


def evolve_payment(state: PaymentState, event: PaymentEvent) -> PaymentState:
    match event:
        case PaymentRequested():
            return replace(state, state=REQUESTED, requested=event)
        case PaymentPaid():
            return replace(state, state=PAID, channel=event.channel, reference=event.reference)
        case PaymentFailed():
            return replace(state, state=FAILED, channel=event.channel, reference=event.reference)
        case PaymentRefunded():
            return replace(state, state=REFUNDED, refund_reference=event.reference)
        case _:
            assert_never(event)


PAYMENT: Aggregate[PaymentState] = Aggregate(
    name="payment",
    events=(PaymentRequested, PaymentPaid, PaymentFailed, PaymentRefunded),
    initial=PaymentState(),
    evolve=evolve_payment,
)


def payment_of(claim_id: UUID) -> StreamRef[PaymentState]:
    """The payment of a claim's share."""
    return PAYMENT.ref(derived_id("payment", claim_id))
