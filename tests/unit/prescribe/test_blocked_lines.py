"""Lines that nobody may hold until the prescriber has signed again: who blocks them, who frees them."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events import dispatch, review
from contracts.events import prescribe_later as public
from services.prescribe.application.registers import REGISTER
from services.prescribe.application.signed_again import answer_query
from services.prescribe.application.stops import STOPPED_AT_ONCE, stop_for_registration, stop_lines
from services.prescribe.application.views import show_prescription
from services.prescribe.domain.commands import SafetyStop
from services.prescribe.domain.prescription import PrescriptionState
from services.prescribe.domain.registration import PersonEntry, stopped_by_register
from services.seedwork.ports import Outcome
from services.seedwork.reference import entry
from services.seedwork.usecase import Actor
from tests.unit.prescribe.conftest import (
    COLLEAGUE,
    DOCTOR,
    FINDING,
    HOSPITAL,
    METFORMIN,
    PHARMACY,
    Clinic,
    fulfilment_event,
    line,
)

TWO = {"lines": [line(), line(2, METFORMIN)]}
OFFICE = Actor("M330102000001", "medical_office", HOSPITAL)


def code(outcome: Outcome) -> str | None:
    return outcome.refusal.code if outcome.refusal else None


def refused(clinic: Clinic, prescription_id: UUID, *lines: int, **changes: Any) -> UUID:
    """A pharmacy's pharmacist refuses; answers the block."""
    about = {
        "patient_ref": clinic.patient_ref,
        "block_id": uuid4(),
        "hold_id": uuid4(),
        "pharmacy": PHARMACY,
        "pharmacist": "HY1",
        "lines": lines or (1,),
        "codes": ("2-8",),
        "reason": "与在用药物相互作用",
    }
    event = fulfilment_event(prescription_id, dispatch.SupplyRefused, **{**about, **changes})
    clinic.hear(event)
    return UUID(str(event.block_id))


def rescreened(clinic: Clinic, prescription_id: UUID, *lines: int) -> review.RescreenFound:
    event = review.RescreenFound.model_validate(
        {
            "prescription_id": prescription_id,
            "patient_ref": clinic.patient_ref,
            "instalment": 1,
            "lines": lines,
            "findings": [FINDING | {"severity": "blocking"}],
        }
    )
    clinic.hear(event)
    return event


def answer(clinic: Clinic, prescription_id: UUID, block_id: UUID, doctor: str = DOCTOR, **changes: Any) -> Outcome:
    content = {
        "prescription_id": str(prescription_id),
        "prescriber": DOCTOR,
        "signed_sha256": clinic.state(prescription_id).signed.signature.sha256,
        "block_id": str(block_id),
        "answer": "已知, 监测血压",
    } | changes
    return clinic.store.run(answer_query(clinic.sign(content), prescription_id), clinic.doctor(doctor))


def stop(clinic: Clinic, prescription_id: UUID, actor: Actor = OFFICE, **changes: Any) -> Outcome:
    fields = {"block_id": uuid4(), "reason_code": "safety_alert", "reason": "批号召回"} | changes
    return clinic.store.run(stop_lines(SafetyStop(prescription_id=prescription_id, **fields)), actor)


def test_a_refusal_at_the_counter_asks_the_prescriber(clinic: Clinic) -> None:
    prescription_id = clinic.released(**TWO)

    block_id = refused(clinic, prescription_id, 2)

    assert clinic.state(prescription_id).blocked_lines == {2}
    assert clinic.store.told_of(public.LinesBlocked) == []  # dispatch has blocked them itself
    (feedback,) = clinic.feedback()
    assert (feedback["kind"], feedback["facts"]["block_id"]) == ("refused_at_pharmacy", str(block_id))
    (query,) = show_prescription(clinic.state(prescription_id))["queries"]
    assert (query["reason"], query["answered"]) == ("与在用药物相互作用", False)


def test_the_prescribers_signed_answer_frees_the_lines(clinic: Clinic) -> None:
    prescription_id = clinic.released(**TWO)
    block_id = refused(clinic, prescription_id, 2)

    outcome = answer(clinic, prescription_id, block_id)

    assert (outcome.status, outcome.body["blocked_lines"]) == (201, [])
    (told,) = clinic.store.told_of(public.LinesUnblocked)
    assert (told.block_id, told.lines, told.answer) == (block_id, (2,), "已知, 监测血压")


