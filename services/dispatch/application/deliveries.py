"""Deliveries: arranged and packed by the pharmacy, carried by the courier, ended by a proof."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from services.dispatch.application.registers import admitted_courier, courier_ref, may_not_send, pharmacy_ref
from services.dispatch.application.shelf import Circumstances, settle
from services.dispatch.application.views import delivery_view
from services.dispatch.domain import delivery, secrets
from services.dispatch.domain.delivery import (
    DELIVERIES,
    CancelDelivery,
    ContactAddress,
    DeliveryCreated,
    DeliveryDelivered,
    DeliveryState,
    FailAttempt,
    PackDelivery,
)
from services.dispatch.domain.fulfilment import courier
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.commands import DeliverSupply
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.dispatch.domain.policy import POLICIES
from services.seedwork.calendar import civil_day
from services.seedwork.model import Command, DomainEvent, Loaded, Outcome, Refusal
from services.seedwork.reference import EntryState
from services.seedwork.usecase import Answer, Change, Decision, Load, Moment, UseCase

Thinking = Generator[Load, Any, Decision]
SHA256 = r"^[0-9a-f]{64}$"


class ArrangeDelivery(Command):
    """A courier is to bring a dispensed supply."""

    fulfilment_id: UUID
    supply_id: UUID
    pharmacy: str
    courier: str
    contact: ContactAddress


class Deliver(Command):
    """The courier's word that it is in the patient's hands, with proof."""

    courier: str
    proof_sha256: str = Field(pattern=SHA256)
    collector_kind: Literal["patient", "agent"] = "patient"
    identity_checked: bool = False
    code: str | None = None


def _answer(state: DeliveryState, status: int = 200) -> Answer:
    return Answer(status, delivery_view(state, with_contact=False))


def arrange(command: ArrangeDelivery) -> UseCase:
    """Only with a courier that is admitted today and able to carry what is in the parcel."""

    def decide(
        moment: Moment, fulfilment: Loaded[FulfilmentState], pharmacy: Loaded[EntryState], carrier: Loaded[EntryState]
    ) -> Thinking:
        state = fulfilment.state
        delivery_id = moment.ids.new()
        outcome = courier.attach_delivery(state, command.supply_id, command.pharmacy, delivery_id)
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        cold = courier.cold_chain(state, state.supplies[command.supply_id])
        refused = may_not_send(pharmacy.state, carrier.state, moment, cold_chain=cold)
        if refused:
            return Decision.refused(refused)
        (new,) = yield Load.of(DELIVERIES.ref(delivery_id))
        created = DeliveryCreated(
            delivery_id=delivery_id,
            prescription_id=state.prescription_id,
            patient_ref=state.patient_ref,
            cold_chain=cold,
            **dict(command),
        )
        decision = Decision.on(new, [created], _answer(new.after([created]), 201))
        return decision.and_also(fulfilment, outcome)

    streams = (FULFILMENTS.ref(command.fulfilment_id),)
    return UseCase(streams, decide, relaxed=(pharmacy_ref(command.pharmacy), courier_ref(command.courier)))


def _step(delivery_id: UUID, step: Callable[[DeliveryState, Moment], Outcome]) -> UseCase:
    """A step that concerns the parcel alone."""

    def decide(moment: Moment, parcel: Loaded[DeliveryState]) -> Decision:
        outcome = step(parcel.state, moment)
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        return Decision.on(parcel, outcome, _answer(parcel.after(outcome)))

    return UseCase((DELIVERIES.ref(delivery_id),), decide)


def pack(delivery_id: UUID, command: PackDelivery) -> UseCase:
    return _step(delivery_id, lambda state, _moment: delivery.pack(state, command))


def in_transit(delivery_id: UUID, carrier: str) -> UseCase:
    return _step(delivery_id, lambda state, _moment: delivery.in_transit(state, carrier))


def arrive(delivery_id: UUID, carrier: str) -> UseCase:
    return _step(delivery_id, lambda state, _moment: delivery.arrive(state, carrier))


def fail_attempt(delivery_id: UUID, command: FailAttempt) -> UseCase:
    def step(state: DeliveryState, moment: Moment) -> Outcome:
        return delivery.fail_attempt(state, command, POLICIES.on(civil_day(moment.now), moment.jurisdiction))

    return _step(delivery_id, step)


Pairing = Callable[[FulfilmentState, DeliveryCreated, Refusal | None], Outcome]
"""The supply's part of a step; also told whether pharmacy and courier are in force today."""


