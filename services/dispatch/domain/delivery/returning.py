"""Back in the pharmacy: counted, looked at pack by pack, sold again only when nothing speaks against it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from services.dispatch.domain.delivery import events as e
from services.dispatch.domain.delivery.commands import DecideQuarantine, InspectReturn, ReceiveReturn
from services.dispatch.domain.delivery.policy import DeliveryPolicy as Policy
from services.dispatch.domain.delivery.state import DeliveryState
from services.dispatch.domain.delivery.temperature import complete
from services.dispatch.domain.delivery.transitions import OUT
from services.dispatch.domain.delivery.values import InspectedPack
from services.dispatch.domain.delivery.way import answers, irregular
from services.seedwork.calendar import civil_day
from services.seedwork.model import DomainEvent, Outcome, Refusal


def expected(state: DeliveryState) -> tuple[int, ...]:
    """Packs that should come back: all, or those with something of what was rejected at the door."""
    if not state.opened_at_door:
        return tuple(state.packs)
    lines = {row.line for row in state.rejected}
    return tuple(number for number, pack in state.packs.items() if pack.line in lines)


def receive_return(state: DeliveryState, command: ReceiveReturn, now: datetime) -> Outcome:
    """It is there: a fact, also when nobody had announced it or something is missing."""
    refused = answers(state, "ReturnArrived", pharmacy=command.pharmacy) or _not_there(state, command.packs)
    if refused:
        return refused
    events: list[DomainEvent] = []
    codes: list[str] = []
    if state.status in OUT:
        codes.append("delivery.wrong_state")
        events.append(e.DeliveryReturnStarted(reason="unannounced", at=now))
    if len(command.packs) < len(expected(state)):
        codes.append("delivery.count_differs")
    arrived = e.DeliveryReturnArrived(
        received_by=command.received_by, seal_intact=command.seal_intact, packs=command.packs, at=now
    )
    return [*events, arrived, *irregular(state, command.pharmacy, command.received_by, *codes)]


def find_again(state: DeliveryState, command: ReceiveReturn, now: datetime) -> Outcome:
    """What had been written off is in the pharmacy."""
    refused = answers(state, "ReportFound", pharmacy=command.pharmacy) or _not_there(state, command.packs)
    return refused or [e.DeliveryFound(at=now, **command.model_dump(exclude={"pharmacy"}))]


def _not_there(state: DeliveryState, packs: tuple[int, ...]) -> Refusal | None:
    unknown = sorted(set(packs) - set(expected(state)))
    if unknown or len(set(packs)) != len(packs):
        return Refusal("delivery.not_in_parcel", {"packs": unknown})
    return None


def against_restocking(state: DeliveryState, policy: Policy) -> Iterator[str]:
    """Why nothing of this parcel may be sold again, by the codes of the error catalogue. The seal stands apart."""
    if state.opened_at_door:
        yield "delivery.was_with_patient"
    if state.was_lost:
        yield "delivery.was_lost"
    if state.doubtful:
        yield "delivery.excursion_open"
    rules = policy.storage[state.storage]
    if rules.logger_required and not _logger_complete(state, rules.gap_minutes_max):
        yield "delivery.logger_incomplete"


def _logger_complete(state: DeliveryState, gap_minutes_max: int) -> bool:
    if state.packed_at is None or state.returned_at is None:
        return False
    return complete(state.readings, state.packed_at, state.returned_at, gap_minutes_max)


def inspect_return(state: DeliveryState, command: InspectReturn, now: datetime, policy: Policy) -> Outcome:
    """Every pack counted has its verdict; those that were expected and are not there are missing."""
    refused = answers(state, "InspectReturn", pharmacy=command.pharmacy)
    if refused:
        return refused
    said = [each.pack for each in command.verdicts]
    if sorted(said) != sorted(state.counted):
        return Refusal("delivery.packs_differ", {"counted": sorted(state.counted), "inspected": sorted(said)})
    why_not = list(against_restocking(state, policy))
    if not state.seal_intact:
        why_not.append("delivery.seal_broken")
    restocked = [state.packs[each.pack] for each in command.verdicts if each.verdict == "restocked"]
    if why_not and restocked:
        return Refusal("delivery.not_restockable", {"because": why_not})
    expired = [pack for pack in restocked if pack.expiry < civil_day(now)]
    if expired:
        return Refusal("stock.lot_expired", {"lot": expired[0].lot, "expiry": expired[0].expiry.isoformat()})
    if any(each.verdict != "restocked" and not each.reason for each in command.verdicts):
        return Refusal("delivery.reason_missing", {})
    looked_at = [InspectedPack(pack=each.pack, verdict=each.verdict, reason=each.reason) for each in command.verdicts]
    missing = [
        InspectedPack(pack=number, verdict="missing") for number in expected(state) if number not in state.counted
    ]
    return [
        e.ReturnInspected(
            inspected_by=command.inspected_by,
            verdicts=(*looked_at, *missing),
            at=now,
            found_again=state.was_lost,
        )
    ]


def quarantine_all(state: DeliveryState, reason: str, by: str, now: datetime) -> list[DomainEvent]:
    """An excursion was rejected before the courier had it: the whole parcel, in the pharmacy as it is."""
    verdicts = tuple(InspectedPack(pack=number, verdict="quarantined", reason=reason) for number in state.packs)
    return [e.ReturnInspected(inspected_by=by, verdicts=verdicts, at=now)]


def decide_quarantine(state: DeliveryState, command: DecideQuarantine, now: datetime, policy: Policy) -> Outcome:
    """The quality manager answers for it. What was with the patient, lost, or in doubt is never sold again."""
    trigger = "ReleaseQuarantine" if command.to == "restocked" else "DestroyQuarantined"
    refused = answers(state, trigger, pharmacy=command.pharmacy)
    if refused:
        return refused
    waiting = state.with_verdict("quarantined")
    packs = command.packs if command.packs is not None else waiting
    if not packs or set(packs) - set(waiting):
        return Refusal("delivery.packs_differ", {"quarantined": list(waiting)})
    why_not = list(against_restocking(state, policy)) if command.to == "restocked" else []
    if why_not:
        return Refusal("delivery.not_restockable", {"because": why_not})
    return [
        e.QuarantineDecided(
            packs=tuple(sorted(set(packs))),
            to=command.to,
            decided_by=command.decided_by,
            reason=command.reason,
            at=now,
        )
    ]
