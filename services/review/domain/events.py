"""What happens to a review case, and to the dossier that knows which case of a prescription is the current one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from services.review.domain.values import (
    ClinicalFacts,
    ConfirmedFinding,
    Finding,
    Line,
    Prescriber,
    Reviewer,
    SignatureCheck,
    SignatureChecked,
)
from services.seedwork.model import DomainEvent, Immutable, Personal, PersonalClass

ClosedAs = Literal["withdrawn", "superseded", "lapsed"]
SecondWanted = Literal["confirmed_finding", "drug_class", "sampled"]


class CaseOpened(DomainEvent):
    """A prescription was issued, amended or confirmed: somebody must review it."""

    TOPIC: ClassVar[str] = "review.case.opened"

    case_id: UUID
    prescription_id: UUID
    patient_ref: UUID
    revision: int
    confirmation_no: int
    signed_sha256: str
    prescriber: str
    institution: str
    region: str
    emergency: bool
    validity_days: int
    valid_until: datetime
    lines: tuple[Line, ...]
    clinical: Annotated[ClinicalFacts | None, Personal(PersonalClass.CLINICAL)]
    opened_at: datetime
    confirmed: Annotated[tuple[ConfirmedFinding, ...] | None, Personal(PersonalClass.CLINICAL)] = None
    deadline: datetime | None = None
    herbal: bool = False
    registered: Prescriber | None = None
    """What the registers said of the prescriber; None: nothing yet."""
    signature: SignatureChecked = SignatureChecked()
    planned: bool = False
    """A long-term supply (长期处方): prescribe has checked its assessment, its days and what it excludes."""


class CaseScreened(DomainEvent):
    """The rules have looked, or could not; the case waits for a pharmacist."""

    TOPIC: ClassVar[str] = "review.case.screened"

    findings: tuple[Finding, ...]
    degraded: bool
    confirmed: tuple[int, ...] = ()
    """Numbers of the findings that the prescriber has confirmed."""


class CaseTaken(DomainEvent):
    """A pharmacist works on it until the lease ends."""

    TOPIC: ClassVar[str] = "review.case.taken"

    reviewer: Reviewer
    taken_at: datetime
    lease_until: datetime
    taken_over_from: str | None = None


class CaseRescreened(DomainEvent):
    """A later instalment of a passed prescription was screened with the knowledge and medicines of that day; `findings`
    are those that block and were not there before."""

    TOPIC: ClassVar[str] = "review.case.rescreened"

    instalment: int
    findings: tuple[Finding, ...]
    degraded: bool


class SubstituteScreened(DomainEvent):
    """A substitute that a pharmacy proposes was screened in place of its line; `findings`: what it brings."""

    TOPIC: ClassVar[str] = "review.case.substitute_screened"

    proposal_id: UUID
    line: int
    findings: tuple[Finding, ...]
    degraded: bool


class CaseSampled(DomainEvent):
    """Drawn for prescription comment (处方点评), by chance (`by` is empty) or by a pharmacist: one who reviews, or one
    who refused the supply."""

    TOPIC: ClassVar[str] = "review.case.sampled"

    by: str
    sampled_at: datetime


class CaseCommented(DomainEvent):
    """Another pharmacist's comment on a passed prescription; without codes it was rational (合理)."""

    TOPIC: ClassVar[str] = "review.case.commented"

    patient_ref: UUID
    reviewer: Reviewer
    codes: tuple[str, ...]
    comment: Annotated[str | None, Personal(PersonalClass.CLINICAL)]
    commented_at: datetime


class CasePutBack(DomainEvent):
    """The pharmacist left it to others."""

    TOPIC: ClassVar[str] = "review.case.put_back"

    person: str


class CaseLeaseExpired(DomainEvent):
    """The pharmacist did not finish in time; it waits again."""

    TOPIC: ClassVar[str] = "review.case.lease_expired"

    person: str


class CaseEscalated(DomainEvent):
    """Nobody had decided by the deadline: one level up, and up in the queue."""

    TOPIC: ClassVar[str] = "review.case.escalated"

    level: int
    deadline: datetime
    next_deadline: datetime | None


class CaseFirstPassed(DomainEvent):
    """One pharmacist passed it; the policy wants another one to decide. `signature` as in `CasePassed`."""

    TOPIC: ClassVar[str] = "review.case.first_passed"

    patient_ref: UUID
    reviewer: Reviewer
    comment: Annotated[str | None, Personal(PersonalClass.CLINICAL)]
    signature: Annotated[str | None, Personal(PersonalClass.CLINICAL)]
    why: SecondWanted
    signature_check: SignatureCheck | None = None


class CasePassed(DomainEvent):
    """Passed by name and signature. `signature` is the pharmacist's compact JWS as it was received."""

    TOPIC: ClassVar[str] = "review.case.passed"

    patient_ref: UUID
    reviewer: Reviewer
    comment: Annotated[str | None, Personal(PersonalClass.CLINICAL)]
    signature: Annotated[str | None, Personal(PersonalClass.CLINICAL)]
    signature_check: SignatureCheck | None = None


class CaseReturned(DomainEvent):
    """Sent back to the prescriber with what the pharmacist found."""

    TOPIC: ClassVar[str] = "review.case.returned"

    patient_ref: UUID
    reviewer: Reviewer
    findings: tuple[Finding, ...]
    comment: Annotated[str | None, Personal(PersonalClass.CLINICAL)]


class CaseRefused(DomainEvent):
    """Refused for a serious reason; it is never dispensed."""

    TOPIC: ClassVar[str] = "review.case.refused"

    patient_ref: UUID
    reviewer: Reviewer
    codes: tuple[str, ...]
    reason: Annotated[str | None, Personal(PersonalClass.CLINICAL)]


class CaseClosed(DomainEvent):
    """Nobody needs to review it any more."""

    TOPIC: ClassVar[str] = "review.case.closed"

    closed_as: ClosedAs


CaseEvent = (
    CaseOpened
    | CaseScreened
    | CaseTaken
    | CasePutBack
    | CaseLeaseExpired
    | CaseEscalated
    | CaseFirstPassed
    | CasePassed
    | CaseRescreened
    | SubstituteScreened
    | CaseSampled
    | CaseCommented
    | CaseReturned
    | CaseRefused
    | CaseClosed
)
CASE_EVENTS: tuple[type[DomainEvent], ...] = (
    CaseOpened,
    CaseScreened,
    CaseTaken,
    CasePutBack,
    CaseLeaseExpired,
    CaseEscalated,
    CaseFirstPassed,
    CasePassed,
    CaseRescreened,
    SubstituteScreened,
    CaseSampled,
    CaseCommented,
    CaseReturned,
    CaseRefused,
    CaseClosed,
)


class CaseFiled(DomainEvent):
    """This case is now the current one of the prescription."""

    TOPIC: ClassVar[str] = "review.dossier.case_filed"

    case_id: UUID
    revision: int
    confirmation_no: int


class GivenSubstitute(Immutable):
    """What a pharmacy gave for a line under a protocol."""

    line: int
    product: str
    generic_name: str
    drug_key: str


class SubstitutesGiven(DomainEvent):
    """A supply holds substitutes: once it is in the patient's hands, they are what the patient takes."""

    TOPIC: ClassVar[str] = "review.dossier.substitutes_given"

    supply_id: UUID
    substitutes: tuple[GivenSubstitute, ...]