def _with_supply(delivery_id: UUID, step: Callable[[DeliveryState], Outcome], supply_step: Pairing) -> UseCase:
    """A step of the parcel and of the supply in it: both or neither."""

    def decide(moment: Moment, parcel: Loaded[DeliveryState]) -> Thinking:
        outcome = step(parcel.state)
        created = parcel.state.created
        if isinstance(outcome, Refusal) or created is None:
            return Decision.on(parcel, outcome)
        fulfilment, pharmacy, carrier = yield Load.of(
            FULFILMENTS.ref(created.fulfilment_id), pharmacy_ref(created.pharmacy), courier_ref(created.courier)
        )
        out_of_force = may_not_send(pharmacy.state, carrier.state, moment, cold_chain=created.cold_chain)
        done = supply_step(fulfilment.state, created, out_of_force)
        decision = yield from settle(fulfilment, done, Circumstances.at(moment))
        return _joined(parcel, outcome, decision)

    return UseCase((DELIVERIES.ref(delivery_id),), decide)


def _joined(parcel: Loaded[DeliveryState], events: list[DomainEvent], decision: Decision) -> Decision:
    """The parcel's events with the supply's; a refusal of the supply's step refuses both."""
    if decision.refusal:
        return decision
    return Decision((Change(parcel, tuple(events)), *decision.changes), _answer(parcel.after(events)))


def hand_over(delivery_id: UUID, pharmacy: str, proof_sha256: str) -> UseCase:
    """The courier takes the sealed parcel, once the supply is cleared and while both are in force."""

    def supply_step(state: FulfilmentState, created: DeliveryCreated, out_of_force: Refusal | None) -> Outcome:
        return out_of_force or courier.hand_to_courier(state, created.supply_id, pharmacy, delivery_id)

    return _with_supply(delivery_id, lambda state: delivery.hand_over(state, pharmacy, proof_sha256), supply_step)


def cancel(delivery_id: UUID, command: CancelDelivery) -> UseCase:
    """Called off in the pharmacy; the supply waits at the counter."""

    def supply_step(state: FulfilmentState, created: DeliveryCreated, _out_of_force: Refusal | None) -> Outcome:
        return courier.detach_delivery(state, created.supply_id, command.pharmacy)

    return _with_supply(delivery_id, lambda state: delivery.cancel(state, command), supply_step)


def deliver(delivery_id: UUID, command: Deliver, pickup_key: bytes) -> UseCase:
    """Recorded whenever the parcel was out: a failed guard makes it an exception, never undoes it."""

    def decide(moment: Moment, parcel: Loaded[DeliveryState]) -> Thinking:
        created = parcel.state.created
        refused = delivery.answers(parcel.state, "Deliver", courier=command.courier)
        if refused or created is None or parcel.state.status == "delivered":
            return Decision.on(parcel, refused or [], _answer(parcel.state))
        fulfilment, carrier = yield Load.of(FULFILMENTS.ref(created.fulfilment_id), courier_ref(created.courier))
        broken = tuple(_irregularities(parcel.state, created, command.code, pickup_key))
        admitted = admitted_courier(carrier.state, moment, cold_chain=created.cold_chain)
        if isinstance(admitted, Refusal):
            broken = (*broken, admitted.code)
        facts = command.model_dump(exclude={"code"})
        said = DeliverSupply(supply_id=created.supply_id, irregularities=broken, **facts)
        received = courier.deliver(fulfilment.state, said)
        cleared = fulfilment.state.supplies[created.supply_id].cleared
        delivered = DeliveryDelivered(
            proof_sha256=command.proof_sha256, delivered_at=moment.now, exception=bool(broken) or not cleared
        )
        decision = yield from settle(fulfilment, received, Circumstances.at(moment))
        return _joined(parcel, [delivered], decision)

    return UseCase((DELIVERIES.ref(delivery_id),), decide)


def _irregularities(state: DeliveryState, created: DeliveryCreated, code: str | None, key: bytes) -> Iterator[str]:
    """What of a delivery was not as it should be: the patient's code, the arrival reported before."""
    if not secrets.same(secrets.read_token(code or ""), secrets.pickup_code(key, created.supply_id)):
        yield "supply.wrong_pickup_code"
    if state.status != "arrived":
        yield "delivery.wrong_state"
