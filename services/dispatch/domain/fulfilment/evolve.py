"""How each event changes a fulfilment. Never validates: yesterday's facts stay true under today's rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from services.dispatch.domain.fulfilment import events as e
from services.dispatch.domain.fulfilment.nomination import PharmacyNominated
from services.dispatch.domain.fulfilment.online_order import OnlineOrderConfirmed
from services.dispatch.domain.fulfilment.owned_codes import CodesDecided, CodesOwnedElsewhere, CodesUndecided
from services.dispatch.domain.fulfilment.proposal import Proposal
from services.dispatch.domain.fulfilment.return_events import ReplacementLapsed, SupplyTakenBack, SupplyUndone
from services.dispatch.domain.fulfilment.state import (
    Buckets,
    Cancellation,
    FulfilmentState,
    Hold,
    LineState,
    Replaceable,
    Supply,
)
from services.dispatch.domain.fulfilment.wishes import (
    NoticeWanted,
    SubstitutionChecked,
    SubstitutionConfirmed,
    SubstitutionDeclined,
    SubstitutionProposed,
)
from services.dispatch.domain.values import Bucket, FreedLine, HeldLine, PartOfSupply
from services.seedwork.model import DomainEvent

K = TypeVar("K")
V = TypeVar("V")


def evolve(state: FulfilmentState, event: DomainEvent) -> FulfilmentState:
    match event:
        case e.FulfilmentOpened():
            return _opened(event)
        case e.QuantityHeld() | e.HoldAccepted() | e.HoldEnded():
            return _evolve_hold(state, event)
        case SubstitutionProposed() | SubstitutionConfirmed() | SubstitutionDeclined() | SubstitutionChecked():
            return _evolve_proposal(state, event)
        case e.SupplyPrepared() | e.SupplyUnprepared() | e.SupplyDispensed():
            return _evolve_fill(state, event)
        case e.SupplyReceived(accepted=accepted):
            moves = [(row.line, Bucket.IN_HANDS, row.quantity) for row in accepted]
            given = _moved(state, Bucket.DISPENSED, moves)
            received = {row.line: row.quantity for row in accepted}
            status = "partly_received" if event.rejected else "in_hands"
            said = {"irregularities": event.irregularities, "received": received}
            return _supply(given, event.supply_id, status=status, **said)
        case SupplyUndone() | SupplyTakenBack() | ReplacementLapsed():
            return _evolve_return(state, event)
        case e.RemainderLapsed(lines=lapsed):
            moves = [(row.line, Bucket.LAPSED, row.quantity) for row in lapsed]
            return replace(_moved(state, Bucket.REMAINING, moves), status="closing")
        case NoticeWanted(pharmacy=pharmacy, line=line):
            return replace(state, notices=state.notices | {(pharmacy, line)})
        case e.CancellationDecided():
            return _cancellation(state, event)
        case e.LinesBlocked(block_id=block_id, lines=blocked):
            return replace(state, blocks=_put(state.blocks, block_id, blocked))
        case e.LinesUnblocked(block_id=block_id):
            return replace(state, blocks={key: lines for key, lines in state.blocks.items() if key != block_id})
        case e.SupplyRefused():  # its hold ends and its lines are blocked by events of their own
            return state
        case PharmacyNominated(pharmacy=pharmacy):
            return replace(state, nominated_pharmacy=pharmacy)
        case OnlineOrderConfirmed(notice=notice):
            return replace(state, online_notice=notice)
        case e.FulfilmentClosed(outcome=outcome):
            return replace(state, status="closed", outcome=outcome)
        case _:
            return _evolve_circumstances(state, event)


def _opened(event: e.FulfilmentOpened) -> FulfilmentState:
    lines = {row.line: LineState(row, Buckets(row.quantity, row.quantity)) for row in event.lines}
    fields = event.model_dump(exclude={"lines"})
    return FulfilmentState(status="open", lines=lines, **fields)


def _evolve_hold(state: FulfilmentState, event: DomainEvent) -> FulfilmentState:
    match event:
        case e.QuantityHeld():
            moves = [(row.line, Bucket.HELD, row.quantity) for row in event.lines]
            fields = {name: getattr(event, name) for name in type(event).model_fields}
            hold = Hold(**fields)
            source = Bucket.REMAINING
            if hold.replaces is not None:
                source = Bucket.REPLACEABLE
                state = _replaceable(state, hold.replaces, [(row.line, -row.quantity) for row in event.lines])
            return replace(_moved(state, source, moves), holds=_put(state.holds, hold.hold_id, hold))
        case e.HoldAccepted(reviewer=reviewer, expires_at=expires_at):
            return _hold(state, event.hold_id, status="accepted", reviewer=reviewer, expires_at=expires_at)
        case e.HoldEnded(freed=freed, how=how):
            hold = state.holds[event.hold_id]
            rest = _less(hold.lines, freed)
            ended: dict[str, Any] = {"status": "ended", "how": how} if not rest and hold.running else {}
            ended["offers"] = event.offers
            if hold.replaces is not None:
                state = _replaceable(state, hold.replaces, _came_back(freed))
            return _hold(_moved(state, Bucket.HELD, _rows(freed)), hold.hold_id, lines=rest or hold.lines, **ended)
    return state  # pragma: no cover - evolve sends nothing else here


def _evolve_proposal(state: FulfilmentState, event: DomainEvent) -> FulfilmentState:
    match event:
        case SubstitutionProposed(hold_id=hold_id, answer_due_at=due):
            met = event.restricted_use_met
            asked = Proposal(event.proposal_id, hold_id, event.line, due, restricted_use_met=met)
            proposed = replace(state, proposals=_put(state.proposals, event.proposal_id, asked))
            return _hold(proposed, hold_id, expires_at=max(due, state.holds[hold_id].expires_at))
        case SubstitutionConfirmed(proposal_id=proposal_id):
            return _answered(
                state,
                proposal_id,
                signed_sha256=event.signed_sha256,
                prescriber=event.prescriber,
                counter_only=event.counter_only,
                restricted_use_met=event.restricted_use_met,
            )
        case SubstitutionDeclined(proposal_id=proposal_id):
            return _answered(state, proposal_id, declined=event)
        case SubstitutionChecked(proposal_id=proposal_id):
            return _answered(state, proposal_id, checked=event, counter_only=event.counter_only)
    return state  # pragma: no cover - evolve sends nothing else here


def _answered(state: FulfilmentState, proposal_id: UUID, **answer: Any) -> FulfilmentState:
    answered = replace(state.proposals[proposal_id], **answer)
    return replace(state, proposals=_put(state.proposals, proposal_id, answered))


def _evolve_fill(state: FulfilmentState, event: DomainEvent) -> FulfilmentState:
    match event:
        case e.SupplyPrepared(supply_id=supply_id):
            hold = state.holds[event.hold_id]
            supply = Supply(supply_id, hold.hold_id, hold.pharmacy, hold.way, event.preparer, event.lines)
            return replace(state, supplies=_put(state.supplies, supply_id, supply))
        case e.SupplyUnprepared(supply_id=supply_id):
            return _supply(state, supply_id, status="unprepared")
        case e.SupplyDispensed(supply_id=supply_id):
            moves = [(row.line, Bucket.DISPENSED, row.counted) for row in event.lines]
            used = _hold(_moved(state, Bucket.HELD, moves), event.hold_id, status="used")
            return _supply(
                replace(used, fills=event.fill_no),
                supply_id,
                status="dispensed",
                fill_no=event.fill_no,
                checker=event.checker,
                lines=event.lines,
                collect_by=event.collect_by,
            )
    return state  # pragma: no cover - evolve sends nothing else here


def _evolve_circumstances(state: FulfilmentState, event: DomainEvent) -> FulfilmentState:
    """Money, the road, codes of other stores: what is known about a supply besides where it is."""
    match event:
        case e.ClaimNoted(supply_id=supply_id, patient_share=share):
            known = state.supplies[supply_id].patient_share
            amount = known if share is None else share
            claim = {"attempt": event.attempt, "claim": event.status, "decide_by": event.decide_by}
            return _supply(state, supply_id, patient_share=amount, **claim)
        case e.PaymentNoted(supply_id=supply_id, status=status, item=item):
            return _supply(state, supply_id, **{"payment" if item == "share" else "fee_payment": status})
        case e.DeliveryAttached(supply_id=supply_id, delivery_id=delivery_id):
            return _supply(state, supply_id, delivery_id=delivery_id)
        case e.DeliveryDetached(supply_id=supply_id):
            return _supply(state, supply_id, delivery_id=None)
        case e.SupplyHandedToCourier(supply_id=supply_id):
            return _supply(state, supply_id, status="with_courier")
        case CodesOwnedElsewhere(supply_id=supply_id, codes=codes):
            return _supply(state, supply_id, elsewhere={each.code: each.store for each in codes})
        case CodesUndecided(supply_id=supply_id, packs=packs):
            return _supply(state, supply_id, codes_undecided=tuple(each.pack.code for each in packs))
        case CodesDecided(supply_id=supply_id, repeated=repeated):
            return _supply(state, supply_id, codes_undecided=(), codes_repeated=repeated)
    return state  # pragma: no cover - the aggregate names no other event


def _evolve_return(state: FulfilmentState, event: DomainEvent) -> FulfilmentState:
    """What came back before or after the patient had it, and what nobody came to replace."""
    match event:
        case SupplyUndone(supply_id=supply_id, lines=freed, replace_until=until):
            state = _may_replace(_moved(state, Bucket.DISPENSED, _rows(freed)), supply_id, until)
            state = _replaceable(state, supply_id, _came_back(freed))
            status = "in_hands" if state.supplies[supply_id].received else "undone"
            return _supply(state, supply_id, status=status, disposition=event.disposition)
        case SupplyTakenBack(supply_id=supply_id, lines=freed, replace_until=until):
            state = _may_replace(_moved(state, Bucket.IN_HANDS, _rows(freed)), supply_id, until)
            state = _replaceable(state, supply_id, _came_back(freed))
            taken = _added(state.supplies[supply_id].taken_back, freed)
            late = _added(state.cancelled_late, [row for row in freed if row.bucket is Bucket.CANCELLED])
            status = "closing" if state.status == "closed" else state.status
            state = replace(state, status=status, outcome=None, cancelled_late=late)
            return _supply(state, supply_id, taken_back=taken)
        case ReplacementLapsed(supply_id=supply_id, lines=lapsed):
            moves = [(row.line, Bucket.LAPSED, row.quantity) for row in lapsed]
            gone = [(row.line, -row.quantity) for row in lapsed]
            return _replaceable(_moved(state, Bucket.REPLACEABLE, moves), supply_id, gone)
    return state  # pragma: no cover - evolve sends nothing else here


def _may_replace(state: FulfilmentState, supply_id: UUID, until: datetime | None) -> FulfilmentState:
    """A later return of the same supply counts from its own day."""
    if until is None:
        return state
    known = state.replaceables.get(supply_id)
    lines = known.lines if known else {}
    opened = Replaceable(state.supplies[supply_id].pharmacy, until, lines)
    return replace(state, replaceables=_put(state.replaceables, supply_id, opened))


def _replaceable(state: FulfilmentState, supply_id: UUID, changes: Iterable[tuple[int, int]]) -> FulfilmentState:
    for line, by in changes:
        changed = state.replaceables[supply_id].changed(line, by)
        state = replace(state, replaceables=_put(state.replaceables, supply_id, changed))
    return state


def _added(known: Mapping[int, int], rows: Iterable[FreedLine]) -> Mapping[int, int]:
    sums = dict(known)
    for row in rows:
        sums[row.line] = sums.get(row.line, 0) + row.quantity
    return sums


def _came_back(freed: Iterable[FreedLine]) -> list[tuple[int, int]]:
    return [(row.line, row.quantity) for row in freed if row.bucket is Bucket.REPLACEABLE]


def _cancellation(state: FulfilmentState, event: e.CancellationDecided) -> FulfilmentState:
    moves = [(row.line, Bucket.CANCELLED, row.quantity) for row in event.from_free]
    before = state.cancellations.get(event.request_id)
    awaited = event.awaited or (before.awaited if before else tuple(_awaited(state, event)))
    answered = Cancellation(event.request_id, event.lines, event.awaiting, event.final, awaited)
    cancellations = _put(state.cancellations, event.request_id, answered)
    for row in event.from_replaceable:
        state = _moved(state, Bucket.REPLACEABLE, [(row.line, Bucket.CANCELLED, row.quantity)])
        state = _replaceable(state, row.supply_id, [(row.line, -row.quantity)])
    return replace(_moved(state, Bucket.REMAINING, moves), cancellations=cancellations)


def _awaited(state: FulfilmentState, event: e.CancellationDecided) -> Iterable[PartOfSupply]:
    """What an event says that does not say it in parts: each supply with a courier as far as the line's sum goes."""
    left = {row.line: row.awaiting_return for row in event.lines}
    for supply_id in event.awaiting:
        supply = state.supplies[supply_id]
        for line in supply.line_numbers:
            part = min(left.get(line, 0), supply.outstanding(line))
            if part:
                left[line] -= part
                yield PartOfSupply(supply_id=supply_id, line=line, quantity=part)


