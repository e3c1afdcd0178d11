"""What people and other systems tell shortage one by one, and how signs of a shortage have their effect on cases."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.seedwork.calendar import civil_day
from services.seedwork.model import Loaded, Refusal
from services.seedwork.usecase import Answer, Change, Decision, Load, Moment, UseCase
from services.shortage.application.case_end import responses_over
from services.shortage.application.drug_lists import policy_of
from services.shortage.application.imports import sign_of, word_of
from services.shortage.application.nodes import (
    NATION,
    Loading,
    Node,
    Work,
    after_confirmation,
    changes,
    node,
    reporters_of,
)
from services.shortage.domain.decisions import dismiss_quiet
from services.shortage.domain.denying import denied
from services.shortage.domain.detector import reported_evidence
from services.shortage.domain.events import NoticeEnded, NoticeLinked
from services.shortage.domain.known_drugs import KnownDrugState, known_drug_ref
from services.shortage.domain.opening import open_by_notice, suspect_by
from services.shortage.domain.policy import POLICIES, ShortagePolicy
from services.shortage.domain.regions import known_node
from services.shortage.domain.reporter import ReporterState, reporter_ref
from services.shortage.domain.reports import ReportReceived, ReportsState, ShortageReport, receive, reports_ref
from services.shortage.domain.stop_notice import (
    STOP_NOTICE,
    EndStop,
    ReportStop,
    StopNoticeState,
    end_stop,
    report_stop,
    stop_notice_id,
    stop_notice_ref,
)
from services.shortage.domain.watch import WATCH, Sign, SignsJudged, WatchState
from services.shortage.domain.watching import joined, notice_ended, notice_linked


def receive_stop(command: ReportStop) -> UseCase:
    """A maker stops: the nation's case of the drug is opened, or learns of it."""
    identity = stop_notice_id(command.maker, command.reference)

    def decide(moment: Moment, notice: Loaded[StopNoticeState], drug: Loaded[KnownDrugState]) -> Loading[Decision]:
        today = civil_day(moment.now)
        policy = POLICIES.on(today, moment.jurisdiction).knowing(command.drug_key, drug.state.profile(today))
        if drug.state.known is None:
            return Decision.refused(Refusal("report.drug_unknown", {"drug_key": command.drug_key}))
        outcome = report_stop(notice.state, command, moment.now, moment.actor.subject, policy)
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        told = Work(notice, list(outcome))
        answer = Answer(201 if outcome else 200, {"notice_id": str(identity), "state": told.state.status})
        if not outcome:
            return Decision.nothing(answer)
        nation = yield from node(command.drug_key, NATION)
        _end_quiet(nation, moment)
        _take_notice(nation, identity, told.state, moment, policy)
        further = (yield from after_confirmation(nation.case, moment.now, policy)) if nation.case else []
        return Decision(changes(told, *nation.works(), *further), answer)

    return UseCase((stop_notice_ref(identity), known_drug_ref(command.drug_key)), decide)


def end_notice(command: EndStop, maker: str | None = None) -> UseCase:
    """A maker goes on: the nation's case may be avoided, and may be eased from now on. `maker`: whose it must be."""

    def decide(moment: Moment, notice: Loaded[StopNoticeState]) -> Loading[Decision]:
        policy = POLICIES.on(civil_day(moment.now), moment.jurisdiction)
        reported = notice.state.reported
        if reported is not None and maker is not None and reported.maker != maker:
            return Decision.refused(Refusal("report.not_yours", {"reporter": reported.maker}))
        outcome = end_stop(notice.state, command, moment.now)
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        told = Work(notice, list(outcome))
        answer = Answer(200, {"notice_id": str(notice.stream_id), "state": told.state.status})
        if not outcome or told.state.reported is None:
            return Decision.nothing(answer)
        nation = yield from node(told.state.reported.drug_key, NATION)
        _take_notice(nation, notice.stream_id, told.state, moment, policy)
        over = (yield from responses_over(nation.latest, moment.now, policy)) if nation.latest else []
        return Decision(changes(told, *nation.works(), *over), answer)

    return UseCase((stop_notice_ref(command.notice_id),), decide)


