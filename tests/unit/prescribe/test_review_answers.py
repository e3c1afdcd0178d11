"""What the review says: released, returned and amended, refused; and answers that are no longer about anything."""

from datetime import timedelta
from uuid import uuid4

import pytest

from contracts.events import prescribe as public
from contracts.events import review
from services.prescribe.application.signed_commands import amend_prescription
from services.prescribe.domain.prescription import fulfilment_id
from services.prescribe.domain.prescription_events import ReviewAnswerStale
from tests.unit.prescribe.conftest import COLLEAGUE, Clinic, line


def test_a_passed_prescription_is_released_with_its_only_instalment(clinic: Clinic) -> None:
    prescription_id = clinic.released()

    state = clinic.state(prescription_id)
    assert str(state.status) == "released"
    assert state.fulfilments == (fulfilment_id(prescription_id, 1),)
    (released,) = clinic.store.told_of(public.PrescriptionReleased)
    (opened,) = clinic.store.told_of(public.InstalmentOpened)
    assert released.patient_name == "张伟"
    assert released.reviewers[0].name == "孙丽"
    assert released.findings[0].rule == "N3.6"
    assert released.lines[0].dose_text == "5 mg × 1/d × 7 d, 口服"
    assert (opened.instalment, opened.of, opened.closes_at) == (1, 1, released.valid_until)
    assert opened.lines[0].quantity == 7


def test_directions_of_use_are_part_of_the_dose_text(clinic: Clinic) -> None:
    clinic.released(lines=[line(instructions="饭后")])

    (released,) = clinic.store.told_of(public.PrescriptionReleased)
    assert released.lines[0].dose_text.endswith("口服; 饭后")


def test_a_returned_prescription_is_amended_and_passes(clinic: Clinic) -> None:
    prescription_id = clinic.issued()
    clinic.answer(prescription_id, review.CaseReturned)
    assert clinic.status(prescription_id) == "returned"
    assert clinic.state(prescription_id).comment == "请说明理由"

    amended = clinic.amend(prescription_id, lines=[line(days=3, quantity=3)])

    assert (amended.status, amended.body["revision"]) == (201, 2)
    assert clinic.state(prescription_id).buckets[1].remaining == 3
    assert [told.kind for told in clinic.store.told_of(public.PrescriptionIssued)] == ["first", "amended"]
    clinic.answer(prescription_id, review.CasePassed)
    assert clinic.status(prescription_id) == "released"
    assert [told["kind"] for told in clinic.feedback()] == ["returned"]


def test_a_refused_prescription_has_ended(clinic: Clinic) -> None:
    prescription_id = clinic.issued()
    clinic.answer(prescription_id, review.CaseRefused)

    outcome = clinic.amend(prescription_id)

    assert clinic.status(prescription_id) == "refused"
    assert outcome.refusal is not None
    assert (outcome.refusal.code, outcome.refusal.facts["state"]) == ("prescription.ended", "refused")
    assert [told["kind"] for told in clinic.feedback()] == ["refused"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [({"revision": 2}, "not_current"), ({"signed_sha256": "0" * 64}, "other_content")],
)
def test_an_answer_about_something_else_is_recorded_without_effect(
    clinic: Clinic, changes: dict[str, object], why: str
) -> None:
    prescription_id = clinic.issued()

    clinic.answer(prescription_id, review.CasePassed, **changes)

    assert clinic.status(prescription_id) == "issued"
    stale = clinic.store.streams[prescription_id][-1]
    assert isinstance(stale, ReviewAnswerStale)
    assert stale.why == why


def test_a_second_answer_comes_too_late(clinic: Clinic) -> None:
    prescription_id = clinic.released()

    clinic.answer(prescription_id, review.CaseReturned)

    assert clinic.status(prescription_id) == "released"
    stale = clinic.store.streams[prescription_id][-1]
    assert isinstance(stale, ReviewAnswerStale)
    assert stale.why == "not_under_review"


def test_a_pass_after_the_end_of_validity_releases_nothing(clinic: Clinic) -> None:
    prescription_id = clinic.issued()
    clinic.store.time += timedelta(days=1)

    clinic.answer(prescription_id, review.CasePassed)

    assert clinic.status(prescription_id) == "expired"
    assert not clinic.store.told_of(public.PrescriptionReleased)


def test_an_answer_about_an_unknown_prescription_is_traced_only(clinic: Clinic) -> None:
    prescription_id = uuid4()

    outcome = clinic.hear(
        review.CasePassed(
            case_id=uuid4(),
            prescription_id=prescription_id,
            patient_ref=uuid4(),
            revision=1,
            confirmation_no=0,
            signed_sha256="0" * 64,
            reviewers=(),
            findings=(),
            comment=None,
        )
    )

    assert outcome.refusal is not None
    assert outcome.refusal.code == "prescription.unknown"
    assert len(clinic.trace(prescription_id)) == 1


def test_amending_needs_a_return(clinic: Clinic) -> None:
    unknown = clinic.amend(uuid4())
    issued = clinic.amend(clinic.issued())

    codes = [each.refusal.code for each in (unknown, issued) if each.refusal]
    assert codes == ["prescription.unknown", "prescription.wrong_state"]


def test_an_amendment_is_by_the_same_doctor_for_the_same_patient_with_the_next_number(clinic: Clinic) -> None:
    prescription_id = clinic.issued()
    clinic.answer(prescription_id, review.CaseReturned)

    by_another = clinic.amend(prescription_id, clinic.doctor(COLLEAGUE), prescriber=COLLEAGUE)
    for_another = clinic.amend(prescription_id, patient_ref=str(uuid4()))
    skipping = clinic.amend(prescription_id, revision=3)
    unlawful = clinic.amend(prescription_id, diagnoses=[])
    elsewhere = clinic.store.run(
        amend_prescription(clinic.sign(clinic.written(revision=2)), prescription_id), clinic.doctor()
    )

    codes = [each.refusal.code for each in (by_another, for_another, skipping, unlawful, elsewhere) if each.refusal]
    assert codes == [
        "prescription.not_yours",
        "amendment.other_patient",
        "amendment.revision",
        "diagnosis.missing",
        "prescription.other_id",
    ]


def test_the_same_amendment_again_is_answered(clinic: Clinic) -> None:
    prescription_id = clinic.issued()
    clinic.answer(prescription_id, review.CaseReturned)
    jws = clinic.sign(clinic.written(prescription_id=str(prescription_id), revision=2))

    first = clinic.store.run(amend_prescription(jws, prescription_id), clinic.doctor())
    again = clinic.store.run(amend_prescription(jws, prescription_id), clinic.doctor())

    assert again.body == first.body
    assert clinic.state(prescription_id).signed.revision == 2


def test_it_goes_back_and_forth_three_times_at_most(clinic: Clinic) -> None:
    prescription_id = clinic.issued()
    for revision in (2, 3, 4):
        clinic.answer(prescription_id, review.CaseReturned)
        clinic.amend(prescription_id, revision=revision)
    clinic.answer(prescription_id, review.CaseReturned)

    outcome = clinic.amend(prescription_id, revision=5)

    assert outcome.refusal is not None
    assert outcome.refusal.code == "amendment.rounds"


def test_after_the_end_of_validity_nothing_is_amended(clinic: Clinic) -> None:
    prescription_id = clinic.issued()
    clinic.answer(prescription_id, review.CaseReturned)
    clinic.store.time += timedelta(days=1)

    outcome = clinic.amend(prescription_id)

    assert outcome.refusal is not None
    assert outcome.refusal.code == "prescription.validity_over"
