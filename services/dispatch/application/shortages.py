"""Shortages as they are told: they change the order in which pharmacies are offered. And reserves on their way."""

from __future__ import annotations

from contracts.events import shortage
from contracts.events.shortage_responses import ReserveEnded, ReserveReleased
from services.dispatch.domain.reserve import ReserveKnown, ReserveOver, ReserveState, reserve_ref
from services.dispatch.domain.shortage import SHORTAGES, ShortageKnown, ShortageOver, ShortageState, shortage_id
from services.seedwork.model import Loaded
from services.seedwork.usecase import Decision, Moment, UseCase


def know_shortage(event: shortage.ShortageCaseConfirmed) -> UseCase:
    """A confirmed shortage changes the order in which pharmacies are offered."""
    known = ShortageKnown(case_id=event.case_id, drug_key=event.drug_key, region=event.region, grade=event.grade.value)

    def decide(_moment: Moment, case: Loaded[ShortageState]) -> Decision:
        return Decision.nothing() if case.state.grade == known.grade else Decision.on(case, [known])

    return UseCase((SHORTAGES.ref(shortage_id(event.case_id)),), decide)


def forget_shortage(event: shortage.ShortageCaseEnded) -> UseCase:
    """The case is over; one that was never confirmed was never known here."""

    def decide(_moment: Moment, case: Loaded[ShortageState]) -> Decision:
        if case.state.grade is None:
            return Decision.nothing()
        return Decision.on(case, [ShortageOver(case_id=event.case_id)])

    return UseCase((SHORTAGES.ref(shortage_id(event.case_id)),), decide)


def know_reserve(event: ReserveReleased) -> UseCase:
    """The pharmacies of its region find it in their feeds; told again it changes nothing."""
    known = ReserveKnown(**event.model_dump(include=set(ReserveKnown.model_fields)))

    def decide(_moment: Moment, reserve: Loaded[ReserveState]) -> Decision:
        return Decision.nothing() if reserve.exists else Decision.on(reserve, [known])

    return UseCase((reserve_ref(event.response_id),), decide)


def end_reserve(event: ReserveEnded) -> UseCase:
    """It is expected no more, and the feeds of its region say so."""

    def decide(_moment: Moment, reserve: Loaded[ReserveState]) -> Decision:
        if reserve.state.known is None or reserve.state.over:
            return Decision.nothing()
        return Decision.on(reserve, [ReserveOver(ended_as=event.ended_as)])

    return UseCase((reserve_ref(event.response_id),), decide)
