"""The readable form of a signed prescription (处方笺): made once and kept, so that the same bytes are given out again.

What was signed is the compact JWS; the document only shows it. One is kept for each signed revision, and one more for
the same revision once its review has passed, as the reviewing pharmacist's name belongs on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from services.seedwork.model import Aggregate, DomainEvent, Personal, PersonalClass, StreamRef, derived_id

Stage = Literal["signed", "reviewed"]


class DocumentKept(DomainEvent):
    """A document was made and is kept. `content` is its bytes in base64, `sha256` their digest."""

    TOPIC: ClassVar[str] = "prescribe.document.document_kept"

    prescription_id: UUID
    patient_ref: UUID
    revision: int
    confirmation_no: int
    stage: Stage
    signed_sha256: str
    sha256: str
    content: Annotated[str | None, Personal(PersonalClass.CLINICAL)]


@dataclass(frozen=True)
class DocumentState:
    """The document, if it was made; its content is gone with the patient."""

    kept: DocumentKept | None = None


def evolve(_state: DocumentState, event: DocumentKept) -> DocumentState:
    return DocumentState(event)


def keep(state: DocumentState, made: DocumentKept) -> list[DomainEvent]:
    """The first one that was made is the one that is kept."""
    return [] if state.kept else [made]


DOCUMENT = Aggregate(name="document", events=(DocumentKept,), initial=DocumentState(), evolve=evolve)


def document_ref(prescription_id: UUID, revision: int, confirmation_no: int, stage: Stage) -> StreamRef[DocumentState]:
    """The stream of one document."""
    return DOCUMENT.ref(derived_id("document", prescription_id, revision, confirmation_no, stage))
