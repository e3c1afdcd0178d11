"""What a fulfilment's events are settled with: the day, the policy, and what is known of products and open packs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.dispatch.domain.policy import POLICIES, Policy
from services.dispatch.domain.values import ProductFacts
from services.seedwork.calendar import civil_day
from services.seedwork.policies import DEFAULT_JURISDICTION
from services.seedwork.usecase import Moment

DemandKey = Callable[[UUID, int], str]
"""The opaque key of a prescription's line."""


@dataclass(frozen=True)
class Circumstances:
    """What the shelf must know beside the fulfilment's own events."""

    today: date
    now: datetime
    """When goods move; `today` is its day."""
    policy: Policy
    packs_seen: bool = False
    products: tuple[ProductFacts, ...] = ()
    demand_key: DemandKey | None = None
    """Makes the opaque key of an unfilled line; without it none is told."""
    opened: frozenset[str] = frozenset()
    """Keys of packs that are open already (`opened_packs`): a part of them comes before any lot."""
    jurisdiction: str = DEFAULT_JURISDICTION

    @classmethod
    def at(cls, moment: Moment, **more: Any) -> Circumstances:
        today = civil_day(moment.now)
        policy = POLICIES.on(today, moment.jurisdiction)
        return cls(today, moment.now, policy, jurisdiction=moment.jurisdiction, **more)

    @property
    def lasts_until(self) -> date:
        """The earliest expiry of a lot that may be given out."""
        return self.policy.lasts_until(self.today)
