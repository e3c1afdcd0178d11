"""Filling a hold: prepare with scan, check by another person, hand out once cleared; or undo."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from services.dispatch.domain.fulfilment import events as e
from services.dispatch.domain.fulfilment.commands import (
    DispenseSupply,
    GiveUp,
    HandOut,
    PrepareSupply,
    Unprepare,
)
from services.dispatch.domain.fulfilment.holds import own_hold
from services.dispatch.domain.fulfilment.picking import read_picks
from services.dispatch.domain.fulfilment.pricing import priced
from services.dispatch.domain.fulfilment.state import FulfilmentState, Hold, Supply
from services.dispatch.domain.fulfilment.transitions import SUPPLY, wrong_state
from services.dispatch.domain.policy import Policy
from services.dispatch.domain.values import (
    Bucket,
    DispensedLine,
    FreedLine,
    LineQuantity,
)
from services.seedwork.calendar import civil_day
from services.seedwork.model import DomainEvent, Ids, Outcome, Refusal


def prepare_supply(state: FulfilmentState, command: PrepareSupply, now: datetime, ids: Ids, policy: Policy) -> Outcome:
    """Set packs aside for a hold (先扫码). Lots and codes are checked by the shelf and the registry of codes."""
    hold = own_hold(state, command.hold_id, command.pharmacy, "PrepareSupply", now)
    if isinstance(hold, Refusal):
        return hold
    if state.prepared_supply(hold.hold_id):
        return Refusal("supply.already_prepared", {"hold_id": str(hold.hold_id)})
    lines = read_picks(state, hold, command, civil_day(now), policy)
    if isinstance(lines, Refusal):
        return lines
    return [e.SupplyPrepared(supply_id=ids.new(), hold_id=hold.hold_id, preparer=command.preparer, lines=lines)]


def own_supply(state: FulfilmentState, supply_id: UUID, pharmacy: str, trigger: str) -> Supply | Refusal:
    """The supply, when it is this pharmacy's and answers to the trigger."""
    supply = state.supplies.get(supply_id)
    if supply is None:
        return Refusal("supply.unknown", {"supply_id": str(supply_id)})
    if supply.pharmacy != pharmacy:
        return Refusal("supply.not_yours", {"supply_id": str(supply_id)})
    if not SUPPLY.allows(supply.status, trigger):
        return wrong_state("supply", supply.status, trigger)
    return supply


def unprepare(state: FulfilmentState, command: Unprepare) -> Outcome:
    """Packs set aside go back; the hold goes on."""
    supply = own_supply(state, command.supply_id, command.pharmacy, "Unprepare")
    return supply if isinstance(supply, Refusal) else [e.SupplyUnprepared(supply_id=supply.supply_id)]


def dispense_supply(state: FulfilmentState, command: DispenseSupply, now: datetime, policy: Policy) -> Outcome:
    """The check by a second person: from here on the packs are this patient's. What was held beyond them is free."""
    supply = own_supply(state, command.supply_id, command.pharmacy, "DispenseSupply")
    if isinstance(supply, Refusal):
        return supply
    hold = own_hold(state, supply.hold_id, command.pharmacy, "DispenseSupply", now)
    if isinstance(hold, Refusal):
        return hold
    if command.checker == supply.preparer:
        return Refusal("supply.checker_is_preparer", {"person": command.checker})
    lines = priced(state, hold, supply, command)
    if isinstance(lines, Refusal):
        return lines
    events: list[DomainEvent] = [
        e.SupplyDispensed(
            supply_id=supply.supply_id,
            hold_id=hold.hold_id,
            fill_no=state.fills + 1,
            checker=command.checker,
            lines=lines,
            collect_by=now + policy.collect,
        )
    ]
    rest = _rest(state, hold, lines)
    if rest:
        events.append(e.HoldEnded(hold_id=hold.hold_id, how="rest_freed", freed=rest))
    return events


def _rest(state: FulfilmentState, hold: Hold, lines: tuple[DispensedLine, ...]) -> tuple[FreedLine, ...]:
    given: dict[int, int] = {}
    for row in lines:
        given[row.line] = given.get(row.line, 0) + row.counted
    rest = ((line.line, line.quantity - given.get(line.line, 0)) for line in hold.lines)
    return tuple(FreedLine(line=line, quantity=left, bucket=state.free_bucket) for line, left in rest if left)


def hand_out(state: FulfilmentState, command: HandOut) -> Outcome:
    """Over the counter (再发药): nothing leaves uncleared, and an agent's document does not replace the patient's.

    Who had no right to hand it out has done so all the same: recorded as irregular.
    """
    supply = own_supply(state, command.supply_id, command.pharmacy, "HandOut")
    if isinstance(supply, Refusal):
        return supply
    if not supply.cleared:
        return Refusal("supply.not_cleared", {"claim": supply.claim, "attempt": supply.attempt})
    if supply.delivery_id is not None:
        return Refusal("supply.delivery_arranged", {"delivery_id": str(supply.delivery_id)})
    if command.collector_kind == "agent" and command.collector.patient_identity_no is None:
        return Refusal("collector.patient_identity_missing", {})
    return [
        e.SupplyReceived(
            supply_id=supply.supply_id,
            patient_ref=state.patient_ref,
            accepted=received(supply),
            collector_kind=command.collector_kind,
            collector=command.collector,
            identity_checked=True,
            handed_out_by=command.handed_out_by,
            organisation=command.pharmacy,
            irregularities=command.irregularities,
        )
    ]


def received(supply: Supply) -> tuple[LineQuantity, ...]:
    """All of a supply, per line."""
    return tuple(LineQuantity(line=line, quantity=supply.quantity(line)) for line in supply.line_numbers)


def give_up(state: FulfilmentState, command: GiveUp) -> Outcome:
    """The patient does not want it, while it is still in the pharmacy."""
    if command.patient_ref != state.patient_ref:
        return Refusal("fulfilment.not_yours", {})
    supply = state.supplies.get(command.supply_id)
    if supply is None:
        return Refusal("supply.unknown", {"supply_id": str(command.supply_id)})
    if not SUPPLY.allows(supply.status, "GiveUp"):
        return wrong_state("supply", supply.status, "GiveUp")
    return [undone(state, supply, "given_up")]


def uncollected(state: FulfilmentState, now: datetime) -> list[DomainEvent]:
    """Supplies that nobody came for in time."""
    return [undone(state, supply, "not_collected") for supply in in_pharmacy(state) if now >= supply.collect_by]


def in_pharmacy(state: FulfilmentState) -> list[Supply]:
    """Dispensed, and neither with a courier nor with the patient."""
    return [supply for supply in state.supplies.values() if SUPPLY.allows(supply.status, "clock: collect")]


def undone(state: FulfilmentState, supply: Supply, why: str, cancelled: dict[int, int] | None = None) -> DomainEvent:
    """Everything back: what a cancellation wants of it is cancelled, the rest is free or lapsed."""
    rows: list[FreedLine] = []
    for line in supply.line_numbers:
        quantity = supply.quantity(line)
        taken = (cancelled or {}).get(line, 0)
        for bucket, part in ((Bucket.CANCELLED, taken), (state.free_bucket, quantity - taken)):
            if part:
                rows.append(FreedLine(line=line, quantity=part, bucket=bucket))
    return e.SupplyUndone.model_validate({"supply_id": supply.supply_id, "lines": tuple(rows), "why": why})
