"""Integration events of prescribe: a prescription's way (family `prescription`), its registers (`register`), and the
end of a patient's record (`patient`).

What a doctor wrote about the patient is clinical personal data. Lines carry products, doses and quantities under the
random `patient_ref` only, so that quantities stay countable after a patient is forgotten.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.envelope import IntegrationEvent
from contracts.prescribed import Diagnosis, IssuedLine, PatientFacts, TcmDiagnosis
from contracts.registers import DrugClass
from contracts.values import ConfirmedFinding, ContractValue, LineQuantity, SupplyPlan
from services.seedwork.model import Personal, PersonalClass

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class SignatureCheck(ContractValue):
    """How the prescriber's electronic signature was checked (电子签名): key, day, and whether anything was missing."""

    kid: str
    checked_at: datetime
    degraded: bool = False
    algorithm: str = Field(default="ES256", description="ES256, or SM2 with SM3")
    certificate: str | None = Field(default=None, description="serial number, hexadecimal; null: a registered key")
    degraded_reason: str | None = Field(
        default=None, description="what could not be checked: revocation_list_missing or revocation_list_outdated"
    )


class RestrictedUse(ContractValue):
    """Whether the insurance's restricted use (限制使用) of a line's drug is met."""

    line: int = Field(ge=1)
    met: bool
    reason: str | None = None


class LineIntent(ContractValue):
    """A line that is paid otherwise than the visit; self-pay says why."""

    line: int = Field(ge=1)
    kind: Literal["general", "pooled_outpatient", "dual_channel", "chronic_disease", "self_pay"]
    self_pay_reason: str | None = None
    self_pay_note: str | None = None


class InsuranceIntent(ContractValue):
    """How the visit is to be paid: 普通, 门诊统筹, 双通道, 门诊慢特病 or self-pay."""

    kind: Literal["general", "pooled_outpatient", "dual_channel", "chronic_disease", "self_pay"]
    restricted_use: tuple[RestrictedUse, ...] = ()
    lines: tuple[LineIntent, ...] = ()


class ReleasedLine(ContractValue):
    """One line as a pharmacy may see it. `counter_only`: no delivery, by law or by the drug's nature."""

    line: int = Field(ge=1)
    product: str
    generic_name: str
    drug_key: str
    form: str
    strength: str
    drug_class: DrugClass
    base_unit: str
    quantity: int = Field(gt=0)
    dose_text: str
    counter_only: bool
    deliverable: bool
    cold_chain: bool
    substitution_consent: bool
    split_pack: bool = Field(default=False, description="no number of whole packs (拆零)")
    days: int | None = Field(default=None, gt=0, description="how long it lasts by the directions")


class ReviewedBy(ContractValue):
    """A pharmacist who passed the prescription, and the organisation that answers for the review."""

    person: str
    name: str
    organisation: str
    signed_sha256: str | None = None


class RemainingFinding(ContractValue):
    """A finding of the review that the dispensing pharmacist should know."""

    rule: str
    severity: str
    result_code: str | None = None
    lines: tuple[int, ...] = ()
    evidence: str


class PrescriptionEvent(IntegrationEvent):
    """What every event of a prescription says."""

    FAMILY: ClassVar[str] = "prescription"

    prescription_id: UUID
    patient_ref: UUID


class PrescriptionIssued(PrescriptionEvent):
    """A prescriber signed a prescription, wrote it anew after a return, or confirmed it by a second signature; it waits
    for a reviewing pharmacist. `signed_sha256` is of the prescription, also once it is confirmed."""

    TYPE: ClassVar[str] = "prescribe.prescription_issued.v1"

    kind: Literal["first", "amended", "confirmed"]
    revision: int = Field(ge=1)
    confirmation_no: int = Field(ge=0)
    prescriber: str
    institution: str
    region: str
    visit_kind: Literal["outpatient", "emergency"]
    facts: Annotated[PatientFacts | None, Personal(PersonalClass.CLINICAL)]
    diagnoses: Annotated[tuple[Diagnosis, ...] | None, Personal(PersonalClass.CLINICAL)]
    tcm_diagnoses: Annotated[tuple[TcmDiagnosis, ...] | None, Personal(PersonalClass.CLINICAL)] = ()
    medicine_kind: Literal["western", "herbal"] = "western"
    lines: tuple[IssuedLine, ...]
    long_supply_reason: Annotated[str | None, Personal(PersonalClass.CLINICAL)] = None
    validity_days: int = Field(ge=1)
    validity_reason: Annotated[str | None, Personal(PersonalClass.CLINICAL)] = None
    beyond_level_reason: Annotated[str | None, Personal(PersonalClass.CLINICAL)] = Field(
        default=None, description="why, in an emergency, an antibacterial beyond the own right is needed (越级使用)"
    )
    online_visit: bool = False
    insurance_intent: InsuranceIntent
    insurance_disease_code: Annotated[str | None, Personal(PersonalClass.CLINICAL)] = None
    signed_sha256: Sha256 = Field(description="of the compact JWS as received")
    signature: SignatureCheck
    issued_at: datetime
    renews: UUID | None = None
    extends: UUID | None = Field(default=None, description="another institution's, continued (延伸处方)")
    replaces: UUID | None = None
    plan: SupplyPlan | None = None
    plan_assessment: Annotated[str | None, Personal(PersonalClass.CLINICAL)] = None
    confirmed: Annotated[tuple[ConfirmedFinding, ...] | None, Personal(PersonalClass.CLINICAL)] = None
    confirmation_sha256: Sha256 | None = Field(default=None, description="of the second signature, as received")
    valid_until: datetime = Field(description="last moment of the last day of validity; limits new holds")


