"""The dossier of a prescription: which of its review cases is the current one.

An event about the prescription names no case, and a read model may lag; the dossier is saved with the case, so it
never does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import assert_never
from uuid import UUID

from services.review.domain.events import CaseFiled, GivenSubstitute, SubstitutesGiven
from services.review.domain.values import Line
from services.seedwork.model import Aggregate, DomainEvent, StreamRef, derived_id


@dataclass(frozen=True)
class DossierState:
    """The current case, and how far the prescription has come."""

    case_id: UUID | None = None
    revision: int = 0
    confirmation_no: int = 0
    given: Mapping[UUID, tuple[GivenSubstitute, ...]] = field(default_factory=dict)
    """Substitutes by supply."""

    def is_newer(self, revision: int, confirmation_no: int) -> bool:
        return self.case_id is None or (revision, confirmation_no) > (self.revision, self.confirmation_no)


def evolve_dossier(state: DossierState, event: CaseFiled | SubstitutesGiven) -> DossierState:
    match event:
        case CaseFiled():
            return replace(state, case_id=event.case_id, revision=event.revision, confirmation_no=event.confirmation_no)
        case SubstitutesGiven():
            return replace(state, given={**state.given, event.supply_id: event.substitutes})
        case _:
            assert_never(event)


def give(state: DossierState, supply_id: UUID, substitutes: tuple[GivenSubstitute, ...]) -> list[DomainEvent]:
    """Kept once per supply; a supply without substitutes needs no word."""
    known = state.case_id is None or supply_id in state.given or not substitutes
    return [] if known else [SubstitutesGiven(supply_id=supply_id, substitutes=substitutes)]


def as_given(state: DossierState, supply_id: UUID, line: Line) -> Line:
    """The line with what the patient was given for it."""
    substitute = next((each for each in state.given.get(supply_id, ()) if each.line == line.line), None)
    if substitute is None:
        return line
    return line.model_copy(update={**substitute.model_dump(), "atc": None, "english_name": None})


DOSSIER: Aggregate[DossierState] = Aggregate(
    name="dossier", events=(CaseFiled, SubstitutesGiven), initial=DossierState(), evolve=evolve_dossier
)


def dossier_ref(prescription_id: UUID) -> StreamRef[DossierState]:
    return DOSSIER.ref(derived_id("dossier", prescription_id))
