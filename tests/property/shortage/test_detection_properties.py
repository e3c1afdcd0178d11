"""What holds for signals in every number and order."""

from collections import defaultdict
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.shortage.domain.detector import DetectorState, count_demands, evolve_detector, strongest_evidence
from services.shortage.domain.lots import UnfilledRow
from services.shortage.domain.policy import POLICIES
from services.shortage.domain.values import Signal
from tests.unit.shortage.conftest import DRUG, HANGZHOU, NINGBO, NOW, XIHU

POLICY = POLICIES.of("cn").versions[-1]


@st.composite
def signals(draw: st.DrawFn) -> list[Signal]:
    """Up to twelve signals within the time that a detector keeps behind its newest, less a window."""
    span = int((POLICY.kept - POLICY.window).total_seconds() // 60)
    times = draw(st.lists(st.integers(0, span), min_size=1, max_size=12))
    return [
        Signal(
            demand_key=f"line-{draw(st.integers(1, 4))}",
            pharmacy=f"P{draw(st.integers(1, 5))}",
            region=draw(st.sampled_from([HANGZHOU, XIHU, NINGBO])),
            occurred_at=NOW + timedelta(minutes=minutes),
            contradictory=False,
        )
        for minutes in times
    ]


def row(signal: Signal) -> UnfilledRow:
    """As a lot holds it."""
    return UnfilledRow(drug_key=DRUG, quantity=1, reason="out_of_stock", on_hand=0, **signal.model_dump())


def strongest_ever(lots: list[list[Signal]]) -> int:
    """The most pharmacies any window was found to have while the signals came in these lots."""
    state, most = DetectorState(), 0
    for lot in lots:
        for counted in count_demands(state, [row(signal) for signal in lot], POLICY):
            state = evolve_detector(state, counted)
        evidence = strongest_evidence(state.signals, lot, POLICY)
        most = max(most, evidence.pharmacies if evidence else 0)
    return most


def counted_plainly(all_signals: list[Signal]) -> int:
    """The same by the definition: for each end, the distinct pharmacies of the day before it."""
    windows: dict[datetime, set[str]] = defaultdict(set)
    for end in all_signals:
        for signal in all_signals:
            if end.occurred_at - POLICY.window < signal.occurred_at <= end.occurred_at:
                windows[end.occurred_at].add(signal.pharmacy)
    return max(len(pharmacies) for pharmacies in windows.values())


@given(known=signals(), data=st.data())
@settings(max_examples=150, deadline=None)
def test_the_order_in_which_reports_arrive_and_the_lots_they_come_in_change_no_count(
    known: list[Signal], data: st.DataObject
) -> None:
    arrived = data.draw(st.permutations(known))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(known)), max_size=3)) | {len(known)})
    lots = [list(arrived[begin:end]) for begin, end in zip([0, *cuts], cuts, strict=False)]

    assert strongest_ever(lots) == counted_plainly(known)


@given(known=signals(), data=st.data())
@settings(max_examples=100, deadline=None)
def test_duplicates_change_no_count(known: list[Signal], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(known), max_size=6))
    rows = [row(each) for each in known]

    def counted(*lots: list[UnfilledRow]) -> DetectorState:
        state = DetectorState()
        for lot in lots:
            for event in count_demands(state, lot, POLICY):
                state = evolve_detector(state, event)
        return state

    assert counted(rows, [row(each) for each in again]) == counted(rows)
    assert counted([*rows, *map(row, again)]) == counted(rows)


@given(known=signals())
@settings(max_examples=60, deadline=None)
def test_tries_of_one_line_never_make_more_demands_than_lines(known: list[Signal]) -> None:
    evidence = strongest_evidence(known, known[-1:], POLICY)

    assert evidence is not None
    assert evidence.demands <= len({signal.demand_key for signal in known})
    assert evidence.in_one_county <= evidence.pharmacies
    assert evidence.provinces <= evidence.cities <= evidence.counties <= evidence.pharmacies
    assert evidence.last_at - evidence.first_at < POLICY.window
