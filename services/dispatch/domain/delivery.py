"""Delivery: one courier brings one supply, sealed, with proof. Without temperature and return.

What a courier reports about the road is a fact: it is recorded whenever the parcel is out, in whatever order it comes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.dispatch.domain.policy import Policy
from services.seedwork.model import (
    Aggregate,
    Command,
    DomainEvent,
    Immutable,
    Outcome,
    Personal,
    PersonalClass,
    Refusal,
)
from services.seedwork.transitions import NOT_YET, Transition, Transitions

FailureReason = Literal[
    "nobody_there", "not_reachable", "address_not_found", "refused_at_the_door", "parcel_damaged", "other"
]
CallOffReason = Literal["patient_wish", "courier_absent", "mistake", "supply_undone", "other"]
Note = Annotated[str | None, Personal(PersonalClass.CONTACT)]
"""What somebody wrote beside a code. It tells of a person at a door, so it is sealed, and told to nobody."""
_DELIVERED = "supply_received; delivery_ended"

TRANSITIONS = Transitions(
    (
        Transition(
            NOT_YET,
            "ArrangeDelivery",
            "supply dispensed and deliverable; courier admitted",
            "created",
            "delivery_created",
        ),
        Transition("created", "PackDelivery", "seal number", "packed", "-"),
        Transition("created", "CancelDelivery", "", "cancelled", "delivery_ended"),
        Transition("packed", "CancelDelivery", "", "cancelled", "delivery_ended"),
        Transition(
            "packed",
            "HandOverToCourier",
            "cleared; pharmacy and courier in force; proof",
            "handed_over",
            "delivery_handed_over",
        ),
        Transition("handed_over", "InTransit", "", "in_transit", "-"),
        Transition("attempt_failed", "InTransit", "attempts left", "in_transit", "-"),
        Transition("in_transit", "Arrive", "", "arrived", "-"),
        Transition("arrived", "Deliver", "proof, code", "delivered", _DELIVERED),
        Transition("handed_over", "Deliver", "out of order: exception", "delivered", _DELIVERED),
        Transition("in_transit", "Deliver", "out of order: exception", "delivered", _DELIVERED),
        Transition("attempt_failed", "Deliver", "out of order: exception", "delivered", _DELIVERED),
        Transition("delivered", "Deliver", "repeat: answered, nothing changes", "delivered", "-"),
        Transition("arrived", "FailAttempt", "reason", "attempt_failed", "delivery_attempt_failed"),
        Transition("in_transit", "FailAttempt", "reason", "attempt_failed", "delivery_attempt_failed"),
    )
)


class ContactAddress(Immutable):
    """Where the parcel goes. Name, telephone and address are all the courier learns."""

    name: str = Field(min_length=1, max_length=100)
    phone: str = Field(pattern=r"^\+?[0-9]{7,15}$")
    address: str = Field(min_length=1, max_length=400)


class DeliveryCreated(DomainEvent):
    """A courier is to bring a supply."""

    TOPIC: ClassVar[str] = "dispatch.delivery.delivery_created"

    delivery_id: UUID
    prescription_id: UUID
    fulfilment_id: UUID
    supply_id: UUID
    patient_ref: UUID
    pharmacy: str
    courier: str
    cold_chain: bool
    contact: Annotated[ContactAddress | None, Personal(PersonalClass.CONTACT)]


class DeliveryPacked(DomainEvent):
    """In the sealed parcel: the medicine and the sales slip."""

    TOPIC: ClassVar[str] = "dispatch.delivery.delivery_packed"

    seal_no: str
    packed_by: str


class DeliveryHandedOver(DomainEvent):
    """The courier has it."""

    TOPIC: ClassVar[str] = "dispatch.delivery.delivery_handed_over"

    proof_sha256: str


class DeliveryMoved(DomainEvent):
    """On the way, or at the door."""

    TOPIC: ClassVar[str] = "dispatch.delivery.delivery_moved"

    to: Literal["in_transit", "arrived"]


class DeliveryAttemptFailed(DomainEvent):
    """Nobody took it."""

    TOPIC: ClassVar[str] = "dispatch.delivery.delivery_attempt_failed"

    patient_ref: UUID
    attempt: int
    reason: FailureReason
    note: Note = None
    may_retry: bool


class DeliveryDelivered(DomainEvent):
    """In the patient's hands."""

    TOPIC: ClassVar[str] = "dispatch.delivery.delivery_delivered"

    proof_sha256: str
    delivered_at: datetime
    exception: bool


class DeliveryCancelled(DomainEvent):
    """Called off before the courier had it."""

    TOPIC: ClassVar[str] = "dispatch.delivery.delivery_cancelled"

    patient_ref: UUID
    reason: CallOffReason
    note: Note = None


