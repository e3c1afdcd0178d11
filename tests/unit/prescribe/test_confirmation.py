"""Insisting on a returned prescription by a second signature (双签名)."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from contracts.events import prescribe as public
from contracts.events import review
from services.prescribe.application.signed_again import confirm_prescription
from services.prescribe.application.translation import TRANSLATE
from services.prescribe.application.views import show_prescription
from services.prescribe.domain.confirmation_events import FindingsConfirmed
from services.prescribe.domain.prescription import PRESCRIPTION
from services.seedwork.composition import Happened
from services.seedwork.ports import Outcome
from tests.unit.prescribe.conftest import COLLEAGUE, DOCTOR, FINDING, Clinic

REASON = "患者长期服用, 病情稳定"


def returned(clinic: Clinic, *findings: dict[str, Any]) -> UUID:
    prescription_id = clinic.issued()
    clinic.answer(prescription_id, review.CaseReturned, findings=list(findings) or [FINDING])
    return prescription_id


def written(clinic: Clinic, prescription_id: UUID, /, **changes: Any) -> dict[str, Any]:
    signed = clinic.state(prescription_id).signed
    return {
        "prescription_id": str(prescription_id),
        "prescriber": DOCTOR,
        "revision": signed.revision,
        "confirmation_no": signed.confirmation_no + 1,
        "signed_sha256": signed.signature.sha256,
        "findings": [{"finding": 1, "reason": REASON}],
    } | changes


def confirm(clinic: Clinic, prescription_id: UUID, /, **changes: Any) -> Outcome:
    jws = clinic.sign(written(clinic, prescription_id, **changes))
    return clinic.store.run(confirm_prescription(jws, prescription_id), clinic.doctor())


def code(outcome: Outcome) -> str | None:
    return outcome.refusal.code if outcome.refusal else None


def test_a_confirmed_prescription_is_reviewed_again_with_the_reasons(clinic: Clinic) -> None:
    prescription_id = returned(clinic)
    before = clinic.state(prescription_id).signed

    outcome = confirm(clinic, prescription_id)

    assert (outcome.status, outcome.body["status"], outcome.body["confirmation_no"]) == (201, "issued", 1)
    told = clinic.store.told_of(public.PrescriptionIssued)[-1]
    assert (told.kind, told.revision, told.confirmation_no) == ("confirmed", 1, 1)
    assert (told.signed_sha256, told.valid_until) == (before.signature.sha256, before.valid_until)
    assert [(each.number, each.rule, each.lines, each.reason) for each in told.confirmed] == [(1, "N3.6", (1,), REASON)]
    assert told.confirmation_sha256 != told.signed_sha256


def test_the_pharmacies_read_what_was_confirmed(clinic: Clinic) -> None:
    prescription_id = returned(clinic)
    confirm(clinic, prescription_id)

    clinic.answer(prescription_id, review.CasePassed, confirmation_no=1)

    assert clinic.status(prescription_id) == "released"
    (released,) = clinic.store.told_of(public.PrescriptionReleased)
    assert released.confirmed[0].reason == REASON


def test_of_a_forgotten_patient_the_reasons_are_told_to_nobody(clinic: Clinic) -> None:
    prescription_id = returned(clinic)
    confirm(clinic, prescription_id)
    events = clinic.store.streams[prescription_id]
    forgotten = events[-1].model_copy(update={"findings": None})
    before = PRESCRIPTION.fold(events[:-1])

    (told,) = TRANSLATE[FindingsConfirmed](
        Happened(forgotten, before, PRESCRIPTION.evolve(before, forgotten), prescription_id)
    )

    assert told.confirmed is None


def test_an_answer_to_the_case_before_the_confirmation_is_recorded_only(clinic: Clinic) -> None:
    prescription_id = returned(clinic)
    confirm(clinic, prescription_id)

    clinic.answer(prescription_id, review.CasePassed, confirmation_no=0)

    assert clinic.status(prescription_id) == "issued"


def test_an_amendment_makes_the_confirmation_a_thing_of_the_past(clinic: Clinic) -> None:
    prescription_id = returned(clinic)
    confirm(clinic, prescription_id)
    clinic.answer(prescription_id, review.CaseReturned, confirmation_no=1)

    clinic.amend(prescription_id)

    assert clinic.state(prescription_id).confirmation is None
    assert clinic.store.told_of(public.PrescriptionIssued)[-1].confirmed is None


def test_the_same_signature_again_is_answered(clinic: Clinic) -> None:
    prescription_id = returned(clinic)
    jws = clinic.sign(written(clinic, prescription_id))

    first = clinic.store.run(confirm_prescription(jws, prescription_id), clinic.doctor())
    again = clinic.store.run(confirm_prescription(jws, prescription_id), clinic.doctor())

    assert again.body == first.body
    assert len(clinic.store.told_of(public.PrescriptionIssued)) == 2


def test_what_cannot_be_confirmed_needs_an_amendment(clinic: Clinic) -> None:
    prescription_id = returned(clinic, FINDING, FINDING | {"number": 2, "confirmable": False})

    outcome = confirm(clinic, prescription_id, findings=[{"finding": 1, "reason": "x"}, {"finding": 2, "reason": "x"}])

    assert outcome.refusal is not None
    assert (outcome.refusal.code, outcome.refusal.facts["findings"]) == ("confirmation.not_confirmable", [2])


def test_mere_information_needs_no_reason_and_may_have_one(clinic: Clinic) -> None:
    mild = FINDING | {"number": 2, "severity": "caution", "confirmable": False}
    silent, spoken = returned(clinic, FINDING, mild), returned(clinic, FINDING, mild)

    assert confirm(clinic, silent).status == 201
    both = [{"finding": 1, "reason": "x"}, {"finding": 2, "reason": "x"}]
    assert confirm(clinic, spoken, findings=both).status == 201


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"findings": [{"finding": 7, "reason": "x"}]}, "confirmation.unknown_finding"),
        ({"findings": [{"finding": 1, "reason": "x"}] * 2}, "confirmation.unknown_finding"),
        ({"revision": 2}, "confirmation.number"),
        ({"confirmation_no": 2}, "confirmation.number"),
        ({"signed_sha256": "0" * 64}, "prescription.other_content"),
        ({"findings": []}, "prescription.payload"),
        ({"prescription_id": str(uuid4())}, "prescription.other_id"),
        ({"prescriber": COLLEAGUE}, "prescription.not_yours"),
    ],
)
def test_a_confirmation_is_about_exactly_what_was_returned(
    clinic: Clinic, changes: dict[str, Any], expected: str
) -> None:
    prescription_id = returned(clinic)

    assert code(confirm(clinic, prescription_id, **changes)) == expected
    assert clinic.status(prescription_id) == "returned"


def test_every_open_finding_needs_its_reason(clinic: Clinic) -> None:
    prescription_id = returned(clinic, FINDING, FINDING | {"number": 2, "severity": "blocking"})

    outcome = confirm(clinic, prescription_id)

    assert outcome.refusal is not None
    assert (outcome.refusal.code, outcome.refusal.facts["findings"]) == ("confirmation.reason_missing", [2])


def test_only_its_own_doctor_registered_today_may_confirm(clinic: Clinic) -> None:
    prescription_id = returned(clinic)
    jws = clinic.sign(written(clinic, prescription_id, prescriber=COLLEAGUE), f"{COLLEAGUE}-1")
    by_colleague = clinic.store.run(confirm_prescription(jws, prescription_id), clinic.doctor(COLLEAGUE))
    delegate = clinic.store.run(
        confirm_prescription(clinic.sign(written(clinic, prescription_id)), prescription_id), clinic.delegate()
    )
    unsigned = clinic.store.run(confirm_prescription(orjson.dumps({}).decode(), prescription_id), clinic.doctor())
    strange = clinic.store.run(
        confirm_prescription(clinic.sign(written(clinic, prescription_id), "another-key"), prescription_id),
        clinic.doctor(),
    )
    clinic.load_person(DOCTOR, suspended=True)
    suspended = confirm(clinic, prescription_id)
    clinic.load_person(DOCTOR, professions=["reviewer"])
    otherwise = confirm(clinic, prescription_id)

    assert [code(each) for each in (by_colleague, delegate, unsigned, strange, suspended, otherwise)] == [
        "prescription.not_yours",
        "prescription.not_yours",
        "signature.malformed",
        "signature.unknown_key",
        "prescriber.not_in_force",
        "prescriber.not_registered",
    ]


def test_confirming_needs_a_return_within_validity(clinic: Clinic) -> None:
    issued, late = clinic.issued(), returned(clinic)
    unknown = uuid4()
    about = written(clinic, issued) | {"prescription_id": str(unknown)}

    clinic.store.time += timedelta(days=1)

    assert code(confirm(clinic, issued)) == "prescription.wrong_state"
    assert code(confirm(clinic, late)) == "prescription.validity_over"
    nowhere = clinic.store.run(confirm_prescription(clinic.sign(about), unknown), clinic.doctor())
    assert code(nowhere) == "prescription.unknown"


def test_the_prescriber_sees_what_was_confirmed(clinic: Clinic) -> None:
    prescription_id = returned(clinic)
    assert show_prescription(clinic.state(prescription_id))["confirmed_findings"] == []
    confirm(clinic, prescription_id)

    assert show_prescription(clinic.state(prescription_id))["confirmed_findings"][0]["reason"] == REASON


def test_blanks_are_no_reason(clinic: Clinic) -> None:
    prescription_id = returned(clinic)

    assert code(confirm(clinic, prescription_id, findings=[{"finding": 1, "reason": " "}])) == "prescription.payload"
    assert clinic.status(prescription_id) == "returned"


def test_it_is_the_same_signature_whatever_could_be_checked_about_it(clinic: Clinic) -> None:
    """A revocation list that has become outdated since then changes what is told of the key, not what was signed."""
    prescription_id = returned(clinic)
    jws = clinic.sign(written(clinic, prescription_id))
    clinic.store.run(confirm_prescription(jws, prescription_id), clinic.doctor())
    events = clinic.store.streams[prescription_id]
    confirmed = events[-1]
    signature = confirmed.signature.model_copy(update={"degraded": "revocation_list_outdated"})
    events[-1] = confirmed.model_copy(update={"signature": signature})

    again = clinic.store.run(confirm_prescription(jws, prescription_id), clinic.doctor())

    assert (again.status, again.refusal) == (201, None)
