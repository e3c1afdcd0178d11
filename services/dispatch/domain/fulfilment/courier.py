"""A supply on the road: arranged, called off, handed over, delivered; and what its claim says meanwhile."""

from __future__ import annotations

from uuid import UUID

from services.dispatch.domain.fulfilment import events as e
from services.dispatch.domain.fulfilment.commands import DeliverSupply, NoteClaim
from services.dispatch.domain.fulfilment.state import Cancellation, FulfilmentState, Supply
from services.dispatch.domain.fulfilment.supplies import own_supply, received
from services.dispatch.domain.fulfilment.transitions import SUPPLY, wrong_state
from services.dispatch.domain.values import Bucket, FreedLine, UndonePack
from services.seedwork.model import DomainEvent, Outcome, Refusal


def attach_delivery(state: FulfilmentState, supply_id: UUID, pharmacy: str, delivery_id: UUID) -> Outcome:
    """A delivery is arranged: every line may travel, and there is no other delivery."""
    supply = own_supply(state, supply_id, pharmacy, "ArrangeDelivery")
    if isinstance(supply, Refusal):
        return supply
    if supply.delivery_id is not None:
        return Refusal("supply.delivery_arranged", {"delivery_id": str(supply.delivery_id)})
    fixed = [line for line in supply.line_numbers if not state.lines[line].content.deliverable]
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
    state: FulfilmentState, supply_id: UUID, why: e.UndoneWhy, packs: tuple[UndonePack, ...]
) -> Outcome:
    """The parcel, or what was rejected of it, never reached the patient: inspected, or lost. A cancellation that waited
    for it gets its part as cancelled, the rest is free."""
    supply = state.supplies[supply_id]
    if not SUPPLY.allows(supply.status, "returned or lost"):
        return wrong_state("supply", supply.status, "returned or lost")
    rows: list[FreedLine] = []
    for line in supply.line_numbers:
        quantity = supply.outstanding(line)
        taken = min(quantity, sum(_awaited(each, supply_id, line) for each in state.cancellations.values()))
        for bucket, part in ((Bucket.CANCELLED, taken), (state.free_bucket, quantity - taken)):
            if part:
                rows.append(FreedLine(line=line, quantity=part, bucket=bucket))
    found = {pack.disposition for pack in packs}
    disposition = found.pop() if len(found) == 1 else "mixed"
    facts = {"supply_id": supply_id, "lines": tuple(rows), "why": why, "disposition": disposition, "packs": packs}
    return [e.SupplyUndone.model_validate(facts)]


def _awaited(request: Cancellation, supply_id: UUID, line: int) -> int:
    if request.final or supply_id not in request.awaiting:
        return 0
    return sum(row.awaiting_return for row in request.lines if row.line == line)


def note_claim(state: FulfilmentState, command: NoteClaim) -> list[DomainEvent]:
    """Dispatch obeys the highest attempt: news of an older one is late and changes nothing."""
    supply = state.supplies.get(command.supply_id)
    if supply is None or not SUPPLY.allows(supply.status, "claim") or command.attempt < supply.attempt:
        return []
    same_amount = command.patient_share in {None, supply.patient_share}
    if (command.attempt, command.status) == (supply.attempt, supply.claim) and same_amount:
        return []
    return [e.ClaimNoted(**dict(command))]


def note_payment(
    state: FulfilmentState, supply_id: UUID, payment_id: UUID, status: str, amount: int
) -> list[DomainEvent]:
    """What the patient's page shows of the payment."""
    if supply_id not in state.supplies or state.supplies[supply_id].payment == status:
        return []
    return [e.PaymentNoted(supply_id=supply_id, payment_id=payment_id, status=status, amount=amount)]
