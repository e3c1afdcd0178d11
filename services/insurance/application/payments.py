"""Use cases of payments: the patient pays the share of a claim, or the fee of a delivery."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any
from uuid import UUID

from services.insurance.application.claim_work import ClaimWork, Outside, work_on
from services.insurance.application.claims import FIRST_ATTEMPT, current_attempt, open_next
from services.insurance.application.draft import Draft
from services.insurance.domain.claim import CLAIM, ClaimState, claim_of
from services.insurance.domain.claim_decisions import may_fail, may_pay
from services.insurance.domain.claim_transitions import REVERSED, VOIDED
from services.insurance.domain.fee_payment import paid_of_fee, pay_fee
from services.insurance.domain.payment import (
    EXPIRED,
    EXPIRY,
    PAID,
    PAYMENT,
    PaymentState,
    PayShare,
    answered,
    expire,
    next_due,
    pay_share,
    payment_of,
)
from services.insurance.domain.payment_events import PaymentOverdue, PaymentRequested
from services.insurance.domain.refunds import order_again
from services.seedwork.model import Loaded, Refusal
from services.seedwork.usecase import Answer, Decision, Load, Moment, UseCase

SHOWN = {
    "payment_id",
    "claim_id",
    "supply_id",
    "prescription_id",
    "fulfilment_id",
    "patient_ref",
    "amount",
    "item",
    "rule",
}


def payment_view(payment: PaymentState) -> Mapping[str, Any]:
    """A payment as its patient sees it."""
    requested = payment.requested
    if requested is None:
        return {}
    return {
        **requested.model_dump(mode="json", include=SHOWN),
        "status": payment.state,
        "channel": payment.channel,
        "reference": payment.reference,
        "refund_reference": payment.refund_reference,
        "covered": payment.covered,
        "due": payment.due,
        "ended": payment.ended,
        "expires_at": payment.expires_at.isoformat() if payment.expires_at else None,
        "outcome_unknown": payment.outcome_unknown,
        "refund_outcome": payment.refund.outcome if payment.refund else None,
    }


def pay(command: PayShare, outside: Outside) -> UseCase:
    """Pay; then the supply is cleared. A share declined, the claim is voided and another attempt takes its place; a fee
    declined may be tried again."""

    def decide(moment: Moment, payment: Loaded[PaymentState]) -> Generator[Load, Any, Decision]:
        requested = payment.state.requested
        if requested is None:
            return Decision.refused(Refusal("payment.unknown"))
        if moment.actor.patient_ref != requested.patient_ref:
            return Decision.refused(Refusal("payment.not_yours"))
        claim = yield from claim_of_payment(requested, outside.policy(moment).attempts_all)
        draft, again_at = Draft(payment, claim), moment.now + outside.policy(moment).void_inquiry
        if payment.state.is_fee:
            outcome = pay_fee(payment.state, command, outside.provider, again_at)
        else:
            payable = may_pay(claim.state)
            state, claimed = payment.state, claim.state.state
            outcome = pay_share(state, command, outside.provider, claimed, again_at, payable=payable)
        if refusal := draft.add(payment, outcome):
            return Decision.refused(refusal)
        if outcome:
            yield from follow(moment, draft, outside, payment, claim)
        return draft.decision(Answer(200, payment_view(draft.state(payment))))

    return UseCase((PAYMENT.ref(command.payment_id),), decide)


def claim_of_payment(requested: PaymentRequested, attempts_max: int) -> Generator[Load, Any, Loaded[ClaimState]]:
    """The claim of a share; of a fee the attempt that stands now."""
    if requested.item == "share":
        found: tuple[Loaded[ClaimState], ...] = yield Load.of(CLAIM.ref(requested.claim_id))
        return found[0]
    (first,) = yield Load.of(claim_of(requested.supply_id, FIRST_ATTEMPT))
    return (yield from current_attempt(requested.supply_id, first, attempts_max))


def inquire_payment(payment_id: UUID, outside: Outside) -> UseCase:
    """The clock: the provider is asked what became of a payment that it had not answered, or ordered again to give back
    what it has not confirmed. Only its word ends that."""

    def decide(moment: Moment, payment: Loaded[PaymentState]) -> Generator[Load, Any, Decision]:
        state, requested = payment.state, payment.state.requested
        if requested is None or state.next_inquiry_at is None or moment.now < state.next_inquiry_at:
            return Decision.nothing()
        claim = yield from claim_of_payment(requested, outside.policy(moment).attempts_all)
        draft, again_at = Draft(payment, claim), moment.now + outside.policy(moment).void_inquiry
        if state.refund is not None:
            draft.add(payment, order_again(state, outside.provider, again_at))
        else:
            answer = outside.provider.inquire(payment_id, state.asked)
            draft.add(payment, answered(answer, state.asked, again_at, state, paid_of_fee(state, answer)))
        yield from follow(moment, draft, outside, payment, claim)
        return draft.decision()

    return UseCase((PAYMENT.ref(payment_id),), decide)


def expire_payment(payment_id: UUID, outside: Outside) -> UseCase:
    """The clock: nobody has paid in time. The provider is asked first, since it may know more than we do; what the
    patient has already stays owed, and so does a fee for what was carried."""

    def decide(moment: Moment, payment: Loaded[PaymentState]) -> Generator[Load, Any, Decision]:
        state, requested = payment.state, payment.state.requested
        due = next_due(state).get(EXPIRY)
        if requested is None or due is None or moment.now < due:
            return Decision.nothing()
        claim = yield from claim_of_payment(requested, outside.policy(moment).attempts_all)
        if claim.state.in_hands or state.ended is not None:  # a fee that is earned is owed
            return Decision.on(payment, [PaymentOverdue()])
        share: Loaded[PaymentState]
        (share,) = yield Load.of(payment_of(claim.stream_id))
        later = next_due(share.state).get(EXPIRY)
        if state.is_fee and later is not None and later > moment.now:
            return Decision.on(payment, [PaymentOverdue(until=later)])
        draft, again_at = Draft(payment, claim), moment.now + outside.policy(moment).void_inquiry
        answer = outside.provider.inquire(payment_id, None)
        draft.add(payment, expire(state, answer, again_at, paid_of_fee(state, answer)))
        yield from follow(moment, draft, outside, payment, claim)
        return draft.decision()

    return UseCase((PAYMENT.ref(payment_id),), decide)


def follow(
    moment: Moment, draft: Draft, outside: Outside, payment: Loaded[PaymentState], claim: Loaded[ClaimState]
) -> Generator[Load, Any, None]:
    """What a payment that the provider has just answered, or that is over, means for the claim."""
    opened, day = claim.state.opened, claim.state.policy_date
    if opened is None or day is None or draft.state(payment).outcome_unknown:
        return
    work = yield from work_on(draft, outside, opened, moment, day)
    now = draft.state(payment)
    if not now.is_fee and work.claim.state in {VOIDED, REVERSED}:
        work.give_back()
        return
    if now.state == PAID:
        if now.is_fee:
            work.clear_if_paid()
        else:
            work.paid(str(now.channel))
        work.apply_facts()
        return
    if now.state == EXPIRED or not now.is_fee:
        yield from _unpaid(moment, draft, outside, work, expired=now.state == EXPIRED)


def _unpaid(
    moment: Moment, draft: Draft, outside: Outside, work: ClaimWork, *, expired: bool
) -> Generator[Load, Any, None]:
    """The claim is taken back and another attempt takes its place, as often as the policy allows."""
    if not may_fail(work.claim):
        return
    attempt = work.opened.attempt
    following = attempt + 1 if attempt < outside.policy(moment).attempts_max else None
    work.void("payment_expired" if expired else "payment_failed", following)
    yield from open_next(moment, draft, outside, work)
