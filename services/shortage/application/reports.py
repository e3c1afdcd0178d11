"""Reads what a report is made of out of the history, up to what was sealed by its instant; keeps its first issue."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import orjson

from services.seedwork.calendar import ZONE, civil_day
from services.seedwork.clock import to_micros
from services.seedwork.failures import Refused
from services.seedwork.model import Loaded
from services.seedwork.ports import Reader
from services.seedwork.usecase import Decision, Moment, UseCase
from services.shortage.domain.policy import POLICIES
from services.shortage.domain.report import (
    CASE_ROWS_MAX,
    DRUGS_MAX,
    Facts,
    Kind,
    Question,
    canonical,
    digest,
)
from services.shortage.domain.report_formulas import formula_of, formula_on
from services.shortage.domain.report_issue import IssueState, ReportIssued, issue, issue_ref

SETTLED = timedelta(seconds=15)
"""An instant is answered once it lies so far back: what was being sealed then has been committed or given up."""


async def ask(read: Reader, kind: Kind, region: str, first: date, last: date, as_of: datetime) -> Question:
    """The question with the log index that belongs to its instant. Refused: the instant is ahead or hardly over, or the
    rows have not come so far yet."""
    now = await read.now()
    if as_of > now - SETTLED:
        raise Refused("report.too_recent", latest=(now - SETTLED).isoformat())
    (sealed,) = await read.find("sealed_by", moment=to_micros(as_of))
    if sealed["shown"] < sealed["log_index"]:
        raise Refused("report.not_ready", log_index=int(sealed["log_index"]), shown=int(sealed["shown"]))
    policy = POLICIES.on(civil_day(as_of), read.jurisdiction)
    return Question(
        kind=kind,
        region=region,
        first=first,
        last=last,
        as_of=as_of.astimezone(UTC),
        log_index=int(sealed["log_index"]),
        jurisdiction=read.jurisdiction,
        policy=policy.version,
        algorithm=formula_on(civil_day(as_of)).version,
    )


async def content_of(read: Reader, question: Question) -> bytes:
    """The canonical bytes of the report. Refused: the facts it would be made from have served their time."""
    now = await read.now()
    earliest = now - kept(read.jurisdiction, now)
    if min(question.first, civil_day(question.as_of)) <= civil_day(earliest):
        raise Refused("report.too_old", earliest=(civil_day(earliest) + timedelta(days=1)).isoformat())
    at: dict[str, Any] = {"log_index": question.log_index, "within": question.region}
    days, since = supply_days(question)
    cases = await read.find("cases_at", **at, since=since, limit=CASE_ROWS_MAX + 1)
    supply = await read.find("supply_at", **at, **days, limit=DRUGS_MAX + 1)
    if len(cases) > CASE_ROWS_MAX or len(supply) > DRUGS_MAX:
        raise Refused("report.too_large", limit=CASE_ROWS_MAX)
    (reporters,) = await read.find("reporters_at", **at, **days)
    return canonical(formula_of(question).build(question, Facts(cases, supply, reporters)))


def kept(jurisdiction: str, now: datetime) -> timedelta:
    """How far back the facts of supply are kept."""
    return timedelta(days=POLICIES.on(civil_day(now), jurisdiction).reports_kept_days)


def supply_days(question: Question) -> tuple[dict[str, str], int]:
    """The days that the facts of supply are counted over, and since when a case must have been open to be shown."""
    days = {"first": question.first.isoformat(), "last": question.last.isoformat()}
    return days, to_micros(datetime.combine(question.first, time(), ZONE))


def first_issue(question: Question, content: bytes, sign: Callable[[bytes], str]) -> ReportIssued:
    """The report as it is to be kept."""
    sha256 = digest(content)
    named = {"report": f"shortage_{question.kind}", "region": question.region, "as_of": question.as_of.isoformat()}
    return ReportIssued(
        kind=question.kind,
        region=question.region,
        first=question.first,
        last=question.last,
        as_of=question.as_of,
        log_index=question.log_index,
        algorithm=question.algorithm,
        sha256=sha256,
        content=content.decode(),
        signature=sign(orjson.dumps({**named, "log_index": question.log_index, "sha256": sha256})),
    )


def keep_issue(question: Question, issued: ReportIssued) -> UseCase:
    """Whoever asked at the same time and was first counts."""

    def decide(_moment: Moment, known: Loaded[IssueState]) -> Decision:
        return Decision.on(known, issue(known.state, issued))

    return UseCase((issue_ref(question),), decide)
