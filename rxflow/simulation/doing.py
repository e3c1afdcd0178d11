"""Somebody who does things around a prescription: any of them may be refused, none may fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from rxflow.client import NoAnswer, Problem, TimedOut
from rxflow.play.journey import Journey
from rxflow.simulation.writing import Town

SHED = 503
"""What a client is told that should come again later; it has come several times then."""


class Unlawful(Exception):  # noqa: N818 - a finding
    """Something was accepted that nobody may do."""


@dataclass
class Doing:
    """`done`: what was accepted, `refused`: what was not, and why."""

    town: Town
    journey: Journey
    refused: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def attempt(self, choose: Callable[[], Callable[[], object]]) -> None:
        """Does what is chosen. Raises Problem where a service fails instead of refusing, and Unlawful."""
        name = "choose"
        try:
            deed = choose()
            name = deed.__name__
            deed()
            self.done.append(name)
        except Problem as problem:
            if problem.status >= 500 and problem.status != SHED:
                raise
            self.refused.append(f"{name}: {problem.code}")
        except (NoAnswer, TimedOut):
            self.refused.append(f"{name}: gave up")

    def must_be_refused(self, what: str, deed: Callable[[], object]) -> None:
        """Somebody tries what is not theirs. Raises what the deed raises, and Unlawful where it raises nothing."""
        deed()
        raise Unlawful(f"accepted, though nobody may: {what}")
