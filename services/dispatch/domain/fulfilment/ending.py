"""How a fulfilment ends: validity over, its last quantity in hands, cancelled or lapsed; and what that answers.

Each quantity is decided alone, where it is found; whichever save commits first wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from services.dispatch.domain.fulfilment import events as e
from services.dispatch.domain.fulfilment.evolve import evolve
from services.dispatch.domain.fulfilment.state import Cancellation, FulfilmentState
from services.dispatch.domain.fulfilment.supplies import in_pharmacy
from services.dispatch.domain.fulfilment.transitions import FULFILMENT
from services.dispatch.domain.values import Bucket, CancelDecision, LineQuantity
from services.seedwork.model import DomainEvent, Outcome, Refusal


def next_due(state: FulfilmentState) -> Mapping[str, datetime]:
    """The deadlines that run: the next hold that expires, the next supply that nobody collects or pays for alone, the
    next quantity that nobody replaces."""
    due: dict[str, datetime] = {}
    holds = [hold.expires_at for hold in state.running_holds()]
    if holds:
        due["hold_expiry"] = min(holds)
    waiting = [supply.collect_by for supply in in_pharmacy(state)]
    if waiting:
        due["collect"] = min(waiting)
    undecided = [supply.decide_by for supply in in_pharmacy(state) if supply.decide_by]
    if undecided:
        due["self_pay"] = min(undecided)
    replaceable = [found.until for found in state.replaceables.values() if found.rest]
    if replaceable:
        due["replace"] = min(replaceable)
    return due


def lapse(state: FulfilmentState) -> list[DomainEvent]:
    """Validity is over: nobody can hold any more; what runs goes on to its own end."""
    if not FULFILMENT.allows(state.status, "prescription_expired"):
        return []
    free = {line: row.buckets.remaining for line, row in state.lines.items()}
    return [e.RemainderLapsed(lines=quantities(free))]


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
    """Once every awaited supply has ended: cancelled where it came back or was lost, refused where it was delivered."""
    ends = {supply_id: state.supplies[supply_id].status for supply_id in pending.awaiting}
    if not all(status in {"in_hands", "undone"} for status in ends.values()):
        return None
    lines = tuple(_answered_at_last(state, pending, row) if row.awaiting_return else row for row in pending.lines)
    return e.CancellationDecided(request_id=pending.request_id, lines=lines, final=True)


def _answered_at_last(state: FulfilmentState, pending: Cancellation, row: CancelDecision) -> CancelDecision:
    undone = [supply_id for supply_id in pending.awaiting if state.supplies[supply_id].status == "undone"]
    back = sum(pending.wants(supply_id, row.line) for supply_id in undone)
    delivered = row.awaiting_return - back
    lost = any(state.supplies[each].disposition == "lost" and pending.wants(each, row.line) for each in undone)
    reason = "delivered" if delivered else "lost" if lost else row.reason
    changed = {
        "awaiting_return": 0,
        "cancelled": row.cancelled + back,
        "refused": row.refused + delivered,
        "reason": reason,
    }
    return row.model_copy(update=changed)


def quantities(per_line: Mapping[int, int]) -> tuple[LineQuantity, ...]:
    """Those that are something, by line."""
    return tuple(LineQuantity(line=line, quantity=amount) for line, amount in sorted(per_line.items()) if amount)
