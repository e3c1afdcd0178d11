"""The readable form of a receipt (结算单): made once and kept, so that the same bytes are given out again.

What counts are the claim's events; the document shows them under the digest of the receipt. One is kept for each
receipt of a claim, and one more once it is reversed, which says that it does not stand any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from services.seedwork.model import Aggregate, DomainEvent, Personal, PersonalClass, StreamRef, derived_id

Standing = Literal["stands", "reversed"]


class ReceiptKept(DomainEvent):
    """A document was made and is kept. `content` is its bytes in base64, `sha256` their digest."""

    TOPIC: ClassVar[str] = "insurance.receipt.receipt_kept"

    claim_id: UUID
    patient_ref: UUID
    standing: Standing
    receipt_sha256: str
    sha256: str
    content: Annotated[str | None, Personal(PersonalClass.FINANCIAL)]


@dataclass(frozen=True)
class KeptReceiptState:
    """The document, if it was made; its content is gone with the patient."""

    kept: ReceiptKept | None = None


def evolve(_state: KeptReceiptState, event: ReceiptKept) -> KeptReceiptState:
    return KeptReceiptState(event)


def keep(state: KeptReceiptState, made: ReceiptKept) -> list[DomainEvent]:
    """The first one that was made is the one that is kept."""
    return [] if state.kept else [made]


KEPT_RECEIPT = Aggregate(name="receipt", events=(ReceiptKept,), initial=KeptReceiptState(), evolve=evolve)


def kept_receipt_ref(claim_id: UUID, receipt_sha256: str, standing: Standing) -> StreamRef[KeptReceiptState]:
    """The stream of one document."""
    return KEPT_RECEIPT.ref(derived_id("receipt", claim_id, receipt_sha256, standing))
