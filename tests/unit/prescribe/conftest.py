"""A hospital with a doctor, its delegate, a patient and the drugs they need, and what the other services tell."""

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from joserfc.jwk import ECKey

from contracts.envelope import GENESIS, Envelope, IntegrationEvent
from contracts.events import dispatch, review
from contracts.values import LineBuckets, LineQuantity
from services.prescribe.application.registers import KINDS
from services.prescribe.application.signed_commands import amend_prescription, issue_prescription
from services.prescribe.application.use_cases import cancel_prescription, register_new_patient
from services.prescribe.composition import SERVICE
from services.prescribe.domain.commands import CancelPrescription, RegisterPatient
from services.prescribe.domain.prescription import PRESCRIPTION, PrescriptionState, fulfilment_id
from services.seedwork.ports import Outcome
from services.seedwork.register_loading import record_entries
from services.seedwork.signing import sign_compact
from services.seedwork.usecase import Actor
from tests.support.store_in_memory import StoreInMemory

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
"""Nine in the morning in Hangzhou."""
HOSPITAL, OTHER_HOSPITAL = "H33010200001", "H33010200002"
PHARMACY = "P33010200001"
DOCTOR, COLLEAGUE = "D330102000001", "D330102000002"
AMLODIPINE, METFORMIN = "XC08CAB799A001029194749", "XA10BAE101A001010201234"
MORPHINE, ARSENIC, ESTAZOLAM = "XN02AAM111A001010100001", "XL01XXA222A001010100002", "XN05CDA333A001010100003"
IDENTITY_NUMBER = "110101198001011232"
INTENT = {"kind": "pooled_outpatient", "restricted_use": []}


def drug(name: str, *, dose: int = 5000, unit: str = "mg", **more: Any) -> dict[str, Any]:
    return {
        "generic_name": name,
        "english_name": name,
        "form": "片剂",
        "strength": "5mg",
        "atc": "C08CA01",
        "base_unit": "片",
        "pack_size": 7,
        "dose_unit": unit,
        "dose_per_base_unit": dose,
    } | more


def line(number: int = 1, product: str = AMLODIPINE, **changes: Any) -> dict[str, Any]:
    """5 mg once a day for a week."""
    return {
        "line": number,
        "product": product,
        "dose": "5",
        "dose_unit": "mg",
        "frequency_per_day": 1,
        "days": 7,
        "quantity": 7,
        "route": "口服",
    } | changes


def buckets(**where: int) -> tuple[LineBuckets, ...]:
    """One line's quantities."""
    empty = dict.fromkeys(("remaining", "held", "dispensed", "in_hands", "replaceable", "cancelled", "lapsed"), 0)
    return (LineBuckets(line=1, **{**empty, **where}),)