def test_two_questions_about_one_line_need_two_answers(clinic: Clinic) -> None:
    prescription_id = clinic.released(**TWO)
    first, second = refused(clinic, prescription_id, 1), refused(clinic, prescription_id, 1, 2)

    answer(clinic, prescription_id, first)

    assert clinic.state(prescription_id).blocked_lines == {1, 2}
    answer(clinic, prescription_id, second)
    assert clinic.state(prescription_id).blocked_lines == frozenset()


def test_what_the_rescreen_finds_blocks_once(clinic: Clinic) -> None:
    prescription_id = clinic.released(**TWO)

    event = rescreened(clinic, prescription_id, 1)
    clinic.hear(event)

    (told,) = clinic.store.told_of(public.LinesBlocked)
    assert (told.source, told.lines, told.codes, told.findings[0].rule) == ("rescreen", (1,), ("1-12",), "N3.6")
    assert [each["kind"] for each in clinic.feedback()] == ["lines_blocked"]


def test_a_finding_about_the_whole_blocks_all_lines(clinic: Clinic) -> None:
    prescription_id = clinic.released(**TWO)

    rescreened(clinic, prescription_id)

    assert clinic.state(prescription_id).blocked_lines == {1, 2}


def test_the_institution_and_the_authority_of_the_region_may_stop(clinic: Clinic) -> None:
    prescription_id, block_id = clinic.released(**TWO), uuid4()

    by_office = stop(clinic, prescription_id, lines=(1,), block_id=block_id)
    again = stop(clinic, prescription_id, lines=(1,), block_id=block_id)
    authority = Actor("authority-330000", "regulator", region="330000")
    by_authority = stop(clinic, prescription_id, authority, lines=(2,))

    assert (by_office.body["blocked_lines"], again.body) == ([1], by_office.body)
    assert by_authority.body["blocked_lines"] == [1, 2]
    assert [told.asked_by for told in clinic.store.told_of(public.LinesBlocked)] == [HOSPITAL, "authority-330000"]


@pytest.mark.parametrize("other", [{"lines": None}, {"lines": (2,)}, {"lines": (1,), "reason_code": "recall"}])
def test_an_id_stands_for_one_stop(clinic: Clinic, other: dict[str, Any]) -> None:
    prescription_id, block_id = clinic.released(**TWO), uuid4()
    stop(clinic, prescription_id, lines=(1,), block_id=block_id)

    assert code(stop(clinic, prescription_id, block_id=block_id, **other)) == "query.other_stop"


def test_a_stop_of_all_lines_is_repeated(clinic: Clinic) -> None:
    prescription_id, block_id = clinic.released(**TWO), uuid4()

    assert [stop(clinic, prescription_id, block_id=block_id).status for _ in range(2)] == [201, 201]


