"""What happens to a claim. The amounts are those of the authorisation; before it, those of the quote; the ledger's
postings stand in the events."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar, Literal
from uuid import UUID

from services.insurance.domain.adjudication import Adjudication, ClaimLine
from services.insurance.domain.entitlement import SelfPayReason, Supply
from services.insurance.domain.ledger import Posting
from services.seedwork.model import DomainEvent, Immutable

ClearedHow = Literal["insured", "mixed", "self_pay"]
VoidReason = Literal["supply_undone", "payment_failed"]
Consent = Literal["credential", "standing_authorisation"]


class LineQuantity(Immutable):
    """Base units of one prescription line."""

    line: int
    quantity: int


class ClaimOpened(DomainEvent):
    """A supply was dispensed: a claim for it exists."""

    TOPIC: ClassVar[str] = "insurance.claim.opened"

    claim_id: UUID
    attempt: int
    patient_ref: UUID
    supply: Supply
    lines: tuple[ClaimLine, ...]


class ClaimQuoted(DomainEvent):
    """What the claim would come to on this day. Without an insurer the patient pays alone, for the reason given."""

    TOPIC: ClassVar[str] = "insurance.claim.quoted"

    insurer: str | None
    self_pay_reason: SelfPayReason | None
    policy_date: date
    adjudication: Adjudication


class AuthorisationRequested(DomainEvent):
    """Written before the insurer is asked. A request whose outcome is unknown is sent again under the same id."""

    TOPIC: ClassVar[str] = "insurance.claim.authorisation_requested"

    message_id: UUID
    consent: Consent


class AuthorisationOutcomeUnknown(DomainEvent):
    """The insurer did not answer: nothing is assumed."""

    TOPIC: ClassVar[str] = "insurance.claim.authorisation_outcome_unknown"

    message_id: UUID


class ClaimAuthorised(DomainEvent):
    """The insurer has booked it, or the patient pays alone. These amounts are the claim's from now on."""

    TOPIC: ClassVar[str] = "insurance.claim.authorised"

    insurer: str | None
    self_pay_reason: SelfPayReason | None
    consent: str | None
    """The written consent to pay alone, where it was asked for."""
    reference: str | None
    policy_date: date
    adjudication: Adjudication
    postings: tuple[Posting, ...]


class ClaimRefused(DomainEvent):
    """The insurer refused. The patient may pay alone, or give the supply up."""

    TOPIC: ClassVar[str] = "insurance.claim.refused"

    reasons: tuple[str, ...]


class ClaimCleared(DomainEvent):
    """Authorised and the patient's share paid: the supply may leave the pharmacy."""

    TOPIC: ClassVar[str] = "insurance.claim.cleared"

    how: ClearedHow
    postings: tuple[Posting, ...]


class ReceiptNoted(DomainEvent):
    """A fact from dispatch: what of the supply the patient has accepted."""

    TOPIC: ClassVar[str] = "insurance.claim.receipt_noted"

    supply_id: UUID
    accepted: tuple[LineQuantity, ...]


class UndoingNoted(DomainEvent):
    """A fact from dispatch: what of the supply will not reach the patient."""

    TOPIC: ClassVar[str] = "insurance.claim.undoing_noted"

    supply_id: UUID
    undone: tuple[LineQuantity, ...]


class ClaimSettled(DomainEvent):
    """The patient has it: the amounts are final, the pharmacy has earned them."""

    TOPIC: ClassVar[str] = "insurance.claim.settled"

    insurer: str | None
    receipt_sha256: str
    postings: tuple[Posting, ...]


class VoidRequested(DomainEvent):
    """Written before the insurer is asked to take the authorisation back."""

    TOPIC: ClassVar[str] = "insurance.claim.void_requested"

    message_id: UUID
    reason: VoidReason
    replaced_by: int | None
    """The attempt that is to follow once it is known to be taken back."""


class VoidNotConfirmed(DomainEvent):
    """The insurer gave no answer, or would not: nothing is booked back, and it is asked again under the same id."""

    TOPIC: ClassVar[str] = "insurance.claim.void_not_confirmed"

    message_id: UUID
    outcome: Literal["unknown", "refused"]
    next_inquiry_at: datetime


class ClaimVoided(DomainEvent):
    """The claim is taken back; all it had booked is negated. `replaced_by` is the attempt that follows."""

    TOPIC: ClassVar[str] = "insurance.claim.voided"

    insurer: str | None
    reason: VoidReason
    replaced_by: int | None
    postings: tuple[Posting, ...]


ClaimEvent = (
    ClaimOpened
    | ClaimQuoted
    | AuthorisationRequested
    | AuthorisationOutcomeUnknown
    | ClaimAuthorised
    | ClaimRefused
    | ClaimCleared
    | ReceiptNoted
    | UndoingNoted
    | ClaimSettled
    | VoidRequested
    | VoidNotConfirmed
    | ClaimVoided
)
CLAIM_EVENTS: tuple[type[DomainEvent], ...] = (
    ClaimOpened,
    ClaimQuoted,
    AuthorisationRequested,
    AuthorisationOutcomeUnknown,
    ClaimAuthorised,
    ClaimRefused,
    ClaimCleared,
    ReceiptNoted,
    UndoingNoted,
    ClaimSettled,
    VoidRequested,
    VoidNotConfirmed,
    ClaimVoided,
)
