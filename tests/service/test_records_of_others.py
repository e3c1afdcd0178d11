"""At every door that leads to a record: nobody's id, somebody else's record, and a command that comes too late."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest

from services.seedwork.calendar import civil_day
from tests.support.doors import Door, Knocking, doors, refusal
from tests.support.played import Played, Story
from tests.support.town import Town

SHA = hashlib.sha256(b"proof").hexdigest()
SCANNED = {"line": 1, "product": "X", "quantity": 1, "lot": "L", "expiry": "2030-01-01", "trace_codes": ["81"]}
Body = dict[str, Any] | str | None


@dataclass(frozen=True)
class Case:
    """How a door is used: on which story, by whom, with which body; what a stranger and a latecomer are told."""

    story: Callable[[Played], Story]
    own: Callable[[Played, Story], str]
    strange: Callable[[Played, Story], str]
    body: Callable[[Played, Story], Body] = lambda _played, _story: None
    unknown: str = ""
    foreign: str = ""
    late: str = ""
    late_in: Callable[[Played], Story] = lambda played: played.fetched


def doctor(played: Played, story: Story) -> str:
    return str(played.town.cast.prescriber(story.journey.doctor).session.token)


def other_doctor(played: Played, story: Story) -> str:
    return str(played.town.cast.prescriber(played.other_doctor(story)).session.token)


def reviewer(played: Played, story: Story) -> str:
    return str(played.town.cast.reviewer_of(story.journey.doctor)[0].session.token)


def other_reviewer(played: Played, story: Story) -> str:
    return str(played.other_reviewer(story)[0].session.token)


def staff(person: str) -> Callable[[Played, Story], str]:
    return lambda played, story: str(getattr(played.pharmacy(story), person).token)


def other_staff(person: str) -> Callable[[Played, Story], str]:
    return lambda played, story: str(getattr(played.other_pharmacy(story), person).token)


def courier(played: Played, story: Story) -> str:
    return str(played.town.cast.courier(played.carrier(story)).session.token)


def other_courier(played: Played, story: Story) -> str:
    return str(played.town.cast.courier(played.other_carrier(story)).session.token)


def patient(played: Played, story: Story) -> str:
    return str(played.patient(story).session.token)


def stranger(played: Played, _story: Story) -> str:
    return str(played.stranger().session.token)


def authority(played: Played, story: Story) -> str:
    return str(played.town.cast.regulator(story.journey.admitted.patient.region[:2] + "0000").session.token)


def other_authority(played: Played, _story: Story) -> str:
    return str(played.town.cast.regulator("110000").session.token)


def insurer(played: Played, story: Story) -> str:
    return str(played.town.cast.insurer(story.journey.admitted.patient.insurer).session.token)


def other_insurer(played: Played, story: Story) -> str:
    own = story.journey.admitted.patient.insurer
    other = next(each.code for each in played.town.world.authorities if each.code != own)
    return str(played.town.cast.insurer(other).session.token)


def secret(_played: Played, story: Story) -> Body:
    return {"secret": story.hold.secret}  # type: ignore[union-attr]


def with_secret(**more: Any) -> Callable[[Played, Story], Body]:
    return lambda played, story: {**secret(played, story), **more}  # type: ignore[dict-item]


def fixed(**body: Any) -> Callable[[Played, Story], Body]:
    return lambda _played, _story: body


def collecting(_played: Played, story: Story) -> Body:
    person = story.journey.admitted.patient
    return {"code": "ABCDEFGH", "collector": {"name": person.name, "identity_no": person.identity_number}}


def amendment(played: Played, story: Story) -> Body:
    signer = story.journey.doctor
    draft = story.journey.draft.amended(2)
    return str(signer.key.sign(draft.body))


def word(_played: Played, story: Story) -> Body:
    """Somebody's signature over something."""
    return str(story.journey.doctor.key.sign(b"{}"))


def signed_again(**said: Any) -> Callable[[Played, Story], Body]:
    """Another signature of the same doctor over the same prescription."""

    def sign(_played: Played, story: Story) -> Body:
        signer = story.journey.doctor
        about = {"prescription_id": str(story.ids["prescription_id"]), "prescriber": signer.code, "signed_sha256": SHA}
        return str(signer.key.sign(orjson.dumps(about | said)))

    return sign


confirmation = signed_again(revision=1, confirmation_no=1, findings=[{"finding": 1, "reason": "why"}])


def passing(played: Played, story: Story) -> Body:
    return played.pass_of(story, played.town.cast.reviewer_of(story.journey.doctor)[1])


def holding(played: Played, story: Story) -> Body:
    return {"token": "AAAAA-BBBBBBB", "way": "counter", "lines": [{"line": 1, "quantity": 1}]}


def fetched(played: Played) -> Story:
    return played.fetched


def on_the_road(played: Played) -> Story:
    return played.on_the_road


def prepared(played: Played) -> Story:
    return played.prepared


def reviewed(played: Played) -> Story:
    return played.reviewed


def short(played: Played) -> Story:
    return played.short


