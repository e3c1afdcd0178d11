"""PrescriptionContent: what a pharmacy may see of a released prescription, as the issuing side told it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from services.seedwork.model import Aggregate, DomainEvent, Immutable, Personal, PersonalClass, derived_id


class ContentLine(Immutable):
    """A line as the pharmacist reads it."""

    line: int
    product: str
    generic_name: str
    drug_key: str
    form: str
    strength: str
    drug_class: str
    base_unit: str
    quantity: int
    dose_text: str
    counter_only: bool
    deliverable: bool
    cold_chain: bool
    substitution_consent: bool
    split_pack: bool = False
    days: int | None = None
    restricted_use_met: bool | None = None
    """What the prescriber states of the insurance's restriction of its use (限制使用)."""


class ContentStored(DomainEvent):
    """The review passed and the prescription is in circulation. Clinical facts are sealed."""

    TOPIC: ClassVar[str] = "dispatch.prescription_content.content_stored"

    prescription_id: UUID
    patient_ref: UUID
    revision: int
    prescriber: str
    institution: str
    patient_name: Annotated[str | None, Personal(PersonalClass.IDENTITY)]
    diagnoses: Annotated[tuple[dict[str, str], ...] | None, Personal(PersonalClass.CLINICAL)]
    disease_code: Annotated[str | None, Personal(PersonalClass.CLINICAL)] = None
    lines: tuple[ContentLine, ...]
    reviewers: tuple[dict[str, Any], ...]
    findings: tuple[dict[str, Any], ...]
    confirmed: Annotated[tuple[dict[str, Any], ...] | None, Personal(PersonalClass.CLINICAL)] = None
    """Findings that the prescriber signed for again (双签名), with the reasons."""
    insurance_intent: str
    signed_sha256: str
    signature: dict[str, Any]
    instalments: int
    valid_until: datetime
    nominated_pharmacy: str | None = None
    """By the patient, before the release."""


class InstalmentKnown(DomainEvent):
    """An instalment was opened for filling."""

    TOPIC: ClassVar[str] = "dispatch.prescription_content.instalment_known"

    instalment: int


class NominationKnown(DomainEvent):
    """The patient chose another pharmacy, or none: it holds for later instalments too."""

    TOPIC: ClassVar[str] = "dispatch.prescription_content.nomination_known"

    pharmacy: str | None


class QuestionAsked(DomainEvent):
    """Lines were blocked: what the prescriber is asked. Later instalments are blocked with it; `lines` empty: all."""

    TOPIC: ClassVar[str] = "dispatch.prescription_content.question_asked"

    block_id: UUID
    patient_ref: UUID
    lines: tuple[int, ...]
    source: str
    codes: tuple[str, ...]
    asked_by: str
    reason: Annotated[str | None, Personal(PersonalClass.CLINICAL)]


class QuestionAnswered(DomainEvent):
    """The prescriber's signed answer: the lines may be held again."""

    TOPIC: ClassVar[str] = "dispatch.prescription_content.question_answered"

    block_id: UUID
    patient_ref: UUID
    answer: Annotated[str | None, Personal(PersonalClass.CLINICAL)]
    signed_sha256: str


class StopUseKnown(DomainEvent):
    """What the patient has of these lines must not be used any more."""

    TOPIC: ClassVar[str] = "dispatch.prescription_content.stop_use_known"

    request_id: UUID
    reason_code: str
    lines: tuple[int, ...]
    fulfilments: tuple[UUID, ...] = ()
    """Those that were open or over by then; not kept in older events."""


class PrescriptionEnded(DomainEvent):
    """The issuing side says that the prescription is over."""

    TOPIC: ClassVar[str] = "dispatch.prescription_content.prescription_ended"

    ended_as: Literal["expired", "cancelled", "completed"]


@dataclass(frozen=True)
class ContentState:
    """One prescription as dispatch knows it; `content` is None before its release arrived."""

    content: ContentStored | None = None
    instalments: tuple[int, ...] = ()
    ended_as: str | None = None
    questions: Mapping[UUID, QuestionAsked] = field(default_factory=dict)
    answers: Mapping[UUID, QuestionAnswered] = field(default_factory=dict)
    nominated_pharmacy: str | None = None
    stop_use: tuple[StopUseKnown, ...] = ()

    @property
    def lines(self) -> tuple[ContentLine, ...]:
        return self.content.lines if self.content else ()

    @property
    def signature_serial(self) -> UUID | None:
        """Names the check of the prescriber's signature; another revision has another (处方签名验签流水号)."""
        if self.content is None:
            return None
        return derived_id("signature_check", self.content.prescription_id, self.content.signed_sha256)

    @property
    def signature_degraded(self) -> bool:
        """Whether something about the signature could not be checked."""
        return bool(self.content and self.content.signature.get("degraded"))

    @property
    def open_questions(self) -> tuple[QuestionAsked, ...]:
        return tuple(asked for block_id, asked in self.questions.items() if block_id not in self.answers)


def evolve(state: ContentState, event: DomainEvent) -> ContentState:
    match event:
        case ContentStored():
            return replace(state, content=event, nominated_pharmacy=event.nominated_pharmacy)
        case NominationKnown(pharmacy=pharmacy):
            return replace(state, nominated_pharmacy=pharmacy)
        case InstalmentKnown(instalment=instalment):
            return replace(state, instalments=(*state.instalments, instalment))
        case QuestionAsked():
            return replace(state, questions={**state.questions, event.block_id: event})
        case QuestionAnswered():
            return replace(state, answers={**state.answers, event.block_id: event})
        case StopUseKnown():
            return replace(state, stop_use=(*state.stop_use, event))
        case PrescriptionEnded(ended_as=ended_as):
            return replace(state, ended_as=ended_as)
    return state  # pragma: no cover - the aggregate names no other event


CONTENTS: Aggregate[ContentState] = Aggregate(
    name="prescription_content",
    events=(
        ContentStored,
        InstalmentKnown,
        NominationKnown,
        QuestionAsked,
        QuestionAnswered,
        StopUseKnown,
        PrescriptionEnded,
    ),
    initial=ContentState(),
    evolve=evolve,
)


def content_id(prescription_id: UUID) -> UUID:
    return derived_id("prescription_content", prescription_id)
