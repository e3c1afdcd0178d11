"""Use cases of shortage: what an authority decides, and what the clock does."""

from __future__ import annotations

from uuid import UUID

from services.seedwork.calendar import civil_day
from services.seedwork.model import Loaded, Outcome, Refusal
from services.seedwork.usecase import Answer, Decision, Load, Moment, UseCase
from services.shortage.application.case_end import responses_over
from services.shortage.application.drug_lists import policy_of
from services.shortage.application.leaving import has_left
from services.shortage.application.nodes import Loading, Work, after_confirmation, changes
from services.shortage.domain import decisions, tasks
from services.shortage.domain.case import CaseState, case_ref
from services.shortage.domain.commands import AcknowledgeCase, AssignTask, CompleteTask, ConfirmCase, DismissCase
from services.shortage.domain.detector import detector_ref
from services.shortage.domain.policy import POLICIES, ShortagePolicy
from services.shortage.domain.regions import node_of
from services.shortage.domain.reporter import REPORTER, ReporterState, fall_silent, gone, leave
from services.shortage.domain.watching import period_over


def confirm_case(command: ConfirmCase) -> UseCase:
    """The authority of the region confirms a suspected case."""

    def decide(moment: Moment, case: Loaded[CaseState]) -> Loading[Decision]:
        suspected = case.state.suspected
        policy = _policy(moment) if suspected is None else (yield from policy_of(suspected.drug_key, moment))
        authority = authority_of(moment.actor.region)
        outcome = decisions.confirm_case(case.state, command, moment.now, authority, policy)
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        work = Work(case, list(outcome))
        further = yield from after_confirmation(work, moment.now, policy)
        return Decision(changes(work, *further), _answer(case, work.state))

    return UseCase((case_ref(command.case_id),), decide)


def dismiss_case(command: DismissCase) -> UseCase:
    """The authority of the region dismisses a suspected case."""

    def decide(moment: Moment, case: Loaded[CaseState]) -> Decision:
        return _decided(
            case, decisions.dismiss_case(case.state, command, moment.now, authority_of(moment.actor.region))
        )

    return UseCase((case_ref(command.case_id),), decide)


def acknowledge_case(command: AcknowledgeCase) -> UseCase:
    """The authority of the region has seen the case."""

    def decide(moment: Moment, case: Loaded[CaseState]) -> Decision:
        actor = moment.actor
        return _decided(
            case, tasks.acknowledge(case.state, command, moment.now, authority_of(actor.region), actor.subject)
        )

    return UseCase((case_ref(command.case_id),), decide)


def assign_task(command: AssignTask) -> UseCase:
    """The authority of the region wants something done."""

    def decide(moment: Moment, case: Loaded[CaseState]) -> Decision:
        return _decided(case, tasks.assign(case.state, command, moment.now, authority_of(moment.actor.region)))

    return UseCase((case_ref(command.case_id),), decide)


def complete_task(command: CompleteTask) -> UseCase:
    """It is done."""

    def decide(moment: Moment, case: Loaded[CaseState]) -> Decision:
        actor = moment.actor
        return _decided(
            case, tasks.complete(case.state, command, moment.now, authority_of(actor.region), actor.subject)
        )

    return UseCase((case_ref(command.case_id),), decide)


def escalate_tasks(case_id: UUID) -> UseCase:
    """The clock: what was not done in time is the next level's."""

    def decide(moment: Moment, case: Loaded[CaseState]) -> Decision:
        return Decision.on(case, tasks.escalate(case.state, moment.now, _policy(moment)))

    return UseCase((case_ref(case_id),), decide)


def judge_period(case_id: UUID) -> UseCase:
    """The clock: a period of a confirmed case is over."""

    def decide(moment: Moment, case: Loaded[CaseState]) -> Loading[Decision]:
        suspected = case.state.suspected
        if suspected is None:
            return Decision.nothing()
        policy = yield from policy_of(suspected.drug_key, moment)
        (detector,) = yield Load.of(detector_ref(suspected.drug_key, suspected.region))
        work = Work(case, period_over(case.state, detector.state.signals, moment.now, policy))
        over = yield from responses_over(work, moment.now, policy)
        further = yield from after_confirmation(work, moment.now, policy)
        return Decision(changes(work, *over, *further))

    return UseCase((case_ref(case_id),), decide)


def alert_silence(reporter_id: UUID) -> UseCase:
    """The clock: a reporter was not heard of in time. Of one that is in its register no more nobody waits for a word,
    whenever that was told."""

    def decide(moment: Moment, reporter: Loaded[ReporterState]) -> Loading[Decision]:
        silent = fall_silent(reporter.state, moment.now)
        if silent and (yield from has_left(reporter.state.reporter, moment.now)):
            return Decision.on(reporter, gone(reporter.state, moment.now))
        return Decision.on(reporter, silent)

    return UseCase((REPORTER.ref(reporter_id),), decide)


def end_reporting(reporter_id: UUID) -> UseCase:
    """The clock: a reporter has left its register."""

    def decide(moment: Moment, reporter: Loaded[ReporterState]) -> Decision:
        return Decision.on(reporter, leave(reporter.state, moment.now))

    return UseCase((REPORTER.ref(reporter_id),), decide)


def dismiss_quiet(case_id: UUID) -> UseCase:
    """The clock: a suspicion that nothing feeds ends by itself."""

    def decide(moment: Moment, case: Loaded[CaseState]) -> Decision:
        return Decision.on(case, decisions.dismiss_quiet(case.state, moment.now))

    return UseCase((case_ref(case_id),), decide)


def authority_of(region: str | None) -> str | None:
    """The region node an authority stands for; None for somebody without a region."""
    return None if region is None else node_of(region)


def _decided(case: Loaded[CaseState], outcome: Outcome) -> Decision:
    if isinstance(outcome, Refusal):
        return Decision.refused(outcome)
    return Decision.on(case, outcome, _answer(case, case.after(outcome)))


def _answer(case: Loaded[CaseState], state: CaseState) -> Answer:
    body = {
        "case_id": str(case.stream_id),
        "state": state.status,
        "grade": state.grade.value if state.grade else None,
    }
    return Answer(200, body)


def _policy(moment: Moment) -> ShortagePolicy:
    return POLICIES.on(civil_day(moment.now), moment.jurisdiction)
