"""Shortages as they are told: they change the order in which pharmacies are offered."""

from __future__ import annotations

from contracts.events import shortage
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
