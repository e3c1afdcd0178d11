"""The courier's word by its interface: signed, at least once, in any order. What counts is when it happened there.

A report is applied when it is later than the last one that counted, by the courier's own time and, at the same time,
by how far along the way it is. A report from further along stands for the steps before it that were never told. What
is late, out of turn or against a rule is recorded and changes nothing; a rule broken by a fact is a task for its owner.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from services.dispatch.domain.delivery import events as e
from services.dispatch.domain.delivery import way
from services.dispatch.domain.delivery.commands import FailAttempt, LogTemperatures, Report
from services.dispatch.domain.delivery.excursions import CLOCK_TOLERANCE, log_temperatures
from services.dispatch.domain.delivery.policy import DeliveryPolicy as Policy
from services.dispatch.domain.delivery.state import DeliveryState, evolve
from services.dispatch.domain.delivery.transitions import ABROAD, FINAL, OUT, RANK, TRANSITIONS
from services.seedwork.model import DomainEvent, Outcome, Refusal

REPORTS_MAX = 500
"""Messages of one delivery, and as many again that a logger was read in; more is a courier's interface gone wild. What
a logger says counts all the same: its readings are known by their moments, so their messages need not be."""
FACTS = ("delivered", "lost", "damaged")
"""What counts whenever it happened."""


def known(state: DeliveryState, report: Report) -> Outcome | None:
    """What there is to say before looking at what happened: nothing again for a repeat, a refusal, or None."""
    if state.created is None:
        return Refusal("delivery.unknown", {})
    if state.created.courier != report.courier:
        return Refusal("delivery.not_yours", {})
    if report.message_id in state.reports:
        return []
    if report.kind != "temperature" and len(state.reports) - state.temperature_reports >= REPORTS_MAX:
        return Refusal("delivery.too_many_reports", {"max": REPORTS_MAX})
    return None


def noted(report: Report, effect: str, code: str | None = None) -> e.CourierReported:
    """The message, and what became of it."""
    return e.CourierReported.model_validate(
        {
            "message_id": report.message_id,
            "report": report.kind,
            "event_time": report.at,
            "effect": effect,
            "code": code,
        }
    )


def too_late(state: DeliveryState, report: Report) -> str | None:
    """None when the report may change something: "late" after the end, "out_of_turn" when a later one has counted."""
    if report.kind == "temperature":
        return None if TRANSITIONS.allows(state.status, "TemperatureLogged") else "late"
    if state.status in {*FINAL, "return_arrived", "quarantined"}:
        return "late"
    if report.kind in FACTS or state.status not in ABROAD:
        return None  # what has happened to it, whenever; and what cannot be true is said so by the table
    place = state.place_in_time
    said = (report.at, RANK.get(report.kind, len(RANK)))
    known = report.kind != "picked_up" and (state.status not in OUT or (place is not None and said <= place))
    return "out_of_turn" if known else None


def when(state: DeliveryState, report: Report) -> datetime:
    """When a fact happened: by the courier's clock, but not before the courier had the parcel."""
    handed = state.handed_over_at
    early = report.kind in FACTS and handed is not None and report.at < handed - CLOCK_TOLERANCE
    return handed if handed is not None and early else report.at


def applied(
    state: DeliveryState, report: Report, events: Iterable[DomainEvent], now: datetime, policy: Policy
) -> list[DomainEvent]:
    """The events with the note of their message. The courier has spoken now, whenever it was that it speaks of: it is
    not silent before its days have passed from now on. A clock that must be wrong is a task for it."""
    due = now + policy.silence
    spoken = [event.model_copy(update={"word_due": due}) if _word_due_before(event, due) else event for event in events]
    codes = ("delivery.time_before_handover",) if when(state, report) != report.at else ()
    task = way.irregular(state, report.courier, report.courier, *codes)
    return [*spoken, noted(report, "applied"), *task]


def _word_due_before(event: DomainEvent, due: datetime) -> bool:
    known: datetime | None = getattr(event, "word_due", None)
    return known is not None and known < due


def take(state: DeliveryState, report: Report, now: datetime, policy: Policy) -> list[DomainEvent]:
    """What a report that concerns the parcel alone does (all but delivered and lost)."""
    events = _taken(state, report, now, policy)
    if report.kind != "temperature" or state.temperature_reports < REPORTS_MAX:
        return events
    if not any(isinstance(event, e.TemperaturesLogged) for event in events):
        return []
    return [event for event in events if not isinstance(event, e.CourierReported)]


def _taken(state: DeliveryState, report: Report, now: datetime, policy: Policy) -> list[DomainEvent]:
    lateness = too_late(state, report)
    if lateness:
        return [noted(report, lateness)]
    if report.at > now + CLOCK_TOLERANCE:
        return against(state, report, "delivery.time_in_future")
    done = _apply(state, report, now, policy)
    if isinstance(done, Refusal):
        return against(state, report, done.code)
    return applied(state, report, done, now, policy)


def against(state: DeliveryState, report: Report, code: str) -> list[DomainEvent]:
    """Recorded only, with a task for the courier, who says what cannot be."""
    task = way.irregular(state, report.courier, report.courier, code)
    return [noted(report, "against_a_rule", code), *task]


def _apply(state: DeliveryState, report: Report, now: datetime, policy: Policy) -> Outcome:
    courier = report.courier
    match report.kind:
        case "temperature":
            command = LogTemperatures.model_construct(party="courier", organisation=courier, readings=report.readings)
            return log_temperatures(state, command, now, policy) if report.readings else []
        case "refused":
            return way.refuse_at_door(state, courier, report.at, policy)
        case "damaged":
            return way.damage(state, when(state, report), policy, courier=courier)
        case "picked_up":
            return [] if state.status in ABROAD else Refusal("delivery.wrong_state", {"state": state.status})
    return _along(state, report, policy)


def _along(state: DeliveryState, report: Report, policy: Policy) -> Outcome:
    """On the way, at the door, or nobody there: with the steps before it that were never told. The same again is a
    sign of life."""
    if report.kind == state.status and report.kind != "attempt_failed":
        due = report.at + policy.silence
        return [e.DeliveryMoved.model_validate({"to": report.kind, "at": report.at, "word_due": due})]
    events: list[DomainEvent] = []
    for step in _steps(state, report.kind):
        done = _step(state, step, report, policy)
        if isinstance(done, Refusal):
            return done
        events += done
        for event in done:
            state = evolve(state, event)
    return events


def _steps(state: DeliveryState, kind: str) -> tuple[str, ...]:
    first = () if state.status in {"in_transit", "arrived"} else ("in_transit",)
    if kind == "in_transit":
        return ("in_transit",)
    if kind == "arrived":
        return (*first, "arrived")
    return (*first, "attempt_failed")


def _step(state: DeliveryState, step: str, report: Report, policy: Policy) -> Outcome:
    if step == "in_transit":
        return way.in_transit(state, report.courier, report.at, policy)
    if step == "arrived":
        return way.arrive(state, report.courier, report.at, policy)
    command = FailAttempt(courier=report.courier, reason=report.reason or "other")
    return way.fail_attempt(state, command, report.at, policy)


def on_the_way_to_the_door(state: DeliveryState, report: Report, policy: Policy) -> list[DomainEvent]:
    """Steps that a proof of delivery stands for; none when the parcel could not go that way any more."""
    if state.status not in OUT or state.status == "arrived":
        return []
    done = _along(state, report.model_copy(update={"kind": "arrived", "at": when(state, report)}), policy)
    return [] if isinstance(done, Refusal) else done
