"""What happens in shortage: to a reporter's day of signals, to a detector, to a case."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from services.seedwork.model import DomainEvent
from services.shortage.domain.policy import Grade
from services.shortage.domain.regions import Level
from services.shortage.domain.values import Evidence, Signal

EndedAs = Literal["dismissed", "dismissed_auto"]
ConfirmedBy = Literal["rule", "regulator"]


class SignalReceived(DomainEvent):
    """A reporter could not fill a demand."""

    TOPIC: ClassVar[str] = "shortage.signal.received"

    drug_key: str
    signal: Signal
    quantity: int
    reason: str
    on_hand: int | None
    """None: the pharmacy's stock is not known."""


class SignalCounted(DomainEvent):
    """A detector took a signal into account, and no longer counts what is older than `forget_before`."""

    TOPIC: ClassVar[str] = "shortage.detector.signal_counted"

    signal: Signal
    forget_before: datetime


class DetectorFired(DomainEvent):
    """A case was opened; it is the detector's n-th."""

    TOPIC: ClassVar[str] = "shortage.detector.fired"

    n: int
    case_id: UUID


class CaseSuspected(DomainEvent):
    """Enough pharmacies were out of the drug at about the same time."""

    TOPIC: ClassVar[str] = "shortage.shortage_case.suspected"

    case_id: UUID
    drug_key: str
    region: str
    n: int
    evidence: Evidence
    policy_version: str
    previous_case: UUID | None
    counts_from: datetime | None
    """The end of the case before: what happened until then was judged with it."""
    suspected_at: datetime
    quiet_at: datetime


class EvidenceAdded(DomainEvent):
    """One more signal for a case that is only suspected; its suspicion lasts until `quiet_at`."""

    TOPIC: ClassVar[str] = "shortage.shortage_case.evidence_added"

    evidence: Evidence
    quiet_at: datetime


class CaseConfirmed(DomainEvent):
    """It is a shortage."""

    TOPIC: ClassVar[str] = "shortage.shortage_case.confirmed"

    grade: Grade
    owner_level: Level
    confirmed_by: ConfirmedBy
    reason: str | None
    evidence: Evidence
    policy_version: str
    confirmed_at: datetime


class CaseEnded(DomainEvent):
    """It was none, or is none any more."""

    TOPIC: ClassVar[str] = "shortage.shortage_case.ended"

    ended_as: EndedAs
    reason: str | None
    ended_at: datetime


DetectorEvent = SignalCounted | DetectorFired
CaseEvent = CaseSuspected | EvidenceAdded | CaseConfirmed | CaseEnded
