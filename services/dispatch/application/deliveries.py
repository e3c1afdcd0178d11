"""Deliveries on their way: arranged and packed by the pharmacy, carried by the courier, called off or called back."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any
from uuid import UUID

from contracts.registers import Drug
from services.dispatch.application.parcel_goods import packs_of
from services.dispatch.application.registers import (
    asked_by_interface,
    courier_ref,
    drug_refs,
    may_not_send,
    pharmacy_ref,
)
from services.dispatch.application.shelf import Circumstances, settle
from services.dispatch.application.views import delivery_view
from services.dispatch.domain.delivery import way
from services.dispatch.domain.delivery.commands import (
    CancelDelivery,
    FailAttempt,
    HandOver,
    PackDelivery,
    Recall,
    ScheduleRetry,
)
from services.dispatch.domain.delivery.events import DeliveryCreated
from services.dispatch.domain.delivery.policy import DELIVERY_POLICIES, DeliveryPolicy
from services.dispatch.domain.delivery.state import DELIVERIES, DeliveryState
from services.dispatch.domain.delivery.values import ContactAddress, Storage
from services.dispatch.domain.fulfilment import courier
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.seedwork.calendar import civil_day
from services.seedwork.model import Command, DomainEvent, Loaded, Outcome, Refusal
from services.seedwork.reference import EntryState
from services.seedwork.usecase import Answer, Change, Decision, Load, Moment, UseCase

Thinking = Generator[Load, Any, Decision]


class ArrangeDelivery(Command):
    """A courier is to bring a dispensed supply."""

    fulfilment_id: UUID
    supply_id: UUID
    pharmacy: str
    courier: str
    contact: ContactAddress


def answer_of(state: DeliveryState, status: int = 200) -> Answer:
    """The parcel as it is, without the patient's contact."""
    return Answer(status, delivery_view(state, with_contact=False))


def limits(moment: Moment) -> DeliveryPolicy:
    """What holds today where this is."""
    return DELIVERY_POLICIES.on(civil_day(moment.now), moment.jurisdiction)


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
        supply = state.supplies[command.supply_id]
        entries = yield Load(drug_refs(row.product for row in supply.lines))
        drugs = [entry.state.read(Drug) for entry in entries]
        kept = _storage([drug for drug in drugs if drug], cold_chain=courier.cold_chain(state, supply))
        if isinstance(kept, Refusal):
            return Decision.refused(kept)
        refused = may_not_send(pharmacy.state, carrier.state, moment, storage=kept)
        if refused:
            return Decision.refused(refused)
        (new,) = yield Load.of(DELIVERIES.ref(delivery_id))
        created = DeliveryCreated(
            delivery_id=delivery_id,
            prescription_id=state.prescription_id,
            patient_ref=state.patient_ref,
            cold_chain=kept != "ambient",
            storage=kept,
            freeze_sensitive=kept != "frozen" and any(drug.freeze_sensitive for drug in drugs if drug),
            identity_required=any(drug.drug_class in limits(moment).identity_classes for drug in drugs if drug),
            packs=packs_of(supply),
            booking_due=moment.now if asked_by_interface(carrier.state) else None,
            **dict(command),
        )
        decision = Decision.on(new, [created], answer_of(new.after([created]), 201))
        return decision.and_also(fulfilment, outcome)

    streams = (FULFILMENTS.ref(command.fulfilment_id),)
    return UseCase(streams, decide, relaxed=(pharmacy_ref(command.pharmacy), courier_ref(command.courier)))


def _storage(drugs: Iterable[Drug], *, cold_chain: bool) -> Storage | Refusal:
    """One way for the whole parcel: what need not be cold may travel with what must; nothing with frozen goods."""
    wanted = {drug.storage or ("refrigerated" if drug.cold_chain else "ambient") for drug in drugs}
    if cold_chain:
        wanted.add("refrigerated" if "frozen" not in wanted else "frozen")
    if "frozen" in wanted and len(wanted) > 1:
        return Refusal("delivery.storage_differs", {"storage": sorted(wanted)})
    return next((way_of for way_of in ("frozen", "refrigerated") if way_of in wanted), "ambient")


Step = Callable[[DeliveryState, Moment], Outcome]


def step_of(delivery_id: UUID, step: Step) -> UseCase:
    """A step that concerns the parcel alone."""

    def decide(moment: Moment, parcel: Loaded[DeliveryState]) -> Decision:
        outcome = step(parcel.state, moment)
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        return Decision.on(parcel, outcome, answer_of(parcel.after(outcome)))

    return UseCase((DELIVERIES.ref(delivery_id),), decide)


