"""What a prescriber has read of the inbox: once, with person and time, and no one else's."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events import review
from contracts.roles import Role
from services.prescribe.application.inbox import acknowledge_feedback
from services.prescribe.domain.inbox import INBOX, AcknowledgeFeedback, inbox_of
from services.seedwork.ports import Outcome
from services.seedwork.usecase import Actor
from tests.support.http_caller import Caller
from tests.unit.prescribe.conftest import COLLEAGUE, DOCTOR, HOSPITAL, NOW, Clinic
from tests.unit.prescribe.test_prescribe_api import Desk, caller, code  # noqa: F401


def returned(clinic: Clinic) -> tuple[UUID, int]:
    """A returned prescription and its entry in the inbox."""
    prescription_id = clinic.issued()
    clinic.answer(prescription_id, review.CaseReturned)
    return prescription_id, entries(clinic)[0]


def told_late(clinic: Clinic, prescription_id: UUID) -> None:
    signed = clinic.state(prescription_id).signed
    about = {"patient_ref": signed.patient_ref, "revision": 1, "confirmation_no": 0, "level": 1, "deadline": NOW}
    case = {"case_id": uuid4(), "prescription_id": prescription_id, "signed_sha256": signed.signature.sha256}
    clinic.hear(review.CaseEscalated.model_validate(about | case))


def entries(clinic: Clinic, query: str = "feedback_of_prescriber", doctor: str = DOCTOR) -> list[int]:
    return [row["log_index"] for row in rows(clinic, query, doctor)]


def rows(clinic: Clinic, query: str = "feedback_of_prescriber", doctor: str = DOCTOR) -> list[dict[str, Any]]:
    return clinic.store.rows(query, prescriber=doctor, before=2**62, limit=50)


def read(clinic: Clinic, prescription_id: UUID, *numbers: int, who: Actor | None = None) -> Outcome:
    command = AcknowledgeFeedback(prescription_id=prescription_id, entries=numbers)
    return clinic.store.run(acknowledge_feedback(command), who or clinic.doctor())


def refused(outcome: Outcome, problem: str) -> None:
    assert outcome.refusal is not None
    assert outcome.refusal.code == problem


def test_what_was_read_says_by_whom_and_when_and_is_open_no_more(clinic: Clinic) -> None:
    first, entry = returned(clinic)
    _, other = returned(clinic)
    assert entries(clinic, "open_feedback_of_prescriber") == [other, entry]

    assert read(clinic, first, entry).refusal is None

    assert entries(clinic, "open_feedback_of_prescriber") == [other]
    assert entries(clinic) == [other, entry]
    row = rows(clinic)[1]
    assert row["acknowledged_by"] == DOCTOR
    assert row["acknowledged_at"] == int(clinic.store.time.timestamp() * 1_000_000)


def test_read_twice_keeps_the_first_time(clinic: Clinic) -> None:
    prescription_id, entry = returned(clinic)
    read(clinic, prescription_id, entry)
    before, events = rows(clinic), clinic.store.log_index
    clinic.store.time = clinic.store.time.replace(hour=5)

    assert read(clinic, prescription_id, entry, entry).refusal is None

    assert (rows(clinic), clinic.store.log_index) == (before, events)


def test_some_of_them_are_new(clinic: Clinic) -> None:
    prescription_id, first = returned(clinic)
    told_late(clinic, prescription_id)
    both = sorted(row["log_index"] for row in rows(clinic) if row["prescription_id"] == prescription_id)
    assert len(both) == 2
    read(clinic, prescription_id, first)

    read(clinic, prescription_id, *both)

    recorded = clinic.store.streams[inbox_of(prescription_id).stream_id]
    assert [event.entries for event in recorded] == [(both[0],), (both[1],)]  # type: ignore[attr-defined]
    assert INBOX.fold(recorded).acknowledged == set(both)


def test_only_the_prescriber_reads_and_only_what_is_there(clinic: Clinic) -> None:
    prescription_id, entry = returned(clinic)
    other, foreign = returned(clinic)

    refused(read(clinic, prescription_id, entry, who=clinic.doctor(COLLEAGUE)), "prescription.not_yours")
    refused(read(clinic, uuid4(), entry), "prescription.unknown")
    refused(read(clinic, prescription_id, entry, foreign), "feedback.unknown")
    refused(read(clinic, prescription_id, 10**9), "feedback.unknown")

    assert entries(clinic, "open_feedback_of_prescriber") == [foreign, entry]
    assert other != prescription_id


def test_a_list_made_anew_still_knows_what_was_read(clinic: Clinic) -> None:
    prescription_id, entry = returned(clinic)
    read(clinic, prescription_id, entry)
    before = rows(clinic)

    clinic.store.rebuild()

    assert rows(clinic) == before


@pytest.fixture
def desk(caller: Caller) -> Desk:  # noqa: F811
    return Desk(caller, DOCTOR, Role.PRESCRIBER, organisation=HOSPITAL)


def test_the_list_is_asked_for_what_is_open(clinic: Clinic, desk: Desk) -> None:
    prescription_id, entry = returned(clinic)
    path = f"/prescriptions/{prescription_id}/feedback-acknowledgements"
    (item,) = desk("GET", "/feedback?only=open").json()["items"]
    assert (item["entry"], item["acknowledged_at"], item["acknowledged_by"]) == (entry, None, None)

    assert desk("POST", path, json={"entries": [item["entry"]]}).json()["entries"] == [entry]

    assert desk("GET", "/feedback?only=open").json()["items"] == []
    (item,) = desk("GET", "/feedback").json()["items"]
    assert item["acknowledged_by"] == DOCTOR
    (fed,) = desk("GET", "/feedback/feed").json()["items"]
    assert fed["acknowledged_at"] == item["acknowledged_at"]
    assert desk("POST", path, json={"entries": []}).status_code == 422
    assert desk("POST", path, json={"entries": [0]}).status_code == 422
    assert code(desk("POST", path, json={"entries": [entry + 1]})) == (404, "feedback.unknown")
