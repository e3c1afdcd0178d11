"""Integration events of the dispatch service: retail fill, stock and delivery.

Every event of the families fulfilment and delivery carries `prescription_id` and `fulfilment_id`. Quantities are in
base units (最小制剂单位), money in fen. Whoever counts where a prescription's quantity is takes `buckets`: what stands
once the event has happened, per line.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.envelope import IntegrationEvent
from contracts.values import (
    CancelDecision,
    ContractValue,
    LineBuckets,
    LineQuantity,
    Offer,
    Road,
    SubstitutionMode,
    UndoneLine,
    UndonePack,
)
from services.seedwork.model import Personal, PersonalClass

WayOfSupply = Literal["counter", "delivery"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class DesignationInForce(ContractValue):
    """An agreement of the pharmacy with an insurer (定点) that held when the quantity was held."""

    insurer: str
    channels: tuple[str, ...] = Field(description="定点, 门诊统筹, 双通道")


class DispensedLine(ContractValue):
    """What was taken from one lot for one line. A line filled from two lots appears twice."""

    line: int = Field(ge=1)
    product: str = Field(description="23-character national code (医保药品代码)")
    generic_name: str
    drug_key: str = Field(description="generic name, form and strength")
    quantity: int = Field(gt=0)
    pack_size: int = Field(gt=0)
    packs: int = Field(gt=0, description="packs taken or opened")
    split_pack: bool = Field(default=False, description="the last pack was opened and not used up (拆零)")
    lot: str
    expiry: date
    trace_codes: tuple[str, ...] = Field(description="one per pack (药品追溯码), or none with a reason")
    no_code_reason: str | None = Field(default=None, description="no_code_printed, herbal, unreadable")
    no_code_photo_sha256: str | None = Field(default=None, description="of the photo of an unreadable code")
    prescribed_quantity: int | None = Field(
        default=None, gt=0, description="prescribed units that a substitute counts for; none: `quantity` itself"
    )
    substitution: Literal["none", "brand", "protocol"] = Field(
        default="none", description="the prescribed product, another brand of the same drug, or by a protocol"
    )
    prescribed_product: str | None = Field(default=None, description="where another product is given")
    protocol_id: UUID | None = None
    substitution_mode: SubstitutionMode | None = Field(default=None, description="who answers for a substitute")
    substitution_answered_by: str | None = Field(
        default=None, description="the prescriber who signed for the substitute, or the pharmacist who passed it alone"
    )
    restricted_use_met: bool | None = Field(
        default=None,
        description="what is stated of the insurance's restriction of its use (限制使用): by the prescriber, of a "
        "substitute by whoever answers for it",
    )
    unit_price: int = Field(ge=0, description="fen per pack")
    amount: int = Field(ge=0, description="fen; unit_price x quantity / pack_size, rounded half up once")


class FulfilmentEvent(IntegrationEvent):
    """What every event of a fulfilment names."""

    FAMILY: ClassVar[str] = "fulfilment"

    prescription_id: UUID
    fulfilment_id: UUID


class FulfilmentOpened(FulfilmentEvent):
    """An instalment can be served: the patient has a token, pharmacies may hold."""

    TYPE: ClassVar[str] = "dispatch.fulfilment_opened.v1"

    instalment: int
    instalments: int = Field(description="of how many")
    opens_at: datetime
    closes_at: datetime = Field(description="no new hold after this moment")
    buckets: tuple[LineBuckets, ...]


class PharmacyNominated(FulfilmentEvent):
    """The patient has named the pharmacy that may hold without the code, or none any more."""

    TYPE: ClassVar[str] = "dispatch.pharmacy_nominated.v1"

    pharmacy: str | None


class QuantityHeld(FulfilmentEvent):
    """A pharmacy has reserved a quantity for this patient: nobody else can hold the same quantity."""

    TYPE: ClassVar[str] = "dispatch.quantity_held.v1"

    hold_id: UUID
    kind: Literal["normal", "replacement"]
    pharmacy: str
    region: str
    lines: tuple[LineQuantity, ...]
    way: WayOfSupply
    expires_at: datetime
    buckets: tuple[LineBuckets, ...]
    replaces: UUID | None = Field(default=None, description="of a replacement: the supply that came back or went bad")


class HoldEnded(FulfilmentEvent):
    """A hold, or a part of it, is over without a supply; the quantity is where `freed` says."""

    TYPE: ClassVar[str] = "dispatch.hold_ended.v1"

    hold_id: UUID
    pharmacy: str
    how: Literal["released", "refused", "expired", "revoked", "rest_freed"]
    reason: str | None = None
    freed: tuple[UndoneLine, ...]
    buckets: tuple[LineBuckets, ...]
    offers: tuple[Offer, ...] = Field(default=(), description="the nearest that had all, for the patient")


class SupplyRefused(FulfilmentEvent):
    """The pharmacy's pharmacist refused for a clinical or legal reason (拒绝调剂): dispatch has blocked the lines for
    every pharmacy, and the prescriber is asked. The hold's end is told apart."""

    TYPE: ClassVar[str] = "dispatch.supply_refused.v1"

    patient_ref: UUID
    block_id: UUID = Field(description="names the question; the prescriber's answer refers to it")
    hold_id: UUID
    pharmacy: str
    pharmacist: str
    lines: tuple[int, ...]
    codes: tuple[str, ...] = Field(description="official codes (医院处方点评管理规范), or `forged`")
    reason: Annotated[str | None, Personal(PersonalClass.CLINICAL)]