def pack(delivery_id: UUID, command: PackDelivery) -> UseCase:
    return step_of(delivery_id, lambda state, moment: way.pack(state, command, moment.now, limits(moment)))


def in_transit(delivery_id: UUID, carrier: str) -> UseCase:
    return step_of(delivery_id, lambda state, moment: way.in_transit(state, carrier, moment.now, limits(moment)))


def arrive(delivery_id: UUID, carrier: str) -> UseCase:
    return step_of(delivery_id, lambda state, moment: way.arrive(state, carrier, moment.now, limits(moment)))


def fail_attempt(delivery_id: UUID, command: FailAttempt) -> UseCase:
    return step_of(delivery_id, lambda state, moment: way.fail_attempt(state, command, moment.now, limits(moment)))


def schedule_retry(delivery_id: UUID, command: ScheduleRetry) -> UseCase:
    return step_of(delivery_id, lambda state, moment: way.schedule_retry(state, command, moment.now, limits(moment)))


def recall(delivery_id: UUID, command: Recall) -> UseCase:
    return step_of(delivery_id, lambda state, moment: way.recall(state, command, moment.now, limits(moment)))


def refuse_at_door(delivery_id: UUID, carrier: str) -> UseCase:
    return step_of(delivery_id, lambda state, moment: way.refuse_at_door(state, carrier, moment.now, limits(moment)))


def report_damaged(delivery_id: UUID, **party: str) -> UseCase:
    return step_of(delivery_id, lambda state, moment: way.damage(state, moment.now, limits(moment), **party))


def give_up_retrying(delivery_id: UUID) -> UseCase:
    return step_of(delivery_id, lambda state, moment: way.give_up_retrying(state, moment.now, limits(moment)))


Pairing = Callable[[FulfilmentState, DeliveryCreated, Refusal | None], Outcome]
"""The supply's part of a step; also told whether pharmacy and courier are in force today."""


def _with_supply(delivery_id: UUID, step: Step, supply_step: Pairing) -> UseCase:
    """A step of the parcel and of the supply in it: both or neither."""

    def decide(moment: Moment, parcel: Loaded[DeliveryState]) -> Thinking:
        outcome = step(parcel.state, moment)
        created = parcel.state.created
        if isinstance(outcome, Refusal) or created is None:
            return Decision.on(parcel, outcome)
        fulfilment, pharmacy, carrier = yield Load.of(
            FULFILMENTS.ref(created.fulfilment_id), pharmacy_ref(created.pharmacy), courier_ref(created.courier)
        )
        out_of_force = may_not_send(pharmacy.state, carrier.state, moment, storage=parcel.state.storage)
        done = supply_step(fulfilment.state, created, out_of_force)
        decision = yield from settle(fulfilment, done, Circumstances.at(moment))
        return joined(parcel, outcome, decision)

    return UseCase((DELIVERIES.ref(delivery_id),), decide)


def joined(parcel: Loaded[DeliveryState], events: list[DomainEvent], decision: Decision) -> Decision:
    """The parcel's events with the supply's; a refusal of the supply's step refuses both."""
    if decision.refusal:
        return decision
    return Decision((Change(parcel, tuple(events)), *decision.changes), answer_of(parcel.after(events)))


def hand_over(delivery_id: UUID, pharmacy: str, proof_sha256: str, **more: Any) -> UseCase:
    """The courier takes the sealed parcel, once the supply is cleared and while both are in force.

    `more`: the seal as the courier reads it (`seal_no`), the time it should arrive (`eta`).
    """
    command = HandOver(pharmacy=pharmacy, proof_sha256=proof_sha256, **more)

    def supply_step(state: FulfilmentState, created: DeliveryCreated, out_of_force: Refusal | None) -> Outcome:
        return out_of_force or courier.hand_to_courier(state, created.supply_id, pharmacy, delivery_id)

    return _with_supply(
        delivery_id, lambda state, moment: way.hand_over(state, command, moment.now, limits(moment)), supply_step
    )


def cancel(delivery_id: UUID, command: CancelDelivery) -> UseCase:
    """Called off in the pharmacy; the supply waits at the counter."""

    def supply_step(state: FulfilmentState, created: DeliveryCreated, _out_of_force: Refusal | None) -> Outcome:
        return courier.detach_delivery(state, created.supply_id, command.pharmacy)

    return _with_supply(delivery_id, lambda state, _moment: way.cancel(state, command), supply_step)
