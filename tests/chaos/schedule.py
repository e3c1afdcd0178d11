"""Which fault comes next. Pure: all of one seed are equal."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence, Set
from random import Random


class Schedule:
    """Rounds in which each fault comes once, in another order each time.

    A fault whose claims are taken is put off: the next one that is free comes first.
    """

    def __init__(self, claims: Mapping[str, Set[str]], seed: int) -> None:
        self._claims = claims
        self._random = Random(seed)
        self._due: deque[str] = deque()

    def next_fault(self, taken: Set[str]) -> str | None:
        """The next that claims nothing of what is taken; None where there is none."""
        if len(self._due) <= len(self._claims):
            self._due.extend(self._round())
        for name in self._due:
            if not self._claims[name] & taken:
                self._due.remove(name)
                return name
        return None

    def _round(self) -> Sequence[str]:
        names = sorted(self._claims)
        self._random.shuffle(names)
        return names


def moments(seconds: float, every: float) -> list[float]:
    """When faults come, in seconds from the beginning: the last one early enough to be recovered from."""
    return [every * number for number in range(1, int(seconds // every))] or [seconds / 2]