def test_nobody_else_may_stop(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    others = [
        Actor("M1", "medical_office", "H33010200002"),
        Actor("M1", "medical_office"),
        Actor("A1", "regulator", region="110000"),
        Actor("A1", "regulator"),
    ]

    assert {code(stop(clinic, prescription_id, each)) for each in others} == {"prescription.not_yours"}
    assert stop(clinic, prescription_id, Actor("A1", "regulator", region="000000")).status == 201
    assert code(stop(clinic, uuid4())) == "prescription.unknown"
    assert code(stop(clinic, prescription_id, lines=(3,))) == "query.unknown_line"
    assert code(stop(clinic, clinic.issued())) == "prescription.wrong_state"


def test_an_answer_is_about_an_open_question_and_by_its_own_doctor(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    block_id = refused(clinic, prescription_id)

    assert code(answer(clinic, prescription_id, uuid4())) == "query.unknown"
    assert code(answer(clinic, prescription_id, block_id, COLLEAGUE)) == "prescription.not_yours"
    assert code(answer(clinic, prescription_id, block_id, signed_sha256="0" * 64)) == "prescription.other_content"
    assert code(answer(clinic, prescription_id, block_id, prescriber=COLLEAGUE)) == "prescription.not_yours"


def test_the_same_answer_again_is_answered_and_another_one_refused(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    block_id = refused(clinic, prescription_id)
    content = {
        "prescription_id": str(prescription_id),
        "prescriber": DOCTOR,
        "signed_sha256": clinic.state(prescription_id).signed.signature.sha256,
        "block_id": str(block_id),
        "answer": "x",
    }
    jws = clinic.sign(content)

    first = clinic.store.run(answer_query(jws, prescription_id), clinic.doctor())
    again = clinic.store.run(answer_query(jws, prescription_id), clinic.doctor())

    assert again.body == first.body
    assert len(clinic.store.told_of(public.LinesUnblocked)) == 1
    assert code(answer(clinic, prescription_id, block_id)) == "query.answered"


def test_while_it_closes_a_question_is_kept_and_cannot_be_answered(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    clinic.store.move_clock(timedelta(days=1))

    block_id = refused(clinic, prescription_id)

    assert clinic.state(prescription_id).blocked_lines == {1}
    assert code(answer(clinic, prescription_id, block_id)) == "prescription.wrong_state"


def test_a_refusal_of_what_is_unknown_here_is_traced_only(clinic: Clinic) -> None:
    unknown = uuid4()

    refused(clinic, unknown)

    assert len(clinic.trace(unknown)) == 1


def test_a_withdrawn_registration_stops_what_the_prescriber_released(clinic: Clinic) -> None:
    released, issued = clinic.released(**TWO), clinic.issued()

    clinic.load_person(DOCTOR, suspended=True)
    clinic.store.move_clock(timedelta())

    assert clinic.state(released).blocked_lines == {1, 2}
    assert clinic.state(issued).blocked_lines == frozenset()
    (told,) = clinic.store.told_of(public.LinesBlocked)
    assert (told.source, told.codes) == ("registration", ("prescriber.not_in_force",))
    block_id = clinic.state(released).blocks[0].raised.block_id
    assert code(answer(clinic, released, block_id)) == "prescriber.not_in_force"
    clinic.load_person(DOCTOR)
    assert answer(clinic, released, block_id).status == 201


def test_what_is_released_while_its_prescriber_is_out_of_force_is_stopped_at_once(clinic: Clinic) -> None:
    prescription_id = clinic.issued()
    clinic.load_person(DOCTOR, suspended=True)
    clinic.store.move_clock(timedelta())

    clinic.answer(prescription_id, review.CasePassed)

    assert clinic.status(prescription_id) == "released"
    assert clinic.state(prescription_id).blocked_lines == {1}


def test_a_registration_that_ends_on_a_day_stops_with_the_next_one(clinic: Clinic) -> None:
    prescription_id = clinic.released(validity_days=2, validity_reason="节假日")
    clinic.load_person(DOCTOR, valid_until="2026-03-02")

    clinic.store.move_clock(timedelta(hours=14))
    assert clinic.state(prescription_id).blocked_lines == frozenset()
    clinic.store.move_clock(timedelta(hours=2))

    assert clinic.state(prescription_id).blocked_lines == {1}


def test_a_long_list_is_stopped_in_batches(clinic: Clinic) -> None:
    released = [clinic.released() for _ in range(STOPPED_AT_ONCE + 1)]

    clinic.load_person(DOCTOR, suspended=True)
    clinic.store.move_clock(timedelta())
    assert sum(bool(clinic.state(each).blocked_lines) for each in released) == STOPPED_AT_ONCE
    clinic.store.move_clock(timedelta())
    clinic.store.move_clock(timedelta())

    assert all(clinic.state(each).blocked_lines for each in released)
    assert len(clinic.store.told_of(public.LinesBlocked)) == STOPPED_AT_ONCE + 1


def test_who_was_readmitted_in_time_stops_nothing(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    clinic.load_person(DOCTOR, suspended=True)
    clinic.load_person(DOCTOR)

    clinic.store.run(stop_for_registration(entry(REGISTER, "person", DOCTOR).stream_id))

    assert clinic.state(prescription_id).blocked_lines == frozenset()


def test_who_is_suspended_again_is_stopped_again(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    for suspended in (True, False, True):
        if not suspended:
            answered = clinic.state(prescription_id).blocks[0].raised.block_id
        clinic.load_person(DOCTOR, suspended=suspended)
        clinic.store.move_clock(timedelta())
        if not suspended:
            answer(clinic, prescription_id, answered)
            assert clinic.state(prescription_id).blocked_lines == frozenset()

    assert clinic.state(prescription_id).blocked_lines == {1}
    assert len(clinic.state(prescription_id).blocks) == 2


def test_what_nobody_has_written_is_not_stopped() -> None:
    assert stopped_by_register(PrescriptionState(), PersonEntry()) == []


@pytest.mark.parametrize("status", ["returned", "issued"])
def test_before_release_there_is_nothing_to_block(clinic: Clinic, status: str) -> None:
    prescription_id = clinic.issued()
    if status == "returned":
        clinic.answer(prescription_id, review.CaseReturned)

    rescreened(clinic, prescription_id, 1)

    assert clinic.state(prescription_id).blocks == ()
