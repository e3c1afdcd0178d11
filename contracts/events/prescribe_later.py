"""Integration events of prescribe, family `prescription`: what comes after a prescription is released."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.events.prescribe import PrescriptionEvent, RemainingFinding, Sha256
from contracts.values import LineQuantity, SubstitutionRatio
from services.seedwork.model import Personal, PersonalClass


class InstalmentLapsed(PrescriptionEvent):
    """An instalment's window has closed; `lines`: what of it nobody took. What is held may still be dispensed."""

    TYPE: ClassVar[str] = "prescribe.instalment_lapsed.v1"

    instalment: int = Field(ge=1)
    lines: tuple[LineQuantity, ...]


class StopUseNotified(PrescriptionEvent):
    """An urgent cancellation found quantities in the patient's hands: they must not be used any more. The patient
    acknowledges it with prescribe; pharmacies that read the prescription see it."""

    TYPE: ClassVar[str] = "prescribe.stop_use_notified.v1"

    request_id: UUID
    reason_code: str
    lines: tuple[LineQuantity, ...]


class LinesBlocked(PrescriptionEvent):
    """Nobody may hold or dispense these lines until the prescriber has signed again; `lines` empty: all of them."""

    TYPE: ClassVar[str] = "prescribe.lines_blocked.v1"

    block_id: UUID
    lines: tuple[int, ...]
    source: Literal["rescreen", "safety_stop", "registration"]
    codes: tuple[str, ...] = Field(default=(), description="official codes, or the reason code of a stop")
    asked_by: str = Field(description="the organisation, authority or service that stopped them")
    findings: tuple[RemainingFinding, ...] = ()
    reason: Annotated[str | None, Personal(PersonalClass.CLINICAL)] = None


class LinesUnblocked(PrescriptionEvent):
    """The prescriber answered a query by another signature (重新签字). Lines that another block names stay blocked."""

    TYPE: ClassVar[str] = "prescribe.lines_unblocked.v1"

    block_id: UUID
    lines: tuple[int, ...]
    answer: Annotated[str | None, Personal(PersonalClass.CLINICAL)]
    signed_sha256: Sha256 = Field(description="of the answer's compact JWS as received")


class SubstitutionConfirmed(PrescriptionEvent):
    """The prescriber signed a proposed substitute (经处方医师更正或重新签字): it may be given on this line."""

    TYPE: ClassVar[str] = "prescribe.substitution_confirmed.v1"

    proposal_id: UUID
    fulfilment_id: UUID
    line: int = Field(ge=1)
    substitute: str = Field(description="23-character national code of the product")
    substitute_drug_key: str
    ratio: SubstitutionRatio
    protocol_id: UUID
    signed_sha256: Sha256 = Field(description="of the confirmation's compact JWS as received")
    counter_only: bool = Field(
        default=False, description="the substitute is not delivered, by law or by its nature, whatever it stands for"
    )
    restricted_use_met: bool | None = Field(
        default=None,
        description="whether the insurance's restriction on the substitute is met; null: nothing is stated",
    )
    prescriber: str | None = Field(default=None, description="who signed; null: not told")


class SubstitutionDeclined(PrescriptionEvent):
    """The prescriber does not sign a proposed substitute: what the pharmacy held for it is free again."""

    TYPE: ClassVar[str] = "prescribe.substitution_declined.v1"

    proposal_id: UUID
    fulfilment_id: UUID
    line: int = Field(ge=1)
    substitute: str = Field(description="23-character national code of the product")
    reason: Annotated[str | None, Personal(PersonalClass.CLINICAL)]


class SubstitutionChecked(PrescriptionEvent):
    """A substitute for which no prescriber is asked was held against the checks of an issue and its screening for this
    patient, as if the prescriber wrote it today. It may be given where neither says anything against it."""

    TYPE: ClassVar[str] = "prescribe.substitution_checked.v1"

    proposal_id: UUID
    fulfilment_id: UUID
    line: int = Field(ge=1)
    substitute: str = Field(description="23-character national code of the product")
    problem: str | None = Field(description="the catalogued problem of the first check that it does not pass")
    findings: tuple[RemainingFinding, ...] = Field(description="what its screening found")
    in_the_way: tuple[str, ...] = Field(description="rules of those that a prescriber alone could stand for, or nobody")
    degraded: bool = Field(description="screening was unavailable: the pharmacist decides without it")
    counter_only: bool = Field(description="the substitute is not delivered, by law or by its nature")
