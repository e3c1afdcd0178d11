"""Integration events of prescribe, family `patient`: who may act for a patient."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.envelope import IntegrationEvent
from contracts.values import ContractValue
from services.seedwork.model import Personal, PersonalClass


class RepresentationTerms(ContractValue):
    """Who may act, in what and when. Sealed as a whole: a guardian's last day says when a child comes of age."""

    account: str = Field(description="`sub` of the representative's tokens")
    scope: tuple[str, ...] = Field(description="of the table of scopes; what a consumer does not know gives no right")
    valid_from: date
    valid_until: date = Field(description="the last day, inclusive")


class RepresentativeAppointed(IntegrationEvent):
    """A patient, or for those who cannot an officer of an institution, has appointed a representative (代理人, 监护人).
    Nothing of the person but the account is told."""

    TYPE: ClassVar[str] = "prescribe.representative_appointed.v1"
    FAMILY: ClassVar[str] = "patient"

    patient_ref: UUID
    appointment_id: UUID
    terms: Annotated[RepresentationTerms | None, Personal(PersonalClass.IDENTITY)]


class RepresentationEnded(IntegrationEvent):
    """It was withdrawn: from now on nothing is done by it. What ends by its last day is not told again."""

    TYPE: ClassVar[str] = "prescribe.representation_ended.v1"
    FAMILY: ClassVar[str] = "patient"

    patient_ref: UUID
    appointment_id: UUID
