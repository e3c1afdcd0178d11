"""Living a world of supply: what happens in every pharmacy on every day, and when who hears of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rxflow.supply.setting import KINDS, USUAL_FILL, Episode, Setting

Counts = npt.NDArray[np.int64]
Rates = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]

Happened = tuple[Counts, Counts, Counts, Marks, Marks]

NEVER = 10**6
"""Arrival of what is never told."""
EPISODE_DAYS = (30, 90)
BEGINS_WITHIN = 60
"""Days of each half of the year in which its episode begins."""


@dataclass(frozen=True)
class Lived:
    """Everything that happened, by day, drug and place (the n-th pharmacy that carries the drug)."""

    setting: Setting
    episodes: tuple[Episode, ...]
    carriers: Counts
    """drug x place: which pharmacy."""
    stock: Counts
    given: Counts
    in_vain: Counts
    ordered: Marks
    short: Marks
    arrival: Counts
    """day x pharmacy: on which day its report of this day arrives; `NEVER`."""
    silent: tuple[tuple[int, int, int], ...]
    """pharmacy, begin, end."""


def lived(setting: Setting, seed: int) -> Lived:
    """The same seed lives the same again."""
    chance = np.random.default_rng(seed)
    carriers = np.stack(
        [chance.choice(setting.pharmacies, setting.carried_by, replace=False) for _ in range(setting.drugs)]
    )
    episodes = () if setting.calm else _episodes(setting, chance)
    silent = _silences(setting, chance)
    arrival = _arrivals(setting, silent, chance)
    stock, given, in_vain, ordered, short = _days(setting, episodes, chance)
    return Lived(setting, episodes, carriers, stock, given, in_vain, ordered, short, arrival=arrival, silent=silent)


def _episodes(setting: Setting, chance: np.random.Generator) -> tuple[Episode, ...]:
    """Two for each drug, one in each half of the year, the kinds in turn."""
    made = []
    for drug in range(setting.drugs):
        for half in range(2):
            kind = KINDS[(2 * drug + half) % len(KINDS)]
            begin = setting.history + half * setting.year // 2 + int(chance.integers(0, BEGINS_WITHIN))
            end = begin + int(chance.integers(EPISODE_DAYS[0], EPISODE_DAYS[1] + 1))
            made.append(Episode(drug, kind.name, begin, min(end, setting.days), kind.fill, kind.demand))
    return tuple(made)


def _silences(setting: Setting, chance: np.random.Generator) -> tuple[tuple[int, int, int], ...]:
    who = np.flatnonzero(chance.random(setting.pharmacies) < setting.silent_share)
    begins = setting.history + chance.integers(0, max(1, setting.year - 30), who.size)
    lengths = chance.integers(30, 91, who.size)
    return tuple(
        (int(pharmacy), int(begin), int(min(begin + length, setting.days)))
        for pharmacy, begin, length in zip(who, begins, lengths, strict=True)
    )


def _arrivals(setting: Setting, silent: tuple[tuple[int, int, int], ...], chance: np.random.Generator) -> Counts:
    punctuality = chance.random(setting.pharmacies)
    delays = np.zeros((setting.days, setting.pharmacies), dtype=np.int64)
    late = punctuality < setting.late_share
    very_late = (punctuality >= setting.late_share) & (punctuality < setting.late_share + setting.very_late_share)
    delays[:, late] = chance.integers(1, 4, (setting.days, int(late.sum())))
    delays[:, very_late] = chance.integers(3, 8, (setting.days, int(very_late.sum())))
    arrival = np.arange(setting.days, dtype=np.int64)[:, None] + delays
    for pharmacy, begin, end in silent:
        arrival[begin:end, pharmacy] = NEVER
    return arrival


def _days(setting: Setting, episodes: tuple[Episode, ...], chance: np.random.Generator) -> Happened:
    """Each day: what was ordered arrives, patients come, and who is low orders; wholly filled or not at all."""
    shape = (setting.drugs, setting.carried_by)
    rate = chance.gamma(setting.unevenness, setting.usual_packs / setting.unevenness, shape)
    reorder_at = np.ceil(rate * setting.reorder_days).astype(np.int64)
    up_to = np.maximum(np.ceil(rate * setting.order_up_to_days).astype(np.int64), np.maximum(2, reorder_at + 1))
    stock = np.ceil(reorder_at + chance.random(shape) * (up_to - reorder_at)).astype(np.int64)
    coming = np.zeros(shape, dtype=np.int64)
    fill, surge = _forces(setting, episodes)
    days = (setting.days, *shape)
    kept, given, in_vain = (np.zeros(days, dtype=np.int64) for _ in range(3))
    ordered, short = (np.zeros(days, dtype=np.bool_) for _ in range(2))
    for day in range(setting.days):
        stock = stock + coming
        asked = chance.poisson(rate * surge[day][:, None])
        given[day] = np.minimum(stock, asked)
        in_vain[day] = asked - given[day]
        stock = stock - given[day]
        ordered[day] = stock <= reorder_at
        short[day] = ordered[day] & (chance.random(shape) >= fill[day][:, None])
        coming = np.where(ordered[day] & ~short[day], up_to - stock, 0)
        kept[day] = stock
    return kept, given, in_vain, ordered, short


def _forces(setting: Setting, episodes: tuple[Episode, ...]) -> tuple[Rates, Rates]:
    fill = np.full((setting.days, setting.drugs), USUAL_FILL)
    surge = np.ones((setting.days, setting.drugs))
    for each in episodes:
        fill[each.begin : each.end, each.drug] = each.fill
        surge[each.begin : each.end, each.drug] = each.demand
    return fill, surge
