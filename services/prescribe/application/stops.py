"""Use cases that stop lines of a prescription: an authority, the institution, a prescriber's withdrawn registration."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any
from uuid import UUID

from services.prescribe.application.registers import REGISTER
from services.prescribe.domain.blocking import safety_stop
from services.prescribe.domain.commands import SafetyStop
from services.prescribe.domain.prescription import PRESCRIPTION, PrescriptionState
from services.prescribe.domain.registration import PersonEntry, PrescriptionsStopped, stopped_by_register
from services.seedwork.calendar import civil_day
from services.seedwork.model import Loaded, Refusal
from services.seedwork.usecase import Actor, Answer, Decision, Find, Load, Moment, UseCase

STOPPED_AT_ONCE = 40
"""Prescriptions in one save; the clock comes again for the rest."""


def stop_lines(command: SafetyStop) -> UseCase:
    """Of the region for an authority, of its own prescriptions for an institution."""

    def decide(moment: Moment, prescription: Loaded[PrescriptionState]) -> Decision:
        actor = moment.actor
        by, region = (
            (actor.subject, region_of(actor)) if actor.role == "regulator" else (actor.organisation or "", None)
        )
        outcome = safety_stop(prescription.state, command, by, covers_region=region)
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        state = prescription.after(outcome)
        body = {
            "prescription_id": str(command.prescription_id),
            "block_id": str(command.block_id),
            "status": str(state.status),
            "blocked_lines": sorted(state.blocked_lines),
        }
        return Decision.on(prescription, outcome, Answer(status=201, body=body))

    return UseCase((PRESCRIPTION.ref(command.prescription_id),), decide)


def region_of(actor: Actor) -> str:
    """The leading digits of an authority's division code (GB/T 2260) that all its counties share; nobody's region
    covers nothing."""
    code = actor.region
    if not code:
        return "none"
    while code.endswith("00"):
        code = code[:-2]
    return code


def stop_for_registration(entry_id: UUID) -> UseCase:
    """The clock: a prescriber's entry is out of force; what they released is stopped, a batch at a time."""

    def decide(moment: Moment, entry: Loaded[Any]) -> Generator[Load | Find, Any, Decision]:
        person: PersonEntry = entry.state
        if person.all_stopped or person.in_force(civil_day(moment.now)):
            return Decision.nothing()
        wanted = {"prescriber": person.code, "after": person.stopped_up_to, "limit": STOPPED_AT_ONCE}
        rows = yield Find("circulating_of_prescriber", wanted)
        found = yield Load(tuple(PRESCRIPTION.ref(row["prescription_id"]) for row in rows))
        up_to = max((row["arrival"] for row in rows), default=person.stopped_up_to)
        gone = PrescriptionsStopped(up_to=up_to, done=len(rows) < STOPPED_AT_ONCE)
        decision = Decision.on(entry, [gone])
        for prescription in found:
            decision = decision.and_also(prescription, stopped_by_register(prescription.state, person))
        return decision

    return UseCase((REGISTER.ref(entry_id),), decide)
