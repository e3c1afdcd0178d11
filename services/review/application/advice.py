"""Use cases of advice: consultations and medication reviews."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any
from uuid import UUID

from services.review.application.library import known_on
from services.review.application.licences import (
    Entry,
    agreed,
    agreement_ref,
    licence_at,
    policy_on,
    registers_of,
)
from services.review.domain import advising
from services.review.domain.advice import AdviceState, AskerKind, advice_ref
from services.review.domain.case import case_ref
from services.review.domain.commands import AnswerConsultation, AskConsultation, SuggestChanges
from services.review.domain.dossier import DossierState, dossier_ref
from services.review.domain.events import CaseOpened
from services.review.domain.library import shelf_ref
from services.review.domain.medication import medication_ref
from services.review.domain.values import Licence
from services.seedwork.calendar import civil_day
from services.seedwork.model import Loaded, Outcome, Refusal
from services.seedwork.usecase import Actor, Answer, Decision, Load, Moment, UseCase

Thinking = Generator[Load, tuple[Loaded[Any], ...], Decision]


def ask_consultation(command: AskConsultation, actor: Actor, asker_kind: AskerKind) -> UseCase:
    """A patient or a prescriber asks; the answer names the new consultation."""

    def decide(moment: Moment, *dossiers: Loaded[DossierState]) -> Thinking:
        about = yield from _cases_of(dossiers)
        agreement = False
        if about and command.institution:
            (entry,) = yield Load.of(agreement_ref(about[0].institution, command.institution))
            agreement = agreed(entry.state, moment.now)
        (advice,) = yield Load.of(advice_ref(moment.ids.new()))
        outcome = advising.ask_consultation(
            advice.stream_id,
            command,
            about,
            actor.subject,
            asker_kind,
            actor.patient_ref,
            moment.now,
            agreement_in_force=agreement,
        )
        return _decided(advice, outcome, status=201)

    return UseCase(tuple(dossier_ref(each) for each in command.prescriptions), decide)


def answer_consultation(advice_id: UUID, command: AnswerConsultation, actor: Actor) -> UseCase:
    """A pharmacist answers."""

    def decision(state: AdviceState, moment: Moment, licence: Licence) -> Outcome:
        return advising.answer_consultation(state, command, moment.now, licence)

    return _by_pharmacist(advice_id, actor, decision)


def withdraw_consultation(advice_id: UUID, actor: Actor) -> UseCase:
    """The asker needs no answer any more."""

    def decide(moment: Moment, advice: Loaded[AdviceState]) -> Decision:
        return _decided(advice, advising.withdraw_consultation(advice.state, actor.subject, moment.now))

    return UseCase((advice_ref(advice_id),), decide)


def open_medication_review(prescription_id: UUID, actor: Actor) -> UseCase:
    """A pharmacist looks at all that the patient of a prescription takes; the answer names the review."""

    def decide(moment: Moment, dossier: Loaded[DossierState], person: Entry, institution: Entry) -> Thinking:
        about = yield from _cases_of((dossier,))
        opened = about[0] if about else None
        licence = yield from licence_at(opened.institution if opened else None, moment, person, institution)
        (advice,) = yield Load.of(advice_ref(moment.ids.new()))
        (medication, shelf) = yield Load.of(
            medication_ref(opened.patient_ref if opened else prescription_id), shelf_ref()
        )
        knowledge = yield from known_on(shelf.state, civil_day(moment.now))
        outcome = advising.open_medication_review(
            advice.stream_id,
            opened,
            medication.state,
            licence,
            policy_on(moment),
            knowledge,
            civil_day(moment.now),
            moment.now,
        )
        return _decided(advice, outcome, status=201)

    return UseCase((dossier_ref(prescription_id),), decide, relaxed=registers_of(actor))


def suggest_changes(advice_id: UUID, command: SuggestChanges, actor: Actor) -> UseCase:
    """The pharmacist tells the prescriber what could be changed."""

    def decision(state: AdviceState, moment: Moment, licence: Licence) -> Outcome:
        return advising.suggest_changes(state, command, moment.now, licence)

    return _by_pharmacist(advice_id, actor, decision)


def close_medication_review(advice_id: UUID, actor: Actor) -> UseCase:
    """There is nothing to suggest."""

    def decision(state: AdviceState, moment: Moment, licence: Licence) -> Outcome:
        return advising.close_medication_review(state, moment.now, licence)

    return _by_pharmacist(advice_id, actor, decision)


def _by_pharmacist(
    advice_id: UUID, actor: Actor, decision: Callable[[AdviceState, Moment, Licence], Outcome]
) -> UseCase:
    def decide(moment: Moment, advice: Loaded[AdviceState], person: Entry, institution: Entry) -> Thinking:
        begun = advice.state.begun
        licence = yield from licence_at(begun.institution if begun else None, moment, person, institution)
        return _decided(advice, decision(advice.state, moment, licence))

    return UseCase((advice_ref(advice_id),), decide, relaxed=registers_of(actor))


def _cases_of(
    dossiers: tuple[Loaded[DossierState], ...],
) -> Generator[Load, tuple[Loaded[Any], ...], tuple[CaseOpened, ...]]:
    """What the current cases of the prescriptions were opened with; what review does not know has none."""
    known = [dossier.state.case_id for dossier in dossiers if dossier.state.case_id]
    if not known:
        return ()
    cases = yield Load.of(*(case_ref(case_id) for case_id in known))
    return tuple(case.state.opened for case in cases)


def _decided(advice: Loaded[AdviceState], outcome: Outcome, status: int = 200) -> Decision:
    if isinstance(outcome, Refusal):
        return Decision.refused(outcome)
    body = {"advice_id": str(advice.stream_id), "state": advice.after(outcome).status}
    return Decision.on(advice, outcome, Answer(status, body))
