"""What others know of the supply of medicines, in bulk: direct reports, jumps of prices, registers, makers' stops.

A row that is wrong is reported, nothing of it is kept, and it holds up no other. The same row again changes nothing.
What speaks for a shortage is noted with the watch over its drug, and has its effect on cases at the next tick.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from contracts.supply_reports import PriceRow, StopRow
from services.seedwork.calendar import civil_day
from services.seedwork.model import DomainEvent, Outcome, Refusal, StreamRef
from services.seedwork.usecase import Decision, Find, Moment, UseCase
from services.shortage.application.drug_names import named_drugs
from services.shortage.application.import_books import Books, opened
from services.shortage.application.import_rows import Read, Sender, answered, counted, refused, too_many
from services.shortage.application.nodes import Loading
from services.shortage.domain.detection.cover import SupplyStatus
from services.shortage.domain.policy import POLICIES, ShortagePolicy
from services.shortage.domain.regions import known_node, node_at
from services.shortage.domain.reporter import ReporterState, contradicts_itself, reported, reporter_ref
from services.shortage.domain.reports import (
    ReportReceived,
    ReportsState,
    ShortageReport,
    receive,
    reports_ref,
    speaks_for_a_shortage,
)
from services.shortage.domain.stop_notice import (
    EndStop,
    ReportStop,
    end_stop,
    report_stop,
    stop_notice_id,
    stop_notice_ref,
)
from services.shortage.domain.values import SourceKind
from services.shortage.domain.watch import Sign

CASES_MAX = 5000
NATION = ""


def import_reports(source: SourceKind, rows: Sequence[Read], sender: Sender) -> UseCase:
    """Reports of one kind. A register's drug may be told in words: it is then the one drug that they fit."""
    if refusal := too_many(rows):
        return refused(refusal)

    def decide(moment: Moment) -> Loading[Decision]:
        named = yield from named_drugs([each.row for each in rows if each.row is not None])
        policy = POLICIES.on(civil_day(moment.now), moment.jurisdiction)
        told = [_report(source, each, sender, named) for each in rows]
        reports = [each for each in told if isinstance(each, ShortageReport)]
        refs = [ref for each in reports for ref in (_day(each), reporter_ref(each.reporter, each.source))]
        books = yield from opened(refs, {report.drug_key for report in reports})
        if any(report.short is False for report in reports):
            open_cases: Sequence[Mapping[str, Any]] = yield Find("cases_begun", {"limit": CASES_MAX})  # type: ignore[misc]
            books.in_question = {(row["drug_key"], row["region"]) for row in open_cases}
        answers = [
            answered(read.key, _booked(report, books, moment, policy))
            if isinstance(report, ShortageReport)
            else answered(read.key, report)
            for read, report in zip(rows, told, strict=True)
        ]
        return Decision(books.changes(moment.now + policy.tick), counted(answers))

    return UseCase((), decide)


def import_stops(rows: Sequence[Read], sender: Sender) -> UseCase:
    """Makers' notices; one that names how it ended ends it."""
    if refusal := too_many(rows):
        return refused(refusal)

    def decide(moment: Moment) -> Loading[Decision]:
        policy = POLICIES.on(civil_day(moment.now), moment.jurisdiction)
        good: list[StopRow] = [each.row for each in rows if each.row is not None]
        notices = [stop_notice_ref(stop_notice_id(row.maker, row.reference)) for row in good]
        books = yield from opened(notices, {row.drug_key for row in good})
        answers = [answered(read.key, _stopped(read, books, moment, policy, sender)) for read in rows]
        return Decision(books.changes(moment.now + policy.tick), counted(answers))

    return UseCase((), decide)


def sign_of(report: ShortageReport, now: datetime, policy: ShortagePolicy) -> Sign | None:
    """What a report says for a shortage, or against one; None: neither, or it is about what is over.

    A register's record tells how things are when it is read; another report, how they were when it happened. Against
    one only sources count that could open a case.
    """
    at = now if report.source is SourceKind.REGISTER else report.occurred_at
    late = at < now - timedelta(days=policy.detection.lateness_days)
    opens, against = report.trust in policy.opening_trust, report.short is False
    if late or not (opens if against else speaks_for_a_shortage(report, policy.price_jump_percent)):
        return None
    source = SourceKind(report.source)
    return Sign(
        source=source,
        region=report.region,
        node=node_at(report.region, policy.case_region_level),
        at=at,
        opens=opens and not against,
        against=against,
        events=(f"{source.value}/{report.reporter}/{report.key}",),
        places={report.reporter: report.region} if source is SourceKind.DIRECT_REPORT else {},
    )


