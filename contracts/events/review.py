"""Integration events of the review service: what became of one review case (one revision of one prescription).

Family `case`. The pharmacist's own words are clinical personal data; findings name rules, lines and numbers only.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.envelope import IntegrationEvent
from contracts.values import ContractValue
from services.seedwork.model import Personal, PersonalClass


class Severity(StrEnum):
    """How much a finding weighs. A blocking finding cannot be passed, a serious one only with a comment."""

    INFO = "info"
    CAUTION = "caution"
    SERIOUS = "serious"
    BLOCKING = "blocking"


class Finding(ContractValue):
    """One thing that a rule, or a pharmacist, found on a prescription."""

    number: int = Field(ge=1, description="place in the case, from 1")
    rule: str = Field(
        description="item of the review standard (医疗机构处方审核规范) and name, e.g. N3.6.validity; older findings "
        "name the item alone; `pharmacist` for a person's"
    )
    knowledge_version: str = Field(description="version of the knowledge base that was applied")
    evidence: str = Field(description="the numbers that show it, without personal data")
    severity: Severity
    result_code: str | None = Field(
        description="official code (医院处方点评管理规范), e.g. 1-12; none for mere information"
    )
    lines: tuple[int, ...] = Field(description="the prescription lines concerned; empty: the whole")
    confirmable: bool = Field(description="whether the prescriber may insist by a second signature (双签名)")
    entries: tuple[str, ...] = Field(
        default=(), description="entries of the knowledge base it rests on: section/id, for GET /knowledge"
    )


class Reviewer(ContractValue):
    """The pharmacist who decided, and the organisation that answers for the review."""

    person: str
    name: str
    organisation: str
    signed_sha256: str | None = Field(
        description="SHA-256 of the pharmacist's compact JWS; none where no signature is asked"
    )


class CaseEvent(IntegrationEvent):
    """What every event of a case says."""

    FAMILY: ClassVar[str] = "case"

    case_id: UUID
    prescription_id: UUID
    patient_ref: UUID
    revision: int = Field(ge=1)
    confirmation_no: int = Field(ge=0)
    signed_sha256: str = Field(description="SHA-256 of the prescriber's compact JWS that was reviewed")


class CaseScreened(CaseEvent):
    """The rules have looked at the prescription; it waits for a pharmacist."""

    TYPE: ClassVar[str] = "review.case_screened.v1"

    findings: tuple[Finding, ...]
    degraded: bool = Field(description="screening was unavailable: the pharmacist works without it")


class CasePassed(CaseEvent):
    """A licensed pharmacist passed the prescription, by name and signature (审核通过)."""

    TYPE: ClassVar[str] = "review.case_passed.v1"

    reviewers: tuple[Reviewer, ...]
    findings: tuple[Finding, ...]
    comment: Annotated[str | None, Personal(PersonalClass.CLINICAL)]
    organisation: str | None = Field(
        default=None, description="that reviewed: the issuing institution, or its delegate (委托审方)"
    )
    delegated: bool = Field(default=False, description="another institution reviewed, by an agreement")
    confirmed: tuple[int, ...] = Field(default=(), description="numbers of findings that the prescriber confirmed")


class CaseReturned(CaseEvent):
    """Back to the prescriber, to amend or to confirm (建议医师确认或重开)."""

    TYPE: ClassVar[str] = "review.case_returned.v1"

    reviewers: tuple[Reviewer, ...]
    findings: tuple[Finding, ...]
    codes: tuple[str, ...] = Field(description="official codes the pharmacist returned it for")
    comment: Annotated[str | None, Personal(PersonalClass.CLINICAL)]


class CaseRefused(CaseEvent):
    """Seriously unreasonable or a medication error: dispensing is refused (严重不合理或用药错误, 拒绝调剂)."""

    TYPE: ClassVar[str] = "review.case_refused.v1"

    reviewers: tuple[Reviewer, ...]
    findings: tuple[Finding, ...]
    codes: tuple[str, ...]
    reason: Annotated[str | None, Personal(PersonalClass.CLINICAL)]


class RescreenFound(IntegrationEvent):
    """An opened instalment was screened again with today's knowledge and medicines, and something blocks it."""

    TYPE: ClassVar[str] = "review.rescreen_found.v1"
    FAMILY: ClassVar[str] = "case"

    prescription_id: UUID
    patient_ref: UUID
    instalment: int = Field(ge=1)
    lines: tuple[int, ...] = Field(description="the lines concerned; empty: the whole")
    findings: tuple[Finding, ...]


class SubstituteScreened(IntegrationEvent):
    """A proposed substitute was screened for this patient, in place of its line, with today's knowledge and medicines.
    `findings`: what it brings; the prescriber sees them beside the proposal."""

    TYPE: ClassVar[str] = "review.substitute_screened.v1"
    FAMILY: ClassVar[str] = "case"

    prescription_id: UUID
    patient_ref: UUID
    proposal_id: UUID
    line: int = Field(ge=1)
    findings: tuple[Finding, ...]
    degraded: bool = Field(description="screening was unavailable: the prescriber decides without it")


class CaseEscalated(CaseEvent):
    """Nobody decided by the deadline: the case is one level up, and up in the queue."""

    TYPE: ClassVar[str] = "review.case_escalated.v1"

    level: int = Field(ge=1)
    deadline: datetime = Field(description="that has passed")


class AdviceCandidate(ContractValue):
    """A medicine that could be changed, how, and why (精简处方)."""

    drug_key: str = Field(description="generic name, form and strength")
    action: Literal["stop", "reduce", "replace", "monitor"]
    reason: str


class AdviceGiven(IntegrationEvent):
    """A pharmacist answered a consultation, or suggests changes after a medication review; told once for each of the
    prescriptions it is about. A suggestion: the prescriber decides."""

    TYPE: ClassVar[str] = "review.advice_given.v1"
    FAMILY: ClassVar[str] = "advice"

    advice_id: UUID
    prescription_id: UUID
    patient_ref: UUID
    kind: Literal["consultation", "medication_review"]
    prescriptions: tuple[UUID, ...] = Field(description="all that it is about")
    text: Annotated[str | None, Personal(PersonalClass.CLINICAL)]
    candidates: Annotated[tuple[AdviceCandidate, ...] | None, Personal(PersonalClass.CLINICAL)]
    pharmacist: Reviewer


class CaseClosed(CaseEvent):
    """Nobody needs to review it any more."""

    TYPE: ClassVar[str] = "review.case_closed.v1"

    closed_as: Literal["withdrawn", "superseded", "lapsed"]
