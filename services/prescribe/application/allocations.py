"""Allocations as shortage tells them, and the warning of whoever issues for longer than one supply may cover."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from contracts.envelope import Envelope, IntegrationEvent
from contracts.events import shortage_responses as told
from services.prescribe.domain.allocation import (
    ALLOCATIONS_IN_FORCE,
    AllocationKnown,
    AllocationOver,
    AllocationsState,
)
from services.prescribe.domain.prescription import PrescriptionState
from services.seedwork.composition import Reaction
from services.seedwork.model import Loaded
from services.seedwork.usecase import Decision, Moment, UseCase


def on_allocation_set(event: told.AllocationSet, _envelope: Envelope) -> UseCase:
    """Told again, or after its end, it changes nothing."""
    known = AllocationKnown(**event.model_dump(include=set(AllocationKnown.model_fields)))

    def decide(_moment: Moment, limits: Loaded[AllocationsState]) -> Decision:
        state = limits.state
        if state.limits.get(known.allocation_id) == known or known.allocation_id in state.over:
            return Decision.nothing()
        return Decision.on(limits, [known])

    return UseCase((ALLOCATIONS_IN_FORCE,), decide)


def on_allocation_ended(event: told.AllocationEnded, _envelope: Envelope) -> UseCase:
    """Nobody is warned of it any more."""

    def decide(_moment: Moment, limits: Loaded[AllocationsState]) -> Decision:
        if event.allocation_id in limits.state.over:
            return Decision.nothing()
        return Decision.on(limits, [AllocationOver(allocation_id=event.allocation_id)])

    return UseCase((ALLOCATIONS_IN_FORCE,), decide)


def allocation_warnings(limits: AllocationsState, state: PrescriptionState, day: date) -> list[dict[str, Any]]:
    """What a prescriber should know who has just signed: the lines of which a pharmacy may not give all at once. It is
    no refusal: the rest stays with the prescription."""
    signed = state.signed
    diagnoses = tuple(row.code for row in signed.diagnoses or ())
    found = []
    for line in signed.lines:
        limit = limits.warned(line.drug_key, signed.region, diagnoses, day)
        supply_days = signed.plan.days if signed.plan is not None else line.days
        if limit is not None and supply_days > limit.max_days:
            found.append(
                {
                    "warning": "allocation",
                    "line": line.line,
                    "max_days": limit.max_days,
                    "max_quantity": limit.max_days * line.quantity // line.days,
                    "allocation_id": str(limit.allocation_id),
                    "case_id": str(limit.case_id),
                }
            )
    return found


ALLOCATION_REACTIONS: Mapping[type[IntegrationEvent], Reaction] = {
    told.AllocationSet: on_allocation_set,
    told.AllocationEnded: on_allocation_ended,
}
