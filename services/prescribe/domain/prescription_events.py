"""What has happened to a prescription. Stored for ever; fields that describe the patient are personal."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from services.prescribe.domain.buckets import Feedback, ProgressCause
from services.prescribe.domain.plan import Plan
from services.prescribe.domain.policy import VisitKind
from services.prescribe.domain.values import (
    CancelledLine,
    Diagnosis,
    Finding,
    HintSeen,
    InsuranceIntent,
    Line,
    LineBuckets,
    LineQuantity,
    MedicineKind,
    OnlineVisit,
    Reviewer,
    ScreeningFacts,
    Signature,
    TcmDiagnosis,
)
from services.seedwork.model import DomainEvent, Personal, PersonalClass


class SignedRevision(DomainEvent):
    """One signed form of the prescription: the whole content, and the compact JWS exactly as it was received."""

    prescription_id: UUID
    patient_ref: UUID
    revision: int
    confirmation_no: int = 0
    prescriber: str
    institution: str
    region: str
    visit_kind: VisitKind
    patient_name: Annotated[str | None, Personal(PersonalClass.IDENTITY)]
    facts: Annotated[ScreeningFacts | None, Personal(PersonalClass.CLINICAL)]
    diagnoses: Annotated[tuple[Diagnosis, ...] | None, Personal(PersonalClass.CLINICAL)]
    tcm_diagnoses: Annotated[tuple[TcmDiagnosis, ...] | None, Personal(PersonalClass.CLINICAL)] = ()
    medicine_kind: MedicineKind = "western"
    lines: tuple[Line, ...]
    long_supply_reason: Annotated[str | None, Personal(PersonalClass.CLINICAL)]
    validity_days: int
    validity_reason: Annotated[str | None, Personal(PersonalClass.CLINICAL)]
    online_visit: bool
    online: Annotated[OnlineVisit | None, Personal(PersonalClass.CLINICAL)] = None
    beyond_level_reason: Annotated[str | None, Personal(PersonalClass.CLINICAL)] = None
    hints_seen: tuple[HintSeen, ...] = ()
    insurance_intent: InsuranceIntent
    insurance_disease_code: Annotated[str | None, Personal(PersonalClass.CLINICAL)]
    signature: Signature
    jws: Annotated[str | None, Personal(PersonalClass.CLINICAL)]
    policy_version: str
    issued_at: datetime
    valid_until: datetime
    renews: UUID | None = None
    extends: UUID | None = None
    replaces: UUID | None = None
    plan: Plan | None = None
    plan_assessment: Annotated[str | None, Personal(PersonalClass.CLINICAL)] = None


class PrescriptionIssued(SignedRevision):
    """First signature: the prescription waits for its review."""

    TOPIC: ClassVar[str] = "prescribe.prescription.prescription_issued"


class PrescriptionAmended(SignedRevision):
    """Signed anew after a return: a new revision with a validity of its own."""

    TOPIC: ClassVar[str] = "prescribe.prescription.prescription_amended"


class PrescriptionArrivedCancelled(SignedRevision):
    """The prescription came after its cancellation: kept on record, never reviewed (table C, first row)."""

    TOPIC: ClassVar[str] = "prescribe.prescription.prescription_arrived_cancelled"

    request_id: UUID


class PharmacyNominated(DomainEvent):
    """The patient chose the pharmacy that may serve them without a token; None: chose none after all."""

    TOPIC: ClassVar[str] = "prescribe.prescription.pharmacy_nominated"

    pharmacy: str | None


class ReviewAnswered(DomainEvent):
    """A reviewing pharmacist's answer to one revision."""

    case_id: UUID
    patient_ref: UUID
    revision: int
    confirmation_no: int
    reviewers: tuple[Reviewer, ...]
    findings: tuple[Finding, ...]
    codes: tuple[str, ...]
    comment: Annotated[str | None, Personal(PersonalClass.CLINICAL)]


class PrescriptionReleased(ReviewAnswered):
    """The review passed the current revision: it is in circulation."""

    TOPIC: ClassVar[str] = "prescribe.prescription.prescription_released"


class PrescriptionReturned(ReviewAnswered):
    """The review wants the prescriber to amend."""

    TOPIC: ClassVar[str] = "prescribe.prescription.prescription_returned"


class PrescriptionRefused(ReviewAnswered):
    """The review refused (严重不合理, 用药错误): the end of this prescription."""

    TOPIC: ClassVar[str] = "prescribe.prescription.prescription_refused"


class ReviewAnswerStale(DomainEvent):
    """An answer to something that is no longer under review: recorded, without effect."""

    TOPIC: ClassVar[str] = "prescribe.prescription.review_answer_stale"

    case_id: UUID
    answer: Literal["passed", "returned", "refused"]
    revision: int
    confirmation_no: int
    why: Literal["not_current", "other_content", "not_under_review", "validity_over"]