class Clinic:
    """Prescribe as a doctor, a patient and the other services meet it."""

    def __init__(self, jurisdiction: str = "cn") -> None:
        self.store = StoreInMemory(SERVICE, NOW, jurisdiction=jurisdiction)
        self.key = ECKey.generate_key("P-256")
        self.numbers = count(1)
        self.load("institution", HOSPITAL, {"name": "上城区示例医院", "region": "330102", "level": 3})
        self.load("institution", OTHER_HOSPITAL, {"name": "第二示例医院", "region": "330102", "level": 2})
        self.load_person(DOCTOR)
        self.load_person(COLLEAGUE)
        self.load("drug", AMLODIPINE, drug("苯磺酸氨氯地平"))
        self.load("drug", METFORMIN, drug("盐酸二甲双胍", deliverable=False))
        self.load("drug", MORPHINE, drug("吗啡", drug_class="narcotic"))
        self.load("drug", ARSENIC, drug("三氧化二砷", drug_class="toxic"))
        self.load("drug", ESTAZOLAM, drug("艾司唑仑", drug_class="psychotropic_2"))
        self.patient_ref = self.register()

    def load(self, kind: str, code: str, content: dict[str, Any], **validity: Any) -> Outcome:
        row = {"code": code, "content": content, "valid_from": "2026-01-01"} | validity
        return self.store.run(record_entries(KINDS, kind, [row]))

    def load_person(self, code: str, *, key_until: str = "2026-12-31", **changes: Any) -> Outcome:
        validity = {name: changes.pop(name) for name in ("valid_until", "suspended") if name in changes}
        key = {"kid": f"{code}-1", "jwk": self.key.as_dict(private=False), "valid_from": "2026-01-01"}
        content = {
            "name": "王芳",
            "professions": ["prescriber"],
            "organisation": HOSPITAL,
            "registration_no": "110330000001",
            "prescribing_rights": ["ordinary", "toxic"],
            "keys": [key | {"valid_until": key_until}],
        }
        return self.load("person", code, content | changes, **validity)

    def register(self, **changes: Any) -> UUID:
        outcome = self.store.run(register_new_patient(registration(**changes)), self.doctor())
        assert outcome.refusal is None, outcome.refusal
        return UUID(outcome.body["patient_ref"])

    def doctor(self, code: str = DOCTOR) -> Actor:
        return Actor(code, "prescriber", HOSPITAL)

    def delegate(self, organisation: str | None = HOSPITAL) -> Actor:
        return Actor("A330102000001", "delegate", organisation)

    def written(self, **changes: Any) -> dict[str, Any]:
        """A lawful prescription, as the doctor writes it."""
        return {
            "prescription_id": str(uuid4()),
            "patient_ref": str(self.patient_ref),
            "prescriber": DOCTOR,
            "institution": HOSPITAL,
            "diagnoses": [{"code": "I10.x00x002", "name": "高血压"}],
            "lines": [line()],
            "insurance_intent": INTENT,
        } | changes

    def sign(self, content: dict[str, Any], kid: str = f"{DOCTOR}-1") -> str:
        return sign_compact(orjson.dumps(content), self.key.as_dict(private=True), kid)

    def issue(self, actor: Actor | None = None, **changes: Any) -> Outcome:
        return self.issue_signed(self.sign(self.written(**changes)), actor)

    def issue_signed(self, jws: str, actor: Actor | None = None) -> Outcome:
        return self.store.run(issue_prescription(jws), actor or self.doctor())

    def amend(self, prescription_id: UUID, actor: Actor | None = None, **changes: Any) -> Outcome:
        jws = self.sign(self.written(prescription_id=str(prescription_id), **{"revision": 2} | changes))
        return self.store.run(amend_prescription(jws, prescription_id), actor or self.doctor())

    def issued(self, **changes: Any) -> UUID:
        outcome = self.issue(**changes)
        assert outcome.refusal is None, outcome.refusal
        return UUID(outcome.body["prescription_id"])

    def released(self, **changes: Any) -> UUID:
        prescription_id = self.issued(**changes)
        self.answer(prescription_id, review.CasePassed)
        return prescription_id

    def state(self, prescription_id: UUID) -> PrescriptionState:
        state: PrescriptionState = self.store.state(PRESCRIPTION.ref(prescription_id))
        return state

    def status(self, prescription_id: UUID) -> str:
        return str(self.state(prescription_id).status)

    def cancel(self, prescription_id: UUID, actor: Actor | None = None, **changes: Any) -> Outcome:
        fields = {"request_id": uuid4(), "reason_code": "wrong_drug"} | changes
        command = CancelPrescription(prescription_id=prescription_id, **fields)
        return self.store.run(cancel_prescription(command), actor or self.doctor())

    def hear(self, event: IntegrationEvent, *, envelope: Envelope | None = None, **about: Any) -> Outcome:
        """Another service told this; each time as the next event of a stream of its own."""
        self.store.time += timedelta(milliseconds=1)
        use_case = SERVICE.react[type(event)](event, envelope or self.envelope(event, **about))
        return self.store.run(use_case)

    def envelope(
        self, event: IntegrationEvent, *, at: datetime | None = None, stream: UUID | None = None, causation: str = ""
    ) -> Envelope:
        body = {
            "occurred_at": at or self.store.time,
            "recorded_at": at or self.store.time,
            "actor": "HY330102000001",
            "correlation_id": "c",
            "causation_id": causation,
            "data": event.model_dump(mode="json"),
        }
        producer = event.TYPE.partition(".")[0]
        text = orjson.dumps(body).decode()
        number = next(self.numbers)
        return Envelope(producer, event.FAMILY, event.TYPE, stream or uuid4(), number, GENESIS, GENESIS, 1, 1, text)

    def answer(self, prescription_id: UUID, kind: type[review.CaseEvent], **changes: Any) -> Outcome:
        """The review's answer about what is current, unless it is changed."""
        signed = self.state(prescription_id).signed
        about = {
            "case_id": uuid4(),
            "prescription_id": prescription_id,
            "patient_ref": signed.patient_ref,
            "revision": signed.revision,
            "confirmation_no": 0,
            "signed_sha256": signed.signature.sha256,
            "reviewers": [{"person": "HY1", "name": "孙丽", "organisation": HOSPITAL, "signed_sha256": None}],
            "findings": [FINDING],
            "codes": ["1-12"],
            "comment": "请说明理由",
            "reason": "剂量错误",
        }
        return self.hear(kind.model_validate(about | changes))

    def fulfilment(self, prescription_id: UUID, kind: type[dispatch.FulfilmentEvent], /, **fields: Any) -> Outcome:
        """What dispatch tells of instalment 1."""
        return self.hear(fulfilment_event(prescription_id, kind, **fields))

    def held(self, prescription_id: UUID, **where: int) -> UUID:
        hold_id = uuid4()
        outcome = self.fulfilment(
            prescription_id,
            dispatch.QuantityHeld,
            hold_id=hold_id,
            kind="normal",
            pharmacy=PHARMACY,
            region="330102",
            lines=(),
            way="counter",
            expires_at=NOW,
            buckets=buckets(**where),
        )
        assert outcome.refusal is None, outcome.refusal
        return hold_id

    def closed(self, prescription_id: UUID, outcome: str = "mixed", **where: int) -> Outcome:
        return self.fulfilment(prescription_id, dispatch.FulfilmentClosed, outcome=outcome, buckets=buckets(**where))

    def decided(self, prescription_id: UUID, request_id: UUID, *, final: bool = True, **told: Any) -> Outcome:
        where = told.pop("where")
        return self.fulfilment(
            prescription_id,
            dispatch.CancellationDecided,
            request_id=request_id,
            lines=({"line": 1} | told,),
            final=final,
            buckets=buckets(**where),
        )

    def feedback(self, doctor: str = DOCTOR) -> list[dict[str, Any]]:
        return self.store.rows("feedback_of_prescriber", prescriber=doctor, before=2**62, limit=50)

    def trace(self, prescription_id: UUID) -> list[dict[str, Any]]:
        return self.store.rows("trace_of", prescription_id=prescription_id)


