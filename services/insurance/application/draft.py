"""A decision over several aggregates, written step by step: each step sees what the steps before it have written."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar
from uuid import UUID

from services.seedwork.model import DomainEvent, Loaded, Outcome, Refusal, StreamRef
from services.seedwork.usecase import Answer, Change, Decision, Load

S = TypeVar("S")

Loading = Generator[Load, Any, tuple[Loaded[Any], ...]]


class Draft:
    """The aggregates a decision has loaded and the events it adds to them; nothing is saved before `decision`."""

    def __init__(self, *loaded: Loaded[Any]) -> None:
        self._loaded: dict[UUID, Loaded[Any]] = {found.stream_id: found for found in loaded}
        self._events: dict[UUID, list[DomainEvent]] = {}

    def load(self, *refs: StreamRef[Any]) -> Loading:
        """These aggregates; those already loaded are not asked for again."""
        missing = {ref.stream_id: ref for ref in refs if ref.stream_id not in self._loaded}
        if missing:
            for found in (yield Load(tuple(missing.values()))):
                self._loaded[found.stream_id] = found
        return tuple(self._loaded[ref.stream_id] for ref in refs)

    def state(self, loaded: Loaded[S]) -> S:
        """The aggregate once all that is drafted has happened."""
        return loaded.after(self._events.get(loaded.stream_id, ()))

    def add(self, loaded: Loaded[Any], outcome: Outcome) -> Refusal | None:
        """Add events, or hand the refusal back."""
        if isinstance(outcome, Refusal):
            return outcome
        if outcome:
            self._events.setdefault(loaded.stream_id, []).extend(outcome)
        return None

    def decision(self, answer: Answer | None = None) -> Decision:
        changes = tuple(Change(self._loaded[stream], tuple(events)) for stream, events in self._events.items())
        return Decision(changes=changes, answer=answer or Answer())
