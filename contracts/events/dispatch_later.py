"""Integration events of the dispatch service, continued: substitution under a protocol, trace codes."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.envelope import IntegrationEvent
from contracts.events.dispatch import FulfilmentEvent, Sha256
from contracts.values import ContractValue, SubstitutionMode, SubstitutionRatio


class Substitute(ContractValue):
    """A product that may be given for another drug."""

    product: str
    generic_name: str
    english_name: str | None = None
    drug_key: str = Field(description="generic name, form and strength")
    form: str
    strength: str
    atc: str | None = None
    dose_unit: str
    dose_per_base_unit: int = Field(gt=0, description="thousandths of the dose unit in one base unit")
    base_unit: str


class SubstitutionProposed(FulfilmentEvent):
    """A pharmacy proposes a substitute under a protocol; the patient has agreed. By `mode` the prescriber signs for it,
    or the pharmacist answers for it once it is checked. The hold goes on until `answer_due_at`. What is given counts in
    prescribed units by the ratio.
    """

    TYPE: ClassVar[str] = "dispatch.substitution_proposed.v1"

    patient_ref: UUID
    proposal_id: UUID
    hold_id: UUID
    pharmacy: str
    pharmacist: str
    line: int = Field(ge=1)
    prescribed_product: str
    quantity: int = Field(gt=0, description="prescribed base units")
    substitute: Substitute
    substitute_quantity: int = Field(gt=0, description="base units of the substitute")
    unit_price: int | None = Field(
        default=None, ge=0, description="fen per pack of the substitute, told to the patient"
    )
    ratio: SubstitutionRatio
    protocol_id: UUID
    excluded: tuple[str, ...] = Field(default=(), description="patients for whom the protocol does not hold")
    answer_due_at: datetime
    mode: SubstitutionMode = Field(default="prescriber_confirms", description="who answers for it")
    restricted_use_met: bool | None = Field(
        default=None,
        description="where no prescriber is asked: whether the insurance's restriction on the substitute is met, as "
        "the pharmacist states it",
    )
    restricted_use_reason: str | None = Field(default=None, description="a code: why it is not met")


class TraceCodesDecided(FulfilmentEvent):
    """The regional stores that own codes of a supply, and could not be reached when it was dispensed, have spoken."""

    TYPE: ClassVar[str] = "dispatch.trace_codes_decided.v1"

    supply_id: UUID
    pharmacy: str
    repeated: tuple[Sha256, ...] = Field(
        description="of the normal form of those that were sold elsewhere first, or stand for another product there"
    )


class CodePlace(ContractValue):
    """Where and when a trace code was met."""

    pharmacy: str
    region: str = Field(description="GB/T 2260 division of the pharmacy; empty where it was not kept")
    at: datetime | None = Field(description="none for a sale from before moments were kept")
    supply_id: UUID | None = Field(default=None, description="the supply that had it, if one had")


class TraceCodeRepeated(IntegrationEvent):
    """A second sale of a trace code (药品追溯码), or its return at a place that did not sell it: refused, because one
    code is sold once (一码一销). It means fake, returned or swapped goods. Names no patient and no prescription.
    """

    TYPE: ClassVar[str] = "dispatch.trace_code_repeated.v1"
    FAMILY: ClassVar[str] = "trace"

    code_sha256: Sha256 = Field(description="of the code's normal form")
    product: str
    kind: Literal["sale", "return"]
    found: Literal["scanned", "opened", "sold", "locked", "spent"] = Field(description="what the registry knew of it")
    first: CodePlace
    second: CodePlace
