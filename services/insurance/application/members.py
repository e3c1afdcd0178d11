"""Members and their standing authorisations."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from services.insurance.application.draft import Draft
from services.insurance.application.registers import INSURANCE_REGISTER
from services.insurance.domain.accumulator import AccumulatorState, accumulator_of, import_figures
from services.insurance.domain.member import ImportMember, MemberState, import_member, member_of
from services.insurance.domain.standing_authorisation import (
    GiveStandingAuthorisation,
    StandingAuthorisationState,
    WithdrawStandingAuthorisation,
    give,
    standing_authorisation_of,
    withdraw,
)
from services.seedwork.model import Loaded, Outcome, Refusal
from services.seedwork.reference import EntryState, entry
from services.seedwork.usecase import Actor, Answer, Decision, Moment, UseCase


def load_member(command: ImportMember) -> UseCase:
    """Take over the insurer's word on a person: insured status, personal account, figures of the year."""
    year = command.as_of.year

    def decide(
        _moment: Moment,
        member: Loaded[MemberState],
        accumulator: Loaded[AccumulatorState],
        insurer: Loaded[EntryState],
    ) -> Decision:
        if insurer.state.content is None:
            return Decision.refused(Refusal("member.unknown_insurer", {"insurer": command.facts.insurer}))
        draft = Draft(member, accumulator)
        outcome = import_member(member.state, command)
        if refusal := draft.add(member, outcome):
            return Decision.refused(refusal)
        draft.add(accumulator, import_figures(accumulator.state, command.patient_ref, year, command.figures))
        return draft.decision(Answer(201, {"patient_ref": str(command.patient_ref), "as_of": str(command.as_of)}))

    streams = (
        member_of(command.patient_ref),
        accumulator_of(command.patient_ref, year),
        entry(INSURANCE_REGISTER, "insurer", command.facts.insurer),
    )
    return UseCase(streams, decide)


def give_standing_authorisation(actor: Actor) -> UseCase:
    """The patient lets dispensing authorise from now on."""
    return _patients_own(actor, lambda state, patient: give(state, GiveStandingAuthorisation(patient_ref=patient)))


def withdraw_standing_authorisation(actor: Actor) -> UseCase:
    """The patient takes the standing authorisation back."""
    return _patients_own(
        actor, lambda state, patient: withdraw(state, WithdrawStandingAuthorisation(patient_ref=patient))
    )


def _patients_own(actor: Actor, outcome: Callable[[StandingAuthorisationState, UUID], Outcome]) -> UseCase:
    patient = actor.patient_ref
    if patient is None:
        return UseCase((), lambda _moment: Decision.refused(Refusal("authorisation.not_a_patient")))

    def decide(_moment: Moment, found: Loaded[StandingAuthorisationState]) -> Decision:
        decided = outcome(found.state, patient)
        return Decision.on(found, decided, _standing(found, decided))

    return UseCase((standing_authorisation_of(patient),), decide)


def _standing(found: Loaded[StandingAuthorisationState], decided: Outcome) -> Answer:
    after = found.state if isinstance(decided, Refusal) else found.after(decided)
    return Answer(200, {"standing": after.in_force})
