"""What a representative does over HTTP in prescribe: exactly what the scope names, on its days, for that patient."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.roles import Role
from services.prescribe.api import router
from services.prescribe.application.forgetting import forget_patient
from services.prescribe.application.representatives import show_appointment
from services.prescribe.domain.commands import ForgetPatient
from services.prescribe.domain.patient_record import PATIENT
from services.prescribe.domain.representative_events import Appointment
from tests.support.http_caller import Caller
from tests.unit.prescribe.conftest import HOSPITAL, PHARMACY, Clinic
from tests.unit.prescribe.test_prescribe_api import Desk, code
from tests.unit.prescribe.test_representatives import CHILD, DAUGHTER, TODAY, himself, person, withdraw
from tests.unit.prescribe.test_stop_use import partly_in_hands, urgent

NOT_IN_FORCE = (403, "representation.not_in_force")
OUT_OF_SCOPE = (403, "representation.out_of_scope")


@pytest.fixture
def caller(clinic: Clinic, tmp_path: Path) -> Caller:
    return Caller(clinic.store, router, tmp_path)


@pytest.fixture
def patient(caller: Caller, clinic: Clinic) -> Desk:
    return Desk(caller, "patient-1", Role.PATIENT, patient_ref=clinic.patient_ref)


@pytest.fixture
def daughter(caller: Caller, clinic: Clinic) -> Desk:
    return Desk(caller, "daughter-1", Role.REPRESENTATIVE, patient_ref=clinic.patient_ref)


def appointing(*scope: str, **changes: Any) -> dict[str, Any]:
    return {
        "kind": "family",
        "account": "daughter-1",
        "name": "张小雨",
        "identity_number": DAUGHTER,
        "scope": list(scope),
        "valid_from": TODAY.isoformat(),
    } | changes


def appoint(desk: Desk, patient_ref: UUID, *scope: str, **changes: Any) -> str:
    response = desk("POST", f"/patients/{patient_ref}/representatives", json=appointing(*scope, **changes))
    assert response.status_code == 201, response.text
    return str(response.json()["appointment_id"])


def nominated(desk: Desk, prescription_id: UUID) -> Any:
    return desk("POST", f"/prescriptions/{prescription_id}/nominations", json={"pharmacy": PHARMACY})


def told_to_stop(clinic: Clinic) -> tuple[UUID, UUID]:
    """(prescription, request): something that is in hands must not be used any more."""
    prescription_id = partly_in_hands(clinic)
    request_id = urgent(clinic, prescription_id)
    clinic.decided(prescription_id, request_id, cancelled=3, refused=4, where={"in_hands": 4, "cancelled": 3})
    return prescription_id, request_id


def acknowledge(desk: Desk, prescription_id: UUID, request_id: UUID) -> Any:
    path = f"/prescriptions/{prescription_id}/stop-use-acknowledgements"
    return desk("POST", path, json={"request_id": str(request_id)})


def test_a_representative_does_what_the_scope_names_and_nothing_else(
    clinic: Clinic, patient: Desk, daughter: Desk
) -> None:
    prescription_id = clinic.issued()
    appoint(patient, clinic.patient_ref, "nominate")
    path = f"/prescriptions/{prescription_id}"

    before = len(clinic.store.log)
    for outside in ("", "/trace", "/signed", "/document"):
        assert code(daughter("GET", path + outside)) == OUT_OF_SCOPE
    assert code(daughter("GET", "/prescriptions")) == OUT_OF_SCOPE
    assert code(daughter("GET", "/stop-use-notices")) == OUT_OF_SCOPE
    assert code(acknowledge(daughter, prescription_id, uuid4())) == OUT_OF_SCOPE
    assert len(clinic.store.log) == before
    assert nominated(daughter, prescription_id).json()["nominated_pharmacy"] == PHARMACY
    assert clinic.store.log[-1].actor == f"daughter-1 for patient {clinic.patient_ref}"


def test_who_may_read_sees_what_the_patient_sees(clinic: Clinic, patient: Desk, daughter: Desk) -> None:
    prescription_id = clinic.released()
    appoint(patient, clinic.patient_ref, "read")

    for path in ("/prescriptions", f"/prescriptions/{prescription_id}", f"/prescriptions/{prescription_id}/trace"):
        assert daughter("GET", path).json() == patient("GET", path).json()
    assert code(nominated(daughter, prescription_id)) == OUT_OF_SCOPE
    assert code(daughter("GET", f"/patients/{clinic.patient_ref}")) == (403, "identity.forbidden")


def test_a_representative_appoints_nobody_and_forgets_nobody(clinic: Clinic, patient: Desk, daughter: Desk) -> None:
    appointment_id = appoint(patient, clinic.patient_ref, "read", "nominate", "notices")
    path = f"/patients/{clinic.patient_ref}"
    forbidden = (403, "identity.forbidden")

    assert code(daughter("POST", f"{path}/representatives", json=appointing("read"))) == forbidden
    assert code(daughter("GET", f"{path}/representatives")) == forbidden
    assert code(daughter("POST", f"{path}/representatives/{appointment_id}/withdrawals")) == forbidden
    assert code(daughter("POST", f"{path}/forgettings", json={"reason_code": "patient_asks"})) == forbidden


def test_nobody_acts_before_the_first_day_after_the_last_or_when_it_is_withdrawn(
    clinic: Clinic, patient: Desk, daughter: Desk
) -> None:
    clinic.issued()
    days = {
        "valid_from": (TODAY + timedelta(days=1)).isoformat(),
        "valid_until": (TODAY + timedelta(days=2)).isoformat(),
    }
    asked = ("GET", "/prescriptions")
    assert code(daughter(*asked)) == NOT_IN_FORCE
    appoint(patient, clinic.patient_ref, "read", **days)

    answers = []
    for _ in range(4):
        answers.append(daughter(*asked).status_code)
        clinic.store.move_clock(timedelta(days=1))
    assert answers == [403, 200, 200, 403]

    appointment_id = appoint(patient, clinic.patient_ref, "read", valid_from=(TODAY + timedelta(days=4)).isoformat())
    assert daughter(*asked).status_code == 200
    gone = patient("POST", f"/patients/{clinic.patient_ref}/representatives/{appointment_id}/withdrawals")
    assert gone.status_code == 200
    assert code(daughter(*asked)) == NOT_IN_FORCE


def test_a_withdrawal_is_obeyed_by_requests_under_way(
    clinic: Clinic, patient: Desk, daughter: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    prescription_id = clinic.issued()
    given = appoint(patient, clinic.patient_ref, "nominate")
    execute = clinic.store.execute

    async def after_the_withdrawal(*arguments: Any, **named: Any) -> Any:
        withdraw(clinic, given)
        return await execute(*arguments, **named)

    monkeypatch.setattr(clinic.store, "execute", after_the_withdrawal)  # the door was passed before

    assert code(nominated(daughter, prescription_id)) == NOT_IN_FORCE
    assert clinic.state(prescription_id).nominated_pharmacy is None


def test_it_is_for_one_patient_and_one_account(clinic: Clinic, patient: Desk, caller: Caller) -> None:
    other = clinic.register(**person(CHILD))
    prescription_id = clinic.issued()
    appoint(patient, clinic.patient_ref, "read", "nominate")
    for_another = Desk(caller, "daughter-1", Role.REPRESENTATIVE, patient_ref=other)
    stranger = Desk(caller, "stranger-1", Role.REPRESENTATIVE, patient_ref=clinic.patient_ref)
    for_nobody = Desk(caller, "daughter-1", Role.REPRESENTATIVE)

    for desk in (for_another, stranger, for_nobody):
        assert code(desk("GET", f"/prescriptions/{prescription_id}")) == NOT_IN_FORCE
        assert code(nominated(desk, prescription_id)) == NOT_IN_FORCE


def test_who_represents_one_patient_sees_nothing_of_another(clinic: Clinic, patient: Desk, daughter: Desk) -> None:
    someone = clinic.register(**person(CHILD))
    theirs = clinic.issued(patient_ref=str(someone))
    appoint(patient, clinic.patient_ref, "read", "nominate")

    assert code(daughter("GET", f"/prescriptions/{theirs}")) == (403, "prescription.not_yours")
    assert code(nominated(daughter, theirs)) == (403, "prescription.not_yours")
    assert daughter("GET", "/prescriptions").json()["items"] == []


def test_a_stop_use_notice_reaches_the_representative_and_the_first_word_stands(
    clinic: Clinic, patient: Desk, daughter: Desk
) -> None:
    prescription_id, request_id = told_to_stop(clinic)
    appoint(patient, clinic.patient_ref, "notices")

    for desk in (patient, daughter):
        (unread,) = desk("GET", "/stop-use-notices").json()["items"]
        assert (unread["request_id"], unread["acknowledged_at"]) == (str(request_id), None)
        assert unread["lines"] == [{"line": 1, "quantity": 4}]
    assert acknowledge(daughter, prescription_id, request_id).status_code == 200
    assert acknowledge(patient, prescription_id, request_id).status_code == 200

    (read,) = patient("GET", "/stop-use-notices").json()["items"]
    assert (read["acknowledged_by"], read["acknowledged_as"]) == ("daughter-1", "representative")
    assert read["acknowledged_at"]
    (in_inbox,) = [each for each in clinic.feedback() if each["kind"] == "stop_use_acknowledged"]
    assert in_inbox["facts"] == {"request_id": str(request_id), "by": "representative"}


def test_the_patient_may_be_the_first_to_acknowledge(clinic: Clinic, patient: Desk, daughter: Desk) -> None:
    prescription_id, request_id = told_to_stop(clinic)
    appoint(patient, clinic.patient_ref, "notices", "read")

    for desk in (patient, daughter):
        assert acknowledge(desk, prescription_id, request_id).status_code == 200

    (shown,) = daughter("GET", f"/prescriptions/{prescription_id}").json()["stop_use"]
    assert (shown["acknowledged_by"], shown["acknowledged_as"]) == ("patient-1", "patient")


def test_what_has_become_more_is_unread_again(clinic: Clinic, patient: Desk) -> None:
    prescription_id = partly_in_hands(clinic)
    request_id = urgent(clinic, prescription_id)
    on_the_road = {"in_hands": 4, "dispensed": 3}
    clinic.decided(prescription_id, request_id, final=False, refused=4, awaiting_return=3, where=on_the_road)
    acknowledge(patient, prescription_id, request_id)
    clinic.decided(prescription_id, request_id, refused=7, where={"in_hands": 7})

    (again,) = patient("GET", "/stop-use-notices").json()["items"]
    assert (again["lines"], again["acknowledged_at"], again["acknowledged_as"]) == (
        [{"line": 1, "quantity": 7}],
        None,
        None,
    )


def test_notices_come_in_pages_and_to_their_own_patient_only(clinic: Clinic, patient: Desk, caller: Caller) -> None:
    requests = [str(told_to_stop(clinic)[1]) for _ in range(3)]
    stranger = Desk(caller, "patient-2", Role.PATIENT, patient_ref=uuid4())
    nobody = Desk(caller, "patient-3", Role.PATIENT)

    first = patient("GET", "/stop-use-notices", params={"limit": 2}).json()
    second = patient("GET", "/stop-use-notices", params={"limit": 2, "cursor": first["next"]}).json()

    assert [each["request_id"] for each in first["items"] + second["items"]] == requests[::-1]
    for desk in (stranger, nobody):
        assert desk("GET", "/stop-use-notices").json()["items"] == []


def test_the_patient_sees_who_may_act_and_of_the_identity_its_end_only(
    clinic: Clinic, patient: Desk, caller: Caller
) -> None:
    first = appoint(patient, clinic.patient_ref, "read")
    second = appoint(patient, clinic.patient_ref, "pay", "token")
    path = f"/patients/{clinic.patient_ref}/representatives"
    patient("POST", f"{path}/{first}/withdrawals")

    listed = patient("GET", path)

    newest, oldest = listed.json()["items"]
    assert (newest["appointment_id"], oldest["appointment_id"]) == (second, first)
    assert (newest["scope"], newest["name"], newest["kind"]) == (["token", "pay"], "张小雨", "family")
    assert newest["identity_number_ends"] == DAUGHTER[-4:]
    assert DAUGHTER not in listed.text
    assert newest["withdrawn_at"] is None
    assert oldest["withdrawn_at"]
    stranger = Desk(caller, "patient-2", Role.PATIENT, patient_ref=uuid4())
    assert code(stranger("GET", path)) == (403, "patient.not_yours")


def test_what_cannot_be_read_any_more_is_shown_as_null(clinic: Clinic, patient: Desk) -> None:
    appoint(patient, clinic.patient_ref, "read")
    (made,) = clinic.store.state(PATIENT.ref(clinic.patient_ref)).appointments.by_id.values()

    unreadable = Appointment(made.appointed.model_copy(update={"terms": None, "person": None}))

    shown = show_appointment(unreadable)
    assert unreadable.gives() is None
    assert [shown[name] for name in ("kind", "name", "identity_number_ends")] == [None, None, None]
    assert "account" not in shown


def test_of_whom_nobody_knows_or_who_is_forgotten_no_representatives_are_shown(
    clinic: Clinic, patient: Desk, caller: Caller
) -> None:
    unknown = uuid4()
    nobody = Desk(caller, "patient-2", Role.PATIENT, patient_ref=unknown)
    appoint(patient, clinic.patient_ref, "read")
    asked = ForgetPatient(patient_ref=clinic.patient_ref, reason_code="patient_asks")
    clinic.store.run(forget_patient(asked), himself(clinic))
    clinic.store.move_clock(timedelta(days=30))

    assert code(nobody("GET", f"/patients/{unknown}/representatives")) == (404, "patient.unknown")
    assert code(patient("GET", f"/patients/{clinic.patient_ref}/representatives")) == (410, "patient.forgotten")


def test_a_guardian_is_entered_by_the_officer_and_acts_for_the_child(clinic: Clinic, caller: Caller) -> None:
    child = clinic.register(**person(CHILD))
    officer = Desk(caller, "office-1", Role.MEDICAL_OFFICE, organisation=HOSPITAL)
    mother = Desk(caller, "mother-1", Role.REPRESENTATIVE, patient_ref=child)
    entered = {"kind": "guardian_of_minor", "account": "mother-1", "evidence": "户口簿 3301-77"}

    blank = appointing("read", **entered | {"evidence": " \u3000"})
    assert code(officer("POST", f"/patients/{child}/representatives", json=blank)) == (422, "request.invalid")
    appointment_id = appoint(officer, child, "read", **entered)

    assert mother("GET", "/prescriptions").status_code == 200
    path = f"/patients/{child}/representatives/{appointment_id}/withdrawals"
    assert officer("POST", path).status_code == 200
    assert code(mother("GET", "/prescriptions")) == NOT_IN_FORCE
