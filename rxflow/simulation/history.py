"""What has happened in a world, and a short account of it for whoever looks for the reason of a violation."""

from __future__ import annotations

import re
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rxflow.simulation.mishaps import EVERY

KEPT_MAX = 20_000
SHOWN_MAX = 80
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


@dataclass(frozen=True)
class Happened:
    at_seconds: float
    what: str
    where: str
    detail: Any = None

    def __str__(self) -> str:
        return f"{self.at_seconds:9.3f}  {self.what:<34} {self.where}"

    def concerns(self, names: set[str]) -> bool:
        """Mishaps concern everybody."""
        return (
            self.what in EVERY
            or self.what == "time passes"
            or any(name in f"{self.where} {self.detail}" for name in names)
        )


class History:
    """Everything in order; the oldest goes where it becomes too much."""

    def __init__(self) -> None:
        self._happened: list[Happened] = []
        self.mishaps: Counter[str] = Counter()
        self.errors: list[str] = []

    def add(self, at_seconds: float, what: str, where: str, detail: Any = None) -> None:
        if what in EVERY:
            self.mishaps[what] += 1
        self._happened.append(Happened(at_seconds, what, where, detail))
        if len(self._happened) > KEPT_MAX:
            del self._happened[: KEPT_MAX // 2]

    def failure(self, error: BaseException) -> None:
        """An error that should not have been."""
        self.errors.append("".join(traceback.format_exception(error)))

    def about(self, violations: Sequence[str]) -> Iterator[str]:
        """The last that happened to what the violations name, and every mishap in between."""
        names = {name for text in violations for name in _UUID.findall(text)}
        told = [each for each in self._happened if not names or each.concerns(names)]
        if len(told) > SHOWN_MAX:
            yield f"... {len(told) - SHOWN_MAX} earlier"
        yield from map(str, told[-SHOWN_MAX:])
