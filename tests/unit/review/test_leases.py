"""Leases, takeover and deadlines: nobody sits on a case, and none is forgotten."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from contracts.events.review import CaseEscalated
from services.review.composition import SERVICE
from services.review.domain.case import CASE, DEADLINE, case_ref
from tests.unit.review.conftest import HOSPITAL, LI, NOW, SUN, Hospital, line, reviewer
from tests.unit.review.steps import pass_, put_back, refuse, return_, status, take, take_over, taken

Code = Callable[[Any], str | None]
HEAD = "HY330102000003"
HOUR = timedelta(hours=1)


@pytest.fixture
def hospital(hospital: Hospital) -> Hospital:
    hospital.admit_person(HEAD, "周敏", "reviewer", "supervisor")
    return hospital


def test_a_supervisor_takes_over_what_another_holds_with_a_lease_of_their_own(
    hospital: Hospital, code_of: Code
) -> None:
    case = taken(hospital)
    hospital.store.time += timedelta(minutes=20)

    assert take_over(hospital, case, reviewer(HEAD)).refusal is None

    state = hospital.store.state(case_ref(case))
    assert (state.status, state.holder.person) == ("taken", HEAD)
    assert state.lease_until == NOW + timedelta(minutes=50)
    assert code_of(return_(hospital, case)) == "case.taken_by_another"
    assert return_(hospital, case, actor=reviewer(HEAD)).refusal is None


def test_who_is_no_supervisor_takes_nothing_over(hospital: Hospital, code_of: Code) -> None:
    case = taken(hospital)

    assert code_of(take_over(hospital, case, reviewer(LI))) == "case.not_a_supervisor"
    assert hospital.store.state(case_ref(case)).holder.person == SUN


def test_a_supervisor_must_be_licensed_to_review(hospital: Hospital, code_of: Code) -> None:
    case = taken(hospital)
    hospital.admit_person("HY330102000004", "吴静", "supervisor")

    assert code_of(take_over(hospital, case, reviewer("HY330102000004"))) == "case.not_a_reviewer"


def test_only_what_somebody_holds_is_taken_over(hospital: Hospital, code_of: Code) -> None:
    assert code_of(take_over(hospital, hospital.issue(), reviewer(HEAD))) == "case.wrong_state"


def test_a_case_past_its_deadline_climbs_one_level(hospital: Hospital) -> None:
    case = hospital.issue()

    hospital.store.move_clock(HOUR - timedelta(seconds=1))
    assert hospital.store.told_of(CaseEscalated) == []
    hospital.store.move_clock(timedelta(seconds=1))

    (told,) = hospital.store.told_of(CaseEscalated)
    assert (told.case_id, told.level, told.deadline) == (case, 1, NOW + HOUR)
    assert status(hospital, case) == "queued"


def test_an_emergency_has_less_time(hospital: Hospital) -> None:
    hospital.issue(visit_kind="emergency")

    hospital.store.move_clock(timedelta(minutes=15))

    assert len(hospital.store.told_of(CaseEscalated)) == 1


def test_a_case_climbs_again_and_again_up_to_the_top_level(hospital: Hospital) -> None:
    case = hospital.issue()

    for _ in range(6):
        hospital.store.move_clock(HOUR)

    assert [told.level for told in hospital.store.told_of(CaseEscalated)] == [1, 2, 3]
    assert DEADLINE not in CASE.next_due(hospital.store.state(case_ref(case)))


def test_a_taken_case_climbs_and_stays_with_its_holder(hospital: Hospital) -> None:
    case = hospital.issue()
    hospital.store.time += timedelta(minutes=45)
    take(hospital, case)
    hospital.store.move_clock(timedelta(minutes=15))

    state = hospital.store.state(case_ref(case))
    assert (state.status, state.level, state.holder.person) == ("taken", 1, SUN)


@pytest.mark.parametrize("end", [pass_, return_, refuse])
def test_a_decided_case_climbs_no_more(hospital: Hospital, end: Any) -> None:
    end(hospital, taken(hospital))

    hospital.store.move_clock(24 * HOUR)

    assert hospital.store.told_of(CaseEscalated) == []


def test_a_deadline_that_fires_too_early_or_too_late_changes_nothing(hospital: Hospital) -> None:
    early, decided = hospital.issue(), taken(hospital)
    pass_(hospital, decided)
    hospital.store.run(SERVICE.timers[CASE.name, DEADLINE](early))
    hospital.store.run(SERVICE.timers[CASE.name, DEADLINE](decided))

    assert hospital.store.told_of(CaseEscalated) == []


def test_put_back_keeps_the_deadline(hospital: Hospital) -> None:
    case = taken(hospital)
    put_back(hospital, case)

    assert hospital.store.state(case_ref(case)).deadline == NOW + HOUR


def test_the_queue_has_escalated_cases_first_then_severe_then_old_ones(hospital: Hospital) -> None:
    late = hospital.issue()
    hospital.store.move_clock(HOUR)
    clean, serious = hospital.issue(), hospital.issue(lines=[line(days=14)])
    first_page = {"after_rank": 2**31 - 1, "after_opened_at": 0, "after_case_id": None, "limit": 9}
    where = {"organisation": HOSPITAL, "today": "2026-03-02", "institution": None, "region": None}

    rows = hospital.store.rows("open_cases", **where, **first_page)

    assert [row["case_id"] for row in rows] == [late, serious, clean]
    assert [row["level"] for row in rows] == [1, 0, 0]
