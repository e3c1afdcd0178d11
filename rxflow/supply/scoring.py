"""What alarms are worth: delay, probability of detection, predictive value, false alarms per drug-year."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from rxflow.supply.setting import Episode

GRACE_DAYS = 28
"""An alarm so long after an episode still belongs to it: shelves fill up again, detectors come down."""


@dataclass
class Score:
    """One detector over any number of worlds."""

    delays: dict[str, list[int | None]] = field(default_factory=dict)
    """By kind of episode, days from its begin to the first alarm; None: missed."""
    already: int = 0
    """Episodes that began while it alarmed: nobody can say when it would have noticed them, so they are not judged."""
    true_alarms: int = 0
    false_alarms: int = 0
    quiet_days: int = 0
    """Drug-days of the judged year in which an alarm is false."""
    free_days: int = 0
    """Those of them on which one can begin, because none stands."""

    @property
    def false_per_drug_year(self) -> float | None:
        return self.false_alarms * 365 / self.quiet_days if self.quiet_days else None

    @property
    def false_per_free_year(self) -> float | None:
        """Per drug-year in which none stood: an alarm that outlasts its episode hides those that would begin."""
        return self.false_alarms * 365 / self.free_days if self.free_days else None

    @property
    def predictive_value(self) -> float | None:
        """Of all alarms, the share that was right."""
        alarms = self.true_alarms + self.false_alarms
        return self.true_alarms / alarms if alarms else None

    def detected(self, kind: str) -> float | None:
        """Share of the episodes that were noticed before they ended."""
        delays = self.delays.get(kind, [])
        return sum(delay is not None for delay in delays) / len(delays) if delays else None

    def delay(self, kind: str, share: float) -> int | None:
        """By then this share of all episodes was noticed, missed ones counted; None: fewer ever were."""
        delays = self.delays.get(kind, [])
        seen = sorted(delay for delay in delays if delay is not None)
        rank = max(1, ceil(share * len(delays)))
        return seen[rank - 1] if delays and rank <= len(seen) else None

    def add(self, episodes: Sequence[Episode], alarms: Iterable[tuple[int, int]], begin: int, end: int) -> None:
        """The alarms about one drug between two days. An alarm from before an episode is no detection of it."""
        whole = list(alarms)
        starts = [start for start, _ in whole if begin <= start < end]
        for episode in episodes:
            if any(start < episode.begin < over for start, over in whole):
                self.already += 1
                continue
            first = next((start for start in starts if episode.begin <= start < episode.end), None)
            self.delays.setdefault(episode.kind, []).append(None if first is None else first - episode.begin)
        right = [start for start in starts if any(_belongs(start, episode) for episode in episodes)]
        self.true_alarms += len(right)
        self.false_alarms += len(starts) - len(right)
        quiet = [day for day in range(begin, end) if not any(_belongs(day, episode) for episode in episodes)]
        self.quiet_days += len(quiet)
        self.free_days += sum(not any(start < day <= over for start, over in whole) for day in quiet)


Scores = Mapping[str, Score]


def _belongs(day: int, episode: Episode) -> bool:
    return episode.begin <= day < episode.end + GRACE_DAYS
