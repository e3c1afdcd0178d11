"""The aggregate of what one reporter told about one drug and day: by direct report, register or price, once by key and
content.

A report that says the opposite of another one of the same reporter about the same day, drug and place, or of its own
figures, is kept as well and marked: whoever is right, nobody decides it here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from hashlib import sha256
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from services.seedwork.model import Aggregate, DomainEvent, Immutable, Refusal, StreamRef, derived_id
from services.shortage.domain.detection.cover import SupplyStatus
from services.shortage.domain.regions import as_node
from services.shortage.domain.values import SourceKind

REPORTS_PER_DAY_MAX = 5000
REPORTS_PER_WEIGHT = 10
"""So many reports take about as much memory as an ordinary state."""
Trust = Literal["own", "official", "third_party"]


class ShortageReport(Immutable):
    """One record of one source about one drug in one place. `key` is the source's own key of the record."""

    source: Literal[SourceKind.DIRECT_REPORT, SourceKind.REGISTER, SourceKind.PRICE_JUMP]
    key: Annotated[str, Field(min_length=1, max_length=300)]
    reporter: Annotated[str, Field(min_length=1, max_length=300)]
    trust: Trust
    drug_key: Annotated[str, Field(min_length=1, max_length=300)]
    region: Annotated[str, Field(pattern=r"^(\d{6}|\d{4}|\d{2}|)$"), AfterValidator(as_node)]
    """Region node: 6 digits county, 4 city, 2 province, empty the nation."""
    status: SupplyStatus | None
    """What it says about supply; None: it does not."""
    occurred_at: datetime
    on_hand: Annotated[int, Field(ge=0)] | None = None
    note: Annotated[str, Field(max_length=2000)] = ""
    reported_at: datetime | None = None
    """When the source said it; None: when it arrived."""
    price_before: Annotated[int, Field(gt=0)] | None = None
    price: Annotated[int, Field(gt=0)] | None = None
    """Fen a pack, of a change of price."""

    @property
    def digest(self) -> str:
        """Of the content. Fields that say nothing are no part of it, so that a field more is no other content."""
        told = {name for name in ("reported_at", "price_before", "price") if getattr(self, name) is None}
        return sha256(self.model_dump_json(exclude=told).encode()).hexdigest()

    @property
    def short(self) -> bool | None:
        """Whether it says that supply is short; None: it does not say."""
        return None if self.status is None else self.status >= SupplyStatus.SHORT


class ReportReceived(DomainEvent):
    """A source told something new, or corrected what it had told under this key."""

    TOPIC: ClassVar[str] = "shortage.report.received"

    report: ShortageReport
    digest: str
    """Of the content: the same again is nothing new."""
    reported_at: datetime
    contradicts: str | None = None
    """The key of the report that says the opposite, or `OWN_FIGURES`."""


OWN_FIGURES = "own figures"


@dataclass(frozen=True)
class ReportsState:
    """By source and key, the digest of what was told last; by drug and place, who says that it is short, or not.

    Kept in the process between the parts of an import, so there is little of it: digests as bytes, a key once.
    """

    digests: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    said: Mapping[tuple[str, str], Mapping[str, bool]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return sum(map(len, self.digests.values()))

    def digest_of(self, report: ShortageReport) -> bytes | None:
        """Of what is known under its source and key."""
        return self.digests.get(report.source, {}).get(report.key)


def evolve_reports(state: ReportsState, event: ReportReceived) -> ReportsState:
    report = event.report
    of_source = {**state.digests.get(report.source, {}), report.key: bytes.fromhex(event.digest)}
    digests = {**state.digests, report.source: of_source}
    if report.short is None:
        return replace(state, digests=digests)
    place = (report.drug_key, report.region)
    said = {**state.said.get(place, {}), report.key: report.short}
    return ReportsState(digests, {**state.said, place: said})


REPORTS: Aggregate[ReportsState] = Aggregate(
    name="report",
    events=(ReportReceived,),
    initial=ReportsState(),
    evolve=evolve_reports,
    cached=True,  # or each part of an import reads all that the parts before it have brought
    weight=lambda state: 1 + state.count // REPORTS_PER_WEIGHT,
)


def reports_ref(reporter: str, day: date, drug_key: str) -> StreamRef[ReportsState]:
    """A stream for each drug: a register tells ten thousands of records about one day."""
    return REPORTS.ref(derived_id("report", reporter, day, drug_key))


def receive(state: ReportsState, report: ShortageReport, now: datetime) -> list[DomainEvent] | Refusal:
    """What is new in it: nothing where the same content is known under its key."""
    if state.digest_of(report) == bytes.fromhex(report.digest):
        return []
    latest = max(report.occurred_at, report.reported_at or report.occurred_at)
    if latest > now:
        return Refusal("report.in_the_future", {"occurred_at": latest})
    if state.count >= REPORTS_PER_DAY_MAX:
        return Refusal("report.too_many", {"limit": REPORTS_PER_DAY_MAX})
    received = ReportReceived(
        report=report,
        digest=report.digest,
        reported_at=report.reported_at or now,
        contradicts=_contradicted(state, report),
    )
    return [received]


def speaks_for_a_shortage(report: ShortageReport, jump_percent: int) -> bool:
    """A status that is short, or a price that has become so many percent of what it was."""
    if report.price is not None and report.price_before is not None:
        return report.price * 100 >= report.price_before * jump_percent
    return report.short is True


def _contradicted(state: ReportsState, report: ShortageReport) -> str | None:
    if report.status is SupplyStatus.SUFFICIENT and report.on_hand == 0:
        return OWN_FIGURES
    if report.short is None:
        return None
    others = state.said.get((report.drug_key, report.region), {})
    return next((key for key, short in others.items() if key != report.key and short is not report.short), None)
