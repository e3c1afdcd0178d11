"""The first issue of a report, kept with its digest: whoever asks for the same instant again gets these very bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from services.seedwork.model import Aggregate, DomainEvent, StreamRef, derived_id
from services.shortage.domain.report import Question

CONTENT_BYTES_MAX = 4 * 1024 * 1024


class ReportIssued(DomainEvent):
    """A report as it was issued first. `signature`: a compact JWS over its name and digest, of the installation."""

    TOPIC: ClassVar[str] = "shortage.report_issue.issued"

    kind: str
    region: str
    first: date
    last: date
    as_of: datetime
    log_index: int
    algorithm: str
    sha256: str
    content: str
    signature: str


@dataclass(frozen=True)
class IssueState:
    """None before it was asked for."""

    issued: ReportIssued | None = None


def evolve(_state: IssueState, event: ReportIssued) -> IssueState:
    return IssueState(event)


REPORT_ISSUE: Aggregate[IssueState] = Aggregate(
    name="report_issue", events=(ReportIssued,), initial=IssueState(), evolve=evolve
)


def issue_ref(question: Question) -> StreamRef[IssueState]:
    """One stream for what was asked; the log index follows from the instant."""
    about = (question.kind, question.region, question.first, question.last, question.as_of.timestamp().hex())
    return REPORT_ISSUE.ref(derived_id("report_issue", *about))


def issue(state: IssueState, issued: ReportIssued) -> list[DomainEvent]:
    """Whoever comes second changes nothing."""
    return [] if state.issued is not None else [issued]
