"""Urgent cancellations of what the patient already has, and cancelling when the patient has died."""

from typing import Any
from uuid import UUID, uuid4

from contracts.events import prescribe_later as later
from services.prescribe.application.use_cases import acknowledge_stop_use
from services.prescribe.application.views import show_prescription
from services.prescribe.domain.commands import AcknowledgeStopUse
from services.seedwork.ports import Outcome
from services.seedwork.usecase import Actor
from tests.unit.prescribe.conftest import HOSPITAL, OTHER_HOSPITAL, Clinic, supply_received
from tests.unit.prescribe.test_blocked_lines import refused


def urgent(clinic: Clinic, prescription_id: UUID, **changes: Any) -> UUID:
    request_id = uuid4()
    clinic.cancel(prescription_id, request_id=request_id, **{"urgent": True} | changes)
    return request_id


def partly_in_hands(clinic: Clinic) -> UUID:
    prescription_id = clinic.released()
    clinic.hear(supply_received(prescription_id, uuid4(), in_hands=4, remaining=3))
    return prescription_id


def read(clinic: Clinic, prescription_id: UUID, request_id: UUID, patient: UUID | None = None) -> Outcome:
    actor = Actor("patient-1", "patient", patient_ref=patient or clinic.patient_ref)
    command = AcknowledgeStopUse(prescription_id=prescription_id, request_id=request_id)
    return clinic.store.run(acknowledge_stop_use(command), actor)


def code(outcome: Outcome) -> str | None:
    return outcome.refusal.code if outcome.refusal else None


def test_what_is_in_hands_must_not_be_used_any_more(clinic: Clinic) -> None:
    prescription_id = partly_in_hands(clinic)

    request_id = urgent(clinic, prescription_id)
    clinic.decided(prescription_id, request_id, cancelled=3, refused=4, where={"in_hands": 4, "cancelled": 3})

    (told,) = clinic.store.told_of(later.StopUseNotified)
    assert (told.request_id, told.reason_code, told.lines[0].quantity) == (request_id, "wrong_drug", 4)
    (notice,) = show_prescription(clinic.state(prescription_id))["stop_use"]
    assert notice["acknowledged_at"] is None


def test_the_patient_acknowledges_once_also_after_the_end(clinic: Clinic) -> None:
    prescription_id = partly_in_hands(clinic)
    request_id = urgent(clinic, prescription_id)
    clinic.decided(prescription_id, request_id, cancelled=3, refused=4, where={"in_hands": 4, "cancelled": 3})
    clinic.closed(prescription_id, "mixed", in_hands=4, cancelled=3)

    outcomes = [read(clinic, prescription_id, request_id) for _ in range(2)]

    assert [each.status for each in outcomes] == [200, 200]
    assert clinic.feedback()[0]["kind"] == "stop_use_acknowledged"
    assert len([each for each in clinic.feedback() if each["kind"] == "stop_use_acknowledged"]) == 1
    assert show_prescription(clinic.state(prescription_id))["stop_use"][0]["acknowledged_at"]


def test_nobody_else_acknowledges_and_nothing_that_was_not_told(clinic: Clinic) -> None:
    prescription_id = partly_in_hands(clinic)
    request_id = urgent(clinic, prescription_id)

    assert code(read(clinic, prescription_id, request_id)) == "stop_use.unknown"
    assert code(read(clinic, prescription_id, request_id, uuid4())) == "prescription.not_yours"
    assert code(read(clinic, uuid4(), request_id)) == "prescription.unknown"
    assert code(read(clinic, clinic.issued(), request_id)) == "prescription.wrong_state"


def test_without_urgency_or_without_anything_in_hands_there_is_no_notice(clinic: Clinic) -> None:
    calm, nothing = partly_in_hands(clinic), clinic.released()
    of_calm = urgent(clinic, calm, urgent=False)
    of_nothing = urgent(clinic, nothing)

    clinic.decided(calm, of_calm, cancelled=3, refused=4, where={"in_hands": 4, "cancelled": 3})
    clinic.decided(nothing, of_nothing, cancelled=7, where={"cancelled": 7})

    assert clinic.store.told_of(later.StopUseNotified) == []


def test_what_is_delivered_after_all_is_told_once_it_is(clinic: Clinic) -> None:
    prescription_id = partly_in_hands(clinic)
    request_id = urgent(clinic, prescription_id)

    on_the_road = {"in_hands": 4, "dispensed": 3}
    clinic.decided(prescription_id, request_id, final=False, refused=4, awaiting_return=3, where=on_the_road)
    clinic.decided(prescription_id, request_id, refused=7, where={"in_hands": 7})

    assert [each.lines[0].quantity for each in clinic.store.told_of(later.StopUseNotified)] == [4, 7]


def test_the_medical_office_cancels_on_death_and_for_nothing_else(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    office, other = Actor("M1", "medical_office", HOSPITAL), Actor("M2", "medical_office", OTHER_HOSPITAL)

    otherwise = clinic.cancel(prescription_id, office)
    foreign = clinic.cancel(prescription_id, other, reason_code="patient_died")
    on_death = clinic.cancel(prescription_id, office, reason_code="patient_died")

    assert [code(each) for each in (otherwise, foreign)] == ["cancellation.only_on_death", "prescription.not_yours"]
    assert on_death.body["answer"] == "requested"


def test_with_the_end_an_open_question_is_closed(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    refused(clinic, prescription_id)
    clinic.closed(prescription_id, "lapsed", lapsed=7)

    (query,) = show_prescription(clinic.state(prescription_id))["queries"]

    assert (query["answered"], query["closed"]) == (False, True)