PRESCRIPTION = {"unknown": "prescription.unknown", "foreign": "prescription.not_yours"}
STEP = {"unknown": "case.unknown", "foreign": "case.taken_by_another", "late": "case.wrong_state"}
ADVICE = {"unknown": "advice.unknown", "late": "advice.wrong_state"}
HOLD = {"unknown": "hold.wrong_secret", "foreign": "hold.wrong_secret", "late": "hold.wrong_state"}
SUPPLY = {"unknown": "supply.unknown", "foreign": "supply.not_yours", "late": "supply.wrong_state"}
DELIVERY = {"unknown": "delivery.unknown", "foreign": "delivery.not_yours"}
PARCEL = {**DELIVERY, "late": "delivery.wrong_state", "late_in": on_the_road}
CLAIM = {"unknown": "claim.unknown", "foreign": "claim.not_yours"}
AUDIT = {"unknown": "audit.unknown", "foreign": "audit.not_yours"}
WEBHOOK = {"unknown": "webhook.unknown", "foreign": "webhook.not_yours"}
PAYMENT = {"unknown": "payment.unknown", "foreign": "payment.not_yours"}
FULFILMENT = {"unknown": "fulfilment.unknown", "foreign": "fulfilment.not_yours"}
SHORTAGE = {"unknown": "shortage.unknown", "foreign": "shortage.not_your_region"}
REASON = fixed(reason="some reason")
CODED = fixed(reason="other")

