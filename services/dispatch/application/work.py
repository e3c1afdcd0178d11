"""Steps that one decision asks of other aggregates: performed in order, saved together, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.seedwork.model import DomainEvent, Loaded, Outcome, Refusal, StreamRef
from services.seedwork.usecase import Change


@dataclass(frozen=True)
class Work:
    """One step on one other aggregate."""

    ref: StreamRef[Any]
    step: Callable[[Any], Outcome]
    alarm: Callable[[Any], list[DomainEvent]] | None = None
    """What is told all the same when the step finds a repeated trace code."""


@dataclass(frozen=True)
class Broken:
    """A step that is refused, with the state in which it was."""

    refusal: Refusal
    work: Work
    found: Loaded[Any]


def perform_all(works: Iterable[Work], loaded: Iterable[Loaded[Any]]) -> tuple[Change, ...] | Broken:
    """The changes of all steps, or the first that is refused."""
    read = {one.stream_id: one for one in loaded}
    state = {stream_id: one.state for stream_id, one in read.items()}
    events: dict[UUID, list[DomainEvent]] = {stream_id: [] for stream_id in read}
    for work in works:
        stream_id = work.ref.stream_id
        done = work.step(state[stream_id])
        if isinstance(done, Refusal):
            return Broken(done, work, read[stream_id])
        state[stream_id] = work.ref.aggregate.fold(done, state[stream_id])
        events[stream_id] += done
    return tuple(Change(read[stream_id], tuple(new)) for stream_id, new in events.items() if new)
