"""The aggregate ShortageCase: one suspicion of a shortage of one drug key in one region node, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never
from uuid import UUID

from services.seedwork.model import Aggregate, StreamRef, derived_id
from services.seedwork.transitions import NOT_YET
from services.shortage.domain.events import CaseConfirmed, CaseEnded, CaseEvent, CaseSuspected, EvidenceAdded
from services.shortage.domain.values import Evidence

QUIET = "quiet"
"""The deadline of a suspicion that nothing feeds any more."""


@dataclass(frozen=True)
class CaseState:
    """A case as it is now. `suspected` is what it began with."""

    status: str = NOT_YET
    suspected: CaseSuspected | None = None
    evidence: Evidence | None = None
    quiet_at: datetime | None = None
    confirmed: CaseConfirmed | None = None
    ended: CaseEnded | None = None

    @property
    def is_open(self) -> bool:
        return self.status in {"suspected", "confirmed"}

    def quiet(self, moment: datetime) -> bool:
        """Whether a suspicion has ended by itself at this moment, whether the clock has told or not."""
        return self.status == "suspected" and self.quiet_at is not None and moment >= self.quiet_at


def case_id(drug_key: str, region: str, n: int) -> UUID:
    return derived_id("shortage_case", drug_key, region, n)


def evolve_case(state: CaseState, event: CaseEvent) -> CaseState:
    match event:
        case CaseSuspected():
            return CaseState("suspected", suspected=event, evidence=event.evidence, quiet_at=event.quiet_at)
        case EvidenceAdded():
            return replace(state, evidence=event.evidence, quiet_at=event.quiet_at)
        case CaseConfirmed():
            return replace(state, status="confirmed", confirmed=event, evidence=event.evidence, quiet_at=None)
        case CaseEnded():
            return replace(state, status="dismissed", ended=event, quiet_at=None)
        case _:
            assert_never(event)


def due(state: CaseState) -> Mapping[str, datetime]:
    return {QUIET: state.quiet_at} if state.quiet_at else {}


CASE: Aggregate[CaseState] = Aggregate(
    name="shortage_case",
    events=(CaseSuspected, EvidenceAdded, CaseConfirmed, CaseEnded),
    initial=CaseState(),
    evolve=evolve_case,
    next_due=due,
)


def case_ref(identity: UUID) -> StreamRef[CaseState]:
    return CASE.ref(identity)
