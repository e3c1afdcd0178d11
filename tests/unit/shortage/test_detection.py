"""From signals to a suspected and a confirmed case."""

from datetime import timedelta

import pytest

from contracts.events.shortage import (
    Grade,
    Level,
    ShortageCaseConfirmed,
    ShortageCaseEnded,
    ShortageCaseSuspected,
)
from contracts.events.shortage_reporters import ReporterAlert
from services.shortage.domain.decisions import NewCase, dismiss_quiet, grade, suspect
from services.shortage.domain.detector import strongest_evidence
from services.shortage.domain.lots import DemandsCounted
from services.shortage.domain.policy import POLICIES
from services.shortage.domain.regions import covers, node_of
from services.shortage.domain.values import Evidence, Signal
from tests.unit.shortage.conftest import DRUG, HANGZHOU, HOUR, NINGBO, NOW, XIAN, XIHU, Region, authority

POLICY = POLICIES.of("cn").versions[-1]


def test_one_pharmacy_is_no_suspicion_however_often_it_runs_out(region: Region) -> None:
    for number in range(5):
        region.unfilled("P1", demand=f"line-{number}")

    assert region.store.told == []


def test_two_pharmacies_within_a_day_are_suspicious(region: Region) -> None:
    region.unfilled("P1")
    region.store.time += 23 * HOUR
    region.unfilled("P2", demand="line-2")

    (suspected,) = region.store.told
    assert isinstance(suspected, ShortageCaseSuspected)
    assert (suspected.drug_key, suspected.region) == (DRUG, "33")
    assert (suspected.evidence.pharmacies, suspected.evidence.demands) == (2, 2)
    assert suspected.previous_case is None


def test_two_pharmacies_a_day_apart_are_not(region: Region) -> None:
    region.unfilled("P1")
    region.store.time += 24 * HOUR
    region.unfilled("P2")

    assert region.store.told == []


def test_three_pharmacies_within_a_day_confirm_the_case(region: Region) -> None:
    region.unfilled("P1")
    region.unfilled("P2")
    region.unfilled("P3", NINGBO)

    suspected, confirmed = region.store.told
    assert isinstance(confirmed, ShortageCaseConfirmed)
    assert confirmed.case_id == suspected.case_id == region.id()
    assert (confirmed.grade, confirmed.owner_level) == (Grade.II, Level.PROVINCE)
    assert confirmed.confirmed_by == "rule"


def test_three_tries_of_one_line_are_one_demand_at_three_pharmacies(region: Region) -> None:
    for pharmacy in ("P1", "P2", "P3"):
        region.unfilled(pharmacy, demand="the same line")

    evidence = region.store.told_of(ShortageCaseConfirmed)[0].evidence
    assert (evidence.demands, evidence.pharmacies) == (1, 3)


def test_the_same_signal_told_twice_counts_once(region: Region) -> None:
    region.unfilled("P1")
    before = region.store.log_index
    region.unfilled("P1")

    assert region.store.log_index == before


def test_a_demand_that_is_tried_again_is_told_again_and_is_one_demand(region: Region) -> None:
    region.unfilled("P1")
    region.store.time += 24 * HOUR
    region.unfilled("P1")

    events = [each.event for each in region.store.log]
    counted = [row for event in events if isinstance(event, DemandsCounted) for row in event.rows.rows()]
    assert [(row.pharmacy, row.day.isoformat()) for row in counted] == [("P1", "2026-03-02"), ("P1", "2026-03-03")]


def test_provinces_and_drugs_are_counted_apart(region: Region) -> None:
    region.unfilled("P1")
    region.unfilled("P2", XIAN)
    region.unfilled("P3", drug="阿司匹林|片剂|100mg")

    assert region.store.told == []


def test_a_late_report_completes_a_window_that_is_over(region: Region) -> None:
    region.unfilled("P1", at=NOW)
    region.store.time = NOW + 31 * HOUR
    region.unfilled("P9", at=NOW + 30 * HOUR)

    region.unfilled("P2", at=NOW + 2 * HOUR)

    (suspected,) = region.store.told
    assert suspected.evidence.pharmacies == 2


