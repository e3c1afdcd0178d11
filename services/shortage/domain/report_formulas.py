"""Which formula a report is made by: the one in force on the day of its instant, never the newest.

An instant that was asked about before an upgrade gives the same bytes after it, whether its first issue was kept or
not. Whoever changes the meaning of a figure keeps the builder as it was, adds another one with a version of its own,
and has it hold from a day after the release that brings it: what the older release has shown stays as it was shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.shortage.domain.report import Facts, Question, build, build_with_lists


@dataclass(frozen=True)
class Formula:
    """`since`: the first day whose instants it is for."""

    version: str
    since: date
    build: Callable[[Question, Facts], dict[str, Any]]


FORMULAS: tuple[Formula, ...] = (
    Formula("report-1", date.min, build),
    Formula("report-2", date(2026, 12, 1), build_with_lists),
)
"""By their days, the first one for all that was before the second."""


def formula_on(day: date) -> Formula:
    return max((each for each in FORMULAS if each.since <= day), key=lambda each: each.since)


def formula_of(question: Question) -> Formula:
    return next(each for each in FORMULAS if each.version == question.algorithm)
