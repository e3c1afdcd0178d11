"""Days of supply: how long what is on the shelves lasts, of one reporter and of a region.

The bands and their order are those of a provincial weekly report and of china.md 4.3: 1 sufficient, 2 nearly, 3 short,
4 severely short. Better only after two periods, worse at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from statistics import median

from pydantic import Field

from services.seedwork.model import Immutable
from services.shortage.domain.detection.figures import Figure, Unknown


class SupplyStatus(IntEnum):
    """供应状态 1充足 2较充足 3短缺 4严重短缺; higher is worse."""

    SUFFICIENT = 1
    NEARLY = 2
    SHORT = 3
    SEVERE = 4


class StatusRules(Immutable):
    """Bands of days of supply, and the share of an order that must come. Dated policy."""

    severe_days: float
    """Up to so many days: severely short."""
    short_days: float
    nearly_days: float
    short_fill_share: float
    """Less than this share of what was ordered in `fill_days` has come: short."""
    fill_days: int = Field(gt=0)
    coming_days: int = Field(ge=0)
    """What is promised within so many days counts as good as here."""
    orders_days: int = Field(gt=0)
    """Orders placed in so many days are looked at."""
    better_after_periods: int
    periods: int = Field(gt=0)
    """Days whose status is looked at: a status of before then that nothing has confirmed since is none."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """What one reporter told of one drug, in base units."""

    on_hand: int
    committed: int = 0
    """Reserved for somebody already."""
    coming: int = 0
    """Promised so soon that it counts as good as here."""


def days_of_supply(shelf: Shelf | None, usual: Figure) -> Figure:
    """Usable stock over what is usually asked for in a day. Unknown where either is, and where nobody asks."""
    if shelf is None:
        return Unknown.NOTHING_REPORTED
    if isinstance(usual, Unknown):
        return usual
    if usual <= 0:
        return Unknown.NO_DEMAND
    return max(0, shelf.on_hand - shelf.committed + shelf.coming) / usual


class PooledCover(Immutable):
    """Days of supply over all reporters of a node that can be counted, and how many of them could be."""

    days: Figure
    counted: int
    expected: int

    @property
    def completeness(self) -> Figure:
        return self.counted / self.expected if self.expected else Unknown.NOTHING_REPORTED


def pooled_cover(reporters: Iterable[tuple[Shelf | None, Figure]]) -> PooledCover:
    """Stock and demand are summed over the same reporters; whose demand or stock is unknown counts in neither."""
    stock, usual, counted, expected = 0.0, 0.0, 0, 0
    for shelf, asked in reporters:
        expected += 1
        if shelf is None or isinstance(asked, Unknown):
            continue
        counted += 1
        stock += max(0, shelf.on_hand - shelf.committed + shelf.coming)
        usual += asked
    if counted == 0:
        return PooledCover(days=Unknown.NOTHING_REPORTED, counted=0, expected=expected)
    days: Figure = stock / usual if usual > 0 else Unknown.NO_DEMAND
    return PooledCover(days=days, counted=counted, expected=expected)


class CoverRules(Immutable):
    """How far pooled days of supply must fall below what is usual here. Dated policy, calibrated by simulation."""

    alarm_share: float
    release_share: float
    history_days: int
    guard_days: int
    history_days_min: int


def cover_share(covers: Sequence[Figure], rules: CoverRules) -> Figure:
    """The newest days of supply over their median before; the latest days are guarded, as they may be the fall."""
    if not covers:
        return Unknown.NOTHING_REPORTED
    newest = covers[-1]
    if isinstance(newest, Unknown):
        return newest
    until = len(covers) - 1 - rules.guard_days
    history = [
        cover for cover in covers[max(0, until - rules.history_days) : max(0, until)] if not isinstance(cover, Unknown)
    ]
    if len(history) < rules.history_days_min:
        return Unknown.TOO_FEW
    usual = float(median(history))
    return newest / usual if usual > 0 else Unknown.ALWAYS_OUT


def cover_alarms(before: bool, share: Figure, rules: CoverRules) -> bool:  # noqa: FBT001 - the state it goes on from
    """Whether the fall alarms: from its share on, until it is well above; unknown changes nothing."""
    if isinstance(share, Unknown):
        return before
    return share < rules.release_share if before else share <= rules.alarm_share


def supply_status(
    cover: Figure, fill_share: Figure, *, out_of_stock: bool, no_alternative: bool, rules: StatusRules
) -> SupplyStatus | Unknown:
    """One reporter's status. `no_alternative`: a demand stayed unfilled for which there was nothing else.

    What is known to be bad counts though the cover is unknown; unknown cover alone is unknown, not sufficient.
    """
    if out_of_stock or no_alternative:
        return SupplyStatus.SEVERE
    badly_filled = not isinstance(fill_share, Unknown) and fill_share < rules.short_fill_share
    if isinstance(cover, Unknown):
        return SupplyStatus.SHORT if badly_filled else cover
    if cover <= rules.severe_days:
        return SupplyStatus.SEVERE
    if cover <= rules.short_days or badly_filled:
        return SupplyStatus.SHORT
    return SupplyStatus.NEARLY if cover <= rules.nearly_days else SupplyStatus.SUFFICIENT


def settled_status(periods: Sequence[SupplyStatus | Unknown], rules: StatusRules) -> SupplyStatus | Unknown:
    """The status to act on: worse at once, better only when so many periods in a row were; unknown changes nothing."""
    standing: SupplyStatus | Unknown = Unknown.NOTHING_REPORTED
    better: list[SupplyStatus] = []
    for period in periods:
        if isinstance(period, Unknown):
            continue
        if isinstance(standing, Unknown) or period >= standing:
            standing, better = period, []
            continue
        better.append(period)
        if len(better) >= rules.better_after_periods:
            standing, better = max(better), []
    return standing
