"""The HTTP api of prescribe: who sees what, and what becomes of a request."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from contracts.events import review
from contracts.roles import Role
from services.prescribe.api import router
from tests.support.http_caller import Caller
from tests.unit.prescribe.conftest import COLLEAGUE, DOCTOR, HOSPITAL, Clinic, registration


class Desk:
    """One person's requests."""

    def __init__(self, caller: Caller, subject: str, role: Role, **claims: Any) -> None:
        self._caller = caller
        self._token = caller.token(subject, role, **claims)

    def __call__(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        return self._caller(self._token, method, path, **arguments)


@pytest.fixture
def caller(clinic: Clinic, tmp_path: Path) -> Caller:
    return Caller(clinic.store, router, tmp_path)


@pytest.fixture
def doctor(caller: Caller) -> Desk:
    return Desk(caller, DOCTOR, Role.PRESCRIBER, organisation=HOSPITAL)


@pytest.fixture
def colleague(caller: Caller) -> Desk:
    return Desk(caller, COLLEAGUE, Role.PRESCRIBER, organisation=HOSPITAL)


@pytest.fixture
def patient(caller: Caller, clinic: Clinic) -> Desk:
    return Desk(caller, "patient-1", Role.PATIENT, patient_ref=clinic.patient_ref)


@pytest.fixture
def admin(caller: Caller) -> Desk:
    return Desk(caller, "admin", Role.SYSTEM_ADMIN)


def jose(body: str) -> dict[str, Any]:
    return {"content": body, "headers": {"Content-Type": "application/jose"}}


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def test_a_prescription_is_issued_and_read_by_its_doctor_and_its_patient_only(
    clinic: Clinic, doctor: Desk, colleague: Desk, patient: Desk
) -> None:
    issued = doctor("POST", "/prescriptions", **jose(clinic.sign(clinic.written())))
    path = f"/prescriptions/{issued.json()['prescription_id']}"

    assert issued.status_code == 201
    for desk in (doctor, patient):
        shown = desk("GET", path)
        assert shown.status_code == 200
        assert shown.headers["ETag"] == '"1"'
        assert shown.json()["lines"][0]["buckets"]["remaining"] == 7
        assert shown.json()["diagnoses"][0]["code"] == "I10.x00x002"
        assert "jws" not in shown.json()
    assert code(colleague("GET", path)) == (403, "prescription.not_yours")
    assert code(doctor("GET", f"/prescriptions/{uuid4()}")) == (404, "prescription.unknown")


def test_a_broken_rule_is_a_problem_with_its_code(clinic: Clinic, doctor: Desk) -> None:
    refused = doctor("POST", "/prescriptions", **jose(clinic.sign(clinic.written(diagnoses=[]))))

    assert code(refused) == (422, "diagnosis.missing")
    assert refused.headers["Content-Type"] == "application/problem+json"


def test_a_returned_prescription_is_amended(clinic: Clinic, doctor: Desk) -> None:
    prescription_id = clinic.issued()
    clinic.answer(prescription_id, review.CaseReturned)
    jws = clinic.sign(clinic.written(prescription_id=str(prescription_id), revision=2))

    amended = doctor("POST", f"/prescriptions/{prescription_id}/amendments", **jose(jws))

    assert (amended.status_code, amended.json()["revision"]) == (201, 2)
    items = doctor("GET", "/feedback").json()["items"]
    assert [(each["kind"], each["facts"]["codes"]) for each in items] == [("returned", ["1-12"])]


def test_cancelling_answers_by_where_it_stands(clinic: Clinic, doctor: Desk, caller: Caller) -> None:
    issued, released = clinic.issued(), clinic.released()
    delegate = Desk(caller, "A1", Role.DELEGATE, organisation=HOSPITAL)
    body = {"request_id": str(uuid4()), "reason_code": "wrong_drug"}

    at_once = doctor("POST", f"/prescriptions/{issued}/cancellations", json=body)
    asked = delegate("POST", f"/prescriptions/{released}/cancellations", json=body)
    shown = doctor("GET", f"/prescriptions/{released}").json()

    assert (at_once.status_code, at_once.json()["answer"]) == (200, "cancelled")
    assert (asked.status_code, asked.json()["answer"]) == (202, "requested")
    assert shown["cancellations"][0]["request_id"] == body["request_id"]


def test_lists_come_in_pages_the_newest_first(clinic: Clinic, doctor: Desk, colleague: Desk, patient: Desk) -> None:
    ids = [str(clinic.issued()) for _ in range(3)]

    first = doctor("GET", "/prescriptions", params={"limit": 2}).json()
    second = doctor("GET", "/prescriptions", params={"limit": 2, "cursor": first["next"]}).json()

    assert [each["prescription_id"] for each in first["items"] + second["items"]] == ids[::-1]
    assert second["next"] is None
    assert len(patient("GET", "/prescriptions").json()["items"]) == 3
    assert colleague("GET", "/prescriptions").json()["items"] == []


def test_the_trace_is_for_doctor_patient_and_regulator(
    clinic: Clinic, doctor: Desk, colleague: Desk, patient: Desk, caller: Caller
) -> None:
    prescription_id = clinic.released()
    regulator = Desk(caller, "R1", Role.REGULATOR)
    path = f"/prescriptions/{prescription_id}/trace"

    for desk in (doctor, patient, regulator):
        events = desk("GET", path).json()["events"]
        assert [each["type"].rpartition(".")[2] for each in events] == [
            "prescription_issued",
            "v1",
            "prescription_released",
            "instalment_opened",
        ]
        assert events[1]["proof"]["hash"] == "0" * 64
    assert code(colleague("GET", path)) == (403, "prescription.not_yours")
    assert code(regulator("GET", f"/prescriptions/{uuid4()}/trace")) == (404, "prescription.unknown")


def test_a_record_is_seen_by_the_patient_and_by_those_who_treat(
    clinic: Clinic, doctor: Desk, colleague: Desk, patient: Desk
) -> None:
    body = registration().model_dump(mode="json")
    registered = doctor("POST", "/patients", json=body)
    own = f"/patients/{clinic.patient_ref}"

    assert registered.status_code == 201
    assert doctor("GET", f"/patients/{registered.json()['patient_ref']}").json()["identity"]["name"] == "张伟"
    assert patient("GET", own).json()["contact"]["phone"] == "13800001234"
    assert code(patient("GET", f"/patients/{uuid4()}")) == (403, "patient.not_yours")
    assert code(colleague("GET", own)) == (403, "patient.not_yours")
    jws = clinic.sign(clinic.written(prescriber=COLLEAGUE), kid=f"{COLLEAGUE}-1")
    assert colleague("POST", "/prescriptions", **jose(jws)).status_code == 201
    assert colleague("GET", own).status_code == 200


def test_a_patient_without_a_record_is_unknown(caller: Caller) -> None:
    patient_ref = uuid4()
    stranger = Desk(caller, "patient-2", Role.PATIENT, patient_ref=patient_ref)

    assert code(stranger("GET", f"/patients/{patient_ref}")) == (404, "patient.unknown")


def test_registers_are_loaded_by_the_administrator_and_read_in_pages(admin: Desk, doctor: Desk) -> None:
    entry = {
        "code": "H33010200003",
        "content": {"name": "第三示例医院", "region": "330102", "level": 2},
        "valid_from": "2026-01-01",
    }

    loaded = admin("POST", "/registers/institution", json={"entries": [entry]})
    first = doctor("GET", "/registers/institution", params={"limit": 2}).json()
    second = doctor("GET", "/registers/institution", params={"limit": 2, "cursor": first["next"]}).json()

    assert loaded.json()["recorded"] == 1
    assert [each["code"] for each in first["items"] + second["items"]] == [
        "H33010200001",
        "H33010200002",
        "H33010200003",
    ]
    assert code(doctor("GET", "/registers/pharmacy")) == (404, "register.kind")
    assert code(doctor("POST", "/registers/institution", json={"entries": [entry]})) == (403, "identity.forbidden")


def test_an_unsigned_body_and_a_patient_without_reference_get_nothing(doctor: Desk, caller: Caller) -> None:
    nobody = Desk(caller, "patient-3", Role.PATIENT, patient_ref=UUID(int=0))

    assert code(doctor("POST", "/prescriptions", json={})) == (415, "request.media_type")
    assert nobody("GET", "/prescriptions").json()["items"] == []


def test_the_document_tells_signed_bodies_pages_and_problems(caller: Caller, doctor: Desk) -> None:
    paths = doctor("GET", "/openapi.json").json()["paths"]

    issue = paths["/prescriptions"]["post"]
    assert list(issue["requestBody"]["content"]) == ["application/jose"]
    assert {"401", "403", "409", "415", "503"} <= set(issue["responses"])
    assert {each["name"] for each in issue["parameters"]} == {"Idempotency-Key", "If-Match"}
    asked = {each["name"] for each in paths["/feedback"]["get"]["parameters"]}
    assert asked == {"only", "cursor", "limit", "X-Min-Log-Index", "X-Min-Log-Position"}