FINDING = {
    "number": 1,
    "rule": "N3.6",
    "knowledge_version": "cn-1",
    "evidence": "line 1: 14 days",
    "severity": "serious",
    "result_code": "1-12",
    "lines": [1],
    "confirmable": True,
}


def fulfilment_event(prescription_id: UUID, kind: type[dispatch.FulfilmentEvent], /, **fields: Any) -> Any:
    about = {"prescription_id": prescription_id, "fulfilment_id": fulfilment_id(prescription_id, 1)}
    return kind.model_validate(about | fields)


def supply_dispensed(prescription_id: UUID, supply_id: UUID, hold_id: UUID, **where: int) -> dispatch.SupplyDispensed:
    event: dispatch.SupplyDispensed = fulfilment_event(
        prescription_id,
        dispatch.SupplyDispensed,
        supply_id=supply_id,
        hold_id=hold_id,
        fill_no=1,
        pharmacy=PHARMACY,
        region="330102",
        way="counter",
        patient_ref=uuid4(),
        insurance_intent="pooled_outpatient",
        designations=(),
        self_pay_only=False,
        prescription_revision=1,
        lines=(),
        reviewer="HY1",
        preparer="HJ1",
        checker="HY2",
        buckets=buckets(**where),
    )
    return event


def supply_received(prescription_id: UUID, supply_id: UUID, *, rejected: int = 0, **where: int) -> Any:
    return fulfilment_event(
        prescription_id,
        dispatch.SupplyReceived,
        supply_id=supply_id,
        accepted=(),
        rejected=(LineQuantity(line=1, quantity=rejected),),
        collector_kind="patient",
        identity_checked=True,
        buckets=buckets(**where),
    )


def registration(**changes: Any) -> RegisterPatient:
    fields = {
        "identity_number": IDENTITY_NUMBER,
        "name": "张伟",
        "sex": "male",
        "birth_date": date(1980, 1, 1),
        "phone": "13800001234",
        "address": "上城区示例路1号",
    }
    return RegisterPatient.model_validate(fields | changes)


@pytest.fixture
def clinic() -> Clinic:
    return Clinic()
