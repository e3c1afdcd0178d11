"""Use cases of review: what a pharmacist asks of one case, and what the clock does."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from uuid import UUID

from services.review.application.licences import (
    Entry,
    licence_for,
    policy_on,
    registers_of,
    signature_of,
    signed_pass,
)
from services.review.domain import decisions, verdicts
from services.review.domain.case import CaseState, case_ref
from services.review.domain.commands import PutBack, RefuseCase, ReturnCase, TakeCase, TakeOver
from services.review.domain.policy import ReviewPolicy
from services.review.domain.values import Licence
from services.seedwork.model import Command, Loaded, Outcome, Refusal
from services.seedwork.usecase import Actor, Answer, Decision, Load, Moment, UseCase


def take_case(command: TakeCase, actor: Actor) -> UseCase:
    """A pharmacist takes a case for the time of the lease."""
    return _with_policy(command.case_id, actor, partial(_timed, decisions.take_case, command))


def take_over(command: TakeOver, actor: Actor) -> UseCase:
    """A supervisor takes a case from its holder."""
    return _with_policy(command.case_id, actor, partial(_timed, decisions.take_over, command))


def put_back(command: PutBack) -> UseCase:
    """The pharmacist leaves the case to others."""

    def decide(moment: Moment, case: Loaded[CaseState]) -> Decision:
        return _decided(case, decisions.put_back(case.state, command, moment.now, moment.actor.subject))

    return UseCase((case_ref(command.case_id),), decide)


def pass_case(case_id: UUID, compact: str, actor: Actor) -> UseCase:
    """The pharmacist's signed pass. The signature is checked by the keys of the signer's own register entry."""

    def decide(
        moment: Moment, case: Loaded[CaseState], person: Entry, institution: Entry
    ) -> Generator[Load, tuple[Entry, ...], Decision]:
        command = signed_pass(compact, case_id, moment, person)
        if isinstance(command, Refusal):
            return Decision.refused(command)
        licence = yield from licence_for(case.state, moment, person, institution)
        policy = policy_on(moment)
        signature = signature_of(compact)
        outcome = verdicts.pass_case(case.state, command, moment.now, licence, signature, policy, moment.ids)
        return _decided(case, outcome)

    return UseCase((case_ref(case_id),), decide, relaxed=registers_of(actor))


def return_case(command: ReturnCase, actor: Actor) -> UseCase:
    """The pharmacist sends the prescription back to the prescriber."""
    return _with_policy(command.case_id, actor, partial(_timed, verdicts.return_case, command))


def refuse_case(command: RefuseCase, actor: Actor) -> UseCase:
    """The pharmacist refuses the prescription for good."""
    return _with_policy(command.case_id, actor, partial(_timed, verdicts.refuse_case, command))


def expire_lease(case_id: UUID) -> UseCase:
    """The clock: the lease of a taken case may be over."""

    def decide(moment: Moment, case: Loaded[CaseState]) -> Decision:
        return Decision.on(case, decisions.expire_lease(case.state, moment.now))

    return UseCase((case_ref(case_id),), decide)


def escalate(case_id: UUID) -> UseCase:
    """The clock: the case may be past its deadline."""

    def decide(moment: Moment, case: Loaded[CaseState]) -> Decision:
        return Decision.on(case, decisions.escalate(case.state, moment.now, policy_on(moment)))

    return UseCase((case_ref(case_id),), decide)


Deciding = Callable[[CaseState, Moment, Licence, ReviewPolicy], Outcome]


def _with_policy(case_id: UUID, actor: Actor, decision: Deciding) -> UseCase:
    """One case, decided by somebody's licence and the policy of today."""

    def decide(
        moment: Moment, case: Loaded[CaseState], person: Entry, institution: Entry
    ) -> Generator[Load, tuple[Entry, ...], Decision]:
        licence = yield from licence_for(case.state, moment, person, institution)
        return _decided(case, decision(case.state, moment, licence, policy_on(moment)))

    return UseCase((case_ref(case_id),), decide, relaxed=registers_of(actor))


def _timed(
    decision: Callable[..., Outcome],
    command: Command,
    state: CaseState,
    moment: Moment,
    licence: Licence,
    policy: ReviewPolicy,
) -> Outcome:
    """The shape that most decisions over a case share."""
    return decision(state, command, moment.now, licence, policy)


def _decided(case: Loaded[CaseState], outcome: Outcome) -> Decision:
    """The case after the decision, as its reviewer is told."""
    if isinstance(outcome, Refusal):
        return Decision.refused(outcome)
    state = case.after(outcome)
    body = {
        "case_id": str(case.stream_id),
        "state": state.status,
        "lease_until": state.lease_until.isoformat() if state.lease_until else None,
    }
    return Decision.on(case, outcome, Answer(200, body))
