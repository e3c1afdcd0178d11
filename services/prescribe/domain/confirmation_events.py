"""The second signature (双签名) of a returned prescription."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from services.prescribe.domain.values import ConfirmedFinding, Signature
from services.seedwork.model import DomainEvent, Personal, PersonalClass


class FindingsConfirmed(DomainEvent):
    """The second signature (双签名): the same content is to be reviewed again, with the prescriber's reasons."""

    TOPIC: ClassVar[str] = "prescribe.prescription.findings_confirmed"

    patient_ref: UUID
    revision: int
    confirmation_no: int
    findings: Annotated[tuple[ConfirmedFinding, ...] | None, Personal(PersonalClass.CLINICAL)]
    signature: Signature
    jws: Annotated[str | None, Personal(PersonalClass.CLINICAL)]
    confirmed_at: datetime
