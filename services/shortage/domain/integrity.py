"""IntegrityAlarm: a trace code was met a second time. For the regulator's board: fake, returned or swapped goods.

No patient in it; the code only as its hash.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from services.seedwork.model import Aggregate, DomainEvent, Immutable, StreamRef, derived_id


class CodePlace(Immutable):
    """Where and when a code was met; `region` is the pharmacy's county."""

    pharmacy: str
    region: str
    at: datetime | None = None


class IntegrityAlarmRaised(DomainEvent):
    """A second sale of a code, or its return at a place that did not sell it, was refused."""

    TOPIC: ClassVar[str] = "shortage.integrity.alarm_raised"

    code_sha256: str
    product: str
    kind: str
    found: str
    first: CodePlace
    second: CodePlace


@dataclass(frozen=True)
class IntegrityState:
    """All alarms about one code."""

    alarms: tuple[IntegrityAlarmRaised, ...] = ()


def evolve(state: IntegrityState, event: IntegrityAlarmRaised) -> IntegrityState:
    return IntegrityState((*state.alarms, event))


def raise_alarm(state: IntegrityState, event: IntegrityAlarmRaised) -> list[DomainEvent]:
    """The same repeat told again is nothing new."""
    return [] if event in state.alarms else [event]


INTEGRITY: Aggregate[IntegrityState] = Aggregate(
    name="integrity", events=(IntegrityAlarmRaised,), initial=IntegrityState(), evolve=evolve
)


def integrity_ref(code_sha256: str) -> StreamRef[IntegrityState]:
    return INTEGRITY.ref(derived_id("integrity", code_sha256))
