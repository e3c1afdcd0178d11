"""What came back after validity, or after possession: only the same pharmacy may supply it again, for some days.

Goods that a patient has had never return to a shelf (药品经营质量管理规范: 除药品质量原因外,
药品一经售出, 不得退换).
"""

from __future__ import annotations

from datetime import datetime

from services.dispatch.domain.fulfilment.commands import TakeBack
from services.dispatch.domain.fulfilment.holds import freed_lines
from services.dispatch.domain.fulfilment.return_events import ReplacementLapsed, SupplyTakenBack
from services.dispatch.domain.fulfilment.state import FulfilmentState, Supply
from services.dispatch.domain.fulfilment.supplies import own_supply
from services.dispatch.domain.policy import Policy
from services.dispatch.domain.values import Bucket, FreedLine, LineQuantity
from services.seedwork.model import DomainEvent, Outcome, Refusal


def take_back(state: FulfilmentState, command: TakeBack, now: datetime, policy: Policy) -> Outcome:
    """The quantity may be replaced here, or is cancelled where the prescriber has asked for that and came too late.

    Nothing is restocked, and its trace codes stay spent.
    """
    supply = own_supply(state, command.supply_id, command.pharmacy, "TakeBack")
    if isinstance(supply, Refusal):
        return supply
    has = _in_hands(supply)
    wanted = {row.line: row.quantity for row in command.lines} if command.lines else has
    if command.lines and len(wanted) != len(command.lines):
        return Refusal("supply.line_twice", {"lines": [row.line for row in command.lines]})
    for line, quantity in wanted.items():
        if quantity > has.get(line, 0):
            return Refusal("supply.not_in_hands", {"line": line, "in_hands": has.get(line, 0)})
    lines = _given_back(state, wanted)
    if not lines:
        return Refusal("supply.not_in_hands", {"line": 0, "in_hands": 0})
    taken = SupplyTakenBack(
        supply_id=supply.supply_id,
        patient_ref=state.patient_ref,
        lines=lines,
        why=command.why,
        taken_back_by=command.taken_back_by,
        note=command.note,
        replace_until=now + policy.replacing,
    )
    return [taken]


def _in_hands(supply: Supply) -> dict[int, int]:
    """What the patient still has of it, per line."""
    return {line: supply.quantity(line) - supply.taken_back.get(line, 0) for line in supply.line_numbers}


def _given_back(state: FulfilmentState, wanted: dict[int, int]) -> tuple[FreedLine, ...]:
    rows: tuple[FreedLine, ...] = ()
    for line, quantity in wanted.items():
        cancelled = min(quantity, _came_too_late(state, line))
        rows += freed_lines({line: cancelled}, Bucket.CANCELLED)
        rows += freed_lines({line: quantity - cancelled}, Bucket.REPLACEABLE)
    return rows


def _came_too_late(state: FulfilmentState, line: int) -> int:
    """What the prescriber wanted cancelled of a line and could not, because the patient had it."""
    asked = (row.refused for each in state.cancellations.values() for row in each.lines if row.line == line)
    return max(asked, default=0) - state.cancelled_late.get(line, 0)


def lapse_replacements(state: FulfilmentState, now: datetime) -> list[DomainEvent]:
    """Nobody has replaced it in time."""
    events: list[DomainEvent] = []
    for supply_id, found in state.replaceables.items():
        if found.rest and now >= found.until:
            lines = tuple(LineQuantity(line=line, quantity=quantity) for line, quantity in sorted(found.rest.items()))
            events.append(ReplacementLapsed(supply_id=supply_id, lines=lines))
    return events
