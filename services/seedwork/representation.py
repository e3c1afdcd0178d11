"""Representation (代理): somebody acts for a patient, in what the patient's word or the law names and between two days.

Who may be appointed, by whom and for how long is decided by the owner of patients' records. The others keep what they
need of it in a stream of their own and obey it at once. Nothing of it is told in clear: the last day of a guardian's
representation says when a child comes of age. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from services.seedwork.model import (
    Aggregate,
    DomainEvent,
    Immutable,
    Personal,
    PersonalClass,
    Refusal,
    StreamRef,
    derived_id,
)


class Scope(StrEnum):
    """What a representative may do (代理事项); which rights belong to each is `contracts.roles.SCOPES`."""

    READ = "read"
    """See prescriptions, where everything is, and what happened."""
    NOMINATE = "nominate"
    """Look for a pharmacy and name it."""
    SUPPLY_WAY = "supply_way"
    """Have it sent: confirm the online order."""
    TOKEN = "token"  # noqa: S105 - the name of a scope
    """Get the codes that a pharmacy or a courier is shown."""
    GIVE_UP = "give_up"
    """Give up a supply."""
    NOTICES = "notices"
    """Be told not to use something any more, or that something has come in, and acknowledge it."""
    PAY = "pay"
    """See what is to be paid, and pay it."""


class Representation(Immutable):
    """Who may act for a patient: `account` is the person at the identity provider (`sub` of their tokens)."""

    account: str
    scope: tuple[Scope, ...]
    valid_from: date
    valid_until: date
    """The last day, inclusive."""

    def in_force(self, day: date) -> bool:
        return self.valid_from <= day <= self.valid_until


def not_represented(
    known: Iterable[Representation], account: str, scopes: frozenset[Scope], day: date
) -> Refusal | None:
    """None when this account may today do for the patient what these scopes name: one of them is enough."""
    running = [each for each in known if each.account == account and each.in_force(day)]
    if not running:
        return Refusal("representation.not_in_force", {"day": day.isoformat()})
    granted = {scope for each in running for scope in each.scope}
    return None if granted & scopes else Refusal("representation.out_of_scope", {"scope": sorted(granted)})


class RepresentationKnown(DomainEvent):
    """The owner told of an appointment. `terms` cannot be read once the patient is forgotten."""

    TOPIC: ClassVar[str] = "representation.known"

    patient_ref: UUID
    appointment_id: UUID
    terms: Annotated[Representation | None, Personal(PersonalClass.IDENTITY)]


class RepresentationOver(DomainEvent):
    """It was withdrawn, or the patient is forgotten."""

    TOPIC: ClassVar[str] = "representation.over"

    appointment_id: UUID


@dataclass(frozen=True)
class RepresentationsState:
    """Every appointment one patient's copy has heard of; None: it gives no right any more, and never will again."""

    known: Mapping[UUID, Representation | None] = field(default_factory=dict)

    @property
    def representations(self) -> tuple[Representation, ...]:
        return tuple(each for each in self.known.values() if each)


def _evolve(state: RepresentationsState, event: RepresentationKnown | RepresentationOver) -> RepresentationsState:
    terms = event.terms if isinstance(event, RepresentationKnown) else None
    return replace(state, known={**state.known, event.appointment_id: terms})


REPRESENTATIONS: Aggregate[RepresentationsState] = Aggregate(
    name="representation",
    events=(RepresentationKnown, RepresentationOver),
    initial=RepresentationsState(),
    evolve=_evolve,
)
"""Where a service that is told of it keeps it."""


def representations_of(patient_ref: UUID) -> StreamRef[RepresentationsState]:
    return REPRESENTATIONS.ref(derived_id("representation", patient_ref))
