"""What may be asked of a review case."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.review.domain.values import Words
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


class RefuseCase(Command):
    """Seriously unreasonable or a medication error."""

    case_id: UUID
    codes: Codes
    reason: Words
