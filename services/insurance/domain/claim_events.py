"""What happens to a claim: amounts of the authorisation, before it of the quote, and the ledger's postings."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar, Literal, get_args
from uuid import UUID

from services.insurance.domain import claim_values as values
from services.insurance.domain import insurer_events
from services.insurance.domain.amounts import Adjudication, ClaimLine
from services.insurance.domain.audit.findings import AuditNote
from services.insurance.domain.claim_audit import AuditLifted
from services.insurance.domain.claim_fact_events import FactsInherited, ReceiptNoted, TakingBackNoted, UndoingNoted
from services.insurance.domain.delivery_fee import DeliveryFee
from services.insurance.domain.entitlement import SelfPayReason, Supply
from services.insurance.domain.ledger import BooksHoldings, Posting
from services.seedwork.model import DomainEvent


class ClaimOpened(DomainEvent):
    """A supply was dispensed: a claim for it exists."""

    TOPIC: ClassVar[str] = "insurance.claim.opened"

    claim_id: UUID
    attempt: int
    patient_ref: UUID
    supply: Supply
    lines: tuple[ClaimLine, ...]
    dispensed: tuple[values.LineQuantity, ...] = ()
    """All that was dispensed, where this attempt bills only a part of it."""
    delivery_fee: DeliveryFee | None = None
    """What bringing it costs the patient, apart from the claim; None: nothing."""
    decide_until: datetime | None = None
    """Of what is billed anew and the patient has: until when it is to be authorised and paid; None: without a limit."""
    patient_consent: str | None = None
    """What the patient signed for an attempt before: to pay what no insurer does."""


class ClaimQuoted(DomainEvent):
    """What the claim would come to on this day. Without an insurer the patient pays alone, for the reason given.
    `next_inquiry_at`: when the insurer itself is asked."""

    TOPIC: ClassVar[str] = "insurance.claim.quoted"

    insurer: str | None
    self_pay_reason: SelfPayReason | None
    policy_date: date
    adjudication: Adjudication
    interface: values.InsurerInterface = values.IN_HOUSE
    next_inquiry_at: datetime | None = None
    audit: AuditNote | None = None


class AuthorisationRequested(insurer_events.InsurerAsked):
    """The insurer is asked to authorise. A request whose outcome is unknown is sent again under the same id."""

    TOPIC: ClassVar[str] = "insurance.claim.authorisation_requested"

    consent: values.Consent


class AuthorisationOutcomeUnknown(DomainEvent):
    """The insurer did not answer: nothing is assumed, and it is asked what became of the message."""

    TOPIC: ClassVar[str] = "insurance.claim.authorisation_outcome_unknown"

    message_id: UUID
    next_inquiry_at: datetime | None = None


class AuthorisationNotBooked(DomainEvent):
    """Asked again, the insurer says that it has booked nothing: the claim is where it was before it was sent."""

    TOPIC: ClassVar[str] = "insurance.claim.authorisation_not_booked"

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

    how: values.ClearedHow
    postings: tuple[Posting, ...]


class CreditGiven(DomainEvent):
    """The patient needs it now: a named person of the pharmacy hands it out before the money is certain.

    `patient_consent` refers to a document in which the patient agrees to pay should the insurer not.
    """

    TOPIC: ClassVar[str] = "insurance.claim.credit_given"

    given_by: str
    reason: str
    patient_consent: str | None


class ShareLeftOwed(DomainEvent):
    """Billed anew, authorised, not paid in time: the patient has the supply and bears the share, which stays owed."""

    TOPIC: ClassVar[str] = "insurance.claim.share_left_owed"

    bearer: Literal["patient"]
    amount: int


class ShareCollected(BooksHoldings):
    """The patient's share is paid: of what was cleared on credit, or while the delivery fee is still to be paid."""

    TOPIC: ClassVar[str] = "insurance.claim.share_collected"


class ClearanceWithdrawn(DomainEvent):
    """The supply may not leave the pharmacy any more."""

    TOPIC: ClassVar[str] = "insurance.claim.clearance_withdrawn"

    reason: Literal["claim_refused"]


