"""The cancel table: each quantity is decided alone, where the request finds it; whichever save commits first wins."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from services.dispatch.domain.fulfilment import events as e
from services.dispatch.domain.fulfilment.commands import CancelQuantities, RequestedLine
from services.dispatch.domain.fulfilment.courier import awaited_of
from services.dispatch.domain.fulfilment.ending import quantities
from services.dispatch.domain.fulfilment.holds import put_back
from services.dispatch.domain.fulfilment.state import FulfilmentState, Hold
from services.dispatch.domain.fulfilment.supplies import in_pharmacy, undone
from services.dispatch.domain.fulfilment.transitions import FULFILMENT, HOLD
from services.dispatch.domain.policy import Policy
from services.dispatch.domain.values import Bucket, CancelDecision, FreedLine, PartOfSupply
from services.seedwork.model import DomainEvent


@dataclass
class _Tally:
    """What is still wanted per line while the places are gone through in order."""

    wanted: dict[int, int]
    free: dict[int, int] = field(default_factory=dict)
    cancelled: dict[int, int] = field(default_factory=dict)
    awaiting: dict[int, int] = field(default_factory=dict)

    def take(self, into: dict[int, int], line: int, quantity: int) -> int:
        taken = min(quantity, self.wanted.get(line, 0))
        if taken:
            self.wanted[line] -= taken
            into[line] = into.get(line, 0) + taken
        return taken

    def wants(self, lines: tuple[int, ...]) -> bool:
        return any(self.wanted.get(line, 0) for line in lines)


def decide_cancellation(
    state: FulfilmentState, command: CancelQuantities, now: datetime, policy: Policy
) -> list[DomainEvent]:
    """The cancel table: free, held, still in the pharmacy or waiting to be replaced is cancelled; with a courier waits;
    in hands is refused.

    Answered once per request: a repeat has its first answer already.
    """
    if command.request_id in state.cancellations or not FULFILMENT.allows(state.status, "cancellation_requested"):
        return []
    tally = _Tally(_wanted(state, command))
    asked = dict(tally.wanted)
    for line, row in state.lines.items():
        tally.take(tally.free, line, row.buckets.remaining)
    events = _revoked_holds(state, tally) + _undone_supplies(state, tally, now, policy)
    replaceable = _replaceable(state, tally)
    awaited = _awaited(state, tally)
    lines = tuple(_line_answer(state, line, tally) for line in sorted(asked))
    events.append(
        e.CancellationDecided(
            request_id=command.request_id,
            lines=lines,
            from_free=quantities(tally.free),
            from_replaceable=replaceable,
            awaiting=tuple(dict.fromkeys(row.supply_id for row in awaited)),
            awaited=awaited,
            final=not awaited,
        )
    )
    return events


def left_to_cancel(command: CancelQuantities, answered: FulfilmentState) -> CancelQuantities:
    """The same request without what one fulfilment has given or may still give: a part counts once over all."""
    given = answered.cancellations.get(command.request_id)
    if command.scope is None or given is None:
        return command
    taken = {row.line: row.cancelled + row.awaiting_return for row in given.lines}
    rest = ((row.line, row.quantity - taken.get(row.line, 0)) for row in command.scope)
    scope = tuple(RequestedLine(line=line, quantity=quantity) for line, quantity in rest if quantity)
    return command.model_copy(update={"scope": scope})


def _wanted(state: FulfilmentState, command: CancelQuantities) -> dict[int, int]:
    if command.scope is None:
        return {line: row.buckets.prescribed for line, row in state.lines.items()}
    return {row.line: row.quantity for row in command.scope if row.line in state.lines}


def _revoked_holds(state: FulfilmentState, tally: _Tally) -> list[DomainEvent]:
    """A hold that holds any of it is revoked as a whole; what the request does not want of it is free again."""
    events: list[DomainEvent] = []
    for hold in state.holds.values():
        if HOLD.allows(hold.status, "cancellation_requested") and tally.wants(tuple(row.line for row in hold.lines)):
            freed = _split(state, hold, tally)
            events += put_back(state, hold.hold_id)
            events.append(e.HoldEnded(hold_id=hold.hold_id, how="revoked", reason="cancelled", freed=freed))
    return events


def _split(state: FulfilmentState, hold: Hold, tally: _Tally) -> tuple[FreedLine, ...]:
    rows: list[FreedLine] = []
    for held in hold.lines:
        taken = tally.take(tally.cancelled, held.line, held.quantity)
        for bucket, part in ((Bucket.CANCELLED, taken), (state.freed_to(hold), held.quantity - taken)):
            if part:
                rows.append(FreedLine(line=held.line, quantity=part, bucket=bucket))
    return tuple(rows)


def _undone_supplies(state: FulfilmentState, tally: _Tally, now: datetime, policy: Policy) -> list[DomainEvent]:
    events: list[DomainEvent] = []
    for supply in in_pharmacy(state):
        if tally.wants(supply.line_numbers):
            taken = {line: tally.take(tally.cancelled, line, supply.quantity(line)) for line in supply.line_numbers}
            events.append(undone(state, supply, "cancelled", now, policy, cancelled=taken))
    return events


def _replaceable(state: FulfilmentState, tally: _Tally) -> tuple[PartOfSupply, ...]:
    """What came back and waits to be supplied again."""
    rows: list[PartOfSupply] = []
    for supply_id, found in state.replaceables.items():
        for line, quantity in sorted(found.rest.items()):
            taken = tally.take(tally.cancelled, line, quantity)
            if taken:
                rows.append(PartOfSupply(supply_id=supply_id, line=line, quantity=taken))
    return tuple(rows)


def _awaited(state: FulfilmentState, tally: _Tally) -> tuple[PartOfSupply, ...]:
    """Supplies with a courier: a proved delivery always wins, so the answer waits for their end. What an earlier
    request waits for is not this one's as well."""
    rows: list[PartOfSupply] = []
    for supply in state.supplies.values():
        if supply.status != "with_courier":
            continue
        for line in supply.line_numbers:
            free = supply.quantity(line) - awaited_of(state, supply.supply_id, line)
            taken = tally.take(tally.awaiting, line, free)
            if taken:
                rows.append(PartOfSupply(supply_id=supply.supply_id, line=line, quantity=taken))
    return tuple(rows)


def _line_answer(state: FulfilmentState, line: int, tally: _Tally) -> CancelDecision:
    refused = min(tally.wanted[line], state.lines[line].buckets.in_hands)
    cancelled = tally.free.get(line, 0) + tally.cancelled.get(line, 0)
    awaiting = tally.awaiting.get(line, 0)
    reason = "in_hands" if refused else None if cancelled or awaiting else "already_ended"
    return CancelDecision(line=line, cancelled=cancelled, awaiting_return=awaiting, refused=refused, reason=reason)
