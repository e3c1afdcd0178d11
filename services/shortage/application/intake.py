"""What people and other systems tell shortage: makers that stop, direct reports, public registers."""

from __future__ import annotations

from hashlib import sha256

from services.seedwork.calendar import civil_day
from services.seedwork.model import Loaded, Refusal
from services.seedwork.usecase import Answer, Change, Decision, Moment, UseCase
from services.shortage.application.nodes import NATION, Loading, Node, Work, after_confirmation, changes, node
from services.shortage.domain.decisions import dismiss_quiet
from services.shortage.domain.detection.cover import SupplyStatus
from services.shortage.domain.detector import reported_evidence
from services.shortage.domain.events import NoticeEnded, NoticeLinked
from services.shortage.domain.opening import open_by_notice, suspect_by
from services.shortage.domain.policy import POLICIES, ShortagePolicy
from services.shortage.domain.regions import DIGITS
from services.shortage.domain.reports import (
    REPORTS_PER_DAY_MAX,
    ReportReceived,
    ReportsState,
    ShortageReport,
    reports_ref,
)
from services.shortage.domain.stop_notice import (
    EndStop,
    ReportStop,
    StopNoticeState,
    StopReported,
    end_stop,
    report_stop,
    stop_notice_id,
    stop_notice_ref,
)
from services.shortage.domain.values import SourceKind
from services.shortage.domain.watching import joined, notice_ended, notice_linked


def receive_stop(command: ReportStop) -> UseCase:
    """A maker stops: the nation's case of the drug is opened, or learns of it."""
    identity = stop_notice_id(command.maker, command.reference)

    def decide(moment: Moment, notice: Loaded[StopNoticeState]) -> Loading[Decision]:
        policy = POLICIES.on(civil_day(moment.now), moment.jurisdiction)
        outcome = report_stop(notice.state, command, moment.now, moment.actor.subject, policy)
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        told = Work(notice, list(outcome))
        answer = Answer(201 if outcome else 200, {"notice_id": str(identity), "state": told.state.status})
        if not outcome or told.state.reported is None:
            return Decision.nothing(answer)
        nation = yield from node(command.drug_key, NATION)
        _take_stop(nation, told.state.reported, moment, policy, amended=notice.exists)
        return Decision(changes(told, *nation.works()), answer)

    return UseCase((stop_notice_ref(identity),), decide)


def end_notice(command: EndStop) -> UseCase:
    """A maker goes on: the nation's case may be avoided, and may be eased from now on."""

    def decide(moment: Moment, notice: Loaded[StopNoticeState]) -> Loading[Decision]:
        outcome = end_stop(notice.state, command, moment.now)
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        told = Work(notice, list(outcome))
        answer = Answer(200, {"notice_id": str(notice.stream_id), "state": told.state.status})
        if not outcome or told.state.reported is None:
            return Decision.nothing(answer)
        nation = yield from node(told.state.reported.drug_key, NATION)
        ended = NoticeEnded(notice_id=notice.stream_id, how=command.how, ended_at=moment.now)
        nation.tell(lambda case: notice_ended(case, ended))
        return Decision(changes(told, *nation.works()), answer)

    return UseCase((stop_notice_ref(command.notice_id),), decide)


def receive_report(report: ShortageReport) -> UseCase:
    """A direct report or a register's record: kept once by key and content; what tells of a shortage is a sign."""
    digest = sha256(report.model_dump_json().encode()).hexdigest()

    def decide(moment: Moment, day: Loaded[ReportsState]) -> Loading[Decision]:
        known = day.state.digests.get((report.source, report.key))
        if known == digest:
            return Decision.nothing(Answer(200, {"taken": "known"}))
        if report.occurred_at > moment.now:
            return Decision.refused(Refusal("report.in_the_future", {"occurred_at": report.occurred_at}))
        if len(day.state.digests) >= REPORTS_PER_DAY_MAX:
            return Decision.refused(Refusal("report.too_many", {"limit": REPORTS_PER_DAY_MAX}))
        told = Change(day, (ReportReceived(report=report, digest=digest, reported_at=moment.now),))
        answer = Answer(201, {"taken": "new" if known is None else "corrected"})
        if report.status is None or report.status < SupplyStatus.SHORT:
            return Decision((told,), answer)
        policy = POLICIES.on(civil_day(report.occurred_at), moment.jurisdiction)
        here = yield from node(report.drug_key, report.region[: DIGITS[policy.case_region_level]])
        _take_report(here, report, moment, policy)
        further = (yield from after_confirmation(here.case, moment.now, policy)) if here.case else []
        return Decision((told, *changes(*here.works(), *further)), answer)

    return UseCase((reports_ref(report.reporter, civil_day(report.occurred_at)),), decide)


def _take_stop(nation: Node, reported: StopReported, moment: Moment, policy: ShortagePolicy, *, amended: bool) -> None:
    linked = NoticeLinked(
        notice_id=reported.notice_id, sole_supplier=reported.sole_supplier, restored_by=reported.restored_by
    )
    _end_quiet(nation, moment)
    if nation.case is None:
        nation.opened(open_by_notice(nation.new_case(), linked, moment.now, policy))
    elif amended:
        nation.case.add([linked])
    else:
        nation.case.add(notice_linked(nation.case.state, linked, moment.now, policy))


def _take_report(here: Node, report: ShortageReport, moment: Moment, policy: ShortagePolicy) -> None:
    source = SourceKind(report.source)
    event = (f"{source.value}/{report.reporter}/{report.key}",)
    _end_quiet(here, moment)
    if here.case is not None:
        here.case.add(joined(here.case.state, source, event, moment.now, policy))
        return
    previous = here.latest.state.ended if here.latest is not None else None
    if previous is not None and report.occurred_at <= previous.ended_at:
        return
    evidence = reported_evidence(report.region, report.occurred_at, policy)
    here.opened(suspect_by(here.new_case(), source, evidence, event, moment.now, policy))


def _end_quiet(here: Node, moment: Moment) -> None:
    """A suspicion that is over by itself has ended, whether the clock has told or not."""
    if here.latest is not None:
        here.latest.add(dismiss_quiet(here.latest.state, moment.now))
