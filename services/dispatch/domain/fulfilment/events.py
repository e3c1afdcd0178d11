"""What happens to a fulfilment. Secrets are never in it, and a collector's identity is sealed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from services.dispatch.domain.values import (
    CancelDecision,
    CollectorIdentity,
    Designation,
    DispensedLine,
    FreedLine,
    HeldLine,
    LineQuantity,
    Offer,
    OpenedLine,
    PartOfSupply,
    PickedLine,
    Way,
)
from services.seedwork.model import DomainEvent, Personal, PersonalClass


class FulfilmentOpened(DomainEvent):
    """An instalment can be served."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.fulfilment_opened"

    fulfilment_id: UUID
    prescription_id: UUID
    patient_ref: UUID
    instalment: int
    instalments: int
    prescription_revision: int
    insurance_intent: str
    opens_at: datetime
    closes_at: datetime
    token_issue: int
    lines: tuple[OpenedLine, ...]
    nominated_pharmacy: str | None = None


class QuantityHeld(DomainEvent):
    """A pharmacy reserved a quantity for this patient."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.quantity_held"

    hold_id: UUID
    pharmacy: str
    region: str
    way: Way
    lines: tuple[HeldLine, ...]
    designations: tuple[Designation, ...]
    self_pay_only: bool
    expires_at: datetime
    held_by: str
    kind: Literal["normal", "replacement"] = "normal"
    replaces: UUID | None = None
    """Of a replacement: the supply that came back or went bad."""
    right: Literal["token", "nomination"] = "token"


class HoldAccepted(DomainEvent):
    """The pharmacy's own pharmacist passed the prescription (药店审方)."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.hold_accepted"

    hold_id: UUID
    reviewer: str
    expires_at: datetime
    signature_serial: UUID | None = None
    """Of the signature's check that the pharmacist has seen (处方签名验签流水号)."""


class HoldEnded(DomainEvent):
    """A hold, or a part of it (`goes_on`), is over without a supply."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.hold_ended"

    hold_id: UUID
    how: Literal["released", "refused", "expired", "revoked", "rest_freed"]
    reason: str | None = None
    freed: tuple[FreedLine, ...]
    offers: tuple[Offer, ...] = ()
    """Where the patient could go instead: the nearest pharmacies that had all that is still wanted."""
    goes_on: bool = False


class SupplyPrepared(DomainEvent):
    """The packs are picked and scanned."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.supply_prepared"

    supply_id: UUID
    hold_id: UUID
    preparer: str
    lines: tuple[PickedLine, ...]


class SupplyUnprepared(DomainEvent):
    """The packs are back on the shelf before anybody checked them."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.supply_unprepared"

    supply_id: UUID


class SupplyDispensed(DomainEvent):
    """A second person checked the packs; the hold is used up."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.supply_dispensed"

    supply_id: UUID
    hold_id: UUID
    fill_no: int
    checker: str
    lines: tuple[DispensedLine, ...]
    collect_by: datetime


class ClaimNoted(DomainEvent):
    """Where the money of a supply stands. Only the highest attempt counts."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.claim_noted"

    supply_id: UUID
    attempt: int
    status: Literal["quoted", "refused", "cleared", "voided", "withdrawn"]
    patient_share: int | None = None
    how: str | None = None
    decide_by: datetime | None = None
    """Refused: until when the patient may choose to pay alone."""


class PaymentNoted(DomainEvent):
    """What became of the patient's payment for a supply."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.payment_noted"

    supply_id: UUID
    payment_id: UUID
    status: str
    amount: int
    item: Literal["share", "delivery_fee"] = "share"


class DeliveryAttached(DomainEvent):
    """A delivery is arranged for a supply."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.delivery_attached"

    supply_id: UUID
    delivery_id: UUID


class DeliveryDetached(DomainEvent):
    """The arranged delivery was called off; the supply stays at the counter."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.delivery_detached"

    supply_id: UUID
    delivery_id: UUID


class SupplyHandedToCourier(DomainEvent):
    """The supply has left the pharmacy."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.supply_handed_to_courier"

    supply_id: UUID
    delivery_id: UUID


class SupplyReceived(DomainEvent):
    """The patient, or an agent, has it in hands."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.supply_received"

    supply_id: UUID
    patient_ref: UUID
    accepted: tuple[LineQuantity, ...]
    rejected: tuple[LineQuantity, ...] = ()
    """What goes back with the courier."""
    collector_kind: Literal["patient", "agent"]
    collector: Annotated[CollectorIdentity | None, Personal(PersonalClass.IDENTITY)] = None
    identity_checked: bool
    handed_out_by: str
    proof_sha256: str | None = None
    organisation: str
    """Who recorded it, and owes an explanation of what is irregular about it."""
    irregularities: tuple[str, ...] = ()
    """Rules that were broken, by their codes in the error catalogue."""

    @property
    def exception(self) -> bool:
        return bool(self.irregularities)


class RemainderLapsed(DomainEvent):
    """Validity is over: what was free has lapsed, and what a hold frees later lapses too."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.remainder_lapsed"

    lines: tuple[LineQuantity, ...]


class CancellationDecided(DomainEvent):
    """The answer to a request; `from_free` and `from_replaceable` move with it, the rest by events of its own."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.cancellation_decided"

    request_id: UUID
    lines: tuple[CancelDecision, ...]
    from_free: tuple[LineQuantity, ...] = ()
    from_replaceable: tuple[PartOfSupply, ...] = ()
    awaiting: tuple[UUID, ...] = ()
    awaited: tuple[PartOfSupply, ...] = ()
    """Supplies with a courier on whose end the final answer waits; and what is wanted of each of them."""
    final: bool


class LinesBlocked(DomainEvent):
    """Nobody may hold or dispense these lines until the prescriber has answered; `lines` empty: all of them."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.lines_blocked"

    block_id: UUID
    lines: tuple[int, ...]


class LinesUnblocked(DomainEvent):
    """The prescriber has answered this block; another one may still stand on the same lines."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.lines_unblocked"

    block_id: UUID


class SupplyRefused(DomainEvent):
    """The pharmacy's pharmacist refused to dispense (拒绝调剂): a code of the official list, and why."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.supply_refused"

    block_id: UUID
    hold_id: UUID
    patient_ref: UUID
    pharmacist: str
    lines: tuple[int, ...]
    code: str
    reason: Annotated[str | None, Personal(PersonalClass.CLINICAL)]


class FulfilmentClosed(DomainEvent):
    """Nothing remains, is held or dispensed any more."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.fulfilment_closed"

    outcome: Literal["supplied", "cancelled", "lapsed", "mixed"]


EVENTS: tuple[type[DomainEvent], ...] = (
    FulfilmentOpened,
    QuantityHeld,
    HoldAccepted,
    HoldEnded,
    SupplyPrepared,
    SupplyUnprepared,
    SupplyDispensed,
    ClaimNoted,
    PaymentNoted,
    DeliveryAttached,
    DeliveryDetached,
    SupplyHandedToCourier,
    SupplyReceived,
    RemainderLapsed,
    CancellationDecided,
    LinesBlocked,
    LinesUnblocked,
    SupplyRefused,
    FulfilmentClosed,
)
