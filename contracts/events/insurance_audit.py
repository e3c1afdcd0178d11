"""Integration events of the smart audit (智能审核) of insured supplies: family `audit`."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.envelope import IntegrationEvent
from contracts.values import ContractValue


class AuditFindingTold(ContractValue):
    """A rule that is hit, by its id and the version of its set. It says nothing about the patient."""

    rule: str
    version: str
    kind: str
    grade: Literal["hint", "suspicious", "violation"] = Field(description="提示, 可疑, 明确违规")
    about: Literal["prescribing", "dispensing", "patient"]
    lines: tuple[int, ...]


class AuditFlagged(IntegrationEvent):
    """The audit has found something in a supply, or a person has decided about it; as the case stands then."""

    TYPE: ClassVar[str] = "insurance.audit_flagged.v1"
    FAMILY: ClassVar[str] = "audit"

    audit_id: UUID
    claim_id: UUID
    supply_id: UUID
    prescription_id: UUID
    fulfilment_id: UUID
    patient_ref: UUID
    pharmacy: str
    insurer: str
    stage: Literal["before", "after"] = Field(description="of settlement")
    status: Literal["noted", "open", "blocked", "cleared", "upheld", "appealed", "final"]
    grade: Literal["hint", "suspicious", "violation"] = Field(description="the gravest of the findings")
    findings: tuple[AuditFindingTold, ...]
    about_prescribing: bool = Field(description="something of it is about what was prescribed")
    appeal_until: date | None = None
