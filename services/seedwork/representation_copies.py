"""What a service does that hears who may act for a patient: it keeps it, and obeys it from the next request on.

A repeated event is a no-op even without the inbox, and what is over never comes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from contracts.envelope import IntegrationEvent
from contracts.events.prescribe import PatientForgotten
from contracts.events.prescribe_representation import RepresentationEnded, RepresentativeAppointed
from services.seedwork.composition import Reaction
from services.seedwork.forgotten import ForgottenState, forgotten_ref
from services.seedwork.forgotten_copies import ForgottenTold, keep_forgotten
from services.seedwork.model import DomainEvent, Loaded
from services.seedwork.representation import (
    Representation,
    RepresentationKnown,
    RepresentationOver,
    RepresentationsState,
    Scope,
    representations_of,
)
from services.seedwork.usecase import Decision, Moment, UseCase


def know_representation(told: RepresentativeAppointed, _envelope: Any = None) -> UseCase:
    """From now on the representative is served here. A scope this release does not know gives no right."""
    terms = None
    if told.terms is not None:
        scope = tuple(each for each in Scope if each in told.terms.scope)
        terms = Representation.model_validate({**told.terms.model_dump(), "scope": scope})
    known = RepresentationKnown(patient_ref=told.patient_ref, appointment_id=told.appointment_id, terms=terms)

    def decide(_moment: Moment, copy: Loaded[RepresentationsState], patient: Loaded[ForgottenState]) -> Decision:
        late = patient.state.forgotten or told.appointment_id in copy.state.known
        return Decision.on(copy, [] if late else [known])

    return UseCase((representations_of(told.patient_ref), forgotten_ref(told.patient_ref)), decide)


def end_representation(told: RepresentationEnded, _envelope: Any = None) -> UseCase:
    """From now on the representative is refused here; an appointment that was not heard of yet never begins."""

    def decide(_moment: Moment, copy: Loaded[RepresentationsState]) -> Decision:
        over = told.appointment_id in copy.state.known and copy.state.known[told.appointment_id] is None
        return Decision.on(copy, [] if over else [RepresentationOver(appointment_id=told.appointment_id)])

    return UseCase((representations_of(told.patient_ref),), decide)


def forget_represented(told: ForgottenTold, envelope: Any) -> UseCase:
    """The patient is forgotten, and nobody acts for them any more: also until the keys are gone."""
    forgotten = keep_forgotten(told, envelope)

    def decide(moment: Moment, known: Loaded[Any], copy: Loaded[RepresentationsState]) -> Decision:
        decision = forgotten.decide(moment, known)
        assert isinstance(decision, Decision)  # noqa: S101 - it needs nothing more
        over: list[DomainEvent] = [
            RepresentationOver(appointment_id=each) for each, terms in copy.state.known.items() if terms
        ]
        return decision.and_also(copy, over) if over else decision

    return replace(forgotten, streams=(*forgotten.streams, representations_of(told.patient_ref)), decide=decide)


OF_PATIENTS_AND_REPRESENTATIVES: Mapping[type[IntegrationEvent], Reaction] = {
    RepresentativeAppointed: know_representation,
    RepresentationEnded: end_representation,
    PatientForgotten: forget_represented,
}
"""Of the family `patient`, for a service where representatives act."""
