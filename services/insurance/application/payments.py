"""Use case of payments: the patient pays the share of a claim."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from services.insurance.application.claim_work import ClaimWork, Outside, work_on
from services.insurance.application.claims import open_next
from services.insurance.application.draft import Draft
from services.insurance.domain.claim import CLAIM
from services.insurance.domain.claim_decisions import may_fail
from services.insurance.domain.payment import PAID, PAYMENT, PaymentState, PayShare, pay_share
from services.seedwork.model import Loaded, Refusal
from services.seedwork.usecase import Answer, Decision, Load, Moment, UseCase


def payment_view(payment: PaymentState) -> Mapping[str, Any]:
    """A payment as its patient sees it."""
    requested = payment.requested
    if requested is None:
        return {}
    return {
        **requested.model_dump(mode="json"),
        "status": payment.state,
        "channel": payment.channel,
        "reference": payment.reference,
        "refund_reference": payment.refund_reference,
    }


def pay(command: PayShare, outside: Outside) -> UseCase:
    """Pay; then the supply is cleared. Declined, the claim is voided and another attempt takes its place."""

    def decide(moment: Moment, payment: Loaded[PaymentState]) -> Generator[Load, Any, Decision]:
        requested = payment.state.requested
        if requested is None:
            return Decision.refused(Refusal("payment.unknown"))
        if moment.actor.patient_ref != requested.patient_ref:
            return Decision.refused(Refusal("payment.not_yours"))
        (claim,) = yield Load.of(CLAIM.ref(requested.claim_id))
        draft = Draft(payment, claim)
        outcome = pay_share(payment.state, command, outside.provider, claim.state.state)
        if refusal := draft.add(payment, outcome):
            return Decision.refused(refusal)
        opened, day = claim.state.opened, claim.state.policy_date
        if outcome and opened is not None and day is not None:
            work = yield from work_on(draft, outside, opened, moment, day)
            yield from _follow(moment, draft, outside, work, draft.state(payment))
        return draft.decision(Answer(200, payment_view(draft.state(payment))))

    return UseCase((PAYMENT.ref(command.payment_id),), decide)


def _follow(
    moment: Moment, draft: Draft, outside: Outside, work: ClaimWork, payment: PaymentState
) -> Generator[Load, Any, None]:
    """What a payment that has just been answered means for its claim."""
    if payment.state == PAID:
        work.clear(str(payment.channel))
        work.apply_facts()
        return
    if not may_fail(work.claim):
        return
    attempt, chosen = work.opened.attempt, work.claim.self_pay_reason == "chosen"
    work.void("payment_failed", attempt + 1 if attempt < outside.policy(moment).attempts_max else None)
    yield from open_next(moment, draft, outside, work, self_pay_chosen=chosen)
