"""What insurance tells of a supply's claim and payment: noted with the supply; nothing leaves before it is cleared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from contracts.events import insurance
from services.dispatch.domain.fulfilment import courier
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.commands import NoteClaim
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.dispatch.domain.policy import POLICIES
from services.seedwork.calendar import civil_day
from services.seedwork.model import Loaded, Outcome
from services.seedwork.usecase import Decision, Moment, UseCase


def _on_fulfilment(stream_id: UUID, step: Callable[[FulfilmentState, Moment], Outcome]) -> UseCase:
    def decide(moment: Moment, fulfilment: Loaded[FulfilmentState]) -> Decision:
        return Decision.on(fulfilment, step(fulfilment.state, moment))

    return UseCase((FULFILMENTS.ref(stream_id),), decide)


def _note(event: Any, command: NoteClaim) -> UseCase:
    def step(state: FulfilmentState, moment: Moment) -> Outcome:
        policy = POLICIES.on(civil_day(moment.now), moment.jurisdiction)
        return courier.note_claim(state, command, moment.now, policy)

    return _on_fulfilment(event.fulfilment_id, step)


def note_quote(event: insurance.ClaimQuoted) -> UseCase:
    """The amount on the pharmacy's and the patient's page."""
    return _note(
        event,
        NoteClaim(supply_id=event.supply_id, attempt=event.attempt, status="quoted", patient_share=event.patient_share),
    )


def note_refusal(event: insurance.ClaimRefused) -> UseCase:
    """The supply waits for the patient: self-pay within some hours, or it is undone."""
    refused = NoteClaim(
        supply_id=event.supply_id, attempt=event.attempt, status="refused", may_self_pay=event.may_self_pay
    )
    return _note(event, refused)


def note_void(event: insurance.ClaimVoided) -> UseCase:
    """The money of an attempt is taken back: nothing is cleared by it any more."""
    return _note(event, NoteClaim(supply_id=event.supply_id, attempt=event.attempt, status="voided"))


def clear(event: insurance.SupplyCleared) -> UseCase:
    """Hand-out is allowed."""
    return _note(event, NoteClaim(supply_id=event.supply_id, attempt=event.attempt, status="cleared", how=event.how))


def note_withdrawal(event: insurance.ClearanceWithdrawn) -> UseCase:
    """Hand-out is not allowed any more. What is on the road or in hands stays there: a physical fact."""
    return _note(event, NoteClaim(supply_id=event.supply_id, attempt=event.attempt, status="withdrawn"))


def note_payment(event: insurance.PaymentChanged) -> UseCase:
    """What the page shows of the payment."""
    return _on_fulfilment(
        event.fulfilment_id,
        lambda state, _moment: courier.note_payment(
            state, event.supply_id, event.payment_id, event.status, event.amount, event.item
        ),
    )
