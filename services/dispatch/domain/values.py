"""Values of retail fill. Quantities are integers in base units (最小制剂单位), money in fen."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from services.dispatch.domain.delivery.values import ReturnReason
from services.seedwork.model import Immutable

LINES_MAX = 50
QUANTITY_MAX = 10_000_000
"""Base units of one line or one booking: more is a slip of the pen."""
CODE_LENGTH_MAX = 30
LOT_LENGTH_MAX = 64
TraceCode = Annotated[str, Field(min_length=1, max_length=128)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Bucket(StrEnum):
    """Where a prescribed quantity is. Disjoint; they always sum to what was prescribed."""

    REMAINING = "remaining"
    HELD = "held"
    DISPENSED = "dispensed"
    IN_HANDS = "in_hands"
    REPLACEABLE = "replaceable"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"


class Way(StrEnum):
    """How the patient gets it."""

    COUNTER = "counter"
    DELIVERY = "delivery"


class OpenedLine(Immutable):
    """A line of the instalment, as far as retail fill must know it."""

    line: int = Field(ge=1)
    product: str
    generic_name: str
    drug_key: str
    quantity: int = Field(gt=0)
    deliverable: bool = True
    cold_chain: bool = False
    substitution_consent: bool = False
    days: int | None = None
    """How long the quantity lasts by the prescriber's directions."""
    restricted_use_met: bool | None = None
    """What the prescriber states of the insurance's restriction of its use (限制使用)."""


class LineQuantity(Immutable):
    """A quantity of one line."""

    line: int = Field(ge=1, le=LINES_MAX)
    quantity: int = Field(gt=0, le=QUANTITY_MAX)


class Ratio(Immutable):
    """How a substitute counts: prescribed units = units of the substitute x numerator / denominator, exactly."""

    numerator: int = Field(gt=0)
    denominator: int = Field(gt=0)

    def prescribed(self, units: int) -> int | None:
        """Prescribed units that these units of the substitute count for; None where a remainder is left."""
        whole, rest = divmod(units * self.numerator, self.denominator)
        return None if rest else whole

    def units(self, prescribed: int) -> int | None:
        """Units of the substitute that stand for these prescribed ones; None where a remainder is left."""
        whole, rest = divmod(prescribed * self.denominator, self.numerator)
        return None if rest else whole

    def __str__(self) -> str:
        return f"{self.numerator}:{self.denominator}"


class Substitution(Immutable):
    """Another drug in place of the prescribed one, under a protocol."""

    protocol_id: UUID
    mode: str
    ratio: Ratio
    excluded: tuple[str, ...] = ()
    drug_key: str


