"""Wrong codes: counted per person and per fulfilment, then locked, each time for longer. The lock is in the record: it
fails closed, and no restart forgets it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import ClassVar
from uuid import UUID

from services.dispatch.domain.policy import Policy
from services.seedwork.model import Aggregate, DomainEvent, Refusal, derived_id

_NEVER = datetime.min.replace(tzinfo=UTC)


class CodeMissed(DomainEvent):
    """A code was wrong."""

    TOPIC: ClassVar[str] = "dispatch.guess.code_missed"

    at: datetime
    first: bool
    """Whether this miss starts a new window."""


class CodesLocked(DomainEvent):
    """Too many wrong codes: no code is looked at until then."""

    TOPIC: ClassVar[str] = "dispatch.guess.codes_locked"

    until: datetime
    level: int = 1
    """The how-manieth lock in a row: each waits longer than the one before."""


@dataclass(frozen=True)
class GuessState:
    """Misses of the current window, and the lock."""

    misses: int = 0
    since: datetime = _NEVER
    locked_until: datetime = _NEVER
    level: int = 0


def evolve(state: GuessState, event: DomainEvent) -> GuessState:
    match event:
        case CodeMissed(at=at, first=first):
            return replace(state, misses=1, since=at) if first else replace(state, misses=state.misses + 1)
        case CodesLocked(until=until, level=level):
            return replace(state, misses=0, since=_NEVER, locked_until=until, level=level)
    return state  # pragma: no cover - the aggregate names no other event


def check(state: GuessState, now: datetime) -> Refusal | None:
    """While the lock lasts even the right code is refused: otherwise the lock would tell which one is right."""
    if now < state.locked_until:
        return Refusal("token.locked", {"until": state.locked_until.isoformat()})
    return None


def miss(state: GuessState, now: datetime, policy: Policy) -> list[DomainEvent]:
    """Count a wrong code; the last one allowed locks, for longer than the lock before, unless that was long ago."""
    first = now >= state.since + policy.wrong_codes_window if state.misses else True
    count = 1 if first else state.misses + 1
    events: list[DomainEvent] = [CodeMissed(at=now, first=first)]
    if count >= policy.wrong_codes_max:
        recently = state.level and now < state.locked_until + policy.wrong_codes_forgotten
        level = state.level + 1 if recently else 1
        events.append(CodesLocked(until=now + policy.wrong_codes_lock(level), level=level))
    return events


GUESSES: Aggregate[GuessState] = Aggregate(
    name="guess", events=(CodeMissed, CodesLocked), initial=GuessState(), evolve=evolve
)


def guess_id(kind: str, key: object) -> UUID:
    """One counter per person (`actor`) and one per `fulfilment`."""
    return derived_id("guess", kind, key)
