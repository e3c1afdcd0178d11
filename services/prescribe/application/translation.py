"""What prescribe tells the others, out of its own events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from contracts import prescribed
from contracts.events import prescribe as public
from contracts.registers import OWNER, DrugClass
from contracts.values import ConfirmedFinding, LineQuantity, SupplyPlan
from services.prescribe.application.representatives import TRANSLATE_REPRESENTATIVES
from services.prescribe.application.substitutions import TRANSLATE_SUBSTITUTIONS
from services.prescribe.application.translation_blocks import TRANSLATE_BLOCKS
from services.prescribe.application.translation_plans import instalment_lapsed, stop_use_notified
from services.prescribe.domain import prescription_events as happened
from services.prescribe.domain.cancellation import asked_of_dispatch
from services.prescribe.domain.confirmation_events import FindingsConfirmed
from services.prescribe.domain.prescription import PrescriptionState
from services.prescribe.domain.stop_use_events import StopUseNotified
from services.prescribe.domain.values import Line
from services.prescribe.domain.values import LineQuantity as Quantity
from services.seedwork.composition import Happened, Translation
from services.seedwork.forgotten import PatientForgotten
from services.seedwork.model import DomainEvent
from services.seedwork.reference import EntryRecorded


def _names(state: PrescriptionState) -> dict[str, Any]:
    return {"prescription_id": state.signed.prescription_id, "patient_ref": state.signed.patient_ref}


def _signature(signed: happened.SignedRevision) -> public.SignatureCheck:
    checked = signed.signature
    return public.SignatureCheck(
        kid=checked.kid,
        checked_at=signed.issued_at,
        degraded=checked.degraded is not None,
        algorithm=checked.algorithm,
        certificate=checked.certificate,
        degraded_reason=checked.degraded,
    )


def _diagnoses(signed: happened.SignedRevision) -> tuple[prescribed.Diagnosis, ...] | None:
    if signed.diagnoses is None:
        return None
    return tuple(prescribed.Diagnosis(code=each.code, name=each.name) for each in signed.diagnoses)


def _tcm_diagnoses(signed: happened.SignedRevision) -> tuple[prescribed.TcmDiagnosis, ...] | None:
    if signed.tcm_diagnoses is None:
        return None
    return tuple(prescribed.TcmDiagnosis.model_validate(each, from_attributes=True) for each in signed.tcm_diagnoses)


def _common(signed: happened.SignedRevision) -> dict[str, Any]:
    """What the review and the pharmacies are both told."""
    return {
        "prescription_id": signed.prescription_id,
        "patient_ref": signed.patient_ref,
        "revision": signed.revision,
        "confirmation_no": signed.confirmation_no,
        "prescriber": signed.prescriber,
        "institution": signed.institution,
        "region": signed.region,
        "diagnoses": _diagnoses(signed),
        "tcm_diagnoses": _tcm_diagnoses(signed),
        "medicine_kind": signed.medicine_kind,
        "insurance_intent": public.InsuranceIntent.model_validate(signed.insurance_intent, from_attributes=True),
        "insurance_disease_code": signed.insurance_disease_code,
        "signed_sha256": signed.signature.sha256,
        "signature": _signature(signed),
        "valid_until": signed.valid_until,
        "renews": signed.renews,
        "extends": signed.extends,
        "replaces": signed.replaces,
    }


def _confirmed(state: PrescriptionState) -> dict[str, Any]:
    """The second signature, where there is one."""
    confirmation = state.confirmation
    if confirmation is None:
        return {}
    findings = confirmation.findings
    told = None
    if findings is not None:
        told = tuple(ConfirmedFinding.model_validate(each, from_attributes=True) for each in findings)
    return {"confirmed": told, "confirmation_sha256": confirmation.signature.sha256}


def _issued(it: Happened) -> Iterable[public.PrescriptionIssued]:
    signed: happened.SignedRevision = it.after.signed
    facts = signed.facts
    yield public.PrescriptionIssued(
        **_common(signed),
        **_confirmed(it.after),
        kind=_KINDS[type(it.event)],
        visit_kind=signed.visit_kind,
        facts=prescribed.PatientFacts.model_validate(facts, from_attributes=True) if facts else None,
        lines=tuple(_issued_line(line) for line in signed.lines),
        long_supply_reason=signed.long_supply_reason,
        validity_days=signed.validity_days,
        validity_reason=signed.validity_reason,
        beyond_level_reason=signed.beyond_level_reason,
        online_visit=signed.online_visit,
        issued_at=signed.issued_at,
        plan=SupplyPlan.model_validate(signed.plan, from_attributes=True) if signed.plan else None,
        plan_assessment=signed.plan_assessment,
    )


_KINDS: Mapping[type[DomainEvent], Any] = {
    happened.PrescriptionIssued: "first",
    happened.PrescriptionAmended: "amended",
    FindingsConfirmed: "confirmed",
}


def _issued_line(line: Line) -> prescribed.IssuedLine:
    return prescribed.IssuedLine(
        line=line.line,
        product=line.product,
        generic_name=line.generic_name,
        drug_key=line.drug_key,
        form=line.form,
        strength=line.strength,
        drug_class=DrugClass(line.drug_class),
        base_unit=line.base_unit,
        quantity=line.quantity,
        dose=f"{line.dose:f}",
        dose_unit=line.dose_unit,
        frequency_per_day=line.frequency_per_day,
        per_days=line.per_days,
        as_needed=line.as_needed,
        frequency=line.frequency,
        route=line.route,
        days=line.days,
        instructions=line.instructions,
        atc=line.atc,
        english_name=line.english_name,
        skin_test=line.skin_test,
        mixed_with=line.mixed_with,
        solvent=line.solvent,
        solvent_ml=line.solvent_ml,
        drip_minutes=line.drip_minutes,
        herb_note=line.herb_note,
    )


def _released(it: Happened) -> Iterable[public.PrescriptionReleased]:
    state: PrescriptionState = it.after
    yield public.PrescriptionReleased(
        **_common(state.signed),
        **_confirmed(state),
        patient_name=state.signed.patient_name,
        instalments=state.signed.plan.instalments if state.signed.plan else 1,
        patient_age_days=state.signed.facts.age_days if state.signed.facts else None,
        patient_sex=state.signed.facts.sex if state.signed.facts else None,
        lines=tuple(_released_line(line) for line in state.signed.lines),
        nominated_pharmacy=state.nominated_pharmacy,
        reviewers=tuple(public.ReviewedBy.model_validate(each, from_attributes=True) for each in state.reviewers),
        findings=tuple(public.RemainingFinding.model_validate(each, from_attributes=True) for each in state.findings),
    )


def _released_line(line: Line) -> public.ReleasedLine:
    return public.ReleasedLine(
        line=line.line,
        product=line.product,
        generic_name=line.generic_name,
        drug_key=line.drug_key,
        form=line.form,
        strength=line.strength,
        drug_class=DrugClass(line.drug_class),
        base_unit=line.base_unit,
        quantity=line.quantity,
        dose_text=line.dose_text,
        counter_only=line.counter_only,
        deliverable=not line.counter_only,
        cold_chain=line.cold_chain,
        substitution_consent=line.substitution_consent,
        split_pack=line.split_pack,
        days=line.days,
    )


def _instalment_opened(it: Happened) -> Iterable[public.InstalmentOpened]:
    event = cast(happened.InstalmentOpened, it.event)
    yield public.InstalmentOpened(
        **_names(it.after),
        instalment=event.instalment,
        of=event.of,
        opens_at=event.opens_at,
        closes_at=event.closes_at,
        lines=_quantities(event.lines),
    )


def _quantities(lines: Iterable[Quantity]) -> tuple[LineQuantity, ...]:
    return tuple(LineQuantity(line=each.line, quantity=each.quantity) for each in lines)


def _cancellation_requested(it: Happened) -> Iterable[public.CancellationRequested]:
    event = cast(happened.CancellationRequested, it.event)
    yield public.CancellationRequested(
        **_names(it.after),
        request_id=event.request_id,
        fulfilments=it.after.fulfilments if event.scope is None or asked_of_dispatch(event) else (),
        scope=None if event.scope is None else _quantities(asked_of_dispatch(event)),
        reason_code=event.reason_code,
        urgent=event.urgent,
        answer_due_at=event.answer_due_at,
    )


def _cancelled(it: Happened) -> Iterable[public.PrescriptionCancelled]:
    event = cast(happened.PrescriptionCancelled, it.event)
    yield public.PrescriptionCancelled(
        **_names(it.after),
        request_id=event.request_id,
        reason_code=event.reason_code,
        lines=tuple(
            public.EndedLine(line=line.line, cancelled=line.cancelled, in_hands=line.in_hands, lapsed=line.lapsed)
            for line in event.buckets
        ),
    )


def _expired(it: Happened) -> Iterable[public.PrescriptionExpired]:
    event = cast(happened.PrescriptionExpired, it.event)
    yield public.PrescriptionExpired(
        **_names(it.after),
        valid_until=it.after.signed.valid_until,
        lines=tuple(
            public.ExpiredLine(line=line.line, lapsed=line.lapsed, running=line.still_open) for line in event.buckets
        ),
    )


def _completed(it: Happened) -> Iterable[public.PrescriptionCompleted]:
    yield public.PrescriptionCompleted(
        **_names(it.after),
        lines=tuple(LineQuantity(line=line.line, quantity=line.in_hands) for line in it.after.buckets.values()),
    )


def _entry_recorded(it: Happened) -> Iterable[public.RegisterEntryRecorded]:
    """Only what the others obey; family doctors' contracts are prescribe's own."""
    if cast(EntryRecorded, it.event).kind not in OWNER:
        return
    yield public.RegisterEntryRecorded.model_validate(it.event.model_dump())


def _forgotten(it: Happened) -> Iterable[public.PatientForgotten]:
    yield public.PatientForgotten(patient_ref=cast(PatientForgotten, it.event).patient_ref)


TRANSLATE: Mapping[type[DomainEvent], Translation] = {
    PatientForgotten: _forgotten,
    happened.PrescriptionIssued: _issued,
    happened.PrescriptionAmended: _issued,
    FindingsConfirmed: _issued,
    happened.PrescriptionReleased: _released,
    happened.InstalmentOpened: _instalment_opened,
    happened.InstalmentLapsed: instalment_lapsed,
    StopUseNotified: stop_use_notified,
    happened.CancellationRequested: _cancellation_requested,
    happened.PrescriptionCancelled: _cancelled,
    happened.PrescriptionExpired: _expired,
    happened.PrescriptionCompleted: _completed,
    EntryRecorded: _entry_recorded,
    **TRANSLATE_BLOCKS,
    **TRANSLATE_REPRESENTATIVES,
    **TRANSLATE_SUBSTITUTIONS,
}
"""Each tells exactly one public event; all others stay private."""
