"""What may be asked of a review case."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from services.review.domain.values import Candidate, Words
from services.seedwork.model import Command, Immutable

Code = Annotated[str, Field(min_length=1, max_length=10)]
Codes = Annotated[tuple[Code, ...], Field(min_length=1, max_length=20)]


class TakeCase(Command):
    """A pharmacist wants to review this case."""

    case_id: UUID


class TakeOver(Command):
    """A supervisor takes the case from whoever holds it."""

    case_id: UUID


class PutBack(Command):
    """The pharmacist leaves it to others."""

    case_id: UUID


class FindingComment(Immutable):
    """Why a finding does not stand in the way."""

    finding: int = Field(ge=1)
    comment: Words


class PassCase(Command):
    """What the pharmacist signs: this case, this revision, exactly these bytes of the prescription."""

    case_id: UUID
    revision: int = Field(ge=1)
    signed_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    comments: tuple[FindingComment, ...] = Field(default=(), max_length=50)


class CodedFinding(Immutable):
    """A pharmacist's own finding: an official code and the lines it concerns (none: the whole prescription)."""

    code: Code
    lines: tuple[Annotated[int, Field(ge=1, le=50)], ...] = Field(default=(), max_length=50)
    confirmable: bool = False


class ReturnCase(Command):
    """Back to the prescriber, to confirm or to write anew."""

    case_id: UUID
    findings: tuple[CodedFinding, ...] = Field(min_length=1, max_length=20)
    comment: Words


def _reasoned(candidate: Candidate) -> Candidate:
    if not candidate.reason.strip():
        raise ValueError("a reason is blank")
    return candidate


Reasoned = Annotated[Candidate, AfterValidator(_reasoned)]
"""As it is asked for; what is stored may be of an older release."""


class SampleCase(Command):
    """A passed case is to be commented (处方点评)."""

    case_id: UUID


class CommentCase(Command):
    """What another pharmacist thinks of it: official codes, or none for a rational prescription."""

    case_id: UUID
    codes: Annotated[tuple[Code, ...], Field(max_length=20)] = ()
    comment: Words | None = None


class AskConsultation(Command):
    """Somebody wants a pharmacist's word about prescriptions of one patient; by default of the institution that issued
    the first of them, or of one that reviews for it."""

    prescriptions: tuple[UUID, ...] = Field(min_length=1, max_length=10)
    question: Words
    institution: str | None = Field(default=None, max_length=30)


class AnswerConsultation(Command):
    """The pharmacist's answer."""

    answer: Words


class SuggestChanges(Command):
    """What could be stopped, reduced, replaced or watched, and the pharmacist's words to the prescriber."""

    candidates: tuple[Reasoned, ...] = Field(min_length=1, max_length=20)
    advice: Words


class RefuseCase(Command):
    """Seriously unreasonable or a medication error."""

    case_id: UUID
    codes: Codes
    reason: Words
