"""Members and their standing authorisations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
from services.seedwork.model import DomainEvent, Loaded, Outcome, Refusal
from services.seedwork.reference import EntryState, entry
from services.seedwork.usecase import Actor, Answer, Decision, Moment, UseCase


def load_member(command: ImportMember) -> UseCase:
    """Take over the insurer's word on a person: insured status, personal account, figures of the year."""

    def decide(
        _moment: Moment,
        member: Loaded[MemberState],
        accumulator: Loaded[AccumulatorState],
        insurer: Loaded[EntryState],
    ) -> Decision:
        decided = decide_member(command, member.state, accumulator.state, insurer.state)
        if isinstance(decided, Refusal):
            return Decision.refused(decided)
        draft = Draft(member, accumulator)
        draft.add(member, decided.of_member)
        draft.add(accumulator, decided.of_year)
        return draft.decision(Answer(201, {"patient_ref": str(command.patient_ref), "as_of": str(command.as_of)}))

    streams = (
        member_of(command.patient_ref),
        accumulator_of(command.patient_ref, command.as_of.year),
        entry(INSURANCE_REGISTER, "insurer", command.facts.insurer),
    )
    return UseCase(streams, decide)


@dataclass(frozen=True)
class MemberEvents:
    """What an import adds to the member and to the year."""

    of_member: list[DomainEvent]
    of_year: list[DomainEvent]


def decide_member(
    command: ImportMember, member: MemberState, accumulator: AccumulatorState, insurer: EntryState
) -> MemberEvents | Refusal:
    """The insurer must be in its register; an older word is refused, and the same again adds nothing."""
    if insurer.content is None:
        return Refusal("member.unknown_insurer", {"insurer": command.facts.insurer})
    imported = import_member(member, command)
    if isinstance(imported, Refusal):
        return imported
    return MemberEvents(imported, import_figures(accumulator, command.patient_ref, command.as_of, command.figures))


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
