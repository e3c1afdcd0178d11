"""What a simulated insurer does wrong, as real ones do. The same seed does the same with the same messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from random import Random

MEANINGS: Mapping[str, str] = {
    "refuse": "says no, signed; nothing is booked",
    "fail": "breaks with status 500, before it has booked or after",
    "unknown": "says that it cannot say, before it has booked or after",
    "delay": "books, and answers later than anybody waits",
    "duplicate": "hears the message twice and answers the second",
    "bad_signature": "books, and signs its answer with another key",
    "miscount": "books a fen more for the fund than it answers: only reconciliation finds it",
}
"""mode -> what it does. Each is a chance between 0 and 1; the first that comes up is done."""


@dataclass(frozen=True)
class Mishaps:
    """How often something goes wrong."""

    refuse: float = 0.0
    fail: float = 0.0
    unknown: float = 0.0
    delay: float = 0.0
    duplicate: float = 0.0
    bad_signature: float = 0.0
    miscount: float = 0.0

    def __post_init__(self) -> None:
        chances = [getattr(self, each.name) for each in fields(self)]
        if min(chances) < 0 or sum(chances) > 1:
            raise ValueError("chances are between 0 and 1, all together at most 1")

    @classmethod
    def always(cls, mode: str) -> Mishaps:
        """Nothing else ever happens. Raises ValueError for a mode that there is not."""
        return cls.of({mode: 1.0}) if mode != "none" else cls()

    @classmethod
    def of(cls, chances: Mapping[str, float]) -> Mishaps:
        """Raises ValueError for a mode that there is not, and for no chances."""
        if strange := chances.keys() - MEANINGS.keys():
            raise ValueError(f"no mode {', '.join(sorted(strange))}; there are {', '.join(MEANINGS)}")
        return cls(**chances)

    def drawn(self, random: Random) -> str | None:
        """What goes wrong this time."""
        point, so_far = random.random(), 0.0
        for each in fields(self):
            so_far += getattr(self, each.name)
            if point < so_far:
                return each.name
        return None
