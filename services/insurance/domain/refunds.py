"""Giving money back: ordered once, and repeated under the same name until the provider says that it went back.

| answer of the provider | what follows |
|---|---|
| accepted, duplicate | it went back, and is booked back |
| refused, unknown | the provider has it, and so have the books; the clock asks again, nothing is assumed |

An order for several parts counts once all of them are confirmed. Who is to end what the provider does not:
`payment_tasks`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.insurance.domain.delivery_fee import FeeBearer, FeeEnd
from services.insurance.domain.gateway import OutcomeKind
from services.insurance.domain.ledger import booking, fee_kept_postings, negated
from services.insurance.domain.payment import (
    CARRIED_OVER,
    PAYMENT_TRANSITIONS,
    REQUESTED,
    PaymentProvider,
    PaymentState,
    ProviderAnswer,
)
from services.insurance.domain.payment_events import PaymentFailed, PaymentRefunded, RefundNotConfirmed, Source
from services.insurance.domain.payment_tasks import with_a_call
from services.seedwork.model import DomainEvent


def give_back(state: PaymentState, provider: PaymentProvider, again_at: datetime) -> list[DomainEvent]:
    """The claim is voided: order back what was paid of its share, also for the claim before; drop what was only asked
    for. What the provider has not answered yet waits for its answer."""
    if state.outcome_unknown or not PAYMENT_TRANSITIONS.allows(state.state, "claim voided"):
        return []
    if state.held:
        return order_refund(state, provider, again_at)
    return [PaymentFailed(reason="claim_voided")] if state.state == REQUESTED else []


def order_refund(
    state: PaymentState,
    provider: PaymentProvider,
    again_at: datetime,
    ended: FeeEnd | None = None,
    borne_by: FeeBearer | None = None,
) -> list[DomainEvent]:
    """All that the provider has of it goes back; of a fee by how its carriage ended, and who bears it. Without a
    confirmation it is ordered again at `again_at`."""
    assert state.requested is not None  # noqa: S101 - only of what was asked for
    answer = ask_back(state.requested.payment_id, state.sources, provider)
    if not is_gone(answer):
        order = not_confirmed(answer, state.sources, again_at, ended, borne_by)
        return with_a_call(state.task, state.requested, order, answer.channel, state.held)
    return [
        PaymentRefunded(
            reference=answer.reference or "",
            **booking(state.postings, negated(state.postings)),
            ended=ended,
            borne_by=borne_by,
            rest=state.state == CARRIED_OVER,
            parts=state.sources,
        )
    ]


def paid_back_by_pharmacy(state: PaymentState, reference: str) -> list[DomainEvent]:
    """The pharmacy gave all of it back itself, under this reference: what the provider keeps is the pharmacy's. A fee
    books that here, a share in its claim."""
    order, requested = state.refund, state.requested
    if order is None or requested is None:
        return []
    kept = fee_kept_postings(state.held, requested.pharmacy or "", str(state.channel)) if state.is_fee else ()
    return [
        PaymentRefunded(
            reference=reference,
            ended=order.ended,
            borne_by=order.borne_by,
            rest=state.state == CARRIED_OVER,
            by_pharmacy=True,
            **booking(state.postings, negated(state.postings) + kept),
        )
    ]


def order_again(state: PaymentState, provider: PaymentProvider, again_at: datetime) -> list[DomainEvent]:
    """The order that is not confirmed, once more, whatever was heard since: the provider may have followed it."""
    order = state.refund
    return [] if order is None else order_refund(state, provider, again_at, order.ended, order.borne_by)


def ask_back(refund_id: UUID, sources: Sequence[Source], provider: PaymentProvider) -> ProviderAnswer:
    """Order these parts back, what came last first: the last answer, or the one that confirms nothing."""
    answers = [provider.refund(each.payment_id, each.amount, each.reference, refund_id) for each in reversed(sources)]
    for kind in (OutcomeKind.UNKNOWN, OutcomeKind.REFUSED):
        for answer in answers:
            if answer.kind is kind:
                return answer
    return answers[-1]


def is_gone(answer: ProviderAnswer) -> bool:
    """Whether the provider says that the money went back."""
    return answer.kind in {OutcomeKind.ACCEPTED, OutcomeKind.DUPLICATE}


def not_confirmed(
    answer: ProviderAnswer,
    parts: Sequence[Source],
    again_at: datetime,
    ended: FeeEnd | None = None,
    borne_by: FeeBearer | None = None,
) -> RefundNotConfirmed:
    """What an answer other than "it went back" means."""
    outcome = "refused" if answer.kind is OutcomeKind.REFUSED else "unknown"
    facts = {"outcome": outcome, "next_inquiry_at": again_at, "ended": ended, "borne_by": borne_by, "parts": parts}
    return RefundNotConfirmed.model_validate(facts)