CASES: dict[str, Case] = {
    "GET /patients/{patient_ref}": Case(
        fetched, doctor, stranger, unknown="patient.not_yours", foreign="patient.not_yours"
    ),
    "POST /patients/{patient_ref}/forgettings": Case(
        fetched,
        patient,
        stranger,
        fixed(reason_code="patient_asks"),
        unknown="patient.not_yours",
        foreign="patient.not_yours",
    ),
    "GET /patients/{patient_ref}/representatives": Case(
        fetched, patient, stranger, unknown="patient.not_yours", foreign="patient.not_yours"
    ),
    "POST /patients/{patient_ref}/representatives": Case(
        fetched,
        patient,
        stranger,
        lambda played, _story: {
            "kind": "family",
            "account": "relative-1",
            "name": "某",
            "identity_number": "430102199003070012",
            "scope": ["read"],
            "valid_from": civil_day(played.town.now()).isoformat(),
        },
        unknown="patient.not_yours",
        foreign="patient.not_yours",
    ),
    "POST /patients/{patient_ref}/representatives/{appointment_id}/withdrawals": Case(
        fetched, patient, stranger, unknown="patient.not_yours", foreign="patient.not_yours"
    ),
    "POST /prescriptions/{prescription_id}/amendments": Case(
        reviewed,
        doctor,
        other_doctor,
        amendment,
        unknown="prescription.other_id",
        foreign="prescription.not_yours",
        late="prescription.ended",
    ),
    "POST /prescriptions/{prescription_id}/confirmations": Case(
        reviewed,
        doctor,
        other_doctor,
        confirmation,
        unknown="prescription.other_id",
        foreign="prescription.not_yours",
        late="prescription.ended",
    ),
    "POST /prescriptions/{prescription_id}/stops": Case(
        reviewed,
        authority,
        other_authority,
        lambda _p, _s: {"block_id": str(uuid4()), "reason_code": "safety_alert", "reason": "why"},
        unknown="prescription.unknown",
        foreign="prescription.not_yours",
        late="prescription.ended",
    ),
    "POST /prescriptions/{prescription_id}/nominations": Case(
        reviewed,
        patient,
        stranger,
        fixed(pharmacy="P33010200001"),
        unknown="prescription.unknown",
        foreign="prescription.not_yours",
        late="prescription.ended",
    ),
    "POST /prescriptions/{prescription_id}/feedback-acknowledgements": Case(
        fetched,
        doctor,
        other_doctor,
        fixed(entries=[2**40]),
        late="feedback.unknown",
        **PRESCRIPTION,  # type: ignore[arg-type]
    ),
    "POST /prescriptions/{prescription_id}/stop-use-acknowledgements": Case(
        fetched,
        patient,
        stranger,
        lambda _p, _s: {"request_id": str(uuid4())},
        late="stop_use.unknown",
        **PRESCRIPTION,  # type: ignore[arg-type]
    ),
    "POST /prescriptions/{prescription_id}/answers": Case(
        reviewed,
        doctor,
        other_doctor,
        signed_again(block_id=str(uuid4()), answer="why"),
        unknown="prescription.other_id",
        foreign="prescription.not_yours",
        late="query.unknown",
    ),
    "POST /prescriptions/{prescription_id}/substitutions": Case(
        reviewed,
        doctor,
        other_doctor,
        signed_again(proposal_id=str(uuid4()), line=1, substitute="X"),
        unknown="prescription.other_id",
        foreign="prescription.not_yours",
        late="proposal.unknown",
    ),
    "POST /prescriptions/{prescription_id}/declined-substitutions": Case(
        reviewed,
        doctor,
        other_doctor,
        lambda _p, _s: {"proposal_id": str(uuid4()), "reason": "why"},
        unknown="prescription.unknown",
        foreign="prescription.not_yours",
        late="proposal.unknown",
    ),
    "POST /prescriptions/{prescription_id}/cancellations": Case(
        reviewed,
        doctor,
        other_doctor,
        lambda _p, _s: {"request_id": str(uuid4()), "reason_code": "wrong_drug"},
        foreign="prescription.not_yours",
        late="prescription.ended",
    ),
    "GET /prescriptions/{prescription_id}": Case(fetched, doctor, other_doctor, **PRESCRIPTION),  # type: ignore[arg-type]
    "GET /prescriptions/{prescription_id}/signed": Case(fetched, doctor, other_doctor, **PRESCRIPTION),  # type: ignore[arg-type]
    "GET /prescriptions/{prescription_id}/document": Case(fetched, patient, stranger, **PRESCRIPTION),  # type: ignore[arg-type]
    "GET /prescriptions/{prescription_id}/trace": Case(fetched, patient, stranger, **PRESCRIPTION),  # type: ignore[arg-type]
    "GET /cases/{id}": Case(reviewed, reviewer, other_reviewer, unknown="case.unknown", foreign="case.not_yours"),
    "POST /cases/{id}/take": Case(reviewed, reviewer, other_reviewer, **{**STEP, "foreign": "case.wrong_state"}),  # type: ignore[arg-type]
    "POST /cases/{id}/take-over": Case(reviewed, reviewer, other_reviewer, **{**STEP, "foreign": "case.not_yours"}),  # type: ignore[arg-type]
    "POST /cases/{id}/sample": Case(
        fetched,
        reviewer,
        other_reviewer,
        unknown="case.unknown",
        foreign="case.not_yours",
        late="case.wrong_state",
        late_in=reviewed,
    ),
    "POST /cases/{id}/comment": Case(
        fetched,
        reviewer,
        other_reviewer,
        fixed(codes=["2-5"]),
        unknown="case.unknown",
        foreign="case.not_yours",
        late="case.wrong_state",
        late_in=reviewed,
    ),
    "POST /cases/{id}/put-back": Case(reviewed, reviewer, other_reviewer, **STEP),  # type: ignore[arg-type]
    "POST /cases/{id}/pass": Case(
        reviewed,
        reviewer,
        other_reviewer,
        passing,
        unknown="case.signed_something_else",
        foreign="signature.unknown_key",
        late="case.wrong_state",
    ),
    "POST /cases/{id}/return": Case(
        reviewed,
        reviewer,
        other_reviewer,
        fixed(findings=[{"code": "1-2"}], comment="why"),
        **STEP,  # type: ignore[arg-type]
    ),
    "POST /cases/{id}/refuse": Case(reviewed, reviewer, other_reviewer, fixed(codes=["3-1"], reason="why"), **STEP),  # type: ignore[arg-type]
    "GET /advice/{advice_id}": Case(fetched, patient, stranger, unknown="advice.unknown", foreign="advice.not_yours"),
    "POST /consultations/{advice_id}/answer": Case(
        on_the_road, reviewer, other_reviewer, fixed(answer="x"), foreign="case.not_yours", **ADVICE
    ),
    "POST /consultations/{advice_id}/withdraw": Case(
        on_the_road, patient, stranger, foreign="advice.not_yours", **ADVICE
    ),
    "POST /medication-reviews/{review_id}/suggest": Case(
        on_the_road,
        reviewer,
        other_reviewer,
        fixed(candidates=[{"drug_key": "x", "action": "stop", "reason": "x"}], advice="x"),
        foreign="case.not_yours",
        **ADVICE,
    ),
    "POST /medication-reviews/{review_id}/close": Case(
        on_the_road, reviewer, other_reviewer, foreign="case.not_yours", **ADVICE
    ),
    "GET /recalls/{recall_id}": Case(fetched, staff("pharmacist"), other_staff("pharmacist"), unknown="recall.unknown"),
    "POST /recall-notices/{notice_id}/acknowledgements": Case(
        fetched, patient, stranger, unknown="recall_notice.unknown"
    ),
    "GET /orders/{order_id}": Case(fetched, staff("pharmacist"), other_staff("pharmacist"), unknown="order.unknown"),
    "POST /orders/{order_id}/confirmations": Case(
        fetched,
        staff("pharmacist"),
        other_staff("pharmacist"),
        fixed(lines=[{"line": 1, "confirmed": 1}]),
        unknown="order.unknown",
    ),
    "POST /orders/{order_id}/receipts": Case(
        fetched,
        staff("pharmacist"),
        other_staff("pharmacist"),
        fixed(lines=[{"line": 1, "lot": "L", "expiry": "2030-01-01", "quantity": 1, "unit_price": 1}]),
        unknown="order.unknown",
    ),
    "POST /orders/{order_id}/shortfalls": Case(
        fetched,
        staff("pharmacist"),
        other_staff("pharmacist"),
        fixed(lines=[1], reason="why"),
        unknown="order.unknown",
    ),
    "POST /orders/{order_id}/cancellations": Case(
        fetched,
        staff("pharmacist"),
        other_staff("pharmacist"),
        fixed(lines=[1], reason="why"),
        unknown="order.unknown",
    ),
    "GET /fulfilments/{fulfilment_id}": Case(fetched, staff("pharmacist"), other_staff("pharmacist"), **FULFILMENT),  # type: ignore[arg-type]
    "GET /fulfilments/{fulfilment_id}/token": Case(prepared, patient, stranger, late="token.used_up", **FULFILMENT),  # type: ignore[arg-type]
    "GET /fulfilments/{fulfilment_id}/token/qr": Case(prepared, patient, stranger, late="token.used_up", **FULFILMENT),  # type: ignore[arg-type]
    "GET /fulfilments/{fulfilment_id}/supplies/{supply_id}/pickup-qr": Case(
        on_the_road,
        patient,
        stranger,
        late="token.used_up",
        **FULFILMENT,  # type: ignore[arg-type]
    ),
    "POST /fulfilments/{fulfilment_id}/supplies/{supply_id}/take-back": Case(
        on_the_road,
        staff("pharmacist"),
        other_staff("pharmacist"),
        fixed(why="quality"),
        unknown="supply.unknown",
        foreign="supply.not_yours",
    ),
    "POST /fulfilments/{fulfilment_id}/nominations": Case(
        prepared, patient, stranger, fixed(pharmacy=None), late="fulfilment.wrong_state", **FULFILMENT
    ),  # type: ignore[arg-type]
    "POST /fulfilments/{fulfilment_id}/online-orders": Case(
        prepared,
        patient,
        stranger,
        fixed(name="某", identity_no="430102199003070012", notice="some"),
        late="fulfilment.wrong_state",
        **FULFILMENT,  # type: ignore[arg-type]
    ),
    "POST /fulfilments/{fulfilment_id}/holds": Case(
        prepared, staff("pharmacist"), other_staff("pharmacist"), holding, unknown="fulfilment.unknown"
    ),
    "POST /fulfilments/{fulfilment_id}/holds/{hold_id}/secret": Case(
        prepared,
        staff("pharmacist"),
        other_staff("pharmacist"),
        unknown="hold.unknown",
        foreign="hold.not_yours",
        late="hold.wrong_state",
    ),
    "POST /fulfilments/{fulfilment_id}/holds/{hold_id}/review": Case(
        prepared,
        staff("pharmacist"),
        other_staff("pharmacist"),
        secret,
        **HOLD,  # type: ignore[arg-type]
    ),
    "POST /fulfilments/{fulfilment_id}/holds/{hold_id}/substitution-proposals": Case(
        prepared,
        staff("pharmacist"),
        other_staff("pharmacist"),
        with_secret(line=1, patient_agrees=True),
        **HOLD,  # type: ignore[arg-type]
    ),
    "POST /fulfilments/{fulfilment_id}/holds/{hold_id}/refusal": Case(
        prepared,
        staff("pharmacist"),
        other_staff("pharmacist"),
        with_secret(code="2-8", reason="why"),
        **HOLD,  # type: ignore[arg-type]
    ),
    "POST /fulfilments/{fulfilment_id}/holds/{hold_id}/release": Case(
        prepared,
        staff("pharmacist"),
        other_staff("pharmacist"),
        with_secret(reason="mistake"),
        **HOLD,  # type: ignore[arg-type]
    ),
    "POST /fulfilments/{fulfilment_id}/holds/{hold_id}/supplies": Case(
        prepared,
        staff("preparer"),
        other_staff("preparer"),
        with_secret(lines=[SCANNED]),
        **HOLD,  # type: ignore[arg-type]
    ),
    "POST /fulfilments/{fulfilment_id}/supplies/{supply_id}/unprepare": Case(
        prepared,
        staff("preparer"),
        other_staff("preparer"),
        secret,
        **{**SUPPLY, "foreign": "hold.wrong_secret"},  # type: ignore[arg-type]
    ),
    "POST /fulfilments/{fulfilment_id}/supplies/{supply_id}/check": Case(
        prepared,
        staff("checker"),
        other_staff("checker"),
        secret,
        **{**SUPPLY, "foreign": "hold.wrong_secret"},  # type: ignore[arg-type]
    ),
    "POST /fulfilments/{fulfilment_id}/supplies/{supply_id}/hand-out": Case(
        on_the_road,
        staff("pharmacist"),
        other_staff("pharmacist"),
        collecting,
        **SUPPLY,  # type: ignore[arg-type]
    ),
    "POST /fulfilments/{fulfilment_id}/supplies/{supply_id}/notices": Case(
        on_the_road,
        patient,
        stranger,
        fixed(line=1),
        unknown="supply.unknown",
        foreign="fulfilment.not_yours",
        late="supply.nothing_owed",
    ),
    "POST /fulfilments/{fulfilment_id}/supplies/{supply_id}/give-up": Case(
        on_the_road,
        patient,
        stranger,
        unknown="fulfilment.not_yours",
        foreign="fulfilment.not_yours",
        late="supply.wrong_state",
    ),
    "POST /fulfilments/{fulfilment_id}/supplies/{supply_id}/deliveries": Case(
        on_the_road,
        staff("pharmacist"),
        other_staff("pharmacist"),
        fixed(courier="91430100MA4L00000X", contact={"name": "某", "phone": "13912345678", "address": "某路"}),
        **SUPPLY,  # type: ignore[arg-type]
    ),
    "GET /deliveries/{delivery_id}": Case(on_the_road, courier, other_courier, **DELIVERY),  # type: ignore[arg-type]
    "POST /deliveries/{delivery_id}/pack": Case(
        on_the_road,
        staff("pharmacist"),
        other_staff("pharmacist"),
        fixed(seal_no="S"),
        **PARCEL,  # type: ignore[arg-type]
    ),
    "POST /deliveries/{delivery_id}/hand-over": Case(
        on_the_road,
        staff("pharmacist"),
        other_staff("pharmacist"),
        fixed(proof_sha256=SHA),
        **PARCEL,  # type: ignore[arg-type]
    ),
    "POST /deliveries/{delivery_id}/cancel": Case(
        on_the_road,
        staff("pharmacist"),
        other_staff("pharmacist"),
        CODED,
        **PARCEL,  # type: ignore[arg-type]
    ),
    "POST /deliveries/{delivery_id}/in-transit": Case(on_the_road, courier, other_courier, **DELIVERY),  # type: ignore[arg-type]
    "POST /deliveries/{delivery_id}/arrive": Case(on_the_road, courier, other_courier, **PARCEL),  # type: ignore[arg-type]
    "POST /deliveries/{delivery_id}/deliver": Case(
        on_the_road,
        courier,
        other_courier,
        fixed(proof_sha256=SHA),
        **DELIVERY,  # type: ignore[arg-type]
    ),
    "POST /deliveries/{delivery_id}/fail-attempt": Case(on_the_road, courier, other_courier, CODED, **PARCEL),  # type: ignore[arg-type]
    "POST /deliveries/{delivery_id}/refuse": Case(on_the_road, courier, other_courier, **DELIVERY),  # type: ignore[arg-type]
    "POST /deliveries/{delivery_id}/schedule-retry": Case(
        on_the_road,
        courier,
        other_courier,
        fixed(next_at="2030-01-01T00:00:00Z"),
        **PARCEL,  # type: ignore[arg-type]
    ),
    "POST /deliveries/{delivery_id}/recall": Case(
        on_the_road,
        staff("pharmacist"),
        other_staff("pharmacist"),
        fixed(),
        **DELIVERY,  # type: ignore[arg-type]
    ),
    "POST /deliveries/{delivery_id}/temperatures": Case(
        on_the_road,
        courier,
        other_courier,
        fixed(readings=[{"at": "2026-01-01T00:00:00Z", "celsius": "5.0"}]),
        **DELIVERY,  # type: ignore[arg-type]
    ),
    "POST /deliveries/{delivery_id}/excursions/{excursion}/assess": Case(
        on_the_road,
        staff("quality"),
        other_staff("quality"),
        fixed(decision="released", reason="why"),
        **{**DELIVERY, "late": "delivery.excursion_unknown", "late_in": on_the_road},  # type: ignore[arg-type]
    ),
    "POST /deliveries/{delivery_id}/report-lost": Case(on_the_road, courier, other_courier, **DELIVERY),  # type: ignore[arg-type]
    "POST /deliveries/{delivery_id}/report-damaged": Case(on_the_road, courier, other_courier, **DELIVERY),  # type: ignore[arg-type]
    "POST /deliveries/{delivery_id}/return-arrived": Case(
        on_the_road,
        staff("checker"),
        other_staff("checker"),
        fixed(seal_intact=True, packs=[]),
        **DELIVERY,  # type: ignore[arg-type]
    ),
    "POST /deliveries/{delivery_id}/found": Case(
        on_the_road,
        staff("checker"),
        other_staff("checker"),
        fixed(seal_intact=True, packs=[]),
        **PARCEL,  # type: ignore[arg-type]
    ),
    "POST /deliveries/{delivery_id}/inspect": Case(
        on_the_road,
        staff("quality"),
        other_staff("quality"),
        fixed(verdicts=[]),
        **PARCEL,  # type: ignore[arg-type]
    ),
    "POST /deliveries/{delivery_id}/quarantine": Case(
        on_the_road,
        staff("quality"),
        other_staff("quality"),
        fixed(to="destroyed", reason="why"),
        **PARCEL,  # type: ignore[arg-type]
    ),
    "GET /deliveries/{delivery_id}/label": Case(on_the_road, courier, other_courier, **DELIVERY),  # type: ignore[arg-type]
    "GET /fulfilments/{fulfilment_id}/supplies/{supply_id}/epcis": Case(
        on_the_road,
        staff("pharmacist"),
        other_staff("pharmacist"),
        unknown="supply.unknown",
        foreign="supply.not_yours",
    ),
    "GET /claims/{claim_id}": Case(fetched, staff("pharmacist"), other_staff("pharmacist"), **CLAIM),  # type: ignore[arg-type]
    "POST /claims/{claim_id}/authorise": Case(
        fetched,
        patient,
        stranger,
        fixed(credential="ecard"),
        late="claim.wrong_state",
        **CLAIM,  # type: ignore[arg-type]
    ),
    "POST /claims/{claim_id}/self-pay": Case(
        fetched,
        patient,
        stranger,
        fixed(consent="form-1"),
        late="claim.wrong_state",
        **CLAIM,  # type: ignore[arg-type]
    ),
    "GET /claims/{claim_id}/receipt": Case(fetched, staff("pharmacist"), other_staff("pharmacist"), **CLAIM),  # type: ignore[arg-type]
    "GET /claims/{claim_id}/receipt/document": Case(
        fetched,
        staff("pharmacist"),
        other_staff("pharmacist"),
        **CLAIM,  # type: ignore[arg-type]
    ),
    "GET /audits/{audit_id}": Case(fetched, staff("pharmacist"), other_staff("pharmacist"), **AUDIT),  # type: ignore[arg-type]
    "POST /audits/{audit_id}/decision": Case(
        fetched,
        insurer,
        other_insurer,
        fixed(decision="cleared", reason="as it should be"),
        late="audit.wrong_state",
        **AUDIT,  # type: ignore[arg-type]
    ),
    "POST /audits/{audit_id}/appeal": Case(
        fetched,
        patient,
        stranger,
        fixed(grounds="it was needed"),
        late="audit.wrong_state",
        **AUDIT,  # type: ignore[arg-type]
    ),
    "POST /audits/{audit_id}/appeal-decision": Case(
        fetched,
        insurer,
        other_insurer,
        fixed(decision="granted", reason="as it should be"),
        late="audit.wrong_state",
        **AUDIT,  # type: ignore[arg-type]
    ),
    "POST /claims/{claim_id}/credit": Case(
        fetched,
        staff("pharmacist"),
        other_staff("pharmacist"),
        fixed(reason="none left at home"),
        late="claim.wrong_state",
        **CLAIM,  # type: ignore[arg-type]
    ),
    "POST /reconciliations/{day}/differences/{message_id}/owner": Case(
        fetched,
        insurer,
        other_insurer,
        unknown="reconciliation.wrong_state",
        foreign="reconciliation.wrong_state",
    ),
    "POST /reconciliations/{day}/differences/{message_id}/answer": Case(
        fetched,
        insurer,
        other_insurer,
        fixed(answer="insurer_books", reason="as agreed"),
        unknown="reconciliation.wrong_state",
        foreign="reconciliation.wrong_state",
    ),
    "POST /claims/{claim_id}/reversal": Case(
        fetched,
        insurer,
        other_insurer,
        fixed(reason="ordered by mistake"),
        **CLAIM,  # type: ignore[arg-type]
    ),
    "POST /claims/{claim_id}/decision": Case(
        fetched,
        insurer,
        other_insurer,
        fixed(decision="stands", bearer="insurer", reason="as agreed"),
        late="claim.wrong_state",
        **CLAIM,  # type: ignore[arg-type]
    ),
    "GET /settlement-webhooks/{endpoint_id}": Case(fetched, insurer, other_insurer, **WEBHOOK),  # type: ignore[arg-type]
    "POST /settlement-webhooks/{endpoint_id}/secret": Case(fetched, insurer, other_insurer, fixed(), **WEBHOOK),  # type: ignore[arg-type]
    "POST /settlement-webhooks/{endpoint_id}/pause": Case(fetched, insurer, other_insurer, REASON, **WEBHOOK),  # type: ignore[arg-type]
    "POST /settlement-webhooks/{endpoint_id}/resume": Case(
        fetched,
        insurer,
        other_insurer,
        late="webhook.wrong_state",
        **WEBHOOK,  # type: ignore[arg-type]
    ),
    "POST /settlement-webhooks/{endpoint_id}/removal": Case(fetched, insurer, other_insurer, **WEBHOOK),  # type: ignore[arg-type]
    "POST /settlement-webhooks/{endpoint_id}/ping": Case(fetched, insurer, other_insurer, **WEBHOOK),  # type: ignore[arg-type]
    "GET /settlement-webhooks/{endpoint_id}/deliveries": Case(fetched, insurer, other_insurer, **WEBHOOK),  # type: ignore[arg-type]
    "POST /settlement-webhooks/{endpoint_id}/deliveries/{place}/replay": Case(
        fetched,
        insurer,
        other_insurer,
        late="webhook.no_letter",
        **WEBHOOK,  # type: ignore[arg-type]
    ),
    "POST /settlement-webhooks/{endpoint_id}/deliveries/{place}/skip": Case(
        fetched,
        insurer,
        other_insurer,
        REASON,
        late="webhook.no_letter",
        **WEBHOOK,  # type: ignore[arg-type]
    ),
    "GET /shortage-webhooks/{endpoint_id}": Case(short, authority, other_authority, **WEBHOOK),  # type: ignore[arg-type]
    "POST /shortage-webhooks/{endpoint_id}/secret": Case(short, authority, other_authority, fixed(), **WEBHOOK),  # type: ignore[arg-type]
    "POST /shortage-webhooks/{endpoint_id}/pause": Case(short, authority, other_authority, REASON, **WEBHOOK),  # type: ignore[arg-type]
    "POST /shortage-webhooks/{endpoint_id}/resume": Case(
        short,
        authority,
        other_authority,
        late_in=short,
        late="webhook.wrong_state",
        **WEBHOOK,  # type: ignore[arg-type]
    ),
    "POST /shortage-webhooks/{endpoint_id}/removal": Case(short, authority, other_authority, **WEBHOOK),  # type: ignore[arg-type]
    "POST /shortage-webhooks/{endpoint_id}/ping": Case(short, authority, other_authority, **WEBHOOK),  # type: ignore[arg-type]
    "GET /shortage-webhooks/{endpoint_id}/deliveries": Case(short, authority, other_authority, **WEBHOOK),  # type: ignore[arg-type]
    "POST /shortage-webhooks/{endpoint_id}/deliveries/{place}/replay": Case(
        short,
        authority,
        other_authority,
        late_in=short,
        late="webhook.no_letter",
        **WEBHOOK,  # type: ignore[arg-type]
    ),
    "POST /shortage-webhooks/{endpoint_id}/deliveries/{place}/skip": Case(
        short,
        authority,
        other_authority,
        REASON,
        late_in=short,
        late="webhook.no_letter",
        **WEBHOOK,  # type: ignore[arg-type]
    ),
    "GET /payments/{payment_id}": Case(fetched, patient, stranger, **PAYMENT),  # type: ignore[arg-type]
    "POST /payments/{payment_id}/pay": Case(
        fetched,
        patient,
        stranger,
        fixed(reference="another"),
        late="payment.wrong_state",
        **PAYMENT,  # type: ignore[arg-type]
    ),
    "POST /payment-tasks/{payment_id}/{number}/owner": Case(
        fetched, insurer, other_insurer, unknown="payment.unknown", foreign="payment_task.not_open"
    ),
    "POST /payment-tasks/{payment_id}/{number}/end": Case(
        fetched,
        insurer,
        other_insurer,
        fixed(answer="ask_again", reason="as agreed"),
        unknown="payment.unknown",
        foreign="payment_task.not_open",
    ),
    "GET /shortages/{id}": Case(short, authority, other_authority, unknown="shortage.unknown"),
    "POST /shortages/{id}/confirm": Case(
        short,
        authority,
        other_authority,
        REASON,
        unknown="shortage.unknown",
        foreign="shortage.not_your_region",
        late="shortage.wrong_state",
        late_in=short,
    ),
    "POST /shortages/{id}/acknowledge": Case(short, authority, other_authority, REASON, **SHORTAGE),  # type: ignore[arg-type]
    "POST /shortages/{id}/tasks": Case(
        short,
        authority,
        other_authority,
        fixed(kind="distributors", owner_level="province", due_at="2099-01-01T00:00:00Z"),
        **SHORTAGE,  # type: ignore[arg-type]
    ),
    "POST /shortages/{id}/tasks/{number}/complete": Case(short, authority, other_authority, REASON, **SHORTAGE),  # type: ignore[arg-type]
    "POST /stop-notices/{id}/end": Case(
        short,
        authority,
        other_authority,
        fixed(how="withdrawn", reason="some reason"),
        unknown="stop_notice.unknown",
    ),
    "POST /shortages/{id}/dismiss": Case(
        short,
        authority,
        other_authority,
        REASON,
        unknown="shortage.unknown",
        foreign="shortage.not_your_region",
        late="shortage.wrong_state",
        late_in=short,
    ),
    "POST /shortages/{id}/protocols": Case(
        short,
        authority,
        other_authority,
        fixed(
            from_drug_key="x|y|z",
            to_drug_key="x|y|w",
            numerator=1,
            denominator=2,
            regions=["43"],
            mode="prescriber_confirms",
            valid_from="2999-01-01",
        ),
        **SHORTAGE,  # type: ignore[arg-type]
    ),
    "POST /protocols/{id}/sign": Case(short, authority, other_authority, word, unknown="protocol.unknown"),
    "POST /protocols/{id}/withdraw": Case(short, authority, other_authority, REASON, unknown="protocol.unknown"),
    "POST /shortages/{id}/allocations": Case(
        short,
        authority,
        other_authority,
        fixed(region="43", max_days=7, reason="some reason"),
        **SHORTAGE,  # type: ignore[arg-type]
    ),
    "POST /allocations/{id}/end": Case(short, authority, other_authority, REASON, unknown="allocation.unknown"),
    "POST /shortages/{id}/transfers": Case(short, authority, other_authority, fixed(), **SHORTAGE),  # type: ignore[arg-type]
    "POST /shortages/{id}/reserves": Case(
        short,
        authority,
        other_authority,
        fixed(region="43", quantity=1, to="somebody", reason="some reason"),
        **SHORTAGE,  # type: ignore[arg-type]
    ),
    "GET /shortages/{id}/responses": Case(
        short, authority, other_authority, unknown="shortage.unknown", foreign="shortage.unknown"
    ),
    "POST /irregularities/{irregularity_id}/explanation": Case(
        fetched,
        staff("pharmacist"),
        other_staff("pharmacist"),
        fixed(explanation="why"),
        unknown="irregularity.unknown",
    ),
    "POST /transfers/{transfer_id}/answers": Case(
        fetched, staff("pharmacist"), other_staff("pharmacist"), fixed(accept=True), unknown="transfer.unknown"
    ),
    "POST /transfers/{transfer_id}/send": Case(
        fetched, staff("pharmacist"), other_staff("pharmacist"), unknown="transfer.unknown"
    ),
    "POST /transfers/{transfer_id}/receive": Case(
        fetched, staff("pharmacist"), other_staff("pharmacist"), unknown="transfer.unknown"
    ),
}
NOT_OF_PEOPLE = {"GET /internal/streams/{family}/{stream_id}"}


