"""How far a shortage has spread, whichever kind of source has seen it, and what grade follows."""

from datetime import timedelta
from typing import Any

import pytest

from contracts.events.shortage import Grade, ShortageCaseConfirmed, ShortageCaseGraded
from services.seedwork.calendar import civil_day
from services.seedwork.usecase import Decision, Moment, UseCase
from services.shortage.application.spread import Spread, shelves_told, spread_of
from services.shortage.domain.case import CASE
from services.shortage.domain.detector import counted_places, reported_evidence, shares
from services.shortage.domain.events import CaseConfirmed, CaseGraded, PeriodJudged
from services.shortage.domain.live_days import Told
from services.shortage.domain.policy import POLICIES, ShortagePolicy
from services.shortage.domain.values import DrugClass, DrugProfile, SourceKind
from services.shortage.domain.watching import joined, period_over
from tests.unit.shortage.conftest import DRUG, HANGZHOU, HOUR, NINGBO, NOW, XIHU, Region, authority
from tests.unit.shortage.responses import Shortage
from tests.unit.shortage.test_case_life import confirmed, report
from tests.unit.shortage.test_watching import signal

POLICY = POLICIES.of("cn").versions[-1]
TWO_CITIES = counted_places({"P1": HANGZHOU, "P2": NINGBO}, 0, NOW - 9 * HOUR, NOW)


def test_institutions_that_report_are_counted_each_once(region: Region) -> None:
    for key, hospital in enumerate(("H1", "H1", "H2", "H3")):
        report(region, f"W-{key}", reporter=hospital)
    region.confirm(region.id(), authority())

    assert region.case().grade == Grade.III, "three of one county"


def test_reports_of_another_city_raise_the_grade_at_once(region: Region) -> None:
    report(region)
    region.confirm(region.id(), authority())
    assert region.case().grade == Grade.IV

    region.store.time += HOUR
    report(region, "W-2", reporter="H2", region=NINGBO)

    assert region.case().grade == Grade.II
    (graded,) = region.store.told_of(ShortageCaseGraded)
    assert graded.inputs.cities == 2


def test_a_report_of_a_province_or_of_the_nation_counts_for_no_city() -> None:
    told = reported_evidence({"H1": "33", "H2": "", "H3": "3301", "H4": XIHU}, NOW, POLICY)

    assert (told.pharmacies, told.in_one_county, told.cities, told.provinces) == (4, 1, 1, 1)


def test_what_a_detector_counted_grades_a_case_that_others_have_opened(region: Region) -> None:
    report(region)

    told = joined(region.case(), SourceKind.ORDER_LINES, (), NOW + HOUR, POLICY, TWO_CITIES)

    assert [each.grade for each in told if isinstance(each, CaseConfirmed)] == [Grade.II]


def test_an_alarm_that_has_spread_raises_the_grade_though_its_kind_is_known(region: Region) -> None:
    confirmed(region, HANGZHOU, HANGZHOU, XIHU)
    case = region.case()
    first = joined(case, SourceKind.ORDER_LINES, (), NOW + HOUR, POLICY, reported_evidence({"P1": XIHU}, NOW, POLICY))
    assert not [each for each in first if isinstance(each, CaseGraded)]

    told = joined(CASE.fold(first, case), SourceKind.ORDER_LINES, (), NOW + 2 * HOUR, POLICY, TWO_CITIES)

    assert [each.grade for each in told if isinstance(each, CaseGraded)] == [Grade.II]


def test_nothing_is_eased_while_orders_still_do_not_come_in_so_many_places(region: Region) -> None:
    confirmed(region, HANGZHOU, NINGBO, XIHU)
    case = region.case()
    for n in range(1, 5):
        now = NOW + n * POLICY.period
        case = CASE.fold(joined(case, SourceKind.ORDER_LINES, (), now - HOUR, POLICY, TWO_CITIES), case)
        judged = period_over(case, [], now, POLICY)
        assert isinstance(judged[0], PeriodJudged)
        assert judged[0].better_periods == 0
        case = CASE.fold(judged, case)
    assert case.grade == Grade.II

    for n in range(5, 7):
        case = CASE.fold(period_over(case, [], NOW + n * POLICY.period + timedelta(seconds=n), POLICY), case)

    assert case.grade == Grade.III, "the alarm is over: eased after two better periods"


def test_an_alarm_that_stands_is_recorded_in_every_period(region: Region) -> None:
    confirmed(region)
    case, seen = region.case(), []
    for n in range(20):
        now = NOW + POLICY.period - HOUR + n * timedelta(hours=12, minutes=12)  # the clock comes a little late
        while case.period_at is not None and case.period_at <= now:
            case = CASE.fold(period_over(case, [], case.period_at, POLICY), case)
            seen.append(case.normal_periods)
        case = CASE.fold(joined(case, SourceKind.ORDER_LINES, (), now, POLICY), case)

    assert set(seen) == {0}


def among(pharmacies: int, drug_class: DrugClass, monkeypatch: pytest.MonkeyPatch) -> Shortage:
    """A county whose pharmacies all tell of their shelves of a drug of this class."""
    profiles = {DRUG: DrugProfile(drug_class=drug_class)}
    monkeypatch.setattr(ShortagePolicy, "profile", lambda _policy, drug_key: profiles[drug_key])
    shortage = Shortage()
    for n in range(pharmacies):
        shortage.pharmacy(f"Q{n}")
        shortage.shelf(f"Q{n}", 0)
    return shortage


