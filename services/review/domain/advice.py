"""Advice on the record: a consultation that somebody asked for, or a pharmacist's review of all that a patient takes.

One stream per piece of advice. Neither changes a prescription: the prescriber reads it and decides (精简处方 is a
suggestion).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, ClassVar, Literal, assert_never
from uuid import UUID

from services.review.domain.advice_transitions import CONSULTATION_TRANSITIONS, MEDICATION_REVIEW_TRANSITIONS
from services.review.domain.values import Candidate, Finding, Medicine, Reviewer
from services.seedwork.model import (
    Aggregate,
    DomainEvent,
    Personal,
    PersonalClass,
    Refusal,
    StreamRef,
)
from services.seedwork.transitions import NOT_YET

Kind = Literal["consultation", "medication_review"]
AskerKind = Literal["patient", "prescriber"]


class ConsultationAsked(DomainEvent):
    """A patient or a prescriber asks the pharmacists of an institution about prescriptions of one patient."""

    TOPIC: ClassVar[str] = "review.advice.consultation_asked"

    advice_id: UUID
    patient_ref: UUID
    prescriptions: tuple[UUID, ...]
    institution: str
    asked_by: str
    asker_kind: AskerKind
    question: Annotated[str | None, Personal(PersonalClass.CLINICAL)]
    asked_at: datetime


class ConsultationAnswered(DomainEvent):
    """A pharmacist answered by name."""

    TOPIC: ClassVar[str] = "review.advice.consultation_answered"

    patient_ref: UUID
    pharmacist: Reviewer
    answer: Annotated[str | None, Personal(PersonalClass.CLINICAL)]
    answered_at: datetime


class ConsultationWithdrawn(DomainEvent):
    """Whoever asked needs no answer any more."""

    TOPIC: ClassVar[str] = "review.advice.consultation_withdrawn"

    withdrawn_at: datetime


class MedicationReviewOpened(DomainEvent):
    """A pharmacist looks at everything the patient takes. `duplicates` are groups of keys with one generic name, or of
    one chemical subgroup (ATC level 4); `findings` are what screening says of the prescription with the list."""

    TOPIC: ClassVar[str] = "review.advice.medication_review_opened"

    advice_id: UUID
    patient_ref: UUID
    prescriptions: tuple[UUID, ...]
    institution: str
    prescriber: str
    pharmacist: Reviewer
    medicines: Annotated[tuple[Medicine, ...] | None, Personal(PersonalClass.CLINICAL)]
    duplicates: Annotated[tuple[tuple[str, ...], ...] | None, Personal(PersonalClass.CLINICAL)]
    findings: tuple[Finding, ...]
    opened_at: datetime


class ChangesSuggested(DomainEvent):
    """What could be stopped, reduced, replaced or watched."""

    TOPIC: ClassVar[str] = "review.advice.changes_suggested"

    patient_ref: UUID
    pharmacist: Reviewer
    candidates: Annotated[tuple[Candidate, ...] | None, Personal(PersonalClass.CLINICAL)]
    advice: Annotated[str | None, Personal(PersonalClass.CLINICAL)]
    suggested_at: datetime


class MedicationReviewClosed(DomainEvent):
    """Looked at; there is nothing to suggest."""

    TOPIC: ClassVar[str] = "review.advice.medication_review_closed"

    pharmacist: Reviewer
    closed_at: datetime


AdviceEvent = (
    ConsultationAsked
    | ConsultationAnswered
    | ConsultationWithdrawn
    | MedicationReviewOpened
    | ChangesSuggested
    | MedicationReviewClosed
)


@dataclass(frozen=True)
class AdviceState:
    """One piece of advice. `asked` or `opened` says how it began; `words` and `candidates` are what was advised."""

    status: str = NOT_YET
    asked: ConsultationAsked | None = None
    opened: MedicationReviewOpened | None = None
    pharmacist: Reviewer | None = None
    words: str | None = None
    candidates: tuple[Candidate, ...] = ()

    @property
    def begun(self) -> ConsultationAsked | MedicationReviewOpened | None:
        return self.asked or self.opened

    @property
    def kind(self) -> Kind:
        return "medication_review" if self.opened else "consultation"

    def asked_for(self, trigger: str) -> ConsultationAsked | Refusal:
        """How the consultation began, when the table has a row for this trigger."""
        if self.asked is None:
            return Refusal("advice.unknown")
        if not CONSULTATION_TRANSITIONS.allows(self.status, trigger):
            return Refusal("advice.wrong_state", {"state": self.status, "trigger": trigger})
        return self.asked

    def opened_for(self, trigger: str) -> MedicationReviewOpened | Refusal:
        """How the medication review began, when the table has a row for this trigger."""
        if self.opened is None:
            return Refusal("advice.unknown")
        if not MEDICATION_REVIEW_TRANSITIONS.allows(self.status, trigger):
            return Refusal("advice.wrong_state", {"state": self.status, "trigger": trigger})
        return self.opened


def evolve_advice(state: AdviceState, event: AdviceEvent) -> AdviceState:
    match event:
        case ConsultationAsked():
            return replace(state, status="asked", asked=event)
        case ConsultationAnswered():
            return replace(state, status="answered", pharmacist=event.pharmacist, words=event.answer)
        case ConsultationWithdrawn():
            return replace(state, status="withdrawn")
        case MedicationReviewOpened():
            return replace(state, status="opened", opened=event, pharmacist=event.pharmacist)
        case ChangesSuggested():
            candidates = event.candidates or ()
            suggested = replace(state, pharmacist=event.pharmacist, candidates=candidates, words=event.advice)
            return replace(suggested, status="suggested")
        case MedicationReviewClosed():
            return replace(state, status="closed", pharmacist=event.pharmacist)
        case _:
            assert_never(event)


ADVICE: Aggregate[AdviceState] = Aggregate(
    name="advice",
    events=(
        ConsultationAsked,
        ConsultationAnswered,
        ConsultationWithdrawn,
        MedicationReviewOpened,
        ChangesSuggested,
        MedicationReviewClosed,
    ),
    initial=AdviceState(),
    evolve=evolve_advice,
)


def advice_ref(advice_id: UUID) -> StreamRef[AdviceState]:
    return ADVICE.ref(advice_id)


def duplicates_in(medicines: Iterable[Medicine]) -> tuple[tuple[str, ...], ...]:
    """Groups of keys that are one generic name, or of one chemical subgroup: the first five characters of the ATC code
    (WHO ATC, level 4). Each group once, its keys in order."""
    groups: dict[str, set[str]] = {}
    for medicine in medicines:
        groups.setdefault(f"name {medicine.generic_name}", set()).add(medicine.drug_key)
        if medicine.atc and len(medicine.atc) >= ATC_LEVEL_4:
            groups.setdefault(f"atc {medicine.atc[:ATC_LEVEL_4]}", set()).add(medicine.drug_key)
    return tuple(sorted({tuple(sorted(keys)) for keys in groups.values() if len(keys) > 1}))


ATC_LEVEL_4 = 5
"""Characters of an ATC code that name the chemical subgroup."""
