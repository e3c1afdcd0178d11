"""Who may act for a patient: whom, by whose word, for how long; and what the others are told of it."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events.prescribe_representation import RepresentationEnded, RepresentativeAppointed
from services.prescribe.application.forgetting import forget_patient
from services.prescribe.application.representatives import appoint_representative, withdraw_representation
from services.prescribe.domain.commands import AppointRepresentative, ForgetPatient, WithdrawRepresentation
from services.prescribe.domain.patient_record import PATIENT, PatientState
from services.prescribe.domain.policy import CN
from services.prescribe.domain.representatives import of_age_on
from services.seedwork.ports import Outcome
from services.seedwork.representation import Scope
from services.seedwork.usecase import Actor
from tests.unit.prescribe.conftest import HOSPITAL, IDENTITY_NUMBER, OTHER_HOSPITAL, Clinic

DAUGHTER = "110101200503042549"
CHILD, NEARLY_OF_AGE, YOUNG_SISTER = "110101202003042541", "110101200804012511", "110101201203042541"
TODAY = date(2026, 3, 2)
RULES = CN.on(TODAY).representatives
OFFICER = Actor("office-1", "medical_office", HOSPITAL)


def person(number: str) -> dict[str, Any]:
    """Sex and birth date as the identity number has them."""
    birth = f"{number[6:10]}-{number[10:12]}-{number[12:14]}"
    return {"identity_number": number, "birth_date": birth, "sex": "male" if int(number[16]) % 2 else "female"}


def himself(clinic: Clinic, patient_ref: UUID | None = None) -> Actor:
    return Actor("patient-1", "patient", patient_ref=patient_ref or clinic.patient_ref)


def appoint(clinic: Clinic, actor: Actor | None = None, patient_ref: UUID | None = None, **changes: Any) -> Outcome:
    """A daughter may read and name a pharmacy, as long as the kind allows."""
    usual = {
        "patient_ref": patient_ref or clinic.patient_ref,
        "kind": "family",
        "account": "daughter-1",
        "name": "张小雨",
        "identity_number": DAUGHTER,
        "scope": (Scope.NOMINATE, Scope.READ),
        "valid_from": TODAY,
    }
    command = AppointRepresentative(**{**usual, **changes})
    return clinic.store.run(appoint_representative(command), actor or himself(clinic))


def withdraw(
    clinic: Clinic, appointment_id: object, actor: Actor | None = None, patient: UUID | None = None
) -> Outcome:
    command = WithdrawRepresentation(patient_ref=patient or clinic.patient_ref, appointment_id=appointment_id)
    return clinic.store.run(withdraw_representation(command), actor or himself(clinic))


def guardian(clinic: Clinic, patient_ref: UUID, actor: Actor = OFFICER, **changes: Any) -> Outcome:
    usual = {"kind": "guardian_of_minor", "evidence": "户口簿 3301-77", "account": "mother-1"}
    return appoint(clinic, actor, patient_ref, **usual | changes)


def code(outcome: Outcome) -> str | None:
    return outcome.refusal.code if outcome.refusal else None


def state(clinic: Clinic, patient_ref: UUID | None = None) -> PatientState:
    found: PatientState = clinic.store.state(PATIENT.ref(patient_ref or clinic.patient_ref))
    return found


def test_the_patient_appoints_and_the_others_hear_what_they_need_and_no_more(clinic: Clinic) -> None:
    made = appoint(clinic)

    (told,) = clinic.store.told_of(RepresentativeAppointed)
    (held,) = state(clinic).representations
    assert (made.status, made.body["scope"], made.body["valid_until"]) == (201, ["read", "nominate"], "2027-03-02")
    assert told.terms.model_dump(mode="json") == held.model_dump(mode="json")
    assert str(told.appointment_id) == made.body["appointment_id"]
    for private in ("张小雨", DAUGHTER, "family"):
        assert private not in told.model_dump_json()


def test_it_is_withdrawn_at_any_time_and_once(clinic: Clinic) -> None:
    appointment_id = appoint(clinic).body["appointment_id"]

    outcomes = [withdraw(clinic, appointment_id) for _ in range(2)]

    assert [each.status for each in outcomes] == [200, 200]
    assert [str(each.appointment_id) for each in clinic.store.told_of(RepresentationEnded)] == [appointment_id]
    assert state(clinic).representations == ()
    assert code(withdraw(clinic, uuid4())) == "representative.unknown"


def test_what_is_over_by_its_day_need_not_be_withdrawn(clinic: Clinic) -> None:
    appointment_id = appoint(clinic, valid_until=TODAY).body["appointment_id"]
    clinic.store.move_clock(timedelta(days=1))

    assert withdraw(clinic, appointment_id).status == 200
    assert clinic.store.told_of(RepresentationEnded) == []


def test_a_minor_is_represented_by_a_guardian_until_the_day_before_the_birthday(clinic: Clinic) -> None:
    child = clinic.register(**person(NEARLY_OF_AGE))

    asked_longer = guardian(clinic, child, valid_until=date(2030, 1, 1))
    without_end = guardian(clinic, child)
    shorter = guardian(clinic, child, valid_until=date(2026, 3, 20))

    ends = [each.body["valid_until"] for each in (asked_longer, without_end, shorter)]
    assert ends == ["2026-03-31", "2026-03-31", "2026-03-20"]


def test_majority_is_the_jurisdictions(clinic: Clinic) -> None:
    elsewhere = Clinic("demo-eu")
    sixteen = person("110101201004012518")
    there, here = elsewhere.register(**sixteen), clinic.register(**sixteen)

    assert guardian(elsewhere, there).body["valid_until"] == "2026-03-31"
    assert guardian(clinic, here).body["valid_until"] == "2028-03-31"
    assert code(guardian(elsewhere, there, kind="family")) == "representative.kind"


def test_whoever_was_born_on_a_leap_day_is_of_age_on_the_first_of_march() -> None:
    assert of_age_on(date(2008, 2, 29), 18) == date(2026, 3, 1)
    assert of_age_on(date(2008, 2, 28), 18) == date(2026, 2, 28)


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"kind": "neighbour"}, "representative.kind"),
        ({"kind": "guardian_of_adult", "evidence": "x"}, "representative.appointed_by_another"),
        ({"identity_number": "110101200503042548"}, "representative.identity_number"),
        ({"identity_number": IDENTITY_NUMBER}, "representative.is_the_patient"),
        ({"account": "patient-1"}, "representative.is_the_patient"),
        ({"identity_number": YOUNG_SISTER}, "representative.is_minor"),
        ({"valid_from": TODAY - timedelta(days=1)}, "representative.dates"),
        ({"valid_from": TODAY + timedelta(days=93)}, "representative.dates"),
        ({"valid_from": date.max}, "representative.dates"),
        ({"valid_until": TODAY - timedelta(days=1)}, "representative.dates"),
        ({"valid_until": date(2027, 3, 3)}, "representative.too_long"),
        ({"kind": "other", "valid_until": date(2026, 6, 2)}, "representative.too_long"),
    ],
)
def test_each_rule_of_an_appointment_has_its_own_code(clinic: Clinic, changes: dict[str, Any], refused: str) -> None:
    before = len(clinic.store.log)

    assert code(appoint(clinic, **changes)) == refused
    assert len(clinic.store.log) == before


def test_a_minor_cannot_appoint_and_an_adult_has_no_guardian_because_of_age(clinic: Clinic) -> None:
    child = clinic.register(**person(CHILD))
    soon = clinic.register(**person(NEARLY_OF_AGE))

    assert code(appoint(clinic, himself(clinic, child), child)) == "representative.patient_is_minor"
    of_age_by_then = appoint(clinic, himself(clinic, soon), soon, valid_from=date(2026, 4, 2))
    assert code(of_age_by_then) == "representative.patient_is_minor"
    assert code(guardian(clinic, soon, valid_from=date(2026, 4, 1))) == "representative.patient_is_of_age"
    assert code(guardian(clinic, clinic.patient_ref)) == "representative.patient_is_of_age"
    assert code(guardian(clinic, child, kind="guardian_of_adult")) == "representative.patient_is_minor"
    assert guardian(clinic, clinic.patient_ref, kind="guardian_of_adult").body["valid_until"] == "2029-03-01"


def test_an_officer_enters_guardians_on_evidence_and_where_the_patient_is_treated(clinic: Clinic) -> None:
    child = clinic.register(**person(CHILD))
    elsewhere = Actor("office-2", "medical_office", OTHER_HOSPITAL)
    nowhere = Actor("office-3", "medical_office")

    assert code(guardian(clinic, child, evidence=None)) == "representative.evidence"
    assert code(guardian(clinic, child, kind="family")) == "representative.appointed_by_another"
    assert code(guardian(clinic, child, elsewhere)) == "patient.not_yours"
    assert code(guardian(clinic, child, nowhere)) == "patient.not_yours"
    assert code(guardian(clinic, uuid4())) == "patient.not_yours"
    assert guardian(clinic, child).status == 201
    clinic.load_person("D330102000001", organisation=OTHER_HOSPITAL)  # the doctor who registered them has moved
    assert code(guardian(clinic, child)) == "patient.not_yours"
    assert guardian(clinic, child, elsewhere, account="father-1").status == 201


def test_an_institution_that_has_prescribed_for_the_patient_may_enter_a_guardian(clinic: Clinic) -> None:
    clinic.issued()
    clinic.load_person("D330102000001", organisation=OTHER_HOSPITAL)

    assert guardian(clinic, clinic.patient_ref, kind="guardian_of_adult").status == 201


def test_an_institution_withdraws_what_it_entered_and_nothing_else(clinic: Clinic) -> None:
    by_patient = appoint(clinic).body["appointment_id"]
    by_officer = guardian(clinic, clinic.patient_ref, kind="guardian_of_adult").body["appointment_id"]
    stranger = Actor("office-2", "medical_office", OTHER_HOSPITAL)

    assert code(withdraw(clinic, by_patient, OFFICER)) == "patient.not_yours"
    assert code(withdraw(clinic, by_officer, stranger)) == "patient.not_yours"
    assert code(withdraw(clinic, by_officer, himself(clinic, uuid4()))) == "patient.not_yours"
    assert withdraw(clinic, by_officer, OFFICER).status == 200
    assert len(state(clinic).representations) == 1


def test_not_more_than_the_policy_lets_act_at_once(clinic: Clinic) -> None:
    assert RULES is not None
    made = [appoint(clinic, account=f"relative-{number}") for number in range(RULES.max_at_once)]

    assert code(appoint(clinic)) == "representative.too_many"
    withdraw(clinic, made[0].body["appointment_id"])
    assert appoint(clinic).status == 201


def test_nobody_is_appointed_for_somebody_else_unknown_or_leaving(clinic: Clinic) -> None:
    unknown = uuid4()

    assert code(appoint(clinic, himself(clinic, uuid4()))) == "patient.not_yours"
    assert code(appoint(clinic, himself(clinic, unknown), unknown)) == "patient.unknown"
    clinic.store.run(
        forget_patient(ForgetPatient(patient_ref=clinic.patient_ref, reason_code="patient_asks")), himself(clinic)
    )
    assert code(appoint(clinic)) == "patient.leaving"


def test_with_the_patient_the_appointment_and_who_was_appointed_are_forgotten(clinic: Clinic) -> None:
    appoint(clinic)
    clinic.store.run(
        forget_patient(ForgetPatient(patient_ref=clinic.patient_ref, reason_code="patient_asks")), himself(clinic)
    )

    clinic.store.move_clock(timedelta(days=30))

    assert state(clinic).representations == ()
    assert state(clinic).appointments.by_id == {}
    assert code(appoint(clinic)) == "patient.forgotten"


def test_where_nobody_acts_for_patients_there_is_no_kind() -> None:
    before_the_law = Clinic()
    before_the_law.store.time -= timedelta(days=365 * 8)

    assert code(appoint(before_the_law)) == "representative.kind"
