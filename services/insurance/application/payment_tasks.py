"""Use cases of what a payment provider leaves open: a named person takes it, and says what becomes of it."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any
from uuid import UUID

from services.insurance.application.claim_work import Outside
from services.insurance.application.draft import Draft
from services.insurance.application.payments import claim_of_payment, follow
from services.insurance.domain.payment import PAYMENT, PaymentState
from services.insurance.domain.payment_task_events import TaskAnswer
from services.insurance.domain.payment_tasks import close_task, take_task
from services.insurance.domain.refunds import paid_back_by_pharmacy
from services.seedwork.model import Loaded, Refusal
from services.seedwork.usecase import Actor, Answer, Decision, Load, Moment, UseCase


def take_over(payment_id: UUID, number: int) -> UseCase:
    """The token's person looks after it from now on."""

    def decide(moment: Moment, payment: Loaded[PaymentState]) -> Decision:
        if refusal := _foreign(payment.state, moment.actor):
            return Decision.refused(refusal)
        outcome = take_task(payment.state.task, number, moment.actor.subject)
        after = payment.state if isinstance(outcome, Refusal) else payment.after(outcome)
        return Decision.on(payment, outcome, Answer(200, task_view(after)))

    return UseCase((PAYMENT.ref(payment_id),), decide)


def end_task(
    payment_id: UUID, number: int, answer: TaskAnswer, reason: str, reference: str | None, outside: Outside
) -> UseCase:
    """The token's person says what becomes of it, and why. What the pharmacy gave back is booked with it."""

    def decide(moment: Moment, payment: Loaded[PaymentState]) -> Generator[Load, Any, Decision]:
        state, requested, person = payment.state, payment.state.requested, moment.actor.subject
        refusal = _foreign(state, moment.actor)
        if refusal or requested is None:
            return Decision.refused(refusal or Refusal("payment.unknown"))
        closed = close_task(state.task, number, answer, person, reason, reference, len(state.sources))
        claim = yield from claim_of_payment(requested, outside.policy(moment).attempts_all)
        draft = Draft(payment, claim)
        if refusal := draft.add(payment, closed):
            return Decision.refused(refusal)
        if answer == "pharmacy_paid":
            draft.add(payment, paid_back_by_pharmacy(state, reference or ""))
            yield from follow(moment, draft, outside, payment, claim)
        ended = {"payment_id": str(payment_id), "number": number, "answer": answer, "closed_by": person}
        return draft.decision(Answer(200, ended))

    return UseCase((PAYMENT.ref(payment_id),), decide)


def _foreign(state: PaymentState, actor: Actor) -> Refusal | None:
    """It is the provider's whose channel the officer's organisation is; of what never was or is over nobody is told."""
    opened = state.task.opened
    if state.requested is None:
        return Refusal("payment.unknown")
    if opened is None:
        return Refusal("payment_task.not_open")
    return None if opened.channel == actor.organisation else Refusal("payment_task.not_yours")


def task_view(state: PaymentState) -> Mapping[str, Any]:
    """The task that is open about a payment."""
    opened = state.task.opened
    shown = {} if opened is None else opened.model_dump(mode="json", exclude={"postings"})
    return {**shown, "person": state.task.person}
