"""What a fulfilment's events are settled with: the day, the policy, and the steps they ask of other aggregates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.dispatch.domain.policy import POLICIES, Policy
from services.dispatch.domain.values import ProductFacts
from services.seedwork.calendar import civil_day
from services.seedwork.model import DomainEvent, Loaded, Outcome, Refusal, StreamRef
from services.seedwork.usecase import Moment

DemandKey = Callable[[UUID, int], str]
"""The opaque key of a prescription's line."""


@dataclass(frozen=True)
class Circumstances:
    """What the shelf must know beside the fulfilment's own events."""

    today: date
    now: datetime | None = None
    """When goods move; `today` is its day."""
    policy: Policy | None = None
    packs_seen: bool = False
    products: tuple[ProductFacts, ...] = ()
    demand_key: DemandKey | None = None
    """Makes the opaque key of an unfilled line; without it none is told."""
    opened: frozenset[str] = frozenset()
    """Keys of packs that are open already (`opened_packs`): a part of them comes before any lot."""

    @classmethod
    def at(cls, moment: Moment, **more: Any) -> Circumstances:
        today = civil_day(moment.now)
        return cls(today, moment.now, POLICIES.on(today, moment.jurisdiction), **more)

    @property
    def lasts_until(self) -> date:
        """The earliest expiry of a lot that may be given out."""
        return self.policy.lasts_until(self.today) if self.policy else self.today


@dataclass(frozen=True)
class Work:
    """One step on one other aggregate."""

    ref: StreamRef[Any]
    step: Callable[[Any], Outcome]
    alarm: Callable[[Any], list[DomainEvent]] | None = None
    """What is told all the same when the step finds a repeated trace code."""


@dataclass(frozen=True)
class Broken:
    """A step that is refused, with the state in which it was."""

    refusal: Refusal
    work: Work
    found: Loaded[Any]
