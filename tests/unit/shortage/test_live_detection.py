"""The detectors over live events: what pharmacies order and does not come, and what nobody could fill."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID, uuid5

import pytest

from contracts.events.dispatch_stock import OrderLineChanged
from contracts.events.shortage import ShortageCaseConfirmed, ShortageCaseEnded, ShortageCaseSuspected
from contracts.events.shortage_reporters import ReporterAlert
from services.seedwork.calendar import civil_day
from services.shortage.application import use_cases
from services.shortage.application.detecting import judge_facts
from services.shortage.domain.detection.order_lines import OrderLine
from services.shortage.domain.detection.unfilled import Unfilled
from services.shortage.domain.live import Facts, Settled, judge
from services.shortage.domain.policy import POLICIES
from services.shortage.domain.reporter import reporter_ref
from services.shortage.domain.values import SourceKind
from services.shortage.domain.watch import WatchState, watch_ref
from tests.unit.shortage.conftest import DRUG, HANGZHOU, HOUR, NINGBO, NOW, XIAN, Region, authority

EXAMPLE = json.loads(
    (Path(__file__).parents[3] / "contracts" / "examples" / "dispatch.order_line_changed.v1.json").read_text()
)
POLICY = POLICIES.of("cn").versions[-1]
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ORDERS = UUID(int=5)


def told(
    pharmacy: str, at: datetime, *, short: bool = True, region: str = HANGZHOU, **changed: object
) -> OrderLineChanged:
    came = 0 if short else 400
    fields = {
        "order_id": uuid5(ORDERS, f"{pharmacy}/{at}"),
        "pharmacy": pharmacy,
        "region": region,
        "drug_key": DRUG,
        "change": "short" if short else "delivered",
        "requested": 400,
        "filled": came,
        "open": 0,
        "back_ordered": 0,
        "short": 400 - came,
        "cancelled": 0,
        "occurred_at": at,
    }
    return OrderLineChanged.model_validate({**EXAMPLE, **fields, **changed})


def order(
    region: Region, pharmacy: str, *, short: bool = True, place: str = HANGZHOU, at: datetime | None = None
) -> None:
    """It is placed, and something comes of it."""
    at = at or region.store.time
    region.react(told(pharmacy, at, region=place, short=False, change="placed", filled=0, open=400))
    region.react(told(pharmacy, at, short=short, region=place))


def watch(region: Region) -> WatchState:
    state: WatchState = region.store.state(watch_ref(DRUG))
    return state


def later(region: Region, by: timedelta, turns: int = 3) -> None:
    """So much later the detectors have looked, and the cases of all nodes have had their turn."""
    region.store.move_clock(by)
    for _ in range(turns):
        region.store.move_clock(timedelta(seconds=1))


def tick(region: Region, turns: int = 3) -> None:
    later(region, MINUTE, turns)


def short_lines(region: Region, count: int = 12, place: str = HANGZHOU) -> None:
    for n in range(count):
        region.store.time += MINUTE / 4
        order(region, f"P{place}-{n}", place=place)


def test_orders_that_do_not_come_are_a_suspicion_at_the_next_tick(region: Region) -> None:
    short_lines(region)
    assert region.store.told == [], "a signal is kept, and judged by the clock"
    tick(region)

    suspected = {each.region: each for each in region.store.told_of(ShortageCaseSuspected)}
    assert set(suspected) == {"", "33"}, "of the province and of the nation"
    assert suspected["33"].evidence.pharmacies > 3
    assert suspected["33"].evidence.cities == 1
    case = region.case()
    assert case.sources.keys() == {SourceKind.ORDER_LINES}
    assert all("/" in event for event in case.events), "the very events"
    assert watch(region).alarms.keys() >= {(SourceKind.ORDER_LINES, "33"), (SourceKind.ORDER_LINES, "")}


def test_orders_that_come_are_no_sign(region: Region) -> None:
    for n in range(30):
        order(region, f"P{n}", short=n == 7)
    tick(region)

    assert region.store.told == []
    assert watch(region).alarms == {}


def test_a_burst_of_facts_costs_the_watch_two_events_at_most(region: Region) -> None:
    short_lines(region, 100)

    events = region.store.streams[watch_ref(DRUG).stream_id]
    assert len(events) == 2


def test_what_was_placed_and_says_nothing_yet_wakes_nobody(region: Region) -> None:
    region.react(told("P1", NOW, short=False, change="placed", open=400, filled=0))

    assert watch(region).facts_at is None


def test_short_and_unfilled_together_confirm_without_anybody(region: Region) -> None:
    short_lines(region)
    tick(region)
    region.unfilled("P1")
    region.unfilled("P2")

    confirmed = region.store.told_of(ShortageCaseConfirmed)
    assert [(each.region, each.confirmed_by) for each in confirmed] == [("33", "sources")]


def test_facts_that_the_read_models_do_not_have_yet_are_seen_at_the_second_look(region: Region) -> None:
    order(region, "P0")
    region.store.time += MINUTE * 0.9
    short_lines(region)
    region.store.lists_lag = True
    tick(region, 0)
    assert region.store.told == []

    region.store.lists_lag = False
    tick(region)
    tick(region)

    assert region.store.told_of(ShortageCaseSuspected)


def test_a_line_is_short_from_its_first_word_of_it_whatever_comes_later(region: Region) -> None:
    for n in range(12):
        at = NOW + n * MINUTE / 10
        region.store.time = at
        back = told(f"P{n}", at, short=False, change="back_ordered", filled=0, back_ordered=400, open=400)
        region.react(back)
        came = {"change": "delivered", "filled": 400, "short": 0, "order_id": back.order_id}
        region.react(told(f"P{n}", at, occurred_at=at, **came))
    tick(region)

    assert region.case().sources.keys() == {SourceKind.ORDER_LINES}


def test_an_alarm_lasts_until_its_level_is_nothing_and_its_case_as_long(region: Region) -> None:
    short_lines(region)
    tick(region)
    for _ in range(5):
        later(region, 12 * HOUR)
    assert region.case().status == "suspected", "fed as long as it alarms"

    for n in range(700):
        order(region, f"F{n}", short=False)
    tick(region)
    assert watch(region).alarms == {}
    region.store.move_clock(POLICY.hysteresis + HOUR)

    ended = region.store.told_of(ShortageCaseEnded)
    assert {each.ended_as for each in ended} == {"dismissed_auto"}


def test_an_alarm_to_which_nothing_is_told_any_more_says_nothing_in_the_end(region: Region) -> None:
    short_lines(region)
    tick(region)
    for _ in range(2 * POLICY.detection.lateness_days + 4):
        later(region, 12 * HOUR)

    assert watch(region).alarms == {}
    assert watch(region).facts_at is None, "and nobody looks any more"


def test_what_an_authority_has_dismissed_is_not_raised_again_by_the_same_alarm(region: Region) -> None:
    short_lines(region)
    tick(region)
    region.dismiss(region.id(), authority())
    later(region, 12 * HOUR)

    assert region.case(2).suspected is None


def test_a_watch_that_is_asked_too_early_changes_nothing(region: Region) -> None:
    order(region, "P1")
    before = region.store.log_index
    region.store.run(judge_facts(watch_ref(DRUG).stream_id))
    region.store.run(judge_facts(watch_ref("?").stream_id))

    assert region.store.log_index == before


def test_a_city_alone_is_a_sign_for_its_province(region: Region) -> None:
    lines = [line(n, short=True, region=NINGBO) for n in range(25)]

    alarms = judge(Settled(), Facts(lines), NOW + DAY, POLICY.detection).alarms

    assert {alarm.node for alarm in alarms} == {"", "33", "3302", NINGBO}


def line(n: int, *, short: bool, region: str = HANGZHOU, at: datetime | None = None) -> OrderLine:
    return OrderLine(
        key=str(n),
        revision=1,
        reporter=f"P{n % 60}",
        region=region,
        at=at or NOW + n * MINUTE,
        requested=1,
        filled=0 if short else 1,
    )


def demand(n: int, at: datetime, region: str = HANGZHOU) -> Unfilled:
    return Unfilled(demand_key=f"d{n}", reporter="P", region=region, at=at)


def year(seed: int) -> Facts:
    chance = Random(seed)
    places = (HANGZHOU, NINGBO, XIAN)
    lines = [
        line(n, short=chance.random() < 0.05, region=chance.choice(places), at=NOW + n * 3 * HOUR) for n in range(300)
    ]
    demands = [demand(n, NOW + chance.random() * 40 * DAY, chance.choice(places)) for n in range(20)]
    return Facts(lines, demands)


@pytest.mark.parametrize("seed", range(5))
def test_order_and_repetition_of_facts_change_nothing(seed: int) -> None:
    facts, chance = year(seed), Random(seed)
    lines, demands = [*facts.lines, *facts.lines[::3]], [*facts.demands, *facts.demands[::2]]
    chance.shuffle(lines)
    chance.shuffle(demands)
    now = NOW + 38 * DAY

    assert judge(Settled(), Facts(lines, demands), now, POLICY.detection) == judge(
        Settled(), facts, now, POLICY.detection
    )


def test_late_and_back_dated_facts_count_until_their_days_are_settled() -> None:
    facts, now = year(1), NOW + 38 * DAY
    settled = judge(Settled(), facts, now, POLICY.detection).settled
    assert settled is not None
    assert settled.until is not None
    assert civil_day(settled.until) == civil_day(now - POLICY.detection.lateness_days * DAY)
    usual = settled.nodes[SourceKind.ORDER_LINES, ""].usual
    assert (usual.lines, usual.days) == (sum(each.at < settled.until for each in facts.lines), 23)
    recent = Facts([each for each in facts.lines if each.at >= settled.until], facts.demands)
    before = judge(settled, recent, now, POLICY.detection)

    too_late = [line(1000 + n, short=True, at=settled.until - HOUR) for n in range(30)]
    back_dated = [line(1000 + n, short=True, at=settled.until + HOUR) for n in range(30)]

    assert (
        judge(settled, Facts([*recent.lines, *too_late], recent.demands), now, POLICY.detection).alarms == before.alarms
    )
    nodes = {alarm.node for alarm in judge(settled, Facts([*recent.lines, *back_dated]), now, POLICY.detection).alarms}
    assert {"", "33"} <= nodes
    assert before.settled is None, "settled once a week"


def test_walks_that_are_settled_go_on_where_they_stood() -> None:
    """One walk over everything, or settled on the way: the alarm is the same, and since the same moment."""
    begin = NOW
    lines = [line(n, short=True, at=begin + n * HOUR) for n in range(12)]
    quiet = [line(100 + n, short=False, at=begin + 20 * DAY + n * HOUR) for n in range(3)]
    now = begin + 22 * DAY
    whole = judge(Settled(), Facts([*lines, *quiet]), now, POLICY.detection)
    assert whole.settled is not None

    after = judge(whole.settled, Facts(quiet), now, POLICY.detection)

    assert {(each.node, each.since) for each in after.alarms} == {(each.node, each.since) for each in whole.alarms}
    assert whole.alarms


def test_many_demands_that_stay_unfilled_alarm_by_day(region: Region) -> None:
    demands = [demand(n, NOW + (n % 5) * DAY) for n in range(60)]

    alarms = judge(Settled(), Facts((), demands), NOW + 5 * DAY, POLICY.detection).alarms

    assert {alarm.source for alarm in alarms} == {SourceKind.UNFILLED}
    assert judge(Settled(), Facts((), demands[:1]), NOW + 5 * DAY, POLICY.detection).alarms == ()
    assert judge(Settled(), Facts(), NOW, POLICY.detection).settled is None


def test_facts_are_settled_by_the_watch_once_a_week(region: Region) -> None:
    for day in range(30):
        region.store.time = NOW + day * DAY
        order(region, f"P{day}", short=False)
        tick(region)

    settled = watch(region).settled
    assert settled.until is not None
    assert settled.nodes[SourceKind.ORDER_LINES, ""].usual.days >= 14
    assert watch(region).alarms == {}


def alerts(region: Region) -> list[tuple[str, str, str | None]]:
    rows = region.store.rows("reporter_alerts", within="33", before=2**62, limit=10)
    return [(row["reporter"], row["kind"], row["against"]) for row in rows]


def test_a_reporter_that_is_silent_for_longer_than_its_habit_is_alerted_until_it_is_heard_of(region: Region) -> None:
    for day in range(20):
        region.store.time = NOW + day * DAY
        order(region, "P1", short=False)
        order(region, "P1", short=False, at=region.store.time + MINUTE)
    region.store.move_clock(2 * DAY)
    assert alerts(region) == []
    region.store.move_clock(3 * DAY)
    region.store.move_clock(DAY)
    assert alerts(region) == [("P1", "silent", None)]
    (alert,) = region.store.told_of(ReporterAlert)
    assert (alert.reporter, alert.region, alert.kind, alert.raised) == ("P1", HANGZHOU, "silent", True)
    assert alert.since == civil_day(NOW + 19 * DAY), "the last day it was heard of"

    order(region, "P1", short=False)
    assert alerts(region) == []
    assert [(each.kind, each.raised) for each in region.store.told_of(ReporterAlert)][1:] == [("silent", False)]
    region.store.time += DAY
    order(region, "P1", short=False)
    assert len(region.store.told_of(ReporterAlert)) == 2, "an everyday word is no news"


def test_a_silence_that_has_not_begun_is_none(region: Region) -> None:
    order(region, "P1")
    before = region.store.log_index
    region.store.run(use_cases.alert_silence(reporter_ref("P1").stream_id))
    region.store.run(use_cases.alert_silence(reporter_ref("P2").stream_id))

    assert region.store.log_index == before


def test_a_reporter_that_contradicts_itself_is_alerted_once_a_day(region: Region) -> None:
    region.unfilled("P1", on_hand=40)
    region.unfilled("P1", demand="line-2", on_hand=40)
    assert alerts(region) == [("P1", "contradictory", f"{DRUG} on hand")]

    region.store.time += DAY
    region.unfilled("P1", demand="line-3", on_hand=40)
    assert len(alerts(region)) == 2