def test_what_is_reported_much_too_late_finds_its_window_forgotten(region: Region) -> None:
    region.unfilled("P1", at=NOW)
    region.store.time = NOW + 200 * HOUR
    region.unfilled("P9", at=NOW + 100 * HOUR)

    region.unfilled("P2", at=NOW + HOUR)

    assert region.store.told == []


def test_a_pharmacy_with_stock_in_its_books_contradicts_itself(region: Region) -> None:
    region.unfilled("P1", on_hand=30)
    region.unfilled("P2", on_hand=None)

    (suspected,) = region.store.told_of(ShortageCaseSuspected)
    assert suspected.evidence.contradictory == 1
    (alert,) = region.store.told_of(ReporterAlert)
    assert (alert.reporter, alert.kind, alert.raised, alert.against) == (
        "P1",
        "contradictory",
        True,
        f"{DRUG} on hand",
    )


def test_books_that_have_some_but_not_enough_are_no_contradiction(region: Region) -> None:
    region.unfilled("P1", on_hand=10, reason="not_enough_stock")
    region.unfilled("P2", on_hand=0)

    (suspected,) = region.store.told
    assert suspected.evidence.contradictory == 0


def test_a_policy_may_leave_contradictory_signals_out() -> None:
    strict = POLICY.model_copy(update={"contradictory_signals_count": False})
    honest, contradictory = signal("P1"), signal("P2", contradictory=True)

    assert strongest_evidence((honest, contradictory), [contradictory], strict) is None
    evidence = strongest_evidence((honest, contradictory), [honest], strict)
    assert evidence is not None
    assert evidence.pharmacies == 1


def test_demands_can_be_asked_for_beside_pharmacies() -> None:
    many = POLICY.model_copy(update={"suspect_demands": 2})
    new = NewCase(case_id=NOW_ID, drug_key=DRUG, region="33", n=1)
    same_line = (signal("P1"), signal("P2"))

    assert suspect(new, same_line, same_line[1:], NOW, many) == []


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"pharmacies": 1}, "IV"),
        ({"pharmacies": 3, "in_one_county": 2}, "IV"),
        ({"pharmacies": 3, "in_one_county": 3}, "III"),
        ({"pharmacies": 3, "in_one_county": 3, "cities": 2}, "II"),
        ({"pharmacies": 9, "in_one_county": 3, "cities": 5, "provinces": 3}, "I"),
    ],
)
def test_the_grade_follows_the_spread(counts: dict[str, int], expected: str) -> None:
    base = {"window_hours": 24, "demands": 1, "in_one_county": 1, "counties": 1, "cities": 1, "provinces": 1}
    evidence = Evidence.model_validate(base | {"contradictory": 0, "first_at": NOW, "last_at": NOW} | counts)

    assert grade(evidence, POLICY)[0] == expected


def test_a_suspicion_lasts_as_long_as_signals_feed_it_and_ends_by_itself(region: Region) -> None:
    region.unfilled("P1")
    region.unfilled("P2")
    region.store.move_clock(20 * HOUR)
    region.unfilled("P1", demand="line-2")
    first, second = NOW + 48 * HOUR, NOW + 68 * HOUR
    assert region.case().quiet_at == first, "with P1 alone it is below its threshold from the next day on"

    region.store.move_clock(3 * HOUR)
    region.unfilled("P2", demand="line-2")
    assert region.case().quiet_at == second

    region.store.move_clock(second - region.store.time - HOUR)
    assert region.case().status == "suspected"
    region.store.move_clock(HOUR)

    (ended,) = region.store.told_of(ShortageCaseEnded)
    assert (ended.ended_as, ended.duration_hours) == ("dismissed_auto", 68)


def test_a_timer_that_fires_too_early_ends_nothing(region: Region) -> None:
    region.unfilled("P1")
    region.unfilled("P2")

    assert dismiss_quiet(region.case(), NOW + 47 * HOUR) == []


def test_a_confirmed_case_is_fed_no_more(region: Region) -> None:
    for pharmacy in ("P1", "P2", "P3", "P4"):
        region.unfilled(pharmacy)

    assert len(region.store.streams[region.id()]) == 3
    assert region.case().quiet_at is None


