"""The payment of a delivery fee: asked for with the share, paid apart, earned or given back as its carriage ended.

The way of a fee is decided by what dispatch tells of the supply alone, so any order of its events with repetitions
comes to the same. What is earned can still be given back once (all of it came back after possession); what was given
back stays so.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from services.insurance.domain.claim import ClaimState
from services.insurance.domain.claim_decisions import bills
from services.insurance.domain.delivery_fee import BEARER, FeeBearer, FeeEnd, bearer_of
from services.insurance.domain.ledger import (
    Posting,
    booking,
    fee_earned_postings,
    fee_paid_postings,
    fee_requested_postings,
    negated,
)
from services.insurance.domain.payment import (
    FAILED,
    PAID,
    PAYMENT_TRANSITIONS,
    REFUNDED,
    PaymentProvider,
    PaymentState,
    PayShare,
    ProviderAnswer,
    answered,
)
from services.insurance.domain.payment_events import (
    FeeEarned,
    PaymentFailed,
    PaymentRequested,
)
from services.insurance.domain.refunds import order_refund
from services.seedwork.model import DomainEvent, Outcome, Refusal

ENDED = "carriage ended"


def request_fee(
    state: PaymentState, claim: ClaimState, payment_id: UUID, expires_at: datetime | None = None
) -> list[DomainEvent]:
    """Asked for once, with the first share that is due."""
    opened = claim.opened
    if opened is None or opened.delivery_fee is None:
        return []
    if not PAYMENT_TRANSITIONS.allows(state.state, "claim authorised"):
        return []
    fee, supply = opened.delivery_fee, opened.supply
    return [
        PaymentRequested(
            payment_id=payment_id,
            claim_id=opened.claim_id,
            supply_id=supply.supply_id,
            prescription_id=supply.prescription_id,
            fulfilment_id=supply.fulfilment_id,
            patient_ref=opened.patient_ref,
            amount=fee.amount,
            item="delivery_fee",
            rule=fee.rule,
            pharmacy=supply.pharmacy,
            postings=fee_requested_postings(fee.amount, supply.pharmacy),
            expires_at=expires_at,
        )
    ]


def keeps_waiting(state: PaymentState, claim: ClaimState) -> bool:
    """Whether the supply may not leave yet because its fee is not paid. What the patient has is not kept waiting."""
    due = claim.opened is not None and claim.opened.delivery_fee is not None
    return due and not claim.in_hands and state.state not in {PAID, REFUNDED} and not state.dropped


def pay_fee(state: PaymentState, command: PayShare, provider: PaymentProvider, again_at: datetime) -> Outcome:
    """Pay through the provider. One that was declined may be tried again under another reference: a fee that cannot be
    paid takes no claim back."""
    requested = state.requested
    if requested is None:
        return Refusal("payment.unknown")
    if state.state == PAID and state.reference == command.reference:
        return []
    if state.dropped or not PAYMENT_TRANSITIONS.allows(state.state, "PayShare"):
        return Refusal("payment.wrong_state", {"state": state.state, "claim": None, "trigger": "PayShare"})
    if state.state == FAILED and state.reference == command.reference:
        return []
    if state.outcome_unknown and state.asked != command.reference:
        return Refusal("payment.outcome_unknown", {"reference": state.asked})
    answer = provider.pay(command.payment_id, requested.amount, command.reference)
    return answered(answer, command.reference, again_at, state, paid_of_fee(state, answer))


def paid_of_fee(state: PaymentState, answer: ProviderAnswer) -> tuple[Posting, ...]:
    """What is booked when the provider has the money; a share's stands in its claim."""
    requested = state.requested
    if requested is None or not state.is_fee:
        return ()
    return fee_paid_postings(requested.amount, answer.channel)


def carriage_end(claim: ClaimState, overruled: Mapping[FeeEnd, FeeBearer]) -> FeeEnd | None:
    """How the carriage of a supply ended; None: not all of it is accounted for yet. Where several parcels failed, one
    that the patient need not pay for counts."""
    kept = bills(claim)
    if kept is None:
        return None
    facts = claim.facts
    if kept:
        return "collected" if facts.at_counter else "delivered"
    if facts.has("taken_back"):
        return "taken_back"
    if not facts.roads:
        return "not_sent"
    return min(facts.roads, key=lambda road: (bearer_of(road, overruled) == "patient", [*BEARER].index(road)))


def end_fee(
    state: PaymentState,
    end: FeeEnd,
    overruled: Mapping[FeeEnd, FeeBearer],
    provider: PaymentProvider,
    again_at: datetime,
) -> list[DomainEvent]:
    """Earned, ordered back or dropped, by who bears a fee whose carriage ended so, once the provider has answered."""
    requested = state.requested
    if requested is None or state.dropped or state.outcome_unknown:
        return []
    if not PAYMENT_TRANSITIONS.allows(state.state, ENDED):
        return []
    bearer = bearer_of(end, overruled)
    if bearer == "patient":
        earned = fee_earned_postings(requested.amount, requested.pharmacy or "")
        return [] if state.ended else [FeeEarned(ended=end, **booking(state.postings, earned))]
    if state.state != PAID:
        return [PaymentFailed(reason="not_owed", ended=end, postings=negated(state.postings))]
    return order_refund(state, provider, again_at, end, bearer)
