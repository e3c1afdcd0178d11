"""Ordering a courier by its interface. What is not known is asked again, under the same id."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from services.dispatch.domain.delivery import events as e
from services.dispatch.domain.delivery.policy import DeliveryPolicy
from services.dispatch.domain.delivery.state import DeliveryState
from services.dispatch.domain.delivery.values import ContactAddress, Storage
from services.seedwork.model import DomainEvent


@dataclass(frozen=True)
class Order:
    """All that a courier's interface is told: never a drug, a diagnosis or a prescription."""

    delivery_id: UUID
    pickup_at: str
    """Code of the pharmacy."""
    contact: ContactAddress
    storage: Storage
    identity_required: bool


@dataclass(frozen=True)
class Booked:
    """`reference` is the courier's own; empty unless it took the order."""

    outcome: Literal["accepted", "refused", "unknown"]
    reference: str = ""


class CourierGateway(Protocol):
    """The way to couriers' interfaces. Called again after a conflict or no answer: `delivery_id` makes it once."""

    def book(self, courier: str, interface: str, url: str | None, order: Order) -> Booked:
        """Orders the courier; never raises, never takes longer than its time-outs."""
        ...


def order_of(state: DeliveryState) -> Order | None:
    """None when there is nothing to order any more, or nobody to bring it to."""
    created = state.created
    if created is None or created.contact is None or state.booking or state.status not in {"created", "packed"}:
        return None
    return Order(created.delivery_id, created.pharmacy, created.contact, state.storage, created.identity_required)


def due(state: DeliveryState, now: datetime) -> bool:
    return state.booking_due is not None and now >= state.booking_due


def note(state: DeliveryState, booked: Booked, now: datetime, policy: DeliveryPolicy) -> list[DomainEvent]:
    """Taken, or asked again after a growing wait; refused, or too often without an answer: by hand from now on."""
    if booked.outcome == "accepted":
        return [e.CourierBooked(reference=booked.reference)]
    tries = state.booking_tries + 1
    again = booked.outcome == "unknown" and tries < policy.booking_tries_max
    return [
        e.BookingFailed(
            tries=tries, outcome=booked.outcome, again_at=now + policy.booking_wait(tries) if again else None
        )
    ]