@pytest.fixture(scope="module")
def played(shared_town: Town) -> Played:
    return Played(shared_town)


@pytest.fixture(scope="module")
def knocking(played: Played) -> Knocking:
    played.town.follows = False
    return Knocking(played.town)


@pytest.fixture(scope="module")
def by_name(shared_town: Town) -> dict[str, Door]:
    return {door.name: door for door in doors(shared_town)}


def knock(knocking: Knocking, door: Door, path: str, token: str, body: Body) -> httpx.Response:
    if isinstance(body, str):
        return knocking.send(door, path, token=token, content=body.encode(), media_type="application/jose")
    return knocking.send(door, path, token=token, json=body)


def test_every_door_to_a_record_is_tried(by_name: dict[str, Door]) -> None:
    assert {name for name, door in by_name.items() if door.ids} - NOT_OF_PEOPLE == CASES.keys()


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.unknown])
def test_an_id_that_nobody_has_is_unknown(
    played: Played, knocking: Knocking, by_name: dict[str, Door], name: str
) -> None:
    case, door = CASES[name], by_name[name]
    story = case.story(played)
    before = knocking.nothing_changed()

    response = knock(knocking, door, door.at(), case.own(played, story), case.body(played, story))

    assert refusal(door, response) == case.unknown
    assert knocking.nothing_changed() == before


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.foreign])
def test_a_record_of_others_is_refused_and_nothing_of_it_shown(
    played: Played, knocking: Knocking, by_name: dict[str, Door], name: str
) -> None:
    case, door = CASES[name], by_name[name]
    story = case.story(played)
    before = knocking.nothing_changed()

    response = knock(knocking, door, door.at(**story.ids), case.strange(played, story), case.body(played, story))

    assert refusal(door, response) == case.foreign
    assert knocking.nothing_changed() == before
    person = story.journey.admitted.patient
    for private in (person.name, person.identity_number, person.phone, str(story.journey.admitted.patient_ref)):
        assert private not in response.text
    if story.hold is not None:
        assert story.hold.secret not in response.text


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.late])
def test_a_command_its_state_does_not_allow_is_refused(
    played: Played, knocking: Knocking, by_name: dict[str, Door], name: str
) -> None:
    case, door = CASES[name], by_name[name]
    story = case.late_in(played)
    before = knocking.nothing_changed()

    response = knock(knocking, door, door.at(**story.ids), case.own(played, story), case.body(played, story))

    assert refusal(door, response) == case.late
    assert knocking.nothing_changed() == before