@pytest.mark.parametrize(
    ("pharmacies", "drug_class", "grade", "share"),
    [
        (10, DrugClass.B, Grade.III, 0.2),
        (11, DrugClass.B, Grade.IV, 2 / 11),
        (10, DrugClass.A, Grade.II, 0.2),
        (11, DrugClass.A, Grade.III, 2 / 11),
        (1, DrugClass.B, Grade.III, 1.0),
        (0, DrugClass.B, Grade.IV, None),
    ],
)
def test_a_fifth_of_those_who_have_a_shelf_of_it_is_spread(
    pharmacies: int, drug_class: DrugClass, grade: Grade, share: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    region = among(pharmacies, drug_class, monkeypatch)
    region.unfilled("P1")
    region.unfilled("P2", demand="line-2")
    region.confirm(region.id(), authority())

    assert region.case().grade == grade
    (told,) = region.store.told_of(ShortageCaseConfirmed)
    assert told.grade == grade
    evidence = region.case().evidence
    assert evidence is not None
    assert (evidence.county_share, evidence.city_share) == (share, share)


OTHER_FORM = "头孢克肟|颗粒剂|50mg"


def spread_now(region: Shortage) -> Spread:
    found: list[Spread] = []

    def look(moment: Moment) -> Any:
        found.append((yield from spread_of(DRUG, moment.now, POLICY)))
        return Decision.nothing()

    region.store.run(UseCase((), look))
    return found[0]


@pytest.mark.parametrize(
    ("drug_class", "short"), [(DrugClass.A, {"P1"}), (DrugClass.B, {"P1"}), (DrugClass.C, set[str]())]
)
def test_nobody_is_without_medicine_where_something_that_does_as_well_is_there(
    drug_class: DrugClass, short: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    region = among(0, drug_class, monkeypatch)
    supplied(region, "Q1", XIHU)
    region.unfilled("P1", HANGZHOU)

    assert set(spread_now(region).short) == short


@pytest.mark.parametrize("where", [None, NINGBO])
def test_who_turned_somebody_away_counts_where_nobody_knows_an_alternative_to_be_there(
    where: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the drug is of class C: what does as well must itself be supplied."""
    region = among(0, DrugClass.C, monkeypatch)
    if where is not None:
        supplied(region, "Q1", where)
    region.unfilled("P1", HANGZHOU)

    assert set(spread_now(region).short) == {"P1"}


def test_an_alternative_that_runs_out_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    region = among(0, DrugClass.C, monkeypatch)
    supplied(region, "Q1", HANGZHOU)
    region.store.time += HOUR
    region.shelf("Q1", 4, dispensed=2, drug=OTHER_FORM)
    region.unfilled("P1", HANGZHOU)

    assert set(spread_now(region).short) == {"P1"}


def test_what_a_protocol_names_is_an_alternative_where_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    region = among(0, DrugClass.C, monkeypatch)
    region.confirmed()
    substitute = "阿莫西林|胶囊剂|250mg"
    supplied(region, "Q1", HANGZHOU, substitute)
    supplied(region, "Q2", NINGBO, substitute)
    assert set(spread_now(region).short) == {"P1", "P2", "P3"}

    region.issued(to_drug_key=substitute, regions=("3301",))

    assert set(spread_now(region).short) == {"P3"}, "in Ningbo it does not hold"


def supplied(region: Shortage, pharmacy: str, county: str, drug: str = OTHER_FORM) -> None:
    """It has told of a shelf for long, gives a little each day and has plenty."""
    now = region.store.time
    for back in range(60, -1, -1):
        region.store.time = now - timedelta(days=back)
        region.shelf(pharmacy, 200, dispensed=2, drug=drug, region=county)


def test_the_share_is_kept_in_the_first_period_too(monkeypatch: pytest.MonkeyPatch) -> None:
    region = among(10, DrugClass.B, monkeypatch)
    region.unfilled("P1")
    region.unfilled("P2", demand="line-2")
    region.confirm(region.id(), authority())

    judged = period_over(region.case(), [signal("P1"), signal("P2")], NOW + POLICY.period, POLICY)

    assert [each.grade for each in judged if isinstance(each, PeriodJudged)] == [Grade.III]


def test_where_nobody_knows_how_many_report_no_share_is_known() -> None:
    assert shares({"P1": HANGZHOU, "P2": XIHU, "P3": NINGBO}, {HANGZHOU: 10, XIHU: 5}) == {
        "county_share": 0.2,
        "city_share": 2 / 15,
    }


def test_a_line_that_is_tried_at_three_pharmacies_is_asked_for_once(region: Region) -> None:
    for pharmacy in ("P1", "P2", "P3"):
        region.unfilled(pharmacy, demand="line-1")
        region.store.time += HOUR
    region.unfilled("P3", demand="line-2")
    told: list[Told] = []

    def look(moment: Moment) -> Any:
        found, _ = yield from shelves_told(DRUG, civil_day(moment.now), POLICY.detection)
        told.append(found)
        return Decision.nothing()

    region.store.run(UseCase((), look))

    today = civil_day(NOW)
    assert told[0].in_vain == {("P3", today): 24}, "base units of two lines, where they were tried last"
    assert told[0].turned_away == {(pharmacy, today) for pharmacy in ("P1", "P2", "P3")}
