"""Integration events of the shortage service: the life of a shortage case, and the substitution protocols that answer
it. They carry no patient and no prescription.

Family `shortage_case`: one case per drug key and region node at a time. Family `protocol`: one protocol each.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.envelope import IntegrationEvent
from contracts.values import ContractValue, SubstitutionRatio


class Grade(StrEnum):
    """Severity of a confirmed shortage, from IV (one institution) to I (national)."""

    IV = "IV"
    III = "III"
    II = "II"
    I = "I"  # noqa: E741 - the grade's official name


class Level(StrEnum):
    """The level of administration that owns a case (国家–省–市–县四级应对)."""

    COUNTY = "county"
    CITY = "city"
    PROVINCE = "province"
    NATION = "nation"


class Evidence(ContractValue):
    """What the case rests on: counts inside one window of time."""

    window_hours: int = Field(gt=0)
    demands: int = Field(ge=0, description="distinct demands that stayed unfilled; tries of one line count once")
    pharmacies: int = Field(ge=0, description="distinct pharmacies that were out of it")
    in_one_county: int = Field(ge=0, description="pharmacies of the county that has the most of them")
    counties: int = Field(ge=0)
    cities: int = Field(ge=0)
    provinces: int = Field(ge=0)
    contradictory: int = Field(ge=0, description="pharmacies that had it in their books while reporting none")


class ShortageCaseEvent(IntegrationEvent):
    """What every event of a case says."""

    FAMILY: ClassVar[str] = "shortage_case"

    case_id: UUID
    drug_key: str = Field(description="generic name | form | strength")
    region: str = Field(description="region node: 6 digits county, 4 city, 2 province, empty the nation")


class ShortageCaseSuspected(ShortageCaseEvent):
    """Several pharmacies are out of a drug. Not public: a hint would cause hoarding."""

    TYPE: ClassVar[str] = "shortage.case_suspected.v1"

    evidence: Evidence
    previous_case: UUID | None = Field(description="the ended case that this one continues (back again)")


class ShortageCaseConfirmed(ShortageCaseEvent):
    """A shortage: pharmacies and prescribers are told."""

    TYPE: ClassVar[str] = "shortage.case_confirmed.v1"

    grade: Grade
    owner_level: Level
    confirmed_by: Literal["rule", "regulator", "sources", "stop_notice"]
    evidence: Evidence
    drug_class: Literal["A", "B", "C"] | None = Field(
        default=None, description="不可替代, 不完全替代, 完全替代; None: not told"
    )
    anticipated: bool = Field(default=False, description="by a maker's stop notice, while stock still lasts")
    expected_until: date | None = Field(default=None, description="when makers say they deliver again; None: unknown")
    parent_case: UUID | None = Field(default=None, description="the nation's case that it belongs to")


class GradeInputs(ContractValue):
    """What a grade followed from."""

    pharmacies: int = Field(ge=0)
    in_one_county: int = Field(ge=0)
    cities: int = Field(ge=0)
    provinces: int = Field(ge=0)
    county_share: float | None = Field(description="of the reporters of one county; None: unknown")
    city_share: float | None = Field(description="of the reporters of one city; None: unknown")
    drug_class: Literal["A", "B", "C"]
    nationally_listed: bool
    sole_supplier_stopped: bool
    restoration_known: bool


class ShortageCaseGraded(ShortageCaseEvent):
    """Escalated at once, or eased after better periods."""

    TYPE: ClassVar[str] = "shortage.case_graded.v1"

    grade_before: Grade
    grade: Grade
    owner_level: Level
    inputs: GradeInputs


class ShortageCaseEnded(ShortageCaseEvent):
    """The case is over."""

    TYPE: ClassVar[str] = "shortage.case_ended.v1"

    ended_as: Literal["dismissed", "dismissed_auto", "resolved", "avoided"]
    duration_hours: int = Field(ge=0, description="whole hours since it was suspected")


SubstitutionMode = Literal["prescriber_confirms", "prescriber_consented", "pharmacist_alone"]
"""Who must agree beside the patient: the prescriber for this substitute by signature (cn), the prescriber by a consent
on the prescription, or the dispensing pharmacist alone."""
ExcludedPatients = Literal["children", "pregnant", "lactating", "renal_impairment", "hepatic_impairment"]


class ProtocolSignature(ContractValue):
    """The word of a person of the authority: a compact JWS whose payload names the protocol and the digest of its text,
    and the public key that checks it, by itself or in its certificate."""

    compact: str
    kid: str
    algorithm: Literal["ES256", "SM2"]
    jwk: dict[str, Any] | None = None
    certificate: str | None = None


class ProtocolIssuer(ContractValue):
    """The authority that answers for a protocol; of province level or above. `signed_sha256`: the digest of its text,
    SHA-256 of its canonical JSON."""

    authority: str
    level: Literal["province", "nation"]
    person: str
    signed_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    signature: ProtocolSignature | None = None


class ProtocolEvent(IntegrationEvent):
    """What every event of a protocol names."""

    FAMILY: ClassVar[str] = "protocol"

    protocol_id: UUID
    case_id: UUID = Field(description="the open shortage it answers")


class ProtocolIssued(ProtocolEvent):
    """While a drug is short, another one may be given for it, as this says and not otherwise."""

    TYPE: ClassVar[str] = "shortage.protocol_issued.v1"

    from_drug_key: str = Field(description="generic name | form | strength that is short")
    to_drug_key: str = Field(description="that may be given for it")
    ratio: SubstitutionRatio
    excluded: tuple[ExcludedPatients, ...] = Field(default=(), description="patients for whom it does not hold")
    max_days: int | None = Field(default=None, ge=1, description="longest supply under it")
    regions: tuple[str, ...] = Field(description="region nodes where it holds; an empty node is the nation")
    mode: SubstitutionMode
    issuer: ProtocolIssuer
    valid_from: date
    valid_until: date | None = None


class ProtocolEnded(ProtocolEvent):
    """No new substitution under it after `ends_on`; a hold whose pharmacy has passed it before may finish."""

    TYPE: ClassVar[str] = "shortage.protocol_ended.v1"

    ended_as: Literal["date", "withdrawn", "case_over"]
    ends_on: date = Field(description="its last day, after notice where notice is given")
