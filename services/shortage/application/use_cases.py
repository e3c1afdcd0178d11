"""Use cases of shortage: what an authority decides, and what the clock does."""

from __future__ import annotations

from uuid import UUID

from services.seedwork.calendar import civil_day
from services.seedwork.model import Loaded, Outcome, Refusal
from services.seedwork.usecase import Answer, Decision, Moment, UseCase
from services.shortage.domain import decisions
from services.shortage.domain.case import CaseState, case_ref
from services.shortage.domain.commands import ConfirmCase, DismissCase
from services.shortage.domain.policy import POLICIES
from services.shortage.domain.regions import node_of


def confirm_case(command: ConfirmCase) -> UseCase:
    """The authority of the region confirms a suspected case."""

    def decide(moment: Moment, case: Loaded[CaseState]) -> Decision:
        policy = POLICIES.on(civil_day(moment.now), moment.jurisdiction)
        return _decided(
            case, decisions.confirm_case(case.state, command, moment.now, authority_of(moment.actor.region), policy)
        )

    return UseCase((case_ref(command.case_id),), decide)


def dismiss_case(command: DismissCase) -> UseCase:
    """The authority of the region dismisses a suspected case."""

    def decide(moment: Moment, case: Loaded[CaseState]) -> Decision:
        return _decided(
            case, decisions.dismiss_case(case.state, command, moment.now, authority_of(moment.actor.region))
        )

    return UseCase((case_ref(command.case_id),), decide)


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
    state = case.after(outcome)
    body = {
        "case_id": str(case.stream_id),
        "state": state.status,
        "grade": state.confirmed.grade.value if state.confirmed else None,
    }
    return Decision.on(case, outcome, Answer(200, body))
