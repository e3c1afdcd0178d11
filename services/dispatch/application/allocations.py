"""Allocations as they are told; every hold obeys them."""

from __future__ import annotations

from contracts.events import shortage_responses as told
from services.dispatch.domain.allocation import (
    ALLOCATIONS_IN_FORCE,
    AllocationFacts,
    AllocationKnown,
    AllocationOver,
    AllocationsState,
)
from services.seedwork.model import Loaded
from services.seedwork.usecase import Decision, Moment, UseCase


def know_allocation(event: told.AllocationSet) -> UseCase:
    """Obeyed at the next hold; told again, or after its end, it changes nothing."""
    facts = AllocationFacts(**event.model_dump(include=set(AllocationFacts.model_fields)))

    def decide(_moment: Moment, known: Loaded[AllocationsState]) -> Decision:
        state = known.state
        if state.limits.get(facts.allocation_id) == facts or facts.allocation_id in state.over:
            return Decision.nothing()
        return Decision.on(known, [AllocationKnown(allocation=facts)])

    return UseCase((ALLOCATIONS_IN_FORCE,), decide)


def forget_allocation(event: told.AllocationEnded) -> UseCase:
    """It does not hold any more, at once."""

    def decide(_moment: Moment, known: Loaded[AllocationsState]) -> Decision:
        if event.allocation_id in known.state.over:
            return Decision.nothing()
        return Decision.on(known, [AllocationOver(allocation_id=event.allocation_id)])

    return UseCase((ALLOCATIONS_IN_FORCE,), decide)
