"""TraceAlarm: a trace code (药品追溯码) was met a second time. Kept as a fact for whoever audits: which code, where
it was sold first and where it turned up, and the insurer of the first sale's claim, where one is known.

Source: 药品追溯码 must have one sale record; a repeat is a suspected fake, returned or swapped drug.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from services.seedwork.model import Aggregate, DomainEvent, Immutable, StreamRef, derived_id


class CodePlace(Immutable):
    """Where and when a code was met."""

    pharmacy: str
    region: str
    at: datetime | None = None


class RepeatNoted(DomainEvent):
    """Dispatch refused a second sale, or a return at a foreign place."""

    TOPIC: ClassVar[str] = "insurance.trace_alarm.repeat_noted"

    code_sha256: str
    product: str
    kind: str
    found: str
    first: CodePlace
    second: CodePlace
    claim_id: UUID | None
    """The claim of the supply that sold it first."""
    insurer: str | None


@dataclass(frozen=True)
class TraceAlarmState:
    """All repeats of one code."""

    repeats: tuple[RepeatNoted, ...] = ()


def evolve(state: TraceAlarmState, event: RepeatNoted) -> TraceAlarmState:
    return TraceAlarmState((*state.repeats, event))


def note_repeat(state: TraceAlarmState, event: RepeatNoted) -> list[DomainEvent]:
    """The same repeat told again is nothing new."""
    known = any(each.model_copy(update={"claim_id": None, "insurer": None}) == _bare(event) for each in state.repeats)
    return [] if known else [event]


def _bare(event: RepeatNoted) -> RepeatNoted:
    return event.model_copy(update={"claim_id": None, "insurer": None})


TRACE_ALARM: Aggregate[TraceAlarmState] = Aggregate(
    name="trace_alarm", events=(RepeatNoted,), initial=TraceAlarmState(), evolve=evolve
)


def trace_alarm_of(code_sha256: str) -> StreamRef[TraceAlarmState]:
    """The alarms about one code, known by its hash."""
    return TRACE_ALARM.ref(derived_id("trace_alarm", code_sha256))