def test_a_signal_after_a_dismissed_case_opens_a_new_one_that_is_linked(region: Region) -> None:
    region.unfilled("P1")
    region.unfilled("P2")
    region.dismiss(region.id(1), authority())
    region.store.time += HOUR

    region.unfilled("P3")

    again = region.store.told_of(ShortageCaseSuspected)[1]
    assert again.previous_case == region.id(1)
    assert again.case_id == region.id(2)
    assert again.evidence.pharmacies == 1, "what was judged with the first case does not count again"


def test_a_case_that_is_back_again_is_confirmed_by_what_happened_since(region: Region) -> None:
    region.unfilled("P1")
    region.unfilled("P2")
    region.dismiss(region.id(1), authority())
    region.store.time += HOUR

    for pharmacy in ("P3", "P4"):
        region.unfilled(pharmacy)
    assert region.store.told_of(ShortageCaseConfirmed) == []
    region.unfilled("P5")

    assert [each.case_id for each in region.store.told_of(ShortageCaseConfirmed)] == [region.id(2)]


def test_a_late_report_of_what_happened_before_the_end_raises_nothing(region: Region) -> None:
    region.unfilled("P1")
    region.unfilled("P2")
    region.store.time += HOUR
    region.dismiss(region.id(1), authority())
    region.store.time += HOUR

    region.unfilled("P3", at=NOW + timedelta(minutes=30))

    assert len(region.store.told_of(ShortageCaseSuspected)) == 1


def test_late_reports_of_what_a_new_case_does_not_count_leave_it_as_it_is(region: Region) -> None:
    region.unfilled("P1")
    region.unfilled("P2")
    region.store.time += HOUR
    region.dismiss(region.id(1), authority())
    region.store.time += HOUR
    region.unfilled("P3")
    before = region.case(2)

    region.unfilled("P4", at=NOW + timedelta(minutes=30))

    assert region.case(2) == before


def test_the_first_signal_after_the_deadline_finds_the_old_suspicion_ended(region: Region) -> None:
    region.unfilled("P1")
    region.unfilled("P2")
    region.store.time = NOW + 60 * HOUR

    region.unfilled("P3")

    (ended,) = region.store.told_of(ShortageCaseEnded)
    assert (ended.case_id, ended.ended_as) == (region.id(1), "dismissed_auto")
    assert region.case(2).status == "suspected"


def test_signals_at_two_pharmacies_at_once_confirm_with_a_third_from_before(region: Region) -> None:
    region.unfilled("P1", HANGZHOU)
    region.unfilled("P2", XIHU)
    region.unfilled("P3", XIHU)

    assert region.case().confirmed is not None
    assert region.case().confirmed.grade == "IV", "one city, no county with three"  # type: ignore[union-attr]


def test_regions_are_a_tree_of_leading_digits() -> None:
    assert [node_of(code) for code in ("330102", "330100", "330000", "000000")] == ["330102", "3301", "33", ""]
    assert covers("33", "330102")
    assert not covers("3301", "33")
    assert covers("", "33")


NOW_ID = Region().id()


def signal(pharmacy: str, *, contradictory: bool = False) -> Signal:
    return Signal(demand_key="line-1", pharmacy=pharmacy, region=HANGZHOU, occurred_at=NOW, contradictory=contradictory)


def test_the_thresholds_are_those_that_hold_here(region: Region) -> None:
    region.store.jurisdiction = "demo-eu"

    region.unfilled("P1")
    region.unfilled("P2", demand="line-2")
    assert region.store.told == []
    region.unfilled("P3", NINGBO, demand="line-3")
    assert region.store.told == [], "another city counts apart"
    region.unfilled("P4", demand="line-4", on_hand=3)
    assert region.store.told_of(ShortageCaseSuspected) == [], "who has it in the books does not count"
    region.unfilled("P5", demand="line-5")

    (suspected,) = region.store.told_of(ShortageCaseSuspected)
    assert (suspected.region, suspected.evidence.pharmacies) == ("3301", 3)
