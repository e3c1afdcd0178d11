"""What stands on a prescription's document, in the words of the form (处方管理办法, 附件 1: 前记, 正文, 后记)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from contracts.registers import Institution, Person
from services.prescribe.application.registers import REGISTER
from services.prescribe.domain import document
from services.prescribe.domain.document import DocumentKept, DocumentState, Stage, document_ref
from services.prescribe.domain.prescription import PrescriptionState
from services.prescribe.domain.prescription_events import SignedRevision
from services.prescribe.domain.values import Line, Reviewer, Signature
from services.seedwork.calendar import ZONE, civil_day
from services.seedwork.model import Loaded, StreamRef
from services.seedwork.reference import EntryState, entry
from services.seedwork.usecase import Answer, Decision, Moment, UseCase

NEONATE_DAYS_MAX, INFANT_YEARS = 28, 3
"""Newborns are written down in days, infants in months (处方管理办法 §6)."""
WEIGHT_UNDER_YEARS = 14
FEES: Mapping[str, str] = {
    "general": "医保",
    "pooled_outpatient": "医保(门诊统筹)",
    "dual_channel": "医保(双通道)",
    "chronic_disease": "医保(门诊慢特病)",
    "self_pay": "自费",
}
SEXES: Mapping[str, str] = {"female": "女", "male": "男"}
SKIN_TESTS: Mapping[str, str] = {"negative": "皮试(-)", "positive": "皮试(+)", "exempt": "免皮试"}
UNCHECKED: Mapping[str, str] = {
    "revocation_list_missing": "签名时无证书吊销列表可供核验",
    "revocation_list_outdated": "签名时证书吊销列表已过期, 未能核验吊销状态",
}


@dataclass(frozen=True)
class PaperLine:
    """One drug: what it is and how much of it; how it is to be taken."""

    drug: str
    quantity: str
    directions: str


@dataclass(frozen=True)
class Paper:
    """Everything that is printed. `drug_classes`, `visit_kind` and `age_years` choose the form's colour and mark."""

    institution: str
    prescription_id: str
    revision: str
    drug_classes: frozenset[str]
    visit_kind: str
    age_years: int
    fee: str
    patient: str
    sex: str
    age: str
    diagnoses: str
    issued_at: str
    valid_until: str
    lines: tuple[PaperLine, ...]
    reasons: tuple[str, ...]
    prescriber: str
    reviewers: str
    signature: tuple[str, ...]
    signed_sha256: str

    @property
    def verification(self) -> str:
        """What the QR code says: id, revision and the digest of the signed bytes. Whoever has those (`/signed`) hashes
        them and compares; the paper proves nothing by itself."""
        return f"urn:rxflow:prescription:{self.prescription_id}:{self.revision}:sha256:{self.signed_sha256}"


def stage_of(state: PrescriptionState) -> Stage:
    return "reviewed" if state.reviewers else "signed"


def document_of(state: PrescriptionState) -> StreamRef[DocumentState]:
    """Where the document of a prescription, as it is now, is kept."""
    signed = state.signed
    return document_ref(signed.prescription_id, signed.revision, signed.confirmation_no, stage_of(state))


def registers_of(state: PrescriptionState) -> tuple[StreamRef[EntryState], StreamRef[EntryState]]:
    """The prescriber's entry and the institution's, for their names."""
    signed = state.signed
    return entry(REGISTER, "person", signed.prescriber), entry(REGISTER, "institution", signed.institution)


def paper_of(state: PrescriptionState, prescriber: EntryState, institution: EntryState) -> Paper | None:
    """What is printed; None where the patient is forgotten."""
    signed = state.signed
    if signed.facts is None or signed.patient_name is None or signed.diagnoses is None:
        return None
    person, place = prescriber.read(Person), institution.read(Institution)
    years, age = _age(signed)
    return Paper(
        institution=place.name if place else signed.institution,
        prescription_id=str(signed.prescription_id),
        revision=f"{signed.revision}.{signed.confirmation_no}",
        drug_classes=frozenset(line.drug_class for line in signed.lines),
        visit_kind=signed.visit_kind,
        age_years=years,
        fee=FEES[signed.insurance_intent.kind],
        patient=signed.patient_name,
        sex=SEXES[signed.facts.sex],
        age=age,
        diagnoses=_diagnoses(signed),
        issued_at=_clock(signed.issued_at),
        valid_until=_clock(signed.valid_until),
        lines=tuple(_line(line, signed.insurance_intent.of(line.line)) for line in signed.lines),
        reasons=tuple(
            f"{name}: {text}"
            for name, text in (
                ("用量理由", signed.long_supply_reason),
                ("效期理由", signed.validity_reason),
                ("越级理由", signed.beyond_level_reason),
            )
            if text
        ),
        prescriber=f"{person.name if person else ''} ({signed.prescriber})".strip(),
        reviewers=", ".join(_reviewer(each) for each in state.reviewers),
        signature=_signature(signed.signature, signed.issued_at),
        signed_sha256=signed.signature.sha256,
    )


