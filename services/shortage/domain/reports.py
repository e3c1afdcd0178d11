"""The aggregate of what one reporter told on one day by direct report or register: kept once per key and content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from services.seedwork.model import Aggregate, DomainEvent, Immutable, StreamRef, derived_id
from services.shortage.domain.detection.cover import SupplyStatus
from services.shortage.domain.values import SourceKind

REPORTS_PER_DAY_MAX = 5000
Trust = Literal["own", "official", "third_party"]


class ShortageReport(Immutable):
    """One record of one source about one drug in one place. `key` is the source's own key of the record."""

    source: Literal[SourceKind.DIRECT_REPORT, SourceKind.REGISTER]
    key: Annotated[str, Field(min_length=1, max_length=300)]
    reporter: Annotated[str, Field(min_length=1, max_length=300)]
    trust: Trust
    drug_key: Annotated[str, Field(min_length=1, max_length=300)]
    region: Annotated[str, Field(pattern=r"^(\d{6}|\d{4}|\d{2}|)$")]
    """Region node: 6 digits county, 4 city, 2 province, empty the nation."""
    status: SupplyStatus | None
    """What it says about supply; None: it does not."""
    occurred_at: datetime
    on_hand: Annotated[int, Field(ge=0)] | None = None
    note: Annotated[str, Field(max_length=2000)] = ""


class ReportReceived(DomainEvent):
    """A source told something new, or corrected what it had told under this key."""

    TOPIC: ClassVar[str] = "shortage.report.received"

    report: ShortageReport
    digest: str
    """Of the content: the same again is nothing new."""
    reported_at: datetime


@dataclass(frozen=True)
class ReportsState:
    """By source and key, the digest of what was told last."""

    digests: Mapping[tuple[str, str], str] = field(default_factory=dict)


def evolve_reports(state: ReportsState, event: ReportReceived) -> ReportsState:
    return ReportsState({**state.digests, (event.report.source, event.report.key): event.digest})


REPORTS: Aggregate[ReportsState] = Aggregate(
    name="report", events=(ReportReceived,), initial=ReportsState(), evolve=evolve_reports
)


def reports_ref(reporter: str, day: date) -> StreamRef[ReportsState]:
    return REPORTS.ref(derived_id("report", reporter, day))
