"""Excursions: opened by a logger, decided by the quality manager. While one is open the parcel goes no further."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.dispatch.domain.delivery import events as e
from services.dispatch.domain.delivery.commands import AssessExcursion, LogTemperatures
from services.dispatch.domain.delivery.policy import DeliveryPolicy as Policy
from services.dispatch.domain.delivery.returning import quarantine_all
from services.dispatch.domain.delivery.state import DeliveryState, evolve
from services.dispatch.domain.delivery.temperature import (
    READINGS_KEPT_MAX,
    READINGS_MAX,
    breach_of,
    mean_kinetic_temperature,
    needed,
    within,
)
from services.dispatch.domain.delivery.transitions import ABROAD, OUT
from services.dispatch.domain.delivery.way import answers, call_back, irregular
from services.seedwork.model import DomainEvent, Outcome, Refusal

CLOCK_TOLERANCE = timedelta(minutes=10)
"""How far a logger's or a courier's clock may be ahead of ours."""
TOO_LATE = ("delivered", "restocked")
"""Nothing can be stopped any more: a breach is a task, of whoever measured, or of the pharmacy that has it to sell."""


def log_temperatures(state: DeliveryState, command: LogTemperatures, now: datetime, policy: Policy) -> Outcome:
    """What was measured, once per moment, and what it breaks by the thresholds in force.

    Of a parcel with very many readings only what judging needs is kept: each is judged all the same.
    """
    refused = answers(state, "TemperatureLogged", **{command.party: command.organisation})
    if refused:
        return refused
    if any(reading.at > now + CLOCK_TOLERANCE for reading in command.readings):
        return Refusal("delivery.time_in_future", {})
    known = {reading.at for reading in state.readings}
    new = tuple(reading for reading in command.readings if reading.at not in known)
    if len(known) + len(new) > READINGS_MAX:
        new = needed(state.readings, new, policy.storage[state.storage], _still_open(state))
    if not new:
        return []
    if len(known) + len(new) > READINGS_KEPT_MAX:
        return Refusal("delivery.too_many_readings", {"max": READINGS_KEPT_MAX})
    due = now + policy.silence if state.status in ABROAD else None
    logged = e.TemperaturesLogged(readings=new, word_due=due)
    breaches = _breaches(evolve(state, logged), policy)
    codes = ("delivery.excursion_open",) if breaches and state.status in TOO_LATE else ()
    owner = state.created.pharmacy if state.created and state.status == "restocked" else command.organisation
    return [logged, *breaches, *irregular(state, owner, command.organisation, *codes)]


def _still_open(state: DeliveryState) -> set[str]:
    """Rules that are broken, and nobody has judged it yet."""
    return {state.excursions[number].breach.rule for number in state.open_excursions}


def _breaches(state: DeliveryState, policy: Policy) -> list[DomainEvent]:
    """By readings that nobody has assessed yet; a rule whose excursion is open is not broken twice."""
    still_open = _still_open(state)
    events: list[DomainEvent] = []
    for threshold in policy.storage[state.storage].thresholds:
        breach = None if threshold.name in still_open else breach_of(state.readings, threshold, state.assessed)
        if breach:
            number = len(state.excursions) + len(events) + 1
            events.append(e.TemperatureBreached(excursion=number, breach=breach))
    return events


def assess(state: DeliveryState, command: AssessExcursion, now: datetime, policy: Policy) -> Outcome:
    """Released: as before. Rejected: back when it is out, into quarantine when it is here; never on the shelf again,
    and off it where it is there."""
    refused = answers(state, "AssessExcursion", pharmacy=command.pharmacy)
    if refused:
        return refused
    excursion = state.excursions.get(command.excursion)
    if excursion is None:
        return Refusal("delivery.excursion_unknown", {"excursions": sorted(state.excursions)})
    if excursion.decision is not None:
        return Refusal("delivery.excursion_assessed", {"decision": excursion.decision})
    froze = excursion.breach.freezing and state.freeze_sensitive
    if froze and command.decision == "released":
        return Refusal("delivery.frozen", {"worst_hundredths": excursion.breach.worst_hundredths})
    last = state.readings[-1].at
    window = within(state.readings, last, policy.storage[state.storage].mkt_window_hours)
    assessed = e.ExcursionAssessed(
        excursion=command.excursion,
        decision=command.decision,
        reason=command.reason,
        assessed_by=command.assessed_by,
        at=now,
        ended_at=last,
        mkt_hundredths=mean_kinetic_temperature(window),
    )
    if command.decision == "released":
        return [assessed]
    return [assessed, *_rejected(state, command, now, policy)]


def _rejected(state: DeliveryState, command: AssessExcursion, now: datetime, policy: Policy) -> list[DomainEvent]:
    if state.status == "packed":
        return quarantine_all(state, command.reason, command.assessed_by, now)
    return call_back(state, "excursion_rejected", now, policy) if state.status in OUT else []