def _day(report: ShortageReport) -> StreamRef[ReportsState]:
    return reports_ref(report.reporter, civil_day(report.occurred_at), report.drug_key)


def _report(
    source: SourceKind, read: Read, sender: Sender, named: Mapping[str, str]
) -> ShortageReport | Refusal | Read:
    """The row as a report; or why it is none."""
    row = read.row
    if row is None:
        return read
    drug_key = row.drug_key or named.get(row.key)
    if drug_key is None:
        return Refusal("report.drug_unknown", {"key": row.key})
    reporter = row.reporter or sender.reporter
    if reporter is None or (sender.only and reporter != sender.reporter):
        return Refusal("report.not_yours", {"reporter": reporter})
    status = getattr(row, "status", None)
    return ShortageReport(
        source=source,
        key=row.key,
        reporter=reporter,
        trust="own" if sender.only else row.trust or sender.trust,
        drug_key=drug_key,
        region=row.region,
        status=None if status is None else SupplyStatus(status),
        occurred_at=row.occurred_at,
        on_hand=getattr(row, "on_hand", None),
        note=row.note,
        reported_at=row.reported_at,
        price_before=row.price_before if isinstance(row, PriceRow) else None,
        price=row.price if isinstance(row, PriceRow) else None,
    )


def _booked(report: ShortageReport, books: Books, moment: Moment, policy: ShortagePolicy) -> Outcome:
    if not books.knows(report.drug_key):
        return Refusal("report.drug_unknown", {"drug_key": report.drug_key})
    if not known_node(report.region):
        return Refusal("report.region_unknown", {"region": report.region})
    outcome = receive(books.state(_day(report)), report, moment.now)
    if isinstance(outcome, Refusal):
        return outcome
    who = reporter_ref(report.reporter, report.source)
    books.add(who, word_of(books.state(who), report, outcome, moment.now, policy))
    if outcome:
        books.add(_day(report), outcome)
        sign = sign_of(report, moment.now, policy)
        if sign and (not sign.against or (report.drug_key, sign.node) in books.in_question):
            books.signs.setdefault(report.drug_key, []).append(sign)
    return outcome


def word_of(
    state: ReporterState, report: ShortageReport, outcome: Sequence[DomainEvent], now: datetime, policy: ShortagePolicy
) -> list[DomainEvent]:
    """What a report says of who brought it: it was heard of, and it may contradict itself. A register that is read as
    it was before is there, too; of others the same report again is no word of theirs."""
    told: list[DomainEvent] = []
    if outcome or report.source is SourceKind.REGISTER:
        told += reported(state, report, now, policy.detection.reporting)
    for each in outcome:
        if isinstance(each, ReportReceived) and each.contradicts:
            told += contradicts_itself(
                state, report.reporter, report.region, each.contradicts, now, SourceKind(report.source)
            )
    return told


def _stopped(read: Read, books: Books, moment: Moment, policy: ShortagePolicy, sender: Sender) -> Outcome | Read:
    row: StopRow | None = read.row
    if row is None:
        return read
    if sender.only and row.maker != sender.reporter:
        return Refusal("report.not_yours", {"reporter": row.maker})
    if not books.knows(row.drug_key):
        return Refusal("report.drug_unknown", {"drug_key": row.drug_key})
    identity = stop_notice_id(row.maker, row.reference)
    notice = stop_notice_ref(identity)
    told: list[DomainEvent] = []
    if books.state(notice).status != "ended" or row.how_ended is None:
        command = ReportStop(**row.model_dump(exclude={"how_ended", "reported_at"}))
        outcome = report_stop(books.state(notice), command, moment.now, moment.actor.subject, policy)
        if isinstance(outcome, Refusal):
            return outcome
        books.add(notice, outcome)
        told += outcome
    if row.how_ended is not None:
        ended = end_stop(
            books.state(notice), EndStop(notice_id=identity, how=row.how_ended, reason=row.reason), moment.now
        )
        assert not isinstance(ended, Refusal)  # noqa: S101 - only a notice that was never reported is refused
        books.add(notice, ended)
        told += ended
    if told:
        sign = Sign(source=SourceKind.STOP_NOTICE, region=NATION, node=NATION, at=moment.now, notice_id=identity)
        books.signs.setdefault(row.drug_key, []).append(sign)
    return told
