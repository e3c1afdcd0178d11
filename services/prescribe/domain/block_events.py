"""Lines that nobody may hold until the prescriber has signed again: why, and the answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from services.prescribe.domain.values import Finding, Signature
from services.seedwork.model import DomainEvent, Personal, PersonalClass

Source = Literal["pharmacy", "rescreen", "safety_stop", "registration"]


class QueryRaised(DomainEvent):
    """A pharmacy's pharmacist refused to dispense; dispatch has blocked the lines, the prescriber is asked."""

    TOPIC: ClassVar[str] = "prescribe.prescription.query_raised"

    block_id: UUID
    patient_ref: UUID
    lines: tuple[int, ...]
    source: Source
    codes: tuple[str, ...] = ()
    asked_by: str
    findings: tuple[Finding, ...] = ()
    reason: Annotated[str | None, Personal(PersonalClass.CLINICAL)] = None


class LinesBlocked(QueryRaised):
    """The rescreen, an authority, the institution or the register stopped lines: dispatch is told."""

    TOPIC: ClassVar[str] = "prescribe.prescription.lines_blocked"


class QueryAnswered(DomainEvent):
    """The prescriber's signed answer (重新签字): the lines are free of this block."""

    TOPIC: ClassVar[str] = "prescribe.prescription.query_answered"

    block_id: UUID
    patient_ref: UUID
    lines: tuple[int, ...]
    answer: Annotated[str | None, Personal(PersonalClass.CLINICAL)]
    signature: Signature
    jws: Annotated[str | None, Personal(PersonalClass.CLINICAL)]
    answered_at: datetime


BLOCK_EVENTS: tuple[type[DomainEvent], ...] = (QueryRaised, LinesBlocked, QueryAnswered)
