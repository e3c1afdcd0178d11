"""What happens to a payment: the patient's share of one claim, or the delivery fee of one supply. Amounts in fen.

A share's postings stand in its claim; a fee belongs to no claim, so its own stand here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.insurance.domain.delivery_fee import FeeBearer, FeeEnd
from services.insurance.domain.ledger import BooksHoldings, Posting
from services.insurance.domain.payment_task_events import TaskClosed, TaskOpened, TaskTaken
from services.seedwork.model import DomainEvent, Immutable, derived_id

FailReason = Literal["declined", "claim_voided", "not_owed"]
PaymentItem = Literal["share", "delivery_fee"]


class Source(Immutable):
    """A part of a payment as the provider knows it: under the payment it was paid by, and its reference there."""

    payment_id: UUID
    reference: str
    amount: Annotated[int, Field(gt=0)]

    def refund_number(self, refund_id: UUID) -> UUID:
        """What the provider lists its giving back under (out_refund_no): an order of several parts is one for each."""
        return derived_id("refund", refund_id, self.payment_id)


class PaymentRequested(DomainEvent):
    """The patient owes this share of a claim, or this fee of a supply, in fen; a fee that was dropped is asked for
    again so, too. `claim_id` is the attempt that was authorised then."""

    TOPIC: ClassVar[str] = "insurance.payment.requested"

    payment_id: UUID
    claim_id: UUID
    supply_id: UUID
    prescription_id: UUID
    fulfilment_id: UUID
    patient_ref: UUID
    amount: Annotated[int, Field(gt=0)]
    item: PaymentItem = "share"
    rule: str | None = None
    """Of a fee: the tariff it follows from."""
    pharmacy: str | None = None
    """Who earns it."""
    postings: tuple[Posting, ...] = ()
    expires_at: datetime | None = None
    """Until when it can be paid; None: without a limit."""


class PaymentPaid(BooksHoldings):
    """The provider has the money."""

    TOPIC: ClassVar[str] = "insurance.payment.paid"

    channel: str
    reference: str


class PaymentFailed(DomainEvent):
    """The provider declined, or it is owed no more before anything was paid."""

    TOPIC: ClassVar[str] = "insurance.payment.failed"

    reason: FailReason
    channel: str | None = None
    reference: str | None = None
    postings: tuple[Posting, ...] = ()
    ended: FeeEnd | None = None
    """Of a fee: how its carriage ended."""


class PaymentRefunded(BooksHoldings):
    """All that was paid went back to the patient."""

    TOPIC: ClassVar[str] = "insurance.payment.refunded"

    reference: str
    ended: FeeEnd | None = None
    borne_by: FeeBearer | None = None
    """Of a fee: who is left with what the carriage cost."""
    rest: bool = False
    """Only what had not been carried over to another payment."""
    parts: tuple[Source, ...] = ()
    """What went back, as the provider knows it."""
    by_pharmacy: bool = False
    """The pharmacy gave it back, and has what the provider kept."""


class RefundNotConfirmed(DomainEvent):
    """The refund is ordered, and the provider gave no answer, or would not: it has the money, nothing is booked back,
    and it is asked again under the same id. `ended`, `borne_by`: of a fee, why it goes back."""

    TOPIC: ClassVar[str] = "insurance.payment.refund_not_confirmed"

    outcome: Literal["unknown", "refused"]
    next_inquiry_at: datetime
    ended: FeeEnd | None = None
    borne_by: FeeBearer | None = None
    parts: tuple[Source, ...] = ()
    """What was ordered back."""
    postings: tuple[Posting, ...] = ()


class PaymentOutcomeUnknown(DomainEvent):
    """The provider did not answer: nothing is assumed, and it is asked what became of the payment. `reference` None:
    nobody has named one, and the provider may know of it all the same."""

    TOPIC: ClassVar[str] = "insurance.payment.outcome_unknown"

    reference: str | None
    next_inquiry_at: datetime
    postings: tuple[Posting, ...] = ()


class PaymentExpired(DomainEvent):
    """Nobody has paid in time, and the provider knows of nothing: it is asked for no more."""

    TOPIC: ClassVar[str] = "insurance.payment.expired"

    postings: tuple[Posting, ...] = ()


class PaymentOverdue(DomainEvent):
    """Its time is over and it stays owed: the patient has the supply already, or the share of another attempt was asked
    for meanwhile, and a fee goes with that one (`until`)."""

    TOPIC: ClassVar[str] = "insurance.payment.overdue"

    until: datetime | None = None
    postings: tuple[Posting, ...] = ()


class PaymentCarriedOver(DomainEvent):
    """Another claim has taken the place of this one's: what was paid goes over to it, and only what it needs less has
    gone back (`refunded`, under `reference`), or is to, once the provider confirms it (`awaited`)."""

    TOPIC: ClassVar[str] = "insurance.payment.carried_over"

    to: UUID
    amount: Annotated[int, Field(gt=0)]
    refunded: Annotated[int, Field(ge=0)]
    reference: str | None
    awaited: tuple[Source, ...] = ()
    parts: tuple[Source, ...] = ()
    """What has gone back, as the provider knows it."""
    postings: tuple[Posting, ...] = ()


class PaymentCovered(DomainEvent):
    """What had been paid for the claim before this one counts here; `left` is still to be paid."""

    TOPIC: ClassVar[str] = "insurance.payment.covered"

    by: UUID
    amount: Annotated[int, Field(gt=0)]
    left: Annotated[int, Field(ge=0)]
    channel: str
    reference: str
    sources: tuple[Source, ...]
    postings: tuple[Posting, ...] = ()


class FeeEarned(BooksHoldings):
    """What was carried is to be paid for: the pharmacy has earned the fee, whether it is paid already or still owed."""

    TOPIC: ClassVar[str] = "insurance.payment.fee_earned"

    ended: FeeEnd


PaymentEvent = (
    PaymentRequested
    | PaymentPaid
    | PaymentFailed
    | PaymentRefunded
    | RefundNotConfirmed
    | PaymentOutcomeUnknown
    | PaymentExpired
    | PaymentOverdue
    | PaymentCarriedOver
    | PaymentCovered
    | FeeEarned
    | TaskOpened
    | TaskTaken
    | TaskClosed
)
