"""A prescriber's entry that is out of force: what was released under it stops until they may sign again (退出).

The entry's own stream knows how far the prescriptions have been gone through, so that a list of any length is stopped
in limited batches and every batch once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Any, ClassVar

from services.prescribe.domain.block_events import LinesBlocked
from services.prescribe.domain.blocking import block
from services.prescribe.domain.prescription import PrescriptionState
from services.seedwork.calendar import ZONE
from services.seedwork.model import Aggregate, DomainEvent, derived_id
from services.seedwork.reference import EntryRecorded, EntryState, evolve_entry

REGISTRATION = "registration"
"""The deadline from which a prescriber's prescriptions are stopped."""
LONG_AGO = datetime(2000, 1, 1, tzinfo=ZONE)


class PrescriptionsStopped(DomainEvent):
    """Prescriptions up to a place in the order of arrival were stopped for an entry out of force; `done`: all were."""

    TOPIC: ClassVar[str] = "prescribe.register.prescriptions_stopped"

    up_to: int
    done: bool


@dataclass(frozen=True)
class PersonEntry(EntryState):
    """An entry, how often it was recorded, and how far the prescriptions of somebody out of force have been stopped.

    The last two are no part of what the register says: an entry recorded anew is the same entry.
    """

    recorded: int = field(default=0, compare=False)
    stopped: PrescriptionsStopped | None = field(default=None, compare=False)

    @property
    def stopped_up_to(self) -> int:
        """The place in the order of arrival from which on prescriptions are still to be looked at."""
        return self.stopped.up_to if self.stopped else 0

    @property
    def all_stopped(self) -> bool:
        return self.stopped is not None and self.stopped.done


def evolve_person(state: Any, event: Any) -> EntryState:
    person: PersonEntry = state
    if isinstance(event, PrescriptionsStopped):
        return replace(person, stopped=event)
    return evolve_entry(replace(person, recorded=person.recorded + 1, stopped=None), event)


def next_due(state: EntryState) -> Mapping[str, datetime]:
    """A prescriber's entry that is suspended is due at once, one that ends on a day with the next one."""
    validity = state.validity
    prescribes = "prescriber" in (state.content or {}).get("professions", ())
    if state.kind != "person" or not prescribes or validity is None or not isinstance(state, PersonEntry):
        return {}
    if state.all_stopped:
        return {}
    if validity.suspended:
        return {REGISTRATION: LONG_AGO}
    if validity.valid_until is None:
        return {}
    return {REGISTRATION: datetime.combine(validity.valid_until + timedelta(days=1), time(), ZONE)}


def person_register(name: str) -> Aggregate[EntryState]:
    """The register of whom and what prescribe admits, with the deadline of people who leave it."""
    return Aggregate(
        name=name,
        events=(EntryRecorded, PrescriptionsStopped),
        initial=PersonEntry(),
        evolve=evolve_person,
        next_due=next_due,
        cached=True,
    )


def stopped_by_register(state: PrescriptionState, entry: PersonEntry) -> list[DomainEvent]:
    """The block of a circulating prescription whose prescriber is out of force; once per withdrawal."""
    if state.current is None:
        return []
    signed = state.current
    raised = LinesBlocked(
        block_id=derived_id("registration", signed.prescription_id, entry.recorded),
        patient_ref=signed.patient_ref,
        lines=(),
        source="registration",
        codes=("prescriber.not_in_force",),
        asked_by="register",
    )
    outcome = block(state, f"clock: {REGISTRATION}", raised)
    return outcome if isinstance(outcome, list) else []
