"""What reaches the detectors of one drug on one day, in the words of the domain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import numpy as np

from rxflow.supply.living import NEVER, Counts, Lived
from services.shortage.domain.detection.order_lines import OrderLine
from services.shortage.domain.detection.unfilled import Unfilled

T = TypeVar("T")
DAY_0 = datetime(2025, 1, 1, 9, tzinfo=UTC)
REGION = "330102"


def at(day: int, place: int = 0) -> datetime:
    """A time of that civil day; places report through the day."""
    return DAY_0 + timedelta(days=day, minutes=place)


class Reports:
    """The reports of one drug by the day on which they arrive. Some arrive twice, which must change nothing."""

    def __init__(self, lived: Lived, drug: int, seed: int) -> None:
        self._lived, self._drug = lived, drug
        self._chance = np.random.default_rng((seed, drug))
        self.arrival: Counts = lived.arrival[:, lived.carriers[drug]]
        """day x place."""
        self._lines = self._by_arrival(lived.ordered[:, drug])
        self._in_vain = self._by_arrival(lived.in_vain[:, drug] > 0)
        empty = lived.stock[:, drug] == 0
        newly = empty & ~np.vstack([empty[:1], empty[:-1]])
        self._emptied = self._by_arrival(newly)

    def order_lines(self, today: int) -> list[OrderLine]:
        return self._doubled([self._line(day, place) for day, place in self._lines.get(today, ())])

    def unfilled(self, today: int) -> list[Unfilled]:
        """Patients turned away; some of them tried a second place: the same demand."""
        told = []
        for day, place in self._in_vain.get(today, ()):
            for number in range(int(self._lived.in_vain[day, self._drug, place])):
                key = f"{day}-{place}-{number}"
                told.append(Unfilled(demand_key=key, reporter=f"{place}", region=REGION, at=at(day, place)))
                if self._chance.random() < self._lived.setting.next_door_share:
                    other = (place + 1) % self._lived.setting.carried_by
                    told.append(Unfilled(demand_key=key, reporter=f"{other}", region=REGION, at=at(day, place + 1)))
        return self._doubled(told)

    def emptied(self, today: int) -> list[Unfilled]:
        """Shelves that became empty, counted like demands: what stock systems alert on."""
        return [
            Unfilled(demand_key=f"{day}-{place}", reporter=f"{place}", region=REGION, at=at(day, place))
            for day, place in self._emptied.get(today, ())
        ]

    def _line(self, day: int, place: int) -> OrderLine:
        short = bool(self._lived.short[day, self._drug, place])
        return OrderLine(
            key=f"{day}-{place}",
            revision=1,
            reporter=f"{place}",
            region=REGION,
            at=at(day, place),
            requested=1,
            filled=0 if short else 1,
        )

    def _doubled(self, told: list[T]) -> list[T]:
        share = self._lived.setting.doubled_share
        return told + [each for each in told if self._chance.random() < share]

    def _by_arrival(self, happened: Any) -> dict[int, list[tuple[int, int]]]:
        arriving: dict[int, list[tuple[int, int]]] = {}
        for day, place in zip(*np.nonzero(happened), strict=True):
            arrives = int(self.arrival[day, place])
            if arrives < NEVER:
                arriving.setdefault(arrives, []).append((int(day), int(place)))
        return arriving