class HeldLine(Immutable):
    """A held quantity in prescribed units, and the product the pharmacy will take it from: the prescribed one, another
    brand of it, or a substitute."""

    line: int = Field(ge=1)
    product: str
    quantity: int = Field(gt=0)
    substitution: Substitution | None = None

    def inexact(self, quantity: int) -> bool:
        """Whether a prescribed quantity is no whole number of the substitute's base units."""
        return self.substitution is not None and self.substitution.ratio.units(quantity) is None

    def units(self, quantity: int) -> int:
        """Base units of the product for a prescribed quantity of this line; a remainder counts as one more, so that a
        reservation never falls short."""
        if self.substitution is None:
            return quantity
        ratio = self.substitution.ratio
        return -(-quantity * ratio.denominator // ratio.numerator)


class FreedLine(Immutable):
    """A quantity that came back, and the bucket it went to."""

    line: int
    quantity: int = Field(gt=0)
    bucket: Bucket


class Offer(Immutable):
    """A pharmacy that had all of what is still wanted, and how far it is from the one that gave up."""

    pharmacy: str
    distance_metres: int = Field(ge=0)


class PartOfSupply(Immutable):
    """A quantity of one line of one supply."""

    supply_id: UUID
    line: int
    quantity: int = Field(gt=0)


class CollectorIdentity(Immutable):
    """Who took the medicine. For an agent (代取) the patient's own document is recorded too."""

    name: str = Field(min_length=1, max_length=100)
    identity_no: str = Field(max_length=20)
    patient_identity_no: str | None = Field(default=None, max_length=20)


UndoneWhy = Literal["not_collected", "given_up", "cancelled", "not_cleared", "returned", "lost", "damaged", "recalled"]
Disposition = Literal["restocked", "quarantined", "destroyed", "lost", "mixed"]
Road = Literal["lost", ReturnReason]
"""Why a parcel that a courier had did not arrive: it is lost, or the reason of its return; spoilt on the way counts
before why it turned round."""


class UndonePack(Immutable):
    """A pack, or what there was of a line without codes, that never reached the patient, and what became of it."""

    line: int
    product: str
    lot: str
    expiry: date
    quantity: int = Field(gt=0)
    trace_code: str | None
    disposition: Literal["restocked", "quarantined", "destroyed", "lost"]


class Designation(Immutable):
    """An agreement of the pharmacy with an insurer (定点) in force."""

    insurer: str
    channels: tuple[str, ...]


class PickedLine(Immutable):
    """What is taken from one lot for one line, with the trace codes of its packs."""

    line: int = Field(ge=1, le=LINES_MAX)
    product: str = Field(max_length=CODE_LENGTH_MAX)
    quantity: int = Field(gt=0, le=QUANTITY_MAX)
    lot: str = Field(min_length=1, max_length=LOT_LENGTH_MAX)
    expiry: date
    trace_codes: tuple[TraceCode, ...] = Field(default=(), max_length=500)
    no_code_reason: str | None = Field(default=None, min_length=1, max_length=200)
    """Why there is no trace code, by the policy's codes; a reason that asks for a photo comes with its hash."""
    no_code_photo_sha256: Sha256 | None = None
    lot_reason: str | None = Field(default=None, min_length=1, max_length=200)
    """Why not the lot that expires first, or not the opened pack, by the policy's codes."""


class ProductFacts(Immutable):
    """What the register of drugs says about a product."""

    product: str
    drug_key: str
    generic_name: str
    pack_size: int = Field(gt=0)
    medicine_type: str = "western"
    splittable: bool = True
    """Whether a pack may be opened to give a part of it (拆零)."""
    form: str = ""
    strength: str = ""
    english_name: str | None = None
    atc: str | None = None
    dose_unit: str = ""
    dose_per_base_unit: int = 1
    base_unit: str = ""
    trace_ids: tuple[str, ...] = ()
    """What the trace codes of its packs begin with (`PackCode.product`); empty: the register does not say."""


class DispensedLine(Immutable):
    """A picked line with its price at the moment of the check."""

    line: int
    product: str
    generic_name: str
    drug_key: str
    quantity: int
    pack_size: int
    packs: int
    lot: str
    expiry: date
    trace_codes: tuple[str, ...]
    no_code_reason: str | None
    no_code_photo_sha256: str | None = None
    prescribed_quantity: int | None = None
    """What a substitute counts for, in prescribed units."""
    substitution: Literal["none", "brand", "protocol"] = "none"
    prescribed_product: str | None = None
    protocol_id: UUID | None = None
    unit_price: int
    amount: int

    @property
    def counted(self) -> int:
        """In prescribed units: what the prescription is filled by."""
        return self.quantity if self.prescribed_quantity is None else self.prescribed_quantity

    @property
    def split_pack(self) -> bool:
        """Whether the last pack was opened and not used up (拆零)."""
        return self.quantity % self.pack_size != 0


def packs_for(quantity: int, pack_size: int) -> int:
    """Packs taken or opened for a quantity."""
    return -(-quantity // pack_size)


def amount_of(quantity: int, pack_size: int, unit_price: int) -> int:
    """The one rounding point of a line: half up to the fen."""
    return (2 * quantity * unit_price + pack_size) // (2 * pack_size)


class CancelDecision(Immutable):
    """What became of one line of a cancellation."""

    line: int
    cancelled: int = 0
    awaiting_return: int = 0
    refused: int = 0
    reason: str | None = None