def test_lists_show_strangers_nothing(played: Played, knocking: Knocking, by_name: dict[str, Door]) -> None:
    story = played.fetched
    asked = {
        "GET /prescriptions": [("", stranger), ("", other_doctor)],
        "GET /stop-use-notices": [("", stranger)],
        "GET /feedback": [("", other_doctor)],
        "GET /cases": [("", other_reviewer)],
        "GET /samples": [("", other_reviewer)],
        "GET /advice": [("", stranger), ("", other_reviewer)],
        "GET /fulfilments": [
            (f"?prescription_id={story.journey.prescription_id}", who) for who in (stranger, other_staff("pharmacist"))
        ],
        "GET /claims": [(f"?supply_id={story.ids['supply_id']}", who) for who in (stranger, other_staff("pharmacist"))],
        "GET /audits": [("", other_staff("pharmacist"))],
        "GET /settlement-webhooks": [("", other_insurer)],
        "GET /shortage-webhooks": [("", other_authority)],
        "GET /payments": [(f"?claim_id={story.ids['claim_id']}", stranger)],
    }
    for name, tries in asked.items():
        for query, who in tries:
            response = knocking.send(by_name[name], by_name[name].path + query, token=who(played, story))
            assert response.status_code == 200
            assert response.json()["items"] == [], f"{name} for {who}"