def _rows(freed: Iterable[FreedLine]) -> list[tuple[int, Bucket, int]]:
    return [(row.line, row.bucket, row.quantity) for row in freed]


def _moved(state: FulfilmentState, source: Bucket, moves: Iterable[tuple[int, Bucket, int]]) -> FulfilmentState:
    lines = dict(state.lines)
    for line, target, quantity in moves:
        lines[line] = replace(lines[line], buckets=lines[line].buckets.moved(source, target, quantity))
    return replace(state, lines=lines)


def _less(held: tuple[HeldLine, ...], freed: Iterable[FreedLine]) -> tuple[HeldLine, ...]:
    """What a hold still holds once a part of it is freed."""
    gone: dict[int, int] = {}
    for row in freed:
        gone[row.line] = gone.get(row.line, 0) + row.quantity
    rest = ((row, row.quantity - gone.get(row.line, 0)) for row in held)
    return tuple(row.model_copy(update={"quantity": left}) for row, left in rest if left > 0)


def _put(mapping: Mapping[K, V], key: K, value: V) -> Mapping[K, V]:
    return {**mapping, key: value}


def _hold(state: FulfilmentState, hold_id: UUID, **changes: Any) -> FulfilmentState:
    return replace(state, holds=_put(state.holds, hold_id, replace(state.holds[hold_id], **changes)))


def _supply(state: FulfilmentState, supply_id: UUID, **changes: Any) -> FulfilmentState:
    return replace(state, supplies=_put(state.supplies, supply_id, replace(state.supplies[supply_id], **changes)))