class PrescriptionReleased(PrescriptionEvent):
    """The review passed the current revision: the prescription is in circulation. All that a pharmacy may see."""

    TYPE: ClassVar[str] = "prescribe.prescription_released.v1"

    revision: int = Field(ge=1)
    confirmation_no: int = Field(ge=0)
    prescriber: str
    institution: str
    region: str
    patient_name: Annotated[str | None, Personal(PersonalClass.IDENTITY)]
    patient_age_days: Annotated[int | None, Personal(PersonalClass.CLINICAL)] = None
    patient_sex: Annotated[str | None, Personal(PersonalClass.CLINICAL)] = None
    diagnoses: Annotated[tuple[Diagnosis, ...] | None, Personal(PersonalClass.CLINICAL)]
    tcm_diagnoses: Annotated[tuple[TcmDiagnosis, ...] | None, Personal(PersonalClass.CLINICAL)] = ()
    medicine_kind: Literal["western", "herbal"] = "western"
    lines: tuple[ReleasedLine, ...]
    reviewers: tuple[ReviewedBy, ...]
    findings: tuple[RemainingFinding, ...] = ()
    confirmed: Annotated[tuple[ConfirmedFinding, ...] | None, Personal(PersonalClass.CLINICAL)] = None
    confirmation_sha256: Sha256 | None = None
    insurance_intent: InsuranceIntent
    insurance_disease_code: Annotated[str | None, Personal(PersonalClass.CLINICAL)] = None
    signed_sha256: Sha256
    signature: SignatureCheck
    instalments: int = Field(default=1, ge=1)
    nominated_pharmacy: str | None = Field(default=None, description="by the patient, before release")
    renews: UUID | None = None
    extends: UUID | None = None
    replaces: UUID | None = None
    valid_until: datetime


class InstalmentOpened(PrescriptionEvent):
    """An instalment may be held from now on; an ordinary prescription is instalment 1 of 1."""

    TYPE: ClassVar[str] = "prescribe.instalment_opened.v1"

    instalment: int = Field(ge=1)
    of: int = Field(ge=1)
    opens_at: datetime
    closes_at: datetime
    lines: tuple[LineQuantity, ...]


class CancellationRequested(PrescriptionEvent):
    """The prescriber (or the institution's delegate) wants a released prescription cancelled, whole or in part."""

    TYPE: ClassVar[str] = "prescribe.cancellation_requested.v1"

    request_id: UUID
    fulfilments: tuple[UUID, ...] = Field(description="not known to be closed; each answers once, until final")
    scope: tuple[LineQuantity, ...] | None = Field(description="None: everything")
    reason_code: str
    urgent: bool
    answer_due_at: datetime


class EndedLine(ContractValue):
    """Where one line's quantity ended."""

    line: int = Field(ge=1)
    cancelled: int = Field(ge=0)
    in_hands: int = Field(ge=0)
    lapsed: int = Field(ge=0)


class PrescriptionCancelled(PrescriptionEvent):
    """A cancellation has its final result and the prescription has ended by it."""

    TYPE: ClassVar[str] = "prescribe.prescription_cancelled.v1"

    request_id: UUID
    reason_code: str
    lines: tuple[EndedLine, ...]


class ExpiredLine(ContractValue):
    """What lapsed with the validity and what still runs."""

    line: int = Field(ge=1)
    lapsed: int = Field(ge=0)
    running: int = Field(ge=0)


class PrescriptionExpired(PrescriptionEvent):
    """Validity is over: no new hold. Supplies that run go on to their end."""

    TYPE: ClassVar[str] = "prescribe.prescription_expired.v1"

    valid_until: datetime
    lines: tuple[ExpiredLine, ...]


class PrescriptionCompleted(PrescriptionEvent):
    """Everything that was prescribed is in the patient's hands."""

    TYPE: ClassVar[str] = "prescribe.prescription_completed.v1"

    lines: tuple[LineQuantity, ...]


class PatientForgotten(IntegrationEvent):
    """A patient is forgotten: the keys of their personal data are destroyed. Nothing of them can be read any more, and
    whoever finds them by this reference finds nothing."""

    TYPE: ClassVar[str] = "prescribe.patient_forgotten.v1"
    FAMILY: ClassVar[str] = "patient"

    patient_ref: UUID


class RegisterEntryRecorded(IntegrationEvent):
    """An entry (person, institution, review agreement, drug) was admitted, changed, suspended or ended (准入, 退出);
    obeyed at once."""

    TYPE: ClassVar[str] = "prescribe.register_entry_recorded.v1"
    FAMILY: ClassVar[str] = "register"

    kind: Literal["person", "institution", "drug", "review_agreement"]
    code: str
    content: dict[str, Any]
    valid_from: date
    valid_until: date | None = None
    suspended: bool = False