def receive_report(report: ShortageReport) -> UseCase:
    """A direct report or a register's record: kept once by key and content; what tells of a shortage is a sign."""

    def decide(
        moment: Moment, day: Loaded[ReportsState], drug: Loaded[KnownDrugState], reporter: Loaded[ReporterState]
    ) -> Loading[Decision]:
        if drug.state.known is None:
            return Decision.refused(Refusal("report.drug_unknown", {"drug_key": report.drug_key}))
        if not known_node(report.region):
            return Decision.refused(Refusal("report.region_unknown", {"region": report.region}))
        outcome = receive(day.state, report, moment.now)
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        today = civil_day(moment.now)
        policy = POLICIES.on(today, moment.jurisdiction).knowing(report.drug_key, drug.state.profile(today))
        word = Change(reporter, tuple(word_of(reporter.state, report, outcome, moment.now, policy)))
        if not outcome:
            return Decision((word,), Answer(200, {"taken": "known"}))
        corrected = day.state.digest_of(report) is not None
        contradicts = next((each.contradicts for each in outcome if isinstance(each, ReportReceived)), None)
        body = {"taken": "corrected" if corrected else "new"}
        answer = Answer(201, body | ({"contradicts": contradicts} if contradicts else {}))
        told = (Change(day, tuple(outcome)), word)
        sign = sign_of(report, moment.now, policy)
        if sign is None:
            return Decision(told, answer)
        here = yield from node(report.drug_key, sign.node)
        yield from _take_signs(here, [sign], moment, policy)
        further = (yield from after_confirmation(here.case, moment.now, policy)) if here.case else []
        return Decision((*told, *changes(*here.works(), *further)), answer)

    day = reports_ref(report.reporter, civil_day(report.occurred_at), report.drug_key)
    return UseCase((day, known_drug_ref(report.drug_key), reporter_ref(report.reporter, report.source)), decide)


def judge_signs(watch_id: UUID) -> UseCase:
    """The clock: the signs of one region node have their effect on its case; the other nodes' turn is next."""

    def decide(moment: Moment, watch: Loaded[WatchState]) -> Loading[Decision]:
        state = watch.state
        if state.judge_at is None or moment.now < state.judge_at:
            return Decision.nothing()
        policy = yield from policy_of(state.drug_key, moment)
        signs = state.next_signs()
        here = yield from node(state.drug_key, signs[0].node)
        _end_quiet(here, moment)
        for sign in signs:
            if sign.notice_id is not None:
                (notice,) = yield Load.of(STOP_NOTICE.ref(sign.notice_id))
                _take_notice(here, sign.notice_id, notice.state, moment, policy)
        yield from _take_signs(here, [sign for sign in signs if sign.notice_id is None], moment, policy)
        further = (yield from after_confirmation(here.case, moment.now, policy)) if here.case else []
        over = (yield from responses_over(here.latest, moment.now, policy)) if here.latest else []
        judged = SignsJudged(node=here.region, judge_at=moment.now)
        return Decision((Change(watch, (judged,)), *changes(*here.works(), *over, *further)))

    return UseCase((WATCH.ref(watch_id),), decide)


def _take_notice(nation: Node, identity: UUID, notice: StopNoticeState, moment: Moment, policy: ShortagePolicy) -> None:
    """What a maker's notice, as it stands, does to the nation's case."""
    reported = notice.reported
    assert reported is not None  # noqa: S101 - its sign was kept together with it
    if notice.ended is not None:
        ended = NoticeEnded(notice_id=identity, how=notice.ended.how, ended_at=moment.now)
        nation.tell(lambda case: notice_ended(case, ended))
        return
    linked = NoticeLinked(notice_id=identity, sole_supplier=reported.sole_supplier, restored_by=reported.restored_by)
    if nation.case is None:
        nation.opened(open_by_notice(nation.new_case(), linked, moment.now, policy))
    else:
        nation.case.add(notice_linked(nation.case.state, linked, moment.now, policy))


def _take_signs(here: Node, signs: Sequence[Sign], moment: Moment, policy: ShortagePolicy) -> Loading[None]:
    """Signs feed the open case, or open one where what they tell of has happened since the last one's end."""
    _end_quiet(here, moment)
    latest = max((sign.at for sign in signs if not sign.against), default=None)
    for sign in sorted(signs, key=lambda each: (each.against, not each.opens, each.at)):
        told = (moment.now, policy)
        if sign.against:
            if here.case is not None and (latest is None or sign.at > latest):
                here.case.add(denied(here.case.state, sign.source, sign.events, sign.places, *told))
        elif here.case is None:
            yield from _open_by(here, sign, moment, policy)
        else:
            case = here.case.state
            here.case.add(joined(case, sign.source, sign.events, *told, sign.evidence, sign.places))


def _open_by(here: Node, sign: Sign, moment: Moment, policy: ShortagePolicy) -> Loading[None]:
    previous = here.latest.state.ended if here.latest is not None else None
    if not sign.opens or (previous is not None and sign.at <= previous.ended_at):
        return
    evidence = sign.evidence or reported_evidence(sign.places or {"": sign.region}, sign.at, policy)
    new = here.new_case((yield from reporters_of(here.drug_key, here.region, moment.now)))
    here.opened(suspect_by(new, sign.source, evidence, sign.events, moment.now, policy, sign.places))


def _end_quiet(here: Node, moment: Moment) -> None:
    """A suspicion that is over by itself has ended, whether the clock has told or not."""
    if here.latest is not None:
        here.latest.add(dismiss_quiet(here.latest.state, moment.now))
