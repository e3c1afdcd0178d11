"""The dossier of a prescription: which of its review cases is the current one.

An event about the prescription names no case, and a read model may lag; the dossier is saved with the case, so it
never does.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from services.review.domain.events import CaseFiled
from services.seedwork.model import Aggregate, StreamRef, derived_id


@dataclass(frozen=True)
class DossierState:
    """The current case, and how far the prescription has come."""

    case_id: UUID | None = None
    revision: int = 0
    confirmation_no: int = 0

    def is_newer(self, revision: int, confirmation_no: int) -> bool:
        return self.case_id is None or (revision, confirmation_no) > (self.revision, self.confirmation_no)


def evolve_dossier(_state: DossierState, event: CaseFiled) -> DossierState:
    return DossierState(event.case_id, event.revision, event.confirmation_no)


DOSSIER: Aggregate[DossierState] = Aggregate(
    name="dossier", events=(CaseFiled,), initial=DossierState(), evolve=evolve_dossier
)


def dossier_ref(prescription_id: UUID) -> StreamRef[DossierState]:
    return DOSSIER.ref(derived_id("dossier", prescription_id))
