"""How soon it is noticed that a pharmacy has stopped to report, and how often one that has not is taken for silent."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rxflow.supply.living import NEVER, Lived
from rxflow.supply.reports import at
from services.seedwork.calendar import civil_day
from services.shortage.domain.detection.policy import DetectionPolicy
from services.shortage.domain.detection.silence import Reporting, silent_since


@dataclass
class SilenceScore:
    """Over any number of worlds."""

    delays: list[int | None] = field(default_factory=list)
    false_alerts: int = 0
    reporter_days: int = 0

    @property
    def false_per_reporter_year(self) -> float | None:
        return self.false_alerts * 365 / self.reporter_days if self.reporter_days else None

    def add(self, lived: Lived, policy: DetectionPolicy) -> None:
        """Every pharmacy of a world, day by day."""
        silent = {pharmacy: (begin, end) for pharmacy, begin, end in lived.silent}
        for pharmacy in range(lived.setting.pharmacies):
            alerts = _alerts(lived, pharmacy, policy)
            begin, end = silent.get(pharmacy, (NEVER, NEVER))
            if pharmacy in silent:
                first = next((day for day in alerts if begin <= day < end), None)
                self.delays.append(None if first is None else first - begin)
            self.false_alerts += sum(not begin <= day < end for day in alerts if day >= lived.setting.history)
            self.reporter_days += lived.setting.year


def _alerts(lived: Lived, pharmacy: int, policy: DetectionPolicy) -> list[int]:
    """The days on which it is newly taken for silent."""
    arrivals = lived.arrival[:, pharmacy]
    heard = set(np.unique(arrivals[arrivals < NEVER]).tolist())
    alerts, told, last, quiet = [], 0, 0, False
    for day in range(lived.setting.days):
        if day in heard:
            told, last, quiet = told + 1, day, False
            continue
        reporting = Reporting(days=last + 1, told=told, last_told=civil_day(at(last)))
        if not quiet and silent_since(reporting, civil_day(at(day)), policy.silence):
            quiet = True
            alerts.append(day)
    return alerts
