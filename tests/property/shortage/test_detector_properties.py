"""What holds for the detectors whatever is told, in which order and how often."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from math import isfinite
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from services.shortage.domain.detection.calibration import order_line_walk, unfilled_walk
from services.shortage.domain.detection.cover import Shelf, StatusRules, SupplyStatus, pooled_cover, supply_status
from services.shortage.domain.detection.demand import DayOfDemand, DemandRules, spread, usual_demand
from services.shortage.domain.detection.figures import Unknown
from services.shortage.domain.detection.order_lines import OrderLine, OrderLines
from services.shortage.domain.detection.silence import Reporting, SilenceRules, silent_from_days
from services.shortage.domain.detection.surge import PooledDay, SurgeRules, surge
from services.shortage.domain.detection.unfilled import Unfilled, UnfilledDemands

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LINE_WALK, DAY_WALK = order_line_walk(0.03, 3, 365, 5), unfilled_walk(0.3, 365, 3)
DEMAND = DemandRules(alpha=0.1, beta=0.05, days_min=3, history_days=90)
SURGE = SurgeRules(ratio=2, days_between_alarms=365, history_days=56, guard_days=3, history_days_min=5)
STATUS = StatusRules(
    severe_days=3,
    short_days=7,
    nearly_days=14,
    short_fill_share=0.6,
    fill_days=7,
    coming_days=3,
    orders_days=28,
    better_after_periods=2,
    periods=7,
)
hours = st.integers(0, 400).map(lambda count: NOW + timedelta(hours=count))

lines = st.builds(
    OrderLine,
    key=st.integers(0, 25).map("order-{}".format),
    revision=st.integers(1, 3),
    reporter=st.just("P1"),
    region=st.just("330102"),
    at=hours,
    requested=st.integers(0, 5),
    filled=st.integers(0, 5),
)
tries = st.builds(
    Unfilled,
    demand_key=st.integers(0, 25).map("line-{}".format),
    reporter=st.sampled_from(["P1", "P2"]),
    region=st.just("330102"),
    at=hours,
)


def figures(value: Any) -> Iterable[float]:
    """Every number inside."""
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if isinstance(value, dict):
        for each in value.values():
            yield from figures(each)
    elif isinstance(value, tuple | list):
        for each in value:
            yield from figures(each)
    elif isinstance(value, int | float):
        yield float(value)


@given(told=st.lists(lines, max_size=40), data=st.data())
@settings(max_examples=100, deadline=None)
def test_order_and_repetition_of_reports_about_orders_change_nothing(
    told: list[OrderLine], data: st.DataObject
) -> None:
    again = data.draw(st.permutations([*told, *data.draw(st.lists(st.sampled_from(told), max_size=9))] if told else []))
    once, otherwise = OrderLines().taken(told), OrderLines()
    for line in again:
        otherwise = otherwise.taken([line])
    end = NOW + timedelta(days=30)

    assert otherwise.standing(LINE_WALK, end) == once.standing(LINE_WALK, end)
    assert otherwise.settle(LINE_WALK, end) == once.settle(LINE_WALK, end)


@given(told=st.lists(tries, max_size=40), data=st.data())
@settings(max_examples=100, deadline=None)
def test_order_and_repetition_of_reports_about_demands_change_nothing(
    told: list[Unfilled], data: st.DataObject
) -> None:
    again = data.draw(st.permutations([*told, *data.draw(st.lists(st.sampled_from(told), max_size=9))] if told else []))
    once, otherwise = UnfilledDemands().taken(told), UnfilledDemands()
    for each in again:
        otherwise = otherwise.taken([each])
    end = NOW + timedelta(days=30)

    assert otherwise.standing(DAY_WALK, end) == once.standing(DAY_WALK, end)
    assert otherwise.settle(DAY_WALK, date(2026, 4, 1)) == once.settle(DAY_WALK, date(2026, 4, 1))


@given(told=st.lists(lines, max_size=40), which=st.integers(0, 39))
@settings(max_examples=100, deadline=None)
def test_a_line_that_turns_out_short_never_calms_anybody(told: list[OrderLine], which: int) -> None:
    distinct = list({line.key: line for line in told if line.requested}.values())
    if not distinct:
        return
    changed = distinct[which % len(distinct)]
    worse = changed.model_copy(update={"filled": 0, "revision": 9})
    end = NOW + timedelta(days=30)

    before, after = OrderLines().taken(distinct), OrderLines().taken([*distinct, worse])

    assert after.standing(LINE_WALK, end).level >= before.standing(LINE_WALK, end).level


@given(told=st.lists(tries, max_size=30), more=tries)
@settings(max_examples=100, deadline=None)
def test_one_more_demand_never_calms_anybody(told: list[Unfilled], more: Unfilled) -> None:
    new = more.model_copy(update={"demand_key": "new"})
    begin = Unfilled(demand_key="begin", reporter="P1", region="330102", at=NOW)
    end = NOW + timedelta(days=30)

    before, after = UnfilledDemands().taken([begin, *told]), UnfilledDemands().taken([begin, *told, new])

    assert after.standing(DAY_WALK, end).level >= before.standing(DAY_WALK, end).level


@given(share=st.floats(0, 1), lines=st.floats(0, 1e6), rare=st.floats(1, 5000), ratio=st.floats(1.5, 20))
@settings(max_examples=60, deadline=None)
def test_every_order_line_design_is_finite(share: float, lines: float, rare: float, ratio: float) -> None:
    walk = order_line_walk(share, lines, rare, ratio)

    assert all(isfinite(figure) for figure in figures(walk))
    assert walk.threshold >= walk.unit > walk.allowance


days = st.one_of(
    st.none(),
    st.builds(DayOfDemand, given=st.integers(0, 10**9), in_vain=st.integers(0, 10**9), out_of_stock=st.booleans()),
)
shelves = st.one_of(
    st.none(), st.builds(Shelf, on_hand=st.integers(0, 10**9), committed=st.integers(0, 10**9), coming=st.just(0))
)


@given(told=st.lists(days, max_size=60), shelf=st.lists(shelves, max_size=5))
@settings(max_examples=100, deadline=None)
def test_no_figure_is_infinite_or_no_number(told: list[DayOfDemand | None], shelf: list[Shelf | None]) -> None:
    usual = usual_demand(told, DEMAND)
    cover = pooled_cover([(each, usual) for each in shelf])

    assert all(isfinite(figure) for figure in figures([usual, cover, spread([d.given for d in told if d], 2)]))


@given(asked=st.lists(st.tuples(st.integers(0, 10**6), st.floats(0, 1e6)), max_size=60))
@settings(max_examples=60, deadline=None)
def test_no_surge_is_infinite_or_no_number(asked: list[tuple[int, float]]) -> None:
    told = [PooledDay(at=NOW + timedelta(days=n), asked=each, usual=usual) for n, (each, usual) in enumerate(asked)]

    standing = surge(told, SURGE)

    assert isinstance(standing, Unknown) or all(isfinite(figure) for figure in figures(asdict(standing)))


@given(days=st.integers(0, 5000), told=st.integers(0, 5000), prior=st.floats(0.01, 100))
@settings(max_examples=60, deadline=None)
def test_silence_always_ends_in_an_alert(days: int, told: int, prior: float) -> None:
    rules = SilenceRules(days_between_alarms=3650, days_min=2, prior_days=prior, prior_share=0.9)
    reporting = Reporting(days=days, told=min(days, told), last_told=date(2026, 3, 2))

    assert 2 <= silent_from_days(reporting, rules) < 5_000_000


@given(
    cover=st.floats(0, 1000),
    less=st.floats(0, 1),
    fill=st.floats(0, 1),
    worse=st.floats(0, 1),
    empty=st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_a_status_is_monotone_in_everything(cover: float, less: float, fill: float, worse: float, empty: bool) -> None:
    before = supply_status(cover, fill, out_of_stock=False, no_alternative=False, rules=STATUS)
    after = supply_status(cover * less, fill * worse, out_of_stock=empty, no_alternative=False, rules=STATUS)

    assert isinstance(before, SupplyStatus)
    assert isinstance(after, SupplyStatus)
    assert after >= before
