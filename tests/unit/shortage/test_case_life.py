"""The life of a case by the whole table: sources, grades up and down, stop notices, the nation, tasks."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events.shortage import (
    Grade,
    ShortageCaseConfirmed,
    ShortageCaseEnded,
    ShortageCaseGraded,
    ShortageCaseSuspected,
)
from contracts.events.shortage_reporters import ReporterAlert
from services.seedwork.ports import Outcome
from services.shortage.application import intake, use_cases
from services.shortage.domain import reports
from services.shortage.domain.commands import AcknowledgeCase, AssignTask, CompleteTask
from services.shortage.domain.detection.cover import SupplyStatus
from services.shortage.domain.policy import POLICIES
from services.shortage.domain.regions import Level
from services.shortage.domain.reports import ShortageReport
from services.shortage.domain.stop_notice import EndStop, ReportStop, stop_notice_id
from services.shortage.domain.values import SourceKind
from tests.unit.shortage.conftest import DRUG, HANGZHOU, HOUR, NINGBO, NOW, OTHER_DRUG, XIAN, XIHU, Region, authority

POLICY = POLICIES.of("cn").versions[-1]
DAY = timedelta(days=1)
GUANGZHOU, HEFEI = "440106", "340104"


def stop(region: Region, reference: str = "N-1", **changed: Any) -> Outcome:
    command = ReportStop(
        reference=reference,
        maker="M1",
        drug_key=DRUG,
        stops_on=date(2026, 10, 1),
        planned=True,
        sole_supplier=True,
        restored_by=None,
        reason="原料药停产",
    ).model_copy(update=changed)
    return region.store.run(intake.receive_stop(command), authority("000000"))


def end(region: Region, how: Any = "withdrawn", reference: str = "N-1") -> Outcome:
    command = EndStop(notice_id=stop_notice_id("M1", reference), how=how, reason="恢复生产")
    return region.store.run(intake.end_notice(command), authority("000000"))


def report(region: Region, key: str = "W-1", /, **changed: Any) -> Outcome:
    told = ShortageReport(
        source=SourceKind.DIRECT_REPORT,
        key=key,
        reporter="H9",
        trust="official",
        drug_key=DRUG,
        region=HANGZHOU,
        status=SupplyStatus.SHORT,
        occurred_at=region.store.time,
    ).model_copy(update=changed)
    return region.store.run(intake.receive_report(told), authority())


def confirmed(region: Region, *places: str) -> Region:
    """Confirmed by three pharmacies in these counties."""
    for n, place in enumerate(places or (HANGZHOU, HANGZHOU, HANGZHOU)):
        region.unfilled(f"P{place}{n}", place, demand=f"line-{n}")
    return region


def code(outcome: Outcome) -> str | None:
    return outcome.refusal.code if outcome.refusal else None


def test_a_direct_report_is_a_suspicion(region: Region) -> None:
    assert report(region).body == {"taken": "new"}

    (suspected,) = region.store.told_of(ShortageCaseSuspected)
    assert (suspected.region, suspected.evidence.pharmacies, suspected.evidence.demands) == ("33", 1, 0)
    assert region.case().events == ("direct_report/H9/W-1",)


def test_a_report_of_enough_stock_is_kept_and_suspects_nothing(region: Region) -> None:
    assert report(region, status=SupplyStatus.NEARLY).status == 201
    assert report(region, "W-2", status=None).status == 201

    assert region.store.told == []


def test_the_same_report_again_is_known_and_another_content_is_a_correction(region: Region) -> None:
    report(region)
    before = region.store.log_index

    assert report(region).body == {"taken": "known"}
    assert region.store.log_index == before
    assert report(region, on_hand=3).body == {"taken": "corrected"}


def test_a_report_that_contradicts_another_of_its_reporter_is_kept_told_and_alerted(region: Region) -> None:
    report(region)

    assert report(region, "W-2", status=SupplyStatus.SUFFICIENT).body == {"taken": "new", "contradicts": "W-1"}
    (alert,) = region.store.told_of(ReporterAlert)
    assert (alert.reporter, alert.kind, alert.against) == ("H9", "contradictory", "W-1")


def test_a_report_from_the_future_is_refused(region: Region) -> None:
    before = region.store.log_index

    assert code(report(region, occurred_at=NOW + HOUR)) == "report.in_the_future"
    assert code(report(region, reported_at=NOW + HOUR)) == "report.in_the_future"
    assert code(report(region, region="990101")) == "report.region_unknown"
    assert code(report(region, drug_key="没有的药|片剂|1mg")) == "report.drug_unknown"
    assert code(stop(region, drug_key="没有的药|片剂|1mg")) == "report.drug_unknown"
    assert region.store.log_index == before


def test_one_reporter_tells_a_limited_number_of_records_of_a_day(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "REPORTS_PER_DAY_MAX", 1)
    report(region)

    assert code(report(region, "W-2")) == "report.too_many"


def test_two_independent_kinds_of_source_confirm_without_anybody(region: Region) -> None:
    report(region)
    region.unfilled("P1")
    assert region.case().status == "suspected", "one pharmacy is not yet a sign of its kind"
    region.unfilled("P2")

    (told,) = region.store.told_of(ShortageCaseConfirmed)
    assert (told.confirmed_by, told.grade) == ("sources", Grade.IV)
    assert region.case().sources.keys() == {SourceKind.DIRECT_REPORT, SourceKind.UNFILLED}


def test_a_report_confirms_what_pharmacies_made_suspect(region: Region) -> None:
    region.unfilled("P1")
    region.unfilled("P2")
    report(region)

    (told,) = region.store.told_of(ShortageCaseConfirmed)
    assert told.confirmed_by == "sources"


def test_two_reports_of_one_kind_confirm_nothing_and_keep_the_suspicion_alive(region: Region) -> None:
    report(region)
    region.store.time += 20 * HOUR
    report(region, "W-2")

    assert region.case().status == "suspected"
    assert region.case().quiet_at == NOW + 44 * HOUR


def test_a_report_finds_a_suspicion_that_is_over_and_opens_the_next(region: Region) -> None:
    report(region)
    region.store.time += 2 * DAY

    report(region, "W-2")

    assert [each.ended_as for each in region.store.told_of(ShortageCaseEnded)] == ["dismissed_auto"]
    assert region.store.told_of(ShortageCaseSuspected)[1].previous_case == region.id(1)


def test_a_report_about_what_was_judged_already_opens_nothing(region: Region) -> None:
    report(region)
    region.store.time += HOUR
    region.dismiss(region.id(), authority())
    region.store.time += HOUR

    report(region, "W-2", occurred_at=NOW + timedelta(minutes=30))

    assert len(region.store.told_of(ShortageCaseSuspected)) == 1


def test_a_case_names_the_very_events_it_rests_on(region: Region) -> None:
    confirmed(region)

    stream = UUID(int=1)
    assert region.case().events == (f"{stream}/1",), "the test's events all have one number"


def test_spread_raises_the_grade_at_once_with_owner_and_tasks(region: Region) -> None:
    confirmed(region)
    before = region.case()
    assert (before.grade, before.owner_level) == (Grade.III, Level.CITY)
    kinds = {task.kind for task in before.tasks.values()}

    region.unfilled("P9", NINGBO, demand="line-9")

    (graded,) = region.store.told_of(ShortageCaseGraded)
    assert (graded.grade_before, graded.grade, graded.inputs.cities) == (Grade.III, Grade.II, 2)
    after = region.case()
    assert (after.grade, after.owner_level) == (Grade.II, Level.PROVINCE)
    assert {task.kind for task in after.tasks.values()} == kinds | {"reserve", "report_upwards"}


def test_a_grade_is_eased_by_one_only_after_two_better_periods(region: Region) -> None:
    confirmed(region, HANGZHOU, NINGBO, XIHU)
    assert region.case().grade == Grade.II

    grades = []
    for n in range(3):
        region.unfilled("P1", demand=f"line-{n}-1")
        region.unfilled("P2", demand=f"line-{n}-2")
        region.store.move_clock(POLICY.period)
        grades.append(region.case().grade)

    # the first period still has the spread in it
    assert grades == [Grade.II, Grade.II, Grade.III]
    assert [each.grade for each in region.store.told_of(ShortageCaseGraded)] == [Grade.III]


def test_supply_that_is_normal_for_three_periods_resolves_the_case(region: Region) -> None:
    confirmed(region)

    for _ in range(3):
        region.store.move_clock(POLICY.period)
        assert region.case().status == "confirmed"
    region.store.move_clock(POLICY.period)

    (ended,) = region.store.told_of(ShortageCaseEnded)
    assert ended.ended_as == "resolved"
    assert region.case().status == "resolved"
    assert region.case().tasks == {}


def test_a_shortage_that_comes_back_is_a_new_case_linked_to_the_old_one(region: Region) -> None:
    confirmed(region)
    for _ in range(4):
        region.store.move_clock(POLICY.period)

    region.store.time += HOUR
    region.unfilled("P1", demand="again")

    assert region.store.told_of(ShortageCaseSuspected)[1].previous_case == region.id(1)


def test_a_stop_by_the_sole_supplier_is_a_national_case_of_grade_two_that_is_anticipated(region: Region) -> None:
    assert stop(region).status == 201

    (told,) = region.store.told_of(ShortageCaseConfirmed)
    assert (told.region, told.grade, told.confirmed_by, told.anticipated) == ("", Grade.II, "stop_notice", True)


def test_another_supplier_left_is_a_milder_case_with_the_date_of_return(region: Region) -> None:
    stop(region, sole_supplier=False, restored_by=date(2026, 12, 1))

    (told,) = region.store.told_of(ShortageCaseConfirmed)
    assert (told.grade, told.expected_until) == (Grade.IV, date(2026, 12, 1))


def test_a_notice_withdrawn_before_any_harm_is_avoided(region: Region) -> None:
    stop(region)
    assert end(region).body["state"] == "ended"

    (ended,) = region.store.told_of(ShortageCaseEnded)
    assert (ended.ended_as, ended.region) == ("avoided", "")
    assert end(region).status == 200, "again: known"
    assert code(stop(region)) == "stop_notice.ended"


def test_after_harm_a_withdrawal_leaves_the_case_open(region: Region) -> None:
    stop(region)
    report(region, region="")
    assert not region.case(region="").anticipated

    end(region)

    assert region.case(region="").status == "confirmed"
    assert region.store.told_of(ShortageCaseEnded) == []


def test_nothing_is_eased_or_resolved_while_a_notice_is_open(region: Region) -> None:
    stop(region)
    for _ in range(6):
        region.store.move_clock(POLICY.period)
    assert (region.case(region="").status, region.case(region="").grade) == ("confirmed", Grade.II)

    report(region, region="")  # harm, or it would be avoided
    end(region, "restored")
    for _ in range(5):
        region.store.move_clock(POLICY.period)

    assert region.case(region="").status == "resolved"


def test_the_same_notice_again_is_known_and_another_date_amends_it(region: Region) -> None:
    stop(region)
    before = region.store.log_index
    assert stop(region).status == 200
    assert region.store.log_index == before

    assert stop(region, restored_by=date(2027, 1, 1)).status == 201
    assert region.case(region="").restored_by == date(2027, 1, 1)
    assert len(region.store.told_of(ShortageCaseConfirmed)) == 1


def test_a_second_maker_that_stops_makes_it_worse(region: Region) -> None:
    stop(region, sole_supplier=False)
    stop(region, "N-2")

    (graded,) = region.store.told_of(ShortageCaseGraded)
    assert (graded.grade, graded.inputs.sole_supplier_stopped) == (Grade.II, True)
    end(region)
    assert region.case(region="").status == "confirmed", "the other notice is open"


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"stops_on": date(2036, 1, 1)}, "stop_notice.dates"),
        ({"restored_by": date(2026, 9, 1)}, "stop_notice.dates"),
    ],
    ids=["far-away", "restored-before"],
)
def test_dates_that_cannot_be_are_refused(region: Region, changed: dict[str, Any], problem: str) -> None:
    before = region.store.log_index

    assert code(stop(region, **changed)) == problem
    assert region.store.log_index == before


def test_a_reference_belongs_to_one_drug(region: Region) -> None:
    stop(region)
    region.register(OTHER_DRUG)

    assert code(stop(region, drug_key=OTHER_DRUG)) == "stop_notice.another_drug"


def test_an_unknown_notice_cannot_end(region: Region) -> None:
    assert code(end(region)) == "stop_notice.unknown"


@pytest.mark.parametrize(
    ("planned", "stops_on", "late"),
    [
        (True, date(2026, 10, 1), False),
        (True, date(2026, 5, 1), True),
        (False, date(2026, 3, 1), False),
        (False, date(2026, 2, 20), True),
    ],
    ids=["planned-in-time", "planned-late", "unplanned-in-time", "unplanned-late"],
)
def test_a_notice_that_comes_too_late_is_taken_and_marked(
    region: Region, planned: bool, stops_on: date, late: bool
) -> None:
    stop(region, planned=planned, stops_on=stops_on)

    notice = region.store.streams[stop_notice_id("M1", "N-1")][0]
    assert notice.late is late  # type: ignore[attr-defined]


def test_a_stop_confirms_a_suspicion_of_the_nation(region: Region) -> None:
    region.store.run(intake.receive_report(_report("").model_copy(update={"drug_key": DRUG})), authority())
    assert region.case(region="").status == "suspected"

    stop(region, sole_supplier=False)

    (told,) = region.store.told_of(ShortageCaseConfirmed)
    assert (told.confirmed_by, told.anticipated) == ("sources", False)


def test_a_stop_alone_confirms_where_policy_asks_for_more_sources(region: Region) -> None:
    region.store.jurisdiction = "demo-eu"
    region.store.run(intake.receive_report(_report("")), authority())

    stop(region, sole_supplier=False)

    assert region.case(region="").status == "confirmed"


def _report(node: str) -> ShortageReport:
    return ShortageReport(
        source=SourceKind.REGISTER,
        key="R-1",
        reporter="register",
        trust="official",
        drug_key=DRUG,
        region=node,
        status=SupplyStatus.SEVERE,
        occurred_at=NOW,
    )


def in_three_provinces(region: Region) -> None:
    for county in (HANGZHOU, XIAN, GUANGZHOU):
        confirmed(region, county, county, county)


def test_confirmed_in_three_provinces_is_a_case_of_the_nation_with_theirs_inside(region: Region) -> None:
    in_three_provinces(region)

    national = region.case(region="")
    assert (national.grade, national.owner_level) == (Grade.I, Level.NATION)
    assert set(national.children.values()) == {"33", "61", "44"}
    for province in ("33", "61", "44"):
        assert region.case(region=province).parent == region.id(1, "")


def test_a_fourth_province_joins_the_open_case_of_the_nation(region: Region) -> None:
    in_three_provinces(region)
    confirmed(region, HEFEI, HEFEI, HEFEI)

    assert len(region.case(region="").children) == 4
    assert region.case(region="34").parent == region.id(1, "")
    assert len([each for each in region.store.told_of(ShortageCaseConfirmed) if each.region == ""]) == 1


def test_three_provinces_make_an_anticipated_case_a_national_one_of_grade_one(region: Region) -> None:
    stop(region)
    in_three_provinces(region)

    assert region.case(region="").grade == Grade.I
    assert [each.grade for each in region.store.told_of(ShortageCaseGraded)] == [Grade.I]


def test_when_makers_say_when_they_return_three_provinces_are_grade_two(region: Region) -> None:
    stop(region, sole_supplier=False, stops_on=date(2026, 4, 1), restored_by=date(2026, 7, 1))
    in_three_provinces(region)

    assert region.case(region="").grade == Grade.II


def test_the_nations_case_is_resolved_after_those_inside_it(region: Region) -> None:
    in_three_provinces(region)
    for _ in range(4):
        region.store.move_clock(POLICY.period)
    assert region.case().status == "resolved"
    assert region.case(region="").status == "confirmed"
    assert region.case(region="").children == {}

    for _ in range(4):
        region.store.move_clock(POLICY.period)

    assert region.case(region="").status == "resolved"


def test_a_case_of_a_region_confirmed_by_an_authority_joins_the_nation_too(region: Region) -> None:
    stop(region)
    region.unfilled("P1")
    region.unfilled("P2", demand="line-2")
    region.confirm(region.id(), authority())

    assert set(region.case(region="").children.values()) == {"33"}


def acknowledge(region: Region, who: str = "330000", case: UUID | None = None) -> Outcome:
    command = AcknowledgeCase(case_id=case or region.id(), reason="已知悉")
    return region.store.run(use_cases.acknowledge_case(command), authority(who))


def assign(region: Region, due_at: datetime, case: UUID | None = None) -> Outcome:
    command = AssignTask(case_id=case or region.id(), kind="distributors", owner_level=Level.PROVINCE, due_at=due_at)
    return region.store.run(use_cases.assign_task(command), authority())


def complete(region: Region, number: int, case: UUID | None = None) -> Outcome:
    command = CompleteTask(case_id=case or region.id(), number=number, reason="已协调")
    return region.store.run(use_cases.complete_task(command), authority())


def test_acknowledging_does_the_task_of_acknowledging_once(region: Region) -> None:
    confirmed(region)

    assert acknowledge(region).status == 200
    before = region.store.log_index
    acknowledge(region)

    assert region.case().acknowledged
    assert "acknowledge" not in {task.kind for task in region.case().tasks.values()}
    assert region.store.log_index == before


def test_a_task_past_its_deadline_climbs_level_by_level_and_the_grade_stays(region: Region) -> None:
    confirmed(region)
    assign(region, region.store.time + HOUR)
    number = region.case().tasks_so_far

    levels = []
    for hours in (1, POLICY.task_escalated_hours):
        region.store.move_clock(hours * HOUR)
        levels.append(region.case().tasks[number].owner_level)

    assert levels == [Level.NATION, Level.NATION]
    task = region.case().tasks[number]
    assert (task.due_at, task.escalations) == (None, 2), "at the highest level it stays, overdue"
    assert region.case().grade == Grade.III


def test_a_task_that_is_done_does_not_climb(region: Region) -> None:
    confirmed(region)
    assign(region, region.store.time + HOUR)
    number = region.case().tasks_so_far
    assert complete(region, number).status == 200
    assert complete(region, number).status == 200, "again: known"
    before = len(region.store.streams[region.id()])

    region.store.move_clock(2 * HOUR)

    assert len(region.store.streams[region.id()]) == before


def test_tasks_are_refused_where_they_cannot_be(region: Region) -> None:
    region.unfilled("P1")
    region.unfilled("P2")
    assert code(acknowledge(region)) == "shortage.wrong_state"
    region.unfilled("P3")

    assert code(acknowledge(region, "610000")) == "shortage.not_your_region"
    assert code(acknowledge(region, case=uuid4())) == "shortage.unknown"
    assert code(assign(region, region.store.time)) == "shortage.due_in_the_past"
    assert code(assign(region, region.store.time + HOUR, uuid4())) == "shortage.unknown"
    assert code(complete(region, 99)) == "shortage.task_unknown"
    assert code(complete(region, 1, uuid4())) == "shortage.unknown"
    for _ in range(50 - len(region.case().tasks)):
        assign(region, region.store.time + HOUR)
    assert code(assign(region, region.store.time + HOUR)) == "shortage.too_many_tasks"


def test_the_first_unfilled_line_of_a_case_that_reports_confirmed_joins_its_sources(region: Region) -> None:
    report(region)
    report(region, "R-1", source=SourceKind.REGISTER)
    assert region.case().status == "confirmed"

    region.unfilled("P1")

    assert SourceKind.UNFILLED in region.case().sources
