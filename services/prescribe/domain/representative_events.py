"""A patient's representatives: appointed, and no more."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Annotated, ClassVar
from uuid import UUID

from services.seedwork.model import DomainEvent, Immutable, Personal, PersonalClass
from services.seedwork.representation import Representation


class RepresentativePerson(Immutable):
    """Who the representative is, of which kind, and what shows it: `evidence` is the number of a document."""

    kind: str
    name: str
    identity_number: str
    evidence: str | None


class RepresentativeAppointed(DomainEvent):
    """Somebody may act for the patient. `institution`: whose officer entered it; None: the patient's own word."""

    TOPIC: ClassVar[str] = "prescribe.patient.representative_appointed"

    patient_ref: UUID
    appointment_id: UUID
    appointed_by: str
    institution: str | None
    appointed_at: datetime
    terms: Annotated[Representation | None, Personal(PersonalClass.IDENTITY)]
    person: Annotated[RepresentativePerson | None, Personal(PersonalClass.IDENTITY)]


class RepresentationWithdrawn(DomainEvent):
    """Before its last day it gives no right any more."""

    TOPIC: ClassVar[str] = "prescribe.patient.representation_withdrawn"

    patient_ref: UUID
    appointment_id: UUID
    withdrawn_by: str
    withdrawn_at: datetime


@dataclass(frozen=True)
class Appointment:
    """One appointment, and since when it is withdrawn."""

    appointed: RepresentativeAppointed
    withdrawn: RepresentationWithdrawn | None = None

    def gives(self) -> Representation | None:
        """What it lets the representative do; nothing once it is withdrawn or cannot be read any more."""
        return None if self.withdrawn else self.appointed.terms

    def runs(self, day: date) -> bool:
        """Whether it gives a right that day or on a later one."""
        terms = self.gives()
        return terms is not None and day <= terms.valid_until


@dataclass(frozen=True)
class Appointments:
    """All of one patient, in the order in which they were made."""

    by_id: dict[UUID, Appointment] = field(default_factory=dict)

    def after(self, event: RepresentativeAppointed | RepresentationWithdrawn) -> Appointments:
        if isinstance(event, RepresentativeAppointed):
            made = Appointment(event)
        else:
            made = replace(self.by_id[event.appointment_id], withdrawn=event)
        return Appointments({**self.by_id, event.appointment_id: made})

    def running(self, day: date) -> int:
        return sum(each.runs(day) for each in self.by_id.values())
