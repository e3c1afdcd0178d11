"""A supply on the road: arranged, called off, handed over, delivered; and what its claim says meanwhile."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from services.dispatch.domain.fulfilment import events as e
from services.dispatch.domain.fulfilment.commands import DeliverSupply, NoteClaim
from services.dispatch.domain.fulfilment.state import FulfilmentState, Supply
from services.dispatch.domain.fulfilment.supplies import own_supply, received, undone
from services.dispatch.domain.fulfilment.transitions import SUPPLY, wrong_state
from services.dispatch.domain.policy import Policy
from services.dispatch.domain.values import Road, UndonePack, UndoneWhy
from services.seedwork.model import DomainEvent, Outcome, Refusal

PaidItem = Literal["share", "delivery_fee"]


def attach_delivery(state: FulfilmentState, supply_id: UUID, pharmacy: str, delivery_id: UUID) -> Outcome:
    """A delivery is arranged: every line may travel, and there is no other delivery."""
    supply = own_supply(state, supply_id, pharmacy, "ArrangeDelivery")
    if isinstance(supply, Refusal):
        return supply
    if supply.delivery_id is not None:
        return Refusal("supply.delivery_arranged", {"delivery_id": str(supply.delivery_id)})
    fixed = sorted({row.line for row in supply.lines if not state.may_travel(row.line, row.product)})
    if fixed:
        return Refusal("supply.counter_only", {"lines": fixed})
    return [e.DeliveryAttached(supply_id=supply_id, delivery_id=delivery_id)]


def cold_chain(state: FulfilmentState, supply: Supply) -> bool:
    """Whether something in the parcel must stay cold."""
    return any(state.lines[line].content.cold_chain for line in supply.line_numbers)


def detach_delivery(state: FulfilmentState, supply_id: UUID, pharmacy: str) -> Outcome:
    """The delivery is called off before the courier had it; the supply stays dispensed."""
    supply = own_supply(state, supply_id, pharmacy, "CancelDelivery")
    if isinstance(supply, Refusal):
        return supply
    if supply.delivery_id is None:
        return []
    return [e.DeliveryDetached(supply_id=supply_id, delivery_id=supply.delivery_id)]


def hand_to_courier(state: FulfilmentState, supply_id: UUID, pharmacy: str, delivery_id: UUID) -> Outcome:
    """Nothing leaves the pharmacy uncleared."""
    supply = own_supply(state, supply_id, pharmacy, "HandOverToCourier")
    if isinstance(supply, Refusal):
        return supply
    if not supply.cleared:
        return Refusal("supply.not_cleared", {"claim": supply.claim, "attempt": supply.attempt})
    return [e.SupplyHandedToCourier(supply_id=supply_id, delivery_id=delivery_id)]


def deliver(state: FulfilmentState, command: DeliverSupply) -> Outcome:
    """A parcel in the patient's hands is a fact: recorded even when a guard fails, then marked as an exception."""
    supply = state.supplies[command.supply_id]
    if not SUPPLY.allows(supply.status, "Deliver"):
        return wrong_state("supply", supply.status, "Deliver")
    return [
        e.SupplyReceived(
            supply_id=supply.supply_id,
            patient_ref=state.patient_ref,
            accepted=received(supply) if command.accepted is None else command.accepted,
            rejected=command.rejected,
            collector_kind=command.collector_kind,
            identity_checked=command.identity_checked,
            handed_out_by=command.courier,
            proof_sha256=command.proof_sha256,
            organisation=command.courier,
            irregularities=(*(() if supply.cleared else ("supply.not_cleared",)), *command.irregularities),
        )
    ]


def came_back_from_courier(
    state: FulfilmentState,
    supply_id: UUID,
    why: UndoneWhy,
    packs: tuple[UndonePack, ...],
    now: datetime,
    policy: Policy,
    road: Road | None = None,
) -> Outcome:
    """The parcel, or what was rejected of it, never reached the patient: inspected after its return, or lost. A
    cancellation that waited gets its part of it, as cancelled."""
    supply = state.supplies[supply_id]
    if not SUPPLY.allows(supply.status, "returned or lost"):
        return wrong_state("supply", supply.status, "returned or lost")
    cancelled = {line: awaited_of(state, supply_id, line) for line in supply.line_numbers}
    return [undone(state, supply, why, now, policy, cancelled=cancelled, packs=packs, road=road)]


def awaited_of(state: FulfilmentState, supply_id: UUID, line: int) -> int:
    """What requests that are not answered for good want of a supply on the road, as far as the patient has it not."""
    wanted = sum(each.wants(supply_id, line) for each in state.cancellations.values() if not each.final)
    return min(wanted, state.supplies[supply_id].outstanding(line))


def note_claim(state: FulfilmentState, command: NoteClaim, now: datetime, policy: Policy) -> list[DomainEvent]:
    """Dispatch obeys the highest attempt: news of an older one is late and changes nothing.

    Refused: the patient may choose to pay alone for a while, where that is open to them at all.
    """
    supply = state.supplies.get(command.supply_id)
    if supply is None or not SUPPLY.allows(supply.status, "claim") or command.attempt < supply.attempt:
        return []
    if command.status == "withdrawn" and not supply.cleared:
        return []  # why it is not cleared is known better: refused, with time to choose, or voided
    same_amount = command.patient_share in {None, supply.patient_share}
    if (command.attempt, command.status) == (supply.attempt, supply.claim) and same_amount:
        return []
    decide_by = None
    if command.status == "refused":
        decide_by = now + policy.self_pay if command.may_self_pay else now
    facts = command.model_dump(exclude={"may_self_pay"})
    return [e.ClaimNoted(**facts, decide_by=decide_by)]


def note_payment(
    state: FulfilmentState, supply_id: UUID, payment_id: UUID, status: str, amount: int, item: PaidItem = "share"
) -> list[DomainEvent]:
    """What the patient's page shows of the payment of the share, or of the delivery fee."""
    supply = state.supplies.get(supply_id)
    if status == "carried_over":  # the payment it counts for now says how it stands
        return []
    if supply is None or (supply.payment if item == "share" else supply.fee_payment) == status:
        return []
    return [e.PaymentNoted(supply_id=supply_id, payment_id=payment_id, status=status, amount=amount, item=item)]
