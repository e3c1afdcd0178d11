"""Filling a hold: prepare with scan, check by another person, hand out once cleared; or undo."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from services.dispatch.domain.fulfilment import events as e
from services.dispatch.domain.fulfilment.collecting import may_not_collect
from services.dispatch.domain.fulfilment.commands import (
    DispenseSupply,
    GiveUp,
    HandOut,
    PrepareSupply,
    Unprepare,
)
from services.dispatch.domain.fulfilment.holds import freed_lines, own_hold
from services.dispatch.domain.fulfilment.picking import read_picks
from services.dispatch.domain.fulfilment.pricing import priced
from services.dispatch.domain.fulfilment.return_events import SupplyUndone
from services.dispatch.domain.fulfilment.state import FulfilmentState, Hold, Supply
from services.dispatch.domain.fulfilment.transitions import SUPPLY, wrong_state
from services.dispatch.domain.policy import Policy
from services.dispatch.domain.values import (
    Bucket,
    DispensedLine,
    Disposition,
    FreedLine,
    LineQuantity,
    Road,
    UndonePack,
    UndoneWhy,
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
    return freed_lines(dict(rest), state.freed_to(hold))


def hand_out(state: FulfilmentState, command: HandOut, policy: Policy) -> Outcome:
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
    refused = may_not_collect(supply, command, policy)
    if refused:
        return refused
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


def give_up(state: FulfilmentState, command: GiveUp, now: datetime, policy: Policy) -> Outcome:
    """The patient does not want it, while it is still in the pharmacy."""
    if command.patient_ref != state.patient_ref:
        return Refusal("fulfilment.not_yours", {})
    supply = state.supplies.get(command.supply_id)
    if supply is None:
        return Refusal("supply.unknown", {"supply_id": str(command.supply_id)})
    if not SUPPLY.allows(supply.status, "GiveUp"):
        return wrong_state("supply", supply.status, "GiveUp")
    return [undone(state, supply, "given_up", now, policy)]


def uncollected(state: FulfilmentState, now: datetime, policy: Policy) -> list[DomainEvent]:
    """Supplies that nobody came for in time."""
    late = [supply for supply in in_pharmacy(state) if now >= supply.collect_by]
    return [undone(state, supply, "not_collected", now, policy) for supply in late]


def not_cleared(state: FulfilmentState, now: datetime, policy: Policy) -> list[DomainEvent]:
    """Supplies whose claim was refused and whose patient has not chosen to pay alone in time."""
    late = [supply for supply in in_pharmacy(state) if supply.decide_by and now >= supply.decide_by]
    return [undone(state, supply, "not_cleared", now, policy) for supply in late]


def in_pharmacy(state: FulfilmentState) -> list[Supply]:
    """Dispensed, and neither with a courier nor with the patient."""
    return [supply for supply in state.supplies.values() if SUPPLY.allows(supply.status, "clock: collect")]


def undone(
    state: FulfilmentState,
    supply: Supply,
    why: UndoneWhy,
    now: datetime,
    policy: Policy,
    *,
    cancelled: Mapping[int, int] | None = None,
    packs: tuple[UndonePack, ...] = (),
    road: Road | None = None,
) -> SupplyUndone:
    """All that the patient does not have: what a cancellation wants of it is cancelled, the rest goes where `came_back`
    says. `packs`: of a parcel, what became of each; without them all is back on the shelf."""
    bucket = came_back(state, supply, why, now, policy)
    rows: list[FreedLine] = []
    for line in supply.line_numbers:
        quantity = supply.outstanding(line)
        taken = (cancelled or {}).get(line, 0)
        rows += freed_lines({line: taken}, Bucket.CANCELLED) + freed_lines({line: quantity - taken}, bucket)
    replaceable = any(row.bucket is Bucket.REPLACEABLE for row in rows)
    return SupplyUndone(
        supply_id=supply.supply_id,
        lines=tuple(rows),
        why=why,
        disposition=_disposition(packs),
        packs=packs,
        replace_until=now + policy.replacing if replaceable else None,
        road=road,
    )


def _disposition(packs: tuple[UndonePack, ...]) -> Disposition:
    found = {pack.disposition for pack in packs}
    if len(found) > 1:
        return "mixed"
    return found.pop() if found else "restocked"


def came_back(state: FulfilmentState, supply: Supply, why: UndoneWhy, now: datetime, policy: Policy) -> Bucket:
    """Free for any pharmacy within validity. Afterwards, as of a replacement, the same pharmacy's for some days when it
    came back for no fault of the patient's; what the patient gave up or did not fetch has lapsed."""
    replacement = state.holds[supply.hold_id].replaces is not None
    if state.status == "open" and now <= state.closes_at and not replacement:
        return Bucket.REMAINING
    return Bucket.REPLACEABLE if why in policy.replaceable_after else Bucket.LAPSED
