"""What a world of supply is like: sizes, habits, and what is done to it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Episode:
    """Something that is done to one drug: orders come with `fill` chance, `demand` times as much is asked for.

    `begin` and `end` are days of the world, `end` exclusive.
    """

    drug: int
    kind: str
    begin: int
    end: int
    fill: float
    demand: float


@dataclass(frozen=True)
class Kind:
    """One kind of episode."""

    name: str
    fill: float
    demand: float


USUAL_FILL = 0.97
KINDS = (
    Kind("fill 0 %", 0.0, 1.0),
    Kind("fill 30 %", 0.3, 1.0),
    Kind("fill 50 %", 0.5, 1.0),
    Kind("fill 80 %", 0.8, 1.0),
    Kind("demand x2, fill 80 %", 0.8, 2.0),
    Kind("demand x2, all filled", USUAL_FILL, 2.0),
)
"""The last is a surge that supply keeps up with: worth knowing, and no shortage yet."""


@dataclass(frozen=True)
class Setting:
    """Sizes in pharmacies and drugs, times in days."""

    pharmacies: int = 300
    drugs: int = 60
    carried_by: int = 60
    """Pharmacies that carry one drug."""
    history: int = 180
    """Days before the judged year, in which nothing is done and detectors learn what is usual."""
    year: int = 365
    usual_packs: float = 0.3
    """Of one drug in one pharmacy and day, on average over pharmacies."""
    unevenness: float = 0.8
    """Shape of the gamma distribution of demand over pharmacies; less is more uneven."""
    reorder_days: float = 8.0
    order_up_to_days: float = 29.0
    late_share: float = 0.10
    """Of the pharmacies: report each day one to three days late."""
    very_late_share: float = 0.05
    """Report three to seven days late."""
    silent_share: float = 0.08
    """Stop to report at some day, for one to three months."""
    doubled_share: float = 0.05
    """Of the reports arrive twice."""
    next_door_share: float = 0.5
    """Of those turned away try another pharmacy, as the same demand."""
    calm: bool = False
    """Nothing is done to any drug: for calibration."""

    @property
    def days(self) -> int:
        return self.history + self.year