class SupplyDispensed(FulfilmentEvent):
    """Checked by a second person, trace codes booked. Still in the pharmacy until it is cleared and handed out.

    A claim's right comes from this event alone.
    """

    TYPE: ClassVar[str] = "dispatch.supply_dispensed.v1"

    supply_id: UUID
    hold_id: UUID
    fill_no: int = Field(ge=1)
    pharmacy: str
    region: str
    way: WayOfSupply
    patient_ref: UUID
    insurance_intent: str
    designations: tuple[DesignationInForce, ...]
    self_pay_only: bool = Field(description="no designation of the pharmacy covers the insurance intent")
    prescription_revision: int
    lines: tuple[DispensedLine, ...]
    reviewer: str
    preparer: str
    checker: str
    trace_codes_undecided: bool = Field(default=False, description="an owner was away: `trace_codes_decided` follows")
    buckets: tuple[LineBuckets, ...]


class SupplyReceived(FulfilmentEvent):
    """The patient, or whoever collects for the patient, has it in hands."""

    TYPE: ClassVar[str] = "dispatch.supply_received.v1"

    supply_id: UUID
    accepted: tuple[LineQuantity, ...]
    rejected: tuple[LineQuantity, ...] = ()
    collector_kind: Literal["patient", "agent"]
    identity_checked: bool
    proof_sha256: Sha256 | None = None
    exception: bool = Field(default=False, description="it happened although a guard failed")
    carried: bool | None = Field(default=None, description="by a courier; None: not told then")
    buckets: tuple[LineBuckets, ...]


class SupplyUndone(FulfilmentEvent):
    """A dispensed supply, or what was rejected of it at the door, never reached the patient: the money follows.

    It is told when the goods are back and looked at, or lost; what quarantine decides later changes nothing of it.
    """

    TYPE: ClassVar[str] = "dispatch.supply_undone.v1"

    supply_id: UUID
    lines: tuple[UndoneLine, ...]
    why: Literal["not_collected", "given_up", "cancelled", "not_cleared", "returned", "lost", "damaged", "recalled"]
    disposition: Literal["restocked", "quarantined", "destroyed", "lost", "mixed"]
    packs: tuple[UndonePack, ...] = Field(
        default=(), description="of a parcel, what became of each pack; empty: all is back on the shelf, codes freed"
    )
    buckets: tuple[LineBuckets, ...]
    replace_until: datetime | None = Field(default=None, description="until when its pharmacy may supply it again")
    road: Road | None = Field(default=None, description="why it did not arrive, where a courier had it")


class CancellationDecided(FulfilmentEvent):
    """Dispatch's answer to a cancellation, once per request and fulfilment; once more when a courier's end was awaited.

    `cancelled` includes what this request's own hold_ended and supply_undone moved.
    """

    TYPE: ClassVar[str] = "dispatch.cancellation_decided.v1"

    request_id: UUID
    lines: tuple[CancelDecision, ...]
    final: bool
    buckets: tuple[LineBuckets, ...]


class FulfilmentClosed(FulfilmentEvent):
    """Nothing remains, is held or dispensed any more."""

    TYPE: ClassVar[str] = "dispatch.fulfilment_closed.v1"

    outcome: Literal["supplied", "cancelled", "lapsed", "mixed"]
    buckets: tuple[LineBuckets, ...]


class DeliveryEvent(IntegrationEvent):
    """What every event of a delivery names."""

    FAMILY: ClassVar[str] = "delivery"

    prescription_id: UUID
    fulfilment_id: UUID
    delivery_id: UUID
    supply_id: UUID


class DeliveryCreated(DeliveryEvent):
    """A courier is to bring a supply."""

    TYPE: ClassVar[str] = "dispatch.delivery_created.v1"

    pharmacy: str
    courier: str
    cold_chain: bool
    storage: Literal["ambient", "refrigerated", "frozen"] | None = None
    identity_required: bool = False


class DeliveryHandedOver(DeliveryEvent):
    """The courier has the sealed parcel."""

    TYPE: ClassVar[str] = "dispatch.delivery_handed_over.v1"

    courier: str
    seal_no: str
    proof_sha256: Sha256
    eta: datetime | None = None


class DeliveryAttemptFailed(DeliveryEvent):
    """Nobody took the parcel."""

    TYPE: ClassVar[str] = "dispatch.delivery_attempt_failed.v1"

    attempt: int = Field(ge=1)
    reason: Literal[
        "nobody_there", "not_reachable", "address_not_found", "refused_at_the_door", "parcel_damaged", "other"
    ]
    may_retry: bool


class DeliveryEnded(DeliveryEvent):
    """The delivery is over: at the patient's, in part or whole; back in the pharmacy; lost; or called off before.

    `partly`: the patient has a part, the rest is back or lost; what became of it is in supply_undone.
    """

    TYPE: ClassVar[str] = "dispatch.delivery_ended.v1"

    outcome: Literal["delivered", "cancelled", "partly", "restocked", "quarantined", "destroyed", "lost"]
    proof_sha256: Sha256 | None = None
    exception: bool = False