@dataclass(frozen=True)
class DeliveryState:
    """One delivery."""

    status: str = NOT_YET
    created: DeliveryCreated | None = None
    seal_no: str | None = None
    attempts: int = 0
    may_retry: bool = True
    proof_sha256: str | None = None
    exception: bool = False


def evolve(state: DeliveryState, event: DomainEvent) -> DeliveryState:
    match event:
        case DeliveryCreated():
            return replace(state, status="created", created=event)
        case DeliveryPacked(seal_no=seal_no):
            return replace(state, status="packed", seal_no=seal_no)
        case DeliveryHandedOver():
            return replace(state, status="handed_over")
        case DeliveryMoved(to=to):
            return replace(state, status=to)
        case DeliveryAttemptFailed(attempt=attempt, may_retry=may_retry):
            return replace(state, status="attempt_failed", attempts=attempt, may_retry=may_retry)
        case DeliveryDelivered(proof_sha256=proof, exception=exception):
            return replace(state, status="delivered", proof_sha256=proof, exception=exception)
        case DeliveryCancelled():
            return replace(state, status="cancelled")
    return state  # pragma: no cover - the aggregate names no other event


class PackDelivery(Command):
    """Seal the parcel."""

    pharmacy: str
    packed_by: str
    seal_no: str = Field(min_length=1, max_length=64)


def answers(state: DeliveryState, trigger: str, **party: str) -> Refusal | None:
    """None when the delivery is this party's (pharmacy or courier) and answers to the trigger."""
    if state.created is None:
        return Refusal("delivery.unknown", {})
    facts: dict[str, Any] = {name: getattr(state.created, name) for name in party}
    if facts != party:
        return Refusal("delivery.not_yours", {})
    if not TRANSITIONS.allows(state.status, trigger):
        return Refusal("delivery.wrong_state", {"state": state.status, "trigger": trigger})
    return None


def pack(state: DeliveryState, command: PackDelivery) -> Outcome:
    """The seal number is what the courier and the patient compare."""
    return answers(state, "PackDelivery", pharmacy=command.pharmacy) or [
        DeliveryPacked(seal_no=command.seal_no, packed_by=command.packed_by)
    ]


def hand_over(state: DeliveryState, pharmacy: str, proof_sha256: str) -> Outcome:
    """The courier takes the sealed parcel; clearance is decided with the supply."""
    refused = answers(state, "HandOverToCourier", pharmacy=pharmacy)
    return refused or [DeliveryHandedOver(proof_sha256=proof_sha256)]


def in_transit(state: DeliveryState, courier: str) -> Outcome:
    """On the way: the first time, or again while attempts are left."""
    refused = answers(state, "InTransit", courier=courier)
    if refused:
        return refused
    if not state.may_retry:
        return Refusal("delivery.attempts_used_up", {"attempts": state.attempts})
    return [DeliveryMoved(to="in_transit")]


def arrive(state: DeliveryState, courier: str) -> Outcome:
    """At the door."""
    return answers(state, "Arrive", courier=courier) or [DeliveryMoved(to="arrived")]


class FailAttempt(Command):
    """Nobody took it."""

    courier: str
    reason: FailureReason
    note: str | None = None


class CancelDelivery(Command):
    """Call it off."""

    pharmacy: str
    reason: CallOffReason
    note: str | None = None


def fail_attempt(state: DeliveryState, command: FailAttempt, policy: Policy) -> Outcome:
    """Nobody took it; the last attempt allowed says so."""
    refused = answers(state, "FailAttempt", courier=command.courier)
    if refused or state.created is None:
        return refused or []
    attempt = state.attempts + 1
    said = command.model_dump(include={"reason", "note"})
    may_retry = attempt < policy.delivery_attempts_max
    return [DeliveryAttemptFailed(patient_ref=state.created.patient_ref, attempt=attempt, may_retry=may_retry, **said)]


def cancel(state: DeliveryState, command: CancelDelivery) -> Outcome:
    """Call it off, while the parcel is still in the pharmacy."""
    refused = answers(state, "CancelDelivery", pharmacy=command.pharmacy)
    if refused or state.created is None:
        return refused or []
    said = command.model_dump(include={"reason", "note"})
    return [DeliveryCancelled(patient_ref=state.created.patient_ref, **said)]


DELIVERIES: Aggregate[DeliveryState] = Aggregate(
    name="delivery",
    events=(
        DeliveryCreated,
        DeliveryPacked,
        DeliveryHandedOver,
        DeliveryMoved,
        DeliveryAttemptFailed,
        DeliveryDelivered,
        DeliveryCancelled,
    ),
    initial=DeliveryState(),
    evolve=evolve,
)
