"""Forgetting a patient: only when nothing runs and no legal period either, and never by surprise."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events.prescribe import PatientForgotten
from services.prescribe.application.forgetting import forget_patient
from services.prescribe.domain.commands import ForgetPatient
from services.prescribe.domain.forgetting import Records, forget_when_due, strictest_class
from services.prescribe.domain.patient_record import PATIENT, PatientState
from services.prescribe.domain.policy import CN
from services.seedwork.model import Refusal
from services.seedwork.ports import Outcome
from services.seedwork.usecase import Actor
from tests.unit.prescribe.conftest import ARSENIC, NOW, Clinic, line, supply_received

ADMINISTRATOR = Actor("administrator", "system_admin")
POLICY = CN.on(date(2026, 3, 2))
YEAR = timedelta(days=366)


def forget(clinic: Clinic, actor: Actor = ADMINISTRATOR, patient_ref: UUID | None = None) -> Outcome:
    command = ForgetPatient(patient_ref=patient_ref or clinic.patient_ref, reason_code="purpose_over")
    return clinic.store.run(forget_patient(command), actor)


def code_of(outcome: Outcome) -> str | None:
    return outcome.refusal.code if outcome.refusal else None


def patient(clinic: Clinic) -> PatientState:
    state: PatientState = clinic.store.state(PATIENT.ref(clinic.patient_ref))
    return state


def cancelled(clinic: Clinic, **changes: Any) -> UUID:
    prescription_id = clinic.issued(**changes)
    clinic.cancel(prescription_id)
    return prescription_id


def test_a_patient_nothing_was_written_for_is_forgotten_after_the_wait(clinic: Clinic) -> None:
    asked = forget(clinic)

    assert (asked.status, asked.body["status"]) == (202, "leaving")
    assert asked.body["forget_at"] == (NOW + timedelta(hours=24)).isoformat()
    assert patient(clinic).identity is not None

    clinic.store.move_clock(timedelta(hours=24))

    (told,) = clinic.store.told_of(PatientForgotten)
    assert told.patient_ref == clinic.patient_ref
    state = patient(clinic)
    assert (state.status, state.identity, state.contact, state.facts) == ("forgotten", None, None, None)


def test_asking_again_changes_nothing(clinic: Clinic) -> None:
    first = forget(clinic)
    clinic.store.move_clock(timedelta(hours=1))
    assert forget(clinic).body == first.body

    clinic.store.move_clock(timedelta(hours=23))
    again = forget(clinic)

    assert (again.status, again.body["status"], again.body["forget_at"]) == (200, "forgotten", None)
    assert len(clinic.store.told_of(PatientForgotten)) == 1


def test_a_patient_asks_only_for_oneself(clinic: Clinic) -> None:
    assert code_of(forget(clinic, Actor("p", "patient", patient_ref=uuid4()))) == "patient.not_yours"
    assert code_of(forget(clinic, Actor("p", "patient", patient_ref=clinic.patient_ref))) is None


def test_nobody_is_forgotten_who_was_never_known(clinic: Clinic) -> None:
    assert code_of(forget(clinic, patient_ref=uuid4())) == "patient.unknown"


def test_not_while_a_prescription_runs(clinic: Clinic) -> None:
    clinic.issued()

    assert code_of(forget(clinic)) == "patient.prescription_runs"


def test_not_before_the_legal_period_is_over(clinic: Clinic) -> None:
    cancelled(clinic)

    refused = forget(clinic)

    assert refused.refusal == Refusal("patient.kept_by_law", {"until": "2027-03-03"})
    clinic.store.time = datetime(2027, 3, 2, 15, 59, 59, tzinfo=UTC)
    assert code_of(forget(clinic)) == "patient.kept_by_law"
    clinic.store.time = datetime(2027, 3, 2, 16, tzinfo=UTC)  # the next day begins in China
    assert code_of(forget(clinic)) is None


def test_what_was_handed_out_is_kept_for_longer(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    clinic.hear(supply_received(prescription_id, uuid4(), in_hands=7))
    clinic.closed(prescription_id, "supplied", in_hands=7)

    assert forget(clinic).refusal == Refusal("patient.kept_by_law", {"until": "2031-03-03"})


def test_the_class_of_the_drugs_counts(clinic: Clinic) -> None:
    cancelled(clinic, lines=[line(product=ARSENIC, days=2, quantity=2)])

    assert forget(clinic).refusal == Refusal("patient.kept_by_law", {"until": "2028-03-03"})


@pytest.mark.parametrize(
    ("classes", "strictest"),
    [((), "ordinary"), (("ordinary", "toxic"), "toxic"), (("narcotic", "toxic", "ordinary"), "narcotic")],
)
def test_the_strictest_class_is_the_one_kept_the_longest(classes: tuple[str, ...], strictest: str) -> None:
    years = POLICY.records_kept_years

    assert strictest_class(classes) == strictest
    assert all(years[strictest] >= years[each] for each in classes)  # type: ignore[index]


@pytest.mark.parametrize(
    ("valid_until", "kinds", "first_free_day"),
    [
        (datetime(2024, 2, 29, tzinfo=UTC), {"ordinary"}, date(2025, 3, 2)),
        (datetime(2026, 12, 31, tzinfo=UTC), {"ordinary", "dispensed"}, date(2032, 1, 1)),
        (datetime(2026, 12, 31, tzinfo=UTC), {"ordinary", "dispensed", "online_visit"}, date(2042, 1, 1)),
    ],
)
def test_the_longest_period_counts_from_the_last_day_of_validity(
    valid_until: datetime, kinds: Any, first_free_day: date
) -> None:
    assert Records("completed", frozenset(kinds), valid_until).kept_until(POLICY) == first_free_day


def test_nothing_new_is_written_for_a_patient_who_is_leaving(clinic: Clinic) -> None:
    forget(clinic)
    assert code_of(clinic.issue()) == "patient.leaving"

    clinic.store.move_clock(timedelta(hours=24))
    assert code_of(clinic.issue()) == "prescription.patient_unknown"


def test_what_was_under_way_when_it_was_asked_calls_it_off(clinic: Clinic) -> None:
    """Issued at the same moment, and in no list yet when it was asked."""
    forget(clinic)
    running = Records("issued", frozenset({"ordinary"}), NOW)
    due = NOW + timedelta(hours=24)

    (called_off,) = forget_when_due(patient(clinic), clinic.patient_ref, [running], policy=POLICY, now=due)

    state = PATIENT.evolve(patient(clinic), called_off)
    assert (state.status, state.forget_at) == ("known", None)
    assert state.identity is not None


def test_a_clock_that_fires_early_changes_nothing(clinic: Clinic) -> None:
    early = NOW + timedelta(hours=23)
    assert forget_when_due(patient(clinic), clinic.patient_ref, [], policy=POLICY, now=NOW) == []
    forget(clinic)

    assert forget_when_due(patient(clinic), clinic.patient_ref, [], policy=POLICY, now=early) == []


def test_a_forgotten_patient_is_in_no_list(clinic: Clinic) -> None:
    prescription_id = cancelled(clinic)
    clinic.store.time += 2 * YEAR
    forget(clinic)
    clinic.store.move_clock(timedelta(hours=24))

    for _ in range(2):
        of_patient = {"patient_ref": clinic.patient_ref, "before": 2**62, "limit": 50}
        assert clinic.store.rows("prescriptions_of_patient", **of_patient) == []
        assert clinic.store.rows("records_of_patient", patient_ref=clinic.patient_ref) == []
        clinic.store.rebuild()
    assert clinic.status(prescription_id) == "cancelled"
