"""Transition tables as data: which trigger an aggregate answers to in which state, and what comes of it.

Decide functions ask the table, and the docs are rendered from the same rows; so what is written is what happens. What
is not listed is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

NOT_YET = "-"
"""The state of an aggregate to which nothing has happened."""


@dataclass(frozen=True)
class Transition:
    """One row: in `state`, `trigger` (a command, an event or `clock: <deadline>`) leads to `next` when `guard` holds.

    `guard` is text for people; decide holds the rule itself. `emits` names the integration events, or `-`.
    """

    state: str
    trigger: str
    guard: str
    next: str
    emits: str


class Transitions:
    """The whole table of one aggregate."""

    def __init__(self, rows: tuple[Transition, ...]) -> None:
        self.rows = rows
        self._allowed = frozenset((row.state, row.trigger) for row in rows)

    def allows(self, state: str, trigger: str) -> bool:
        """Whether the table has a row for this trigger in this state."""
        return (state, trigger) in self._allowed
