"""What can be asked of a fulfilment. Who asks is part of the command: rights are decided with the record."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from services.dispatch.domain.allocation import AllocationFacts
from services.dispatch.domain.protocol import ProtocolFacts
from services.dispatch.domain.values import (
    CODE_LENGTH_MAX,
    LINES_MAX,
    QUANTITY_MAX,
    CollectorIdentity,
    Designation,
    LineQuantity,
    OpenedLine,
    PickedLine,
    ProductFacts,
    Way,
)
from services.seedwork.model import Command, Immutable


class OpenFulfilment(Command):
    """An instalment opened."""

    fulfilment_id: UUID
    prescription_id: UUID
    patient_ref: UUID
    instalment: int
    instalments: int
    prescription_revision: int
    insurance_intent: str
    opens_at: datetime
    closes_at: datetime
    lines: tuple[OpenedLine, ...]
    nominated_pharmacy: str | None = None
    """As the patient chose last."""


class WantedLine(Immutable):
    """A quantity a pharmacy wants to hold, and the product it will take it from (None: the prescribed one)."""

    line: int = Field(ge=1, le=LINES_MAX)
    quantity: int = Field(gt=0, le=QUANTITY_MAX)
    product: str | None = Field(default=None, max_length=CODE_LENGTH_MAX)
    protocol_id: UUID | None = None
    """The substitution protocol that allows another drug."""


class HoldQuantity(Command):
    """A pharmacy reserves quantities for the patient who showed the token, or who nominated it."""

    pharmacy: str
    region: str
    pharmacist: str
    way: Way
    lines: tuple[WantedLine, ...] = Field(min_length=1)
    products: tuple[ProductFacts, ...] = ()
    """What the register says about the products named."""
    designations: tuple[Designation, ...] = ()
    """The pharmacy's agreements in force today."""
    protocols: tuple[ProtocolFacts, ...] = ()
    """What is known of the protocols named."""
    limits: tuple[AllocationFacts, ...] = ()
    """Allocations that hold for this patient here."""
    right: Literal["token", "nomination"] = "token"
    replaces: UUID | None = None
    """A replacement: the supply that came back or went bad, of the same pharmacy."""


class SeenSignature(Immutable):
    """The check of the prescriber's signature that a review refers to (处方签名验签)."""

    serial: UUID
    degraded: bool


class PassPharmacyReview(Command):
    """The pharmacy's own pharmacist has reviewed the prescription and stands for it."""

    hold_id: UUID
    pharmacy: str
    pharmacist: str
    signature: SeenSignature | None = None
    """The check of the prescriber's signature, as it stands."""
    serial_seen: UUID | None = None
    """Of the check the pharmacist has read; None: the one that stands."""
    signature_acknowledged: bool = False
    """The pharmacist knows that something about the signature could not be checked."""
    screening_acknowledged: bool = False
    """The pharmacist knows that a substitute could not be screened for this patient."""
    protocols: tuple[ProtocolFacts, ...] = ()
    """What is known of the protocols the hold rests on."""


class ProposeSubstitution(Command):
    """The pharmacy asks about a substitute it holds; the patient has agreed to it and its price. Where no prescriber is
    asked, the pharmacist states of the insurance's restriction (限制使用) whether it is met, and by a code why not."""

    hold_id: UUID
    pharmacy: str
    pharmacist: str
    line: int
    patient_agrees: bool
    restricted_use_met: bool | None = None
    restricted_use_reason: str | None = None
    substitute: ProductFacts | None = None
    unit_price: int | None = None
    """Fen per pack, as the pharmacy's stock says."""


class ReleaseHold(Command):
    """The pharmacy gives a hold, or some of its lines and quantities, back."""

    hold_id: UUID
    pharmacy: str
    reason: Literal["out_of_stock", "patient_wish", "mistake", "other"]
    lines: tuple[LineQuantity, ...] | None = None
    """None: all of it."""


class RefuseAtPharmacy(Command):
    """The pharmacy's pharmacist refuses to dispense for a clinical or legal reason (药品管理法 §58: 应当拒绝调配)."""

    hold_id: UUID
    pharmacy: str
    pharmacist: str
    code: str
    reason: str
    lines: tuple[int, ...] | None = None
    """None: all lines of the hold."""


class PrepareSupply(Command):
    """Packs picked and scanned for a hold."""

    hold_id: UUID
    pharmacy: str
    preparer: str
    lines: tuple[PickedLine, ...] = Field(min_length=1)
    products: tuple[ProductFacts, ...] = ()


class Unprepare(Command):
    """Packs set aside go back to the shelf."""

    supply_id: UUID
    pharmacy: str


class DispenseSupply(Command):
    """A second person has checked the packs against the prescription."""

    supply_id: UUID
    pharmacy: str
    checker: str
    products: tuple[ProductFacts, ...] = ()
    prices: dict[str, int] = Field(default_factory=dict)
    """product -> fen per pack, as the pharmacy's stock says."""


class HandOut(Command):
    """The patient, or an agent, takes the supply at the counter."""

    supply_id: UUID
    pharmacy: str
    handed_out_by: str
    collector_kind: Literal["patient", "agent"]
    collector: CollectorIdentity
    collector_years: int | None = None
    """Age of who collects, by the identity number."""
    drug_classes: dict[int, str] = Field(default_factory=dict)
    """Line -> regulatory class of its drug."""
    irregularities: tuple[str, ...] = ()
    """Rules that were broken; it has happened all the same."""


class AskForNotice(Command):
    """To be told when the pharmacy of a partial supply has the rest of a line; by the pharmacy or by the patient."""

    supply_id: UUID
    line: int
    pharmacy: str | None
    patient_ref: UUID | None
    asked_by: str


class GiveUp(Command):
    """The patient does not want a dispensed supply any more."""

    supply_id: UUID
    patient_ref: UUID


class TakeBack(Command):
    """The patient brings back what is bad, recalled or the wrong thing."""

    supply_id: UUID
    pharmacy: str
    taken_back_by: str
    why: Literal["quality", "recall", "wrong_item"]
    note: str | None = None
    lines: tuple[LineQuantity, ...] | None = None
    """None: all that the patient still has of it."""


class DeliverSupply(Command):
    """The courier says that the parcel is in the patient's hands."""

    supply_id: UUID
    courier: str
    collector_kind: Literal["patient", "agent"]
    identity_checked: bool
    proof_sha256: str
    accepted: tuple[LineQuantity, ...] | None = None
    """None: all of it."""
    rejected: tuple[LineQuantity, ...] = ()
    irregularities: tuple[str, ...] = ()
    """Rules that were broken; it has happened all the same."""


class NoteClaim(Command):
    """News of a supply's claim."""

    supply_id: UUID
    attempt: int
    status: Literal["quoted", "refused", "cleared", "voided", "withdrawn"]
    patient_share: int | None = None
    how: str | None = None
    may_self_pay: bool = True


class RequestedLine(Immutable):
    """How much of a line is to be cancelled."""

    line: int
    quantity: int


class CancelQuantities(Command):
    """A cancellation request; `scope` None: everything."""

    request_id: UUID
    scope: tuple[RequestedLine, ...] | None = None