class InstalmentOpened(DomainEvent):
    """An instalment may be held; an ordinary prescription is 1 of 1."""

    TOPIC: ClassVar[str] = "prescribe.prescription.instalment_opened"

    instalment: int
    of: int
    opens_at: datetime
    closes_at: datetime
    lines: tuple[LineQuantity, ...]


class ProgressRecorded(DomainEvent):
    """Dispatch told of a hold or a supply, and where the instalment's quantities are since then."""

    TOPIC: ClassVar[str] = "prescribe.prescription.progress_recorded"

    cause: ProgressCause
    hold_id: UUID | None = None
    supply_id: UUID | None = None
    pharmacy: str | None = None
    reason: str | None = None
    feedback: Feedback | None = None
    buckets: tuple[LineBuckets, ...]
    instalment: int = 1
    received_at: datetime | None = None
    lapsed: int = 0
    """Base units that can never be dispensed any more since this."""


class InstalmentLapsed(DomainEvent):
    """An instalment's window has closed with a part of it not taken: nobody may hold that any more."""

    TOPIC: ClassVar[str] = "prescribe.prescription.instalment_lapsed"

    instalment: int
    lines: tuple[LineQuantity, ...]


class InstalmentEnded(DomainEvent):
    """Dispatch closed the instalment; its buckets are the final ones."""

    TOPIC: ClassVar[str] = "prescribe.prescription.instalment_ended"

    instalment: int
    outcome: str
    buckets: tuple[LineBuckets, ...]
    not_replaced: int = 0
    """Base units that came back or went bad, and whose pharmacy has not supplied them again in time."""


class CancellationKept(DomainEvent):
    """A cancellation came before its prescription: it is applied on arrival. `organisation` only for a delegate's."""

    TOPIC: ClassVar[str] = "prescribe.prescription.cancellation_kept"

    prescription_id: UUID
    request_id: UUID
    requested_by: str
    organisation: str | None
    reason_code: str
    urgent: bool


class CancellationRequested(DomainEvent):
    """Prescribe asks dispatch, which alone decides about quantities held or further."""

    TOPIC: ClassVar[str] = "prescribe.prescription.cancellation_requested"

    request_id: UUID
    requested_by: str
    scope: tuple[LineQuantity, ...] | None
    reason_code: str
    urgent: bool
    answer_due_at: datetime
    unopened: tuple[LineQuantity, ...] = ()
    """Of instalments that will never open: cancelled here, beside what dispatch decides."""


class CancellationAnswered(DomainEvent):
    """What dispatch decided so far; `lines` are totals of this request, `decided` those of the fulfilment that answered
    (None: prescribe itself). `buckets` are of its instalment; `status`: where the prescription stands now."""

    TOPIC: ClassVar[str] = "prescribe.prescription.cancellation_answered"

    request_id: UUID
    answer: Literal["awaiting_return", "cancelled", "cancelled_in_part", "refused"]
    lines: tuple[CancelledLine, ...]
    final: bool
    buckets: tuple[LineBuckets, ...]
    status: str
    instalment: int = 1
    fulfilment: UUID | None = None
    decided: tuple[CancelledLine, ...] = ()
    decided_final: bool = True


class CancellationUndecided(DomainEvent):
    """No answer by the time it was due; nothing ends by itself. `holders` are the pharmacies that have quantities."""

    TOPIC: ClassVar[str] = "prescribe.prescription.cancellation_undecided"

    request_id: UUID
    holders: tuple[str, ...]


class PrescriptionCancelled(DomainEvent):
    """The end by cancellation."""

    TOPIC: ClassVar[str] = "prescribe.prescription.prescription_cancelled"

    request_id: UUID
    requested_by: str
    reason_code: str
    buckets: tuple[LineBuckets, ...]


class PrescriptionExpired(DomainEvent):
    """Validity is over. `final` where nothing was released; otherwise supplies that run come to their end first."""

    TOPIC: ClassVar[str] = "prescribe.prescription.prescription_expired"

    final: bool
    buckets: tuple[LineBuckets, ...]


class ExpiryConcluded(DomainEvent):
    """The last supply of an expired prescription has ended: expired, with what was dispensed in time."""

    TOPIC: ClassVar[str] = "prescribe.prescription.expiry_concluded"


class PrescriptionCompleted(DomainEvent):
    """Everything is in the patient's hands."""

    TOPIC: ClassVar[str] = "prescribe.prescription.prescription_completed"


EVENTS: tuple[type[DomainEvent], ...] = (
    PrescriptionIssued,
    PrescriptionAmended,
    PrescriptionArrivedCancelled,
    PharmacyNominated,
    PrescriptionReleased,
    PrescriptionReturned,
    PrescriptionRefused,
    ReviewAnswerStale,
    InstalmentOpened,
    ProgressRecorded,
    InstalmentLapsed,
    InstalmentEnded,
    CancellationKept,
    CancellationRequested,
    CancellationAnswered,
    CancellationUndecided,
    PrescriptionCancelled,
    PrescriptionExpired,
    ExpiryConcluded,
    PrescriptionCompleted,
)