def keep_document(state: PrescriptionState, content: bytes) -> UseCase:
    """Keeps what was made; where another request was first, its document stays."""
    signed, stage = state.signed, stage_of(state)
    made = DocumentKept(
        prescription_id=signed.prescription_id,
        patient_ref=signed.patient_ref,
        revision=signed.revision,
        confirmation_no=signed.confirmation_no,
        stage=stage,
        signed_sha256=signed.signature.sha256,
        sha256=hashlib.sha256(content).hexdigest(),
        content=base64.b64encode(content).decode("ascii"),
    )

    def decide(_moment: Moment, kept: Loaded[DocumentState]) -> Decision:
        return Decision.on(kept, document.keep(kept.state, made), Answer())

    return UseCase((document_of(state),), decide)


def bytes_of(kept: DocumentKept) -> bytes | None:
    """The document as it was made; None where the patient is forgotten."""
    return None if kept.content is None else base64.b64decode(kept.content)


def _age(signed: SignedRevision) -> tuple[int, str]:
    """Full years, and the age as the form wants it (实足年龄)."""
    facts: Any = signed.facts
    today = civil_day(signed.issued_at)
    born = today - timedelta(days=facts.age_days)
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    months = _months(born, today)
    if facts.age_days <= NEONATE_DAYS_MAX or not months:
        text = f"{facts.age_days} 日龄"
    else:
        text = f"{months} 月龄" if years < INFANT_YEARS else f"{years} 岁"
    if facts.weight_grams and years < WEIGHT_UNDER_YEARS:
        text += f", {facts.weight_grams / 1000:.1f} kg"
    return years, text


def _months(born: date, today: date) -> int:
    return 12 * (today.year - born.year) + today.month - born.month - (today.day < born.day)


def _line(line: Line, kind: str) -> PaperLine:
    marks = [SKIN_TESTS[line.skin_test]] if line.skin_test else []
    marks += ["拆零"] if line.split_pack else []
    marks += [FEES[kind]] if kind == "self_pay" else []
    directions = [
        f"每次 {line.dose:f} {line.dose_unit}, {_often(line)}, {line.route}, 共 {line.days} 日",
        _infusion(line),
        line.herb_note,
        line.instructions,
    ]
    return PaperLine(
        drug=" ".join([line.generic_name, line.form, line.strength, *(f"[{mark}]" for mark in marks)]),
        quantity=f"{line.quantity} {line.base_unit}",
        directions="; ".join(filter(None, directions)),
    )


def _often(line: Line) -> str:
    days = "每日" if line.per_days == 1 else f"每 {line.per_days} 日"
    times = f"{line.frequency_per_day} 次"
    return f"必要时, {days}至多 {times}" if line.as_needed else f"{days} {times}"


def _infusion(line: Line) -> str:
    """What belongs into one bottle, and how fast it runs."""
    parts = [f"与第 {line.mixed_with} 项同组"] if line.mixed_with else []
    parts += [" ".join(filter(None, (line.solvent, f"{line.solvent_ml} ml" if line.solvent_ml else "")))]
    parts += [f"滴注 {line.drip_minutes} 分钟"] if line.drip_minutes else []
    return ", ".join(filter(None, parts))


def _diagnoses(signed: SignedRevision) -> str:
    western = [f"{each.name} ({each.code})" for each in signed.diagnoses or ()]
    found = signed.tcm_diagnoses or ()
    chinese = [f"中医: {' '.join(filter(None, (each.name, each.syndrome)))} ({each.code})" for each in found]
    return "; ".join([*western, *chinese])


def _reviewer(reviewer: Reviewer) -> str:
    return f"{reviewer.name} ({reviewer.person})"


def _signature(signature: Signature, at: datetime) -> tuple[str, ...]:
    lines = [f"电子签名 {signature.algorithm}, 密钥 {signature.kid}, {_clock(at)}"]
    if signature.certificate:
        lines.append(f"证书序列号 {signature.certificate}")
    if signature.degraded:
        lines.append(f"注意: {UNCHECKED.get(signature.degraded, signature.degraded)}")
    return tuple(lines)


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(ZONE):%Y-%m-%d %H:%M:%S}"