class ClaimSettled(BooksHoldings):
    """The patient has it: the amounts are final, the pharmacy has earned them."""

    TOPIC: ClassVar[str] = "insurance.claim.settled"

    insurer: str | None
    receipt_sha256: str
    settled_on: date | None = None


class VoidRequested(insurer_events.InsurerAsked):
    """The insurer is asked to take the authorisation back."""

    TOPIC: ClassVar[str] = "insurance.claim.void_requested"

    reason: values.VoidReason
    replaced_by: int | None
    """The attempt that is to follow once it is known to be taken back."""
    consent: str | None = None  # the patient's, written, where that attempt is to be paid alone


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
    reason: values.VoidReason
    replaced_by: int | None
    postings: tuple[Posting, ...]


class RefundAwaited(DomainEvent):
    """The claim is taken back, but its payment, or the refund of it, has no answer yet, and nothing goes back before it
    has: what the provider has of the patient's stays on the books."""

    TOPIC: ClassVar[str] = "insurance.claim.refund_awaited"

    postings: tuple[Posting, ...]


class RefundOrdered(BooksHoldings):
    """The provider has answered, and all that was kept on the books for the patient went back; or the pharmacy gave it
    back, and has what the provider kept."""

    TOPIC: ClassVar[str] = "insurance.claim.refund_ordered"


class ReverseRequested(insurer_events.InsurerAsked):
    """The insurer is asked to take a settled claim back. Once per claim."""

    TOPIC: ClassVar[str] = "insurance.claim.reverse_requested"

    reason: values.ReverseReason
    replaced_by: int | None
    ordered_by: str | None = None
    order_reason: str | None = None


class ReverseNotConfirmed(DomainEvent):
    """The insurer gave no answer: nothing is booked back, and it is asked again under the same id."""

    TOPIC: ClassVar[str] = "insurance.claim.reverse_not_confirmed"

    message_id: UUID
    next_inquiry_at: datetime


class ClaimReversed(BooksHoldings):
    """The settled claim is taken back: the exact negation of all it had booked, last payer first."""

    TOPIC: ClassVar[str] = "insurance.claim.reversed"

    insurer: str | None
    reason: values.ReverseReason
    replaced_by: int | None


class ClaimDisputed(DomainEvent):
    """The insurer will not bear it although the patient has it, or will not take it back: a person decides."""

    TOPIC: ClassVar[str] = "insurance.claim.disputed"

    about: values.DisputeAbout
    reasons: tuple[str, ...]


class DisputeDecided(BooksHoldings):
    """A named officer decided who bears it. The amounts, where they changed, are the claim's from now on."""

    TOPIC: ClassVar[str] = "insurance.claim.dispute_decided"

    decision: values.Decision
    bearer: values.Bearer
    decided_by: str
    reason: str
    insurer: str | None
    adjudication: Adjudication | None
    receipt_sha256: str | None


ClaimEvent = (
    ClaimOpened
    | ClaimQuoted
    | insurer_events.QuoteNotAnswered
    | AuthorisationRequested
    | AuthorisationOutcomeUnknown
    | AuthorisationNotBooked
    | ClaimAuthorised
    | ClaimRefused
    | AuditLifted
    | ClaimCleared
    | ReceiptNoted
    | UndoingNoted
    | TakingBackNoted
    | FactsInherited
    | CreditGiven
    | ShareLeftOwed
    | ShareCollected
    | ClearanceWithdrawn
    | insurer_events.SettlementRequested
    | insurer_events.SettlementNotConfirmed
    | ClaimSettled
    | VoidRequested
    | VoidNotConfirmed
    | ClaimVoided
    | RefundAwaited
    | RefundOrdered
    | ReverseRequested
    | ReverseNotConfirmed
    | ClaimReversed
    | ClaimDisputed
    | DisputeDecided
)
CLAIM_EVENTS: tuple[type[DomainEvent], ...] = get_args(ClaimEvent)
