"""How a fulfilment ends: validity over, cancelled by request, or its last quantity in hands.

Each quantity is decided alone, where it is found; whichever save commits first wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.dispatch.domain.fulfilment import events as e
from services.dispatch.domain.fulfilment.commands import CancelQuantities, RequestedLine
from services.dispatch.domain.fulfilment.evolve import evolve
from services.dispatch.domain.fulfilment.holds import put_back
from services.dispatch.domain.fulfilment.state import Cancellation, FulfilmentState, Hold, Supply
from services.dispatch.domain.fulfilment.supplies import in_pharmacy, undone
from services.dispatch.domain.fulfilment.transitions import FULFILMENT, HOLD
from services.dispatch.domain.values import Bucket, CancelDecision, FreedLine, LineQuantity
from services.seedwork.model import DomainEvent, Outcome, Refusal


def next_due(state: FulfilmentState) -> Mapping[str, datetime]:
    """The deadlines that run: the next hold that expires, the next supply that nobody collects."""
    due: dict[str, datetime] = {}
    holds = [hold.expires_at for hold in state.running_holds()]
    if holds:
        due["hold_expiry"] = min(holds)
    waiting = [supply.collect_by for supply in in_pharmacy(state)]
    if waiting:
        due["collect"] = min(waiting)
    return due


def lapse(state: FulfilmentState) -> list[DomainEvent]:
    """Validity is over: nobody can hold any more; what runs goes on to its own end."""
    if not FULFILMENT.allows(state.status, "prescription_expired"):
        return []
    free = {line: row.buckets.remaining for line, row in state.lines.items()}
    return [e.RemainderLapsed(lines=_quantities(free))]


def concluded(state: FulfilmentState, outcome: Outcome) -> Outcome:
    """The events with what follows from them: pending cancellations answered, the fulfilment closed."""
    if isinstance(outcome, Refusal) or not outcome:
        return outcome
    events = list(outcome)
    for event in outcome:
        state = evolve(state, event)
    for pending in [row for row in state.cancellations.values() if not row.final]:
        answer = _final_answer(state, pending)
        if answer:
            events.append(answer)
            state = evolve(state, answer)
    if state.finished and FULFILMENT.allows(state.status, "last quantity ended"):
        events.append(e.FulfilmentClosed.model_validate({"outcome": _closed_as(state)}))
    return events


def _closed_as(state: FulfilmentState) -> str:
    names = {Bucket.IN_HANDS: "supplied", Bucket.CANCELLED: "cancelled", Bucket.LAPSED: "lapsed"}
    found = {name for bucket, name in names.items() if any(row.buckets.of(bucket) for row in state.lines.values())}
    return found.pop() if len(found) == 1 else "mixed"


def _final_answer(state: FulfilmentState, pending: Cancellation) -> e.CancellationDecided | None:
    """Once every awaited supply has ended: refused where it was delivered, cancelled where it came back or was lost."""
    awaited = [state.supplies[supply_id] for supply_id in pending.awaiting]
    if not all(supply.status in {"in_hands", "undone"} for supply in awaited):
        return None
    lines = tuple(_answered_at_last(row, awaited) if row.awaiting_return else row for row in pending.lines)
    return e.CancellationDecided(request_id=pending.request_id, lines=lines, final=True)


def _answered_at_last(row: CancelDecision, awaited: list[Supply]) -> CancelDecision:
    back = min(row.awaiting_return, sum(supply.cancelled.get(row.line, 0) for supply in awaited))
    delivered = row.awaiting_return - back
    lost = any(supply.disposition == "lost" for supply in awaited)
    reason = "delivered" if delivered else "lost" if lost else row.reason
    amounts = {"awaiting_return": 0, "cancelled": row.cancelled + back, "refused": row.refused + delivered}
    return row.model_copy(update={**amounts, "reason": reason})


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


def decide_cancellation(state: FulfilmentState, command: CancelQuantities) -> list[DomainEvent]:
    """The cancel table: free, held and still in the pharmacy is cancelled; with a courier waits; in hands is refused.

    Answered once per request: a repeat has its first answer already.
    """
    if command.request_id in state.cancellations or not FULFILMENT.allows(state.status, "cancellation_requested"):
        return []
    tally = _Tally(_wanted(state, command))
    asked = dict(tally.wanted)
    for line, row in state.lines.items():
        tally.take(tally.free, line, row.buckets.remaining)
    events = _revoked_holds(state, tally) + _undone_supplies(state, tally)
    awaiting = _awaited(state, tally)
    lines = tuple(_line_answer(state, line, tally) for line in sorted(asked))
    events.append(
        e.CancellationDecided(
            request_id=command.request_id,
            lines=lines,
            from_free=_quantities(tally.free),
            awaiting=awaiting,
            final=not awaiting,
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
        for bucket, part in ((Bucket.CANCELLED, taken), (state.free_bucket, held.quantity - taken)):
            if part:
                rows.append(FreedLine(line=held.line, quantity=part, bucket=bucket))
    return tuple(rows)


def _undone_supplies(state: FulfilmentState, tally: _Tally) -> list[DomainEvent]:
    events: list[DomainEvent] = []
    for supply in in_pharmacy(state):
        if tally.wants(supply.line_numbers):
            taken = {line: tally.take(tally.cancelled, line, supply.quantity(line)) for line in supply.line_numbers}
            events.append(undone(state, supply, "cancelled", taken))
    return events


def _awaited(state: FulfilmentState, tally: _Tally) -> tuple[UUID, ...]:
    """Supplies with a courier: a proved delivery always wins, so the answer waits for their end."""
    awaited: list[UUID] = []
    for supply in state.supplies.values():
        if supply.status in {"with_courier", "partly_received"} and tally.wants(supply.line_numbers):
            for line in supply.line_numbers:
                tally.take(tally.awaiting, line, supply.outstanding(line))
            awaited.append(supply.supply_id)
    return tuple(awaited)


def _line_answer(state: FulfilmentState, line: int, tally: _Tally) -> CancelDecision:
    refused = min(tally.wanted[line], state.lines[line].buckets.in_hands)
    cancelled = tally.free.get(line, 0) + tally.cancelled.get(line, 0)
    awaiting = tally.awaiting.get(line, 0)
    reason = "in_hands" if refused else None if cancelled or awaiting else "already_ended"
    return CancelDecision(line=line, cancelled=cancelled, awaiting_return=awaiting, refused=refused, reason=reason)


def _quantities(per_line: dict[int, int]) -> tuple[LineQuantity, ...]:
    return tuple(LineQuantity(line=line, quantity=amount) for line, amount in sorted(per_line.items()) if amount)