def test_an_officer_sees_only_own_members(played: Played, knocking: Knocking, by_name: dict[str, Door]) -> None:
    own = played.fetched.journey.admitted.patient.insurer
    other = next(each.code for each in played.town.world.authorities if each.code != own)
    claim = played.fetched.ids["claim_id"]
    officers = {code: str(played.town.cast.insurer(code).session.token) for code in (own, other)}

    door = by_name["GET /claims/{claim_id}"]
    assert knocking.send(door, f"/claims/{claim}", token=officers[own]).status_code == 200
    assert refusal(door, knocking.send(door, f"/claims/{claim}", token=officers[other])) == "claim.not_yours"
    fed = {code: knocking.send(by_name["GET /settlements"], "/settlements", token=officers[code]) for code in officers}
    assert claim in fed[own].text
    assert claim not in fed[other].text


def test_other_authorities_see_of_a_shortage_what_is_public(
    played: Played, knocking: Knocking, by_name: dict[str, Door]
) -> None:
    door, story = by_name["GET /shortages/{id}"], played.short
    path = f"/shortages/{story.ids['id']}"
    whole = knocking.send(door, path, token=authority(played, story)).json()
    hint = knocking.send(door, path, token=other_authority(played, story)).json()

    assert set(hint) == {"case_id", "drug_key", "region", "state", "grade", "confirmed_at"}
    assert set(hint) < set(whole)


def test_a_courier_learns_neither_drug_nor_diagnosis(
    played: Played, knocking: Knocking, by_name: dict[str, Door]
) -> None:
    story = played.on_the_road
    door = by_name["GET /deliveries/{delivery_id}"]
    response = knocking.send(door, door.at(**story.ids), token=courier(played, story))

    product = played.town.world.product[story.journey.product_of(1)]
    assert response.status_code == 200
    for private in (product.drug.generic_name, product.code, product.regimen.indication_name, "13912345678"):
        assert private not in response.text
