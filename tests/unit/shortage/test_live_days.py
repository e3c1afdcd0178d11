"""Days of supply and surges over live stock: what is known of shelves, day by day."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path

from contracts.events.dispatch_stock import StockChanged
from services.seedwork.calendar import civil_day
from services.shortage.domain.detection.figures import Unknown
from services.shortage.domain.live_days import ShelfDay, Told, judge_day
from services.shortage.domain.policy import POLICIES
from services.shortage.domain.values import SourceKind
from services.shortage.domain.watch import WatchState, watch_ref
from tests.unit.shortage.conftest import DRUG, HANGZHOU, NOW, XIAN, Region

EXAMPLE = json.loads(
    (Path(__file__).parents[3] / "contracts" / "examples" / "dispatch.stock_changed.v1.json").read_text()
)
POLICY = POLICIES.of("cn").versions[-1].detection
DAY = timedelta(days=1)
BEGIN = date(2026, 1, 1)
NODES = {"": 1.0, "33": 0.6}


def shelf(day: int, free: int = 100, given: int = 5, reporter: str = "P1", **changed: object) -> ShelfDay:
    fields = {"region": HANGZHOU, "product": "X", "empty": free == 0, **changed}
    return ShelfDay(reporter=reporter, day=BEGIN + day * DAY, free=free, given=given, **fields)  # type: ignore[arg-type]


def told(shelves: list[ShelfDay], in_vain: dict[tuple[str, date], int] | None = None, **heard: date) -> Told:
    return Told(shelves, in_vain or {}, set(in_vain or {}), heard)


def test_days_of_supply_are_stock_over_usual_demand_of_the_same_reporters() -> None:
    days = [shelf(n) for n in range(40)] + [shelf(n, 60, 3, "P2") for n in range(40)]

    nation, province = judge_day(told(days), BEGIN + 39 * DAY, {}, {}, NODES, POLICY)

    assert (nation.node, province.node) == ("", "33")
    assert (province.cover, province.counted, province.expected) == (20.0, 2, 2)
    assert province.alarms == []
    assert judge_day(told(days), BEGIN + 39 * DAY, {}, {}, {"99": 1.0}, POLICY) == []


def test_a_shelf_without_a_word_stands_and_gives_nothing_while_its_pharmacy_is_heard_of() -> None:
    weekly = [shelf(7 * n, 90, 35) for n in range(6)]
    today = BEGIN + 41 * DAY

    (known,) = judge_day(told(weekly, P1=today), today, {}, {}, {"": 1.0}, POLICY)
    (silent,) = judge_day(told(weekly, P1=BEGIN + 36 * DAY), today, {}, {}, {"": 1.0}, POLICY)

    assert isinstance(known.cover, float)
    assert 15 < known.cover < 25
    assert (silent.cover, silent.counted, silent.expected) == (Unknown.NOTHING_REPORTED, 0, 1)


def test_what_was_empty_says_nothing_of_demand_and_never_nothing_or_without_end() -> None:
    always_out = [shelf(n, 0, 0) for n in range(40)]
    unasked = [shelf(n, 10, 0) for n in range(40)]
    few = [shelf(n) for n in range(3)]

    unknown = Unknown.NOTHING_REPORTED
    for days, cover in ((always_out, unknown), (unasked, Unknown.NO_DEMAND), (few, unknown)):
        last = max(each.day for each in days)
        (judged,) = judge_day(told(days), last, {}, {}, {"": 1.0}, POLICY)
        assert judged.cover == cover


def test_a_shelf_of_before_the_days_that_are_read_is_its_level_then() -> None:
    old = [shelf(0, 50, 0), *(shelf(n, 50, 5, product="Y") for n in range(60, 111))]

    (judged,) = judge_day(told(old), BEGIN + 110 * DAY, {}, {}, {"": 1.0}, POLICY)

    assert judged.cover != Unknown.NOTHING_REPORTED


def test_cover_that_falls_below_what_is_usual_alarms_until_it_is_back() -> None:
    days = [shelf(n) for n in range(60)]
    before = {"": [(BEGIN + n * DAY, 20.0) for n in range(60) if n != 7]}
    today = BEGIN + 60 * DAY

    (low,) = judge_day(told([*days, shelf(60, 50)]), today, before, {}, {"": 1.0}, POLICY)
    (alarm,) = low.alarms
    assert (alarm.source, alarm.node, civil_day(alarm.since)) == (SourceKind.DAYS_OF_SUPPLY, "", today)

    covers = {"": [*before[""], (today, low.cover)]}
    (still,) = judge_day(told([*days, shelf(60, 50), shelf(61, 80)]), today + DAY, covers, {"": low}, {"": 1.0}, POLICY)
    (back,) = judge_day(told([*days, shelf(60, 50), shelf(61, 95)]), today + DAY, covers, {"": low}, {"": 1.0}, POLICY)
    assert still.cover_since == low.cover_since
    assert back.alarms == []


def test_much_more_asked_for_than_usual_is_a_surge_before_anything_is_short() -> None:
    usual = [shelf(n, 1000, 5 + n % 3, f"P{p}") for n in range(75) for p in range(5)]
    surging = [shelf(n, 1000, 40, f"P{p}") for n in range(70, 75) for p in range(5)]

    (calm,) = judge_day(told(usual), BEGIN + 74 * DAY, {}, {}, {"": 1.0}, POLICY)
    (judged,) = judge_day(told([*usual, *surging]), BEGIN + 74 * DAY, {}, {}, {"": 1.0}, POLICY)

    assert calm.surge_since is None
    assert {alarm.source for alarm in judged.alarms} == {SourceKind.DEMAND_SURGE}


def test_a_surge_is_seen_in_those_that_still_have_it() -> None:
    """Three of five are out of it, or turn people away: what they give says nothing of what is asked for."""
    usual = [shelf(n, 1000, 5 + n % 3, f"P{p}") for n in range(70) for p in range(5)]
    out = [shelf(n, 0, 0, f"P{p}") for n in range(70, 75) for p in (0, 1)]
    turning_away = [shelf(n, 1000, 0, "P2") for n in range(70, 75)]
    in_vain = {("P2", BEGIN + n * DAY): 1 for n in range(70, 75)}
    asked_more = [shelf(n, 1000, 16, f"P{p}") for n in range(70, 75) for p in (3, 4)]
    shelves = [*usual, *out, *turning_away, *asked_more]

    (judged,) = judge_day(told(shelves, in_vain), BEGIN + 74 * DAY, {}, {}, {"": 1.0}, POLICY)

    assert judged.surge_since is not None


def stock(region: Region, pharmacy: str, at: datetime, on_hand: int, given: int, place: str = HANGZHOU) -> None:
    event = StockChanged.model_validate(
        {
            **EXAMPLE,
            "pharmacy": pharmacy,
            "region": place,
            "drug_key": DRUG,
            "on_hand": on_hand,
            "reserved": 0,
            "dispensed_in_day": given,
            "occurred_at": at,
        }
    )
    region.store.time = max(region.store.time, at)
    region.store.react(event)


def later(region: Region, by: timedelta) -> None:
    for step in (by, timedelta(seconds=1), timedelta(seconds=1), timedelta(seconds=1)):
        region.store.move_clock(step)


def watch(region: Region) -> WatchState:
    state: WatchState = region.store.state(watch_ref(DRUG))
    return state


def test_live_levels_are_judged_once_a_day_and_a_fall_opens_a_case(region: Region) -> None:
    for day in range(60):
        at = NOW + day * DAY
        for pharmacy in ("P1", "P2"):
            stock(region, pharmacy, at, 100 if day < 57 else 10, 5)
            stock(region, pharmacy, at + timedelta(minutes=1), 95 if day < 57 else 5, 10)
        later(region, timedelta(minutes=2))

    days = [each for each in region.store.streams[watch_ref(DRUG).stream_id] if type(each).__name__ == "DaysJudged"]
    assert len(days) == 60, "each day that is over, once"
    case = region.case()
    assert SourceKind.DAYS_OF_SUPPLY in case.sources
    assert watch(region).days["33"].cover_since is not None


def test_a_node_elsewhere_is_judged_by_its_own_shelves(region: Region) -> None:
    for day in range(20):
        stock(region, "P1", NOW + day * DAY, 100, 5)
        stock(region, "P9", NOW + day * DAY, 30, 1, XIAN)
        later(region, timedelta(minutes=2))

    assert watch(region).days.keys() == {"", "33", "61"}
    assert watch(region).days["33"].cover == 20.0
