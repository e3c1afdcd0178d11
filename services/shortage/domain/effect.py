"""What came of a response: how well orders and demands were filled before it and after it, counted in the same way.

`order lines`: of what was ordered from suppliers in those days, what had come when it was counted. `demands`: of what
patients asked for, what was dispensed; a demand that one pharmacy could not fill counts as unfilled though another
filled it. Rates are counts over counts; where nothing was asked for there is none, and it is unknown, not 0 and not 1.
A change afterwards is no proof that the response made it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import ClassVar
from uuid import UUID

from services.seedwork.calendar import civil_day, end_of_day
from services.seedwork.model import Aggregate, DomainEvent, Immutable, StreamRef, derived_id
from services.shortage.domain.values import ResponseKind

MEASURE = "measure"
"""The deadline at which it is counted."""


class Filled(Immutable):
    """Base units: so much of so much."""

    filled: int
    wanted: int

    @property
    def rate(self) -> float | None:
        """Between 0 and 1; None: nothing was wanted."""
        return self.filled / self.wanted if self.wanted else None


class SupplyCounts(Immutable):
    """How well a drug was supplied in a region from one day to another, both inclusive."""

    first: date
    last: date
    order_lines: Filled
    demands: Filled


class EffectAwaited(DomainEvent):
    """A response holds from now on; what it brings is counted after `days`."""

    TOPIC: ClassVar[str] = "shortage.effect.awaited"

    response_id: UUID
    kind: ResponseKind
    case_id: UUID
    drug_key: str
    region: str
    since: datetime
    days: int


class EffectMeasured(DomainEvent):
    """The same count before and after."""

    TOPIC: ClassVar[str] = "shortage.effect.measured"

    response_id: UUID
    before: SupplyCounts
    after: SupplyCounts
    measured_at: datetime


@dataclass(frozen=True)
class EffectState:
    """What is awaited, and what was counted."""

    awaited: EffectAwaited | None = None
    measured: EffectMeasured | None = None

    @property
    def windows(self) -> tuple[tuple[date, date], tuple[date, date]] | None:
        """The days before and after, without the day on which the response began."""
        if self.awaited is None:
            return None
        began, days = civil_day(self.awaited.since), self.awaited.days
        before = (began - timedelta(days=days), began - timedelta(days=1))
        return before, (began + timedelta(days=1), began + timedelta(days=days))


def evolve_effect(state: EffectState, event: EffectAwaited | EffectMeasured) -> EffectState:
    if isinstance(event, EffectAwaited):
        return EffectState(awaited=event)
    return replace(state, measured=event)


def due(state: EffectState) -> Mapping[str, datetime]:
    windows = state.windows
    if windows is None or state.measured is not None:
        return {}
    return {MEASURE: end_of_day(windows[1][1])}


EFFECT: Aggregate[EffectState] = Aggregate(
    name="effect", events=(EffectAwaited, EffectMeasured), initial=EffectState(), evolve=evolve_effect, next_due=due
)


def effect_ref(response_id: UUID) -> StreamRef[EffectState]:
    """One effect per response."""
    return EFFECT.ref(derived_id("effect", response_id))


def measured(state: EffectState, before: SupplyCounts, after: SupplyCounts, now: datetime) -> list[DomainEvent]:
    """The clock: counted once, when the days after it are over."""
    until = due(state).get(MEASURE)
    if until is None or now < until or state.awaited is None:
        return []
    return [EffectMeasured(response_id=state.awaited.response_id, before=before, after=after, measured_at=now)]
