"""A patient's standing authorisation: prior consent that lets dispensing authorise without a fresh credential."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, assert_never
from uuid import UUID

from services.seedwork.model import (
    Aggregate,
    Command,
    DomainEvent,
    Outcome,
    Refusal,
    StreamRef,
    derived_id,
)
from services.seedwork.transitions import NOT_YET, Transition, Transitions


class GiveStandingAuthorisation(Command):
    """The patient agrees that claims for their supplies are authorised when the supply is dispensed."""

    patient_ref: UUID


class WithdrawStandingAuthorisation(Command):
    """The patient takes it back; claims authorised meanwhile stay."""

    patient_ref: UUID


class StandingAuthorisationGiven(DomainEvent):
    """From now on a supply's claim is authorised at once."""

    TOPIC: ClassVar[str] = "insurance.standing_authorisation.given"

    patient_ref: UUID


class StandingAuthorisationWithdrawn(DomainEvent):
    """From now on each claim waits for the patient's credential."""

    TOPIC: ClassVar[str] = "insurance.standing_authorisation.withdrawn"

    patient_ref: UUID


@dataclass(frozen=True)
class StandingAuthorisationState:
    """`-`, given or withdrawn."""

    state: str = NOT_YET

    @property
    def in_force(self) -> bool:
        return self.state == "given"


STANDING_AUTHORISATION_TRANSITIONS = Transitions(
    (
        Transition(NOT_YET, "GiveStandingAuthorisation", "the patient's own", "given", "-"),
        Transition("withdrawn", "GiveStandingAuthorisation", "the patient's own", "given", "-"),
        Transition("given", "WithdrawStandingAuthorisation", "the patient's own", "withdrawn", "-"),
    )
)


def _decide(state: StandingAuthorisationState, trigger: str, event: DomainEvent) -> Outcome:
    if STANDING_AUTHORISATION_TRANSITIONS.allows(state.state, trigger):
        return [event]
    return Refusal("authorisation.wrong_state", {"state": state.state, "trigger": trigger})


def give(state: StandingAuthorisationState, command: GiveStandingAuthorisation) -> Outcome:
    return _decide(state, "GiveStandingAuthorisation", StandingAuthorisationGiven(patient_ref=command.patient_ref))


def withdraw(state: StandingAuthorisationState, command: WithdrawStandingAuthorisation) -> Outcome:
    event = StandingAuthorisationWithdrawn(patient_ref=command.patient_ref)
    return _decide(state, "WithdrawStandingAuthorisation", event)


def evolve_standing_authorisation(
    _state: StandingAuthorisationState, event: StandingAuthorisationGiven | StandingAuthorisationWithdrawn
) -> StandingAuthorisationState:
    match event:
        case StandingAuthorisationGiven():
            return StandingAuthorisationState("given")
        case StandingAuthorisationWithdrawn():
            return StandingAuthorisationState("withdrawn")
        case _:
            assert_never(event)


STANDING_AUTHORISATION: Aggregate[StandingAuthorisationState] = Aggregate(
    name="standing_authorisation",
    events=(StandingAuthorisationGiven, StandingAuthorisationWithdrawn),
    initial=StandingAuthorisationState(),
    evolve=evolve_standing_authorisation,
)


def standing_authorisation_of(patient_ref: UUID) -> StreamRef[StandingAuthorisationState]:
    return STANDING_AUTHORISATION.ref(derived_id("standing_authorisation", patient_ref))
