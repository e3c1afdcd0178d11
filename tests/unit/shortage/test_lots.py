"""Lots: what is told together has the effect that it has told one by one, a piece at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from contracts.envelope import IntegrationEvent
from contracts.events.dispatch_stock import LineUnfilled, StockChanged
from contracts.events.shortage import ShortageCaseConfirmed, ShortageCaseEnded, ShortageCaseSuspected
from contracts.events.shortage_reporters import ReporterAlert
from services.seedwork.store.mapper import PydanticMapper
from services.shortage.application.lots import DEMANDS_PER_TURN, GROUPS_PER_TURN, LINES_PER_TURN, spread_lot
from services.shortage.composition import SERVICE
from services.shortage.domain.detector import DETECTOR, DetectorState, detector_ref, strongest_evidence
from services.shortage.domain.events import SignalCounted
from services.shortage.domain.lots import LOT, DemandsCounted, LotSpread, LotState
from services.shortage.domain.policy import POLICIES
from services.shortage.domain.reporter import reporter_ref
from services.shortage.domain.shelves import StockLevelReported
from services.shortage.domain.values import Signal
from services.shortage.domain.watch import watch_ref
from tests.support.store_in_memory import StoreInMemory, enveloped
from tests.unit.shortage.conftest import DRUG, HANGZHOU, HOUR, NINGBO, NOW, OTHER_DRUG, XIAN, Region, spread
from tests.unit.shortage.test_live_detection import told

LEVEL = json.loads(
    (Path(__file__).parents[3] / "contracts" / "examples" / "dispatch.stock_changed.v1.json").read_text()
)
POLICY = POLICIES.of("cn").versions[-1]


def unfilled(pharmacy: str, region: str = HANGZHOU, *, drug: str = DRUG, demand: str = "", **more: Any) -> LineUnfilled:
    usual = {
        "drug_key": drug,
        "product": "XA01",
        "pharmacy": pharmacy,
        "region": region,
        "quantity": 12,
        "reason": "out_of_stock",
        "on_hand_known": True,
        "on_hand": 0,
        "demand_key": demand or f"line-{pharmacy}",
    }
    return LineUnfilled.model_validate({**usual, **more})


def take(store: StoreInMemory, lot: Sequence[tuple[IntegrationEvent, datetime]]) -> None:
    """One batch of the consumer."""
    together = SERVICE.together[type(lot[0][0])]
    store.run(together([(event, enveloped(event, at)) for event, at in lot]))


def lots(store: StoreInMemory) -> list[LotState]:
    return [store.state(ref) for ref in store.refs.values() if ref.aggregate is LOT]


def counted(store: StoreInMemory) -> list[DemandsCounted]:
    return [each.event for each in store.log if isinstance(each.event, DemandsCounted)]


def test_a_lot_is_one_event_and_has_its_effect_at_the_clocks_next_turn(region: Region) -> None:
    store = region.store
    before = store.log_index
    take(store, [(unfilled(f"P{n}"), NOW) for n in range(5)])
    assert store.log_index == before + 1
    assert store.told == []

    store.move_clock(timedelta(0))

    assert [type(event) for event in store.told] == [ShortageCaseSuspected, ShortageCaseConfirmed]
    assert region.case().evidence is not None
    assert region.case().evidence.pharmacies == 5  # type: ignore[union-attr]
    assert [(lot.done, lot.spread_at) for lot in lots(store)] == [(5, None)]


@pytest.mark.parametrize("seed", range(6))
def test_together_or_one_by_one_and_in_any_order_the_same_is_counted_and_opened(seed: int) -> None:
    chance = Random(seed)
    events = [
        (
            unfilled(f"P{chance.randrange(7)}", chance.choice([HANGZHOU, NINGBO]), demand=f"d{chance.randrange(9)}"),
            NOW - timedelta(minutes=chance.randrange(48 * 60)),
        )
        for _ in range(25)
    ]
    alone, together = Region(), Region()
    for event, at in chance.sample(events, len(events)):
        alone.react(event, at)
    chance.shuffle(events)
    take(together.store, events[:11])
    take(together.store, [*events[8:], *events[:3]])
    spread(together.store)

    states = [each.store.state(detector_ref(DRUG, "33")) for each in (alone, together)]
    assert set(states[0].signals) == set(states[1].signals)
    assert alone.case().status == together.case().status
    assert alone.case().evidence == together.case().evidence or alone.case().status == "confirmed"


def test_a_large_lot_has_its_effect_in_pieces_of_limited_size(region: Region) -> None:
    drugs = [f"药{n}|片剂|1mg" for n in range(GROUPS_PER_TURN + 2)]
    store = region.store
    take(store, [(unfilled("P1", drug=drugs[n % 8], demand=f"d{n}"), NOW) for n in range(40)])
    take(store, [(unfilled("Q", demand=f"q{n}"), NOW) for n in range(DEMANDS_PER_TURN + 5)])
    spread(store)

    pieces = [each.event.upto for each in store.log if isinstance(each.event, LotSpread)]
    assert pieces == [30, 40, DEMANDS_PER_TURN, DEMANDS_PER_TURN + 5]
    assert sum(len(event.rows.drug_key) for event in counted(store)) == 40 + DEMANDS_PER_TURN + 5
    assert max(len({row.drug_key for row in event.rows.rows()}) for event in counted(store)) == 1


NEVER = (NOW + timedelta(days=3650), datetime(9999, 12, 31, 23, 59, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC))
"""What clocks that are wrong, or were never set, say."""


@pytest.mark.parametrize("at", NEVER)
def test_a_pharmacy_whose_clock_is_wrong_deafens_no_detector(region: Region, at: datetime) -> None:
    take(region.store, [(unfilled("P9"), at)])
    spread(region.store)
    take(region.store, [(unfilled(f"P{n}"), NOW) for n in range(3)])
    spread(region.store)

    assert region.case().status == "confirmed"
    (lot, *_) = lots(region.store)
    assert lot.taken is not None
    assert lot.taken.rows.occurred_at == (max(datetime(1970, 1, 1, tzinfo=UTC), min(at, NOW)),)


@pytest.mark.parametrize("at", NEVER)
def test_lines_and_levels_of_a_pharmacy_whose_clock_is_wrong_stand_on_a_day_that_was(
    region: Region, at: datetime
) -> None:
    store = region.store
    line = told("P9", at)
    level = StockChanged.model_validate({**LEVEL, "drug_key": DRUG, "occurred_at": at})
    for event in (line, level):
        store.run(SERVICE.react[type(event)](event, enveloped(event, NOW)))
    spread(store)
    store.move_clock(timedelta(minutes=2))

    facts = store.rows("sealed_by", moment=2**62)
    assert facts[0]["shown"] == facts[0]["log_index"], "every read model has taken it"
    days = {each.event.occurred_at for each in store.log if isinstance(each.event, StockLevelReported)}
    assert days == {max(datetime(1970, 1, 1, tzinfo=UTC), min(at, NOW))}


def test_one_drug_in_two_provinces_is_two_pieces(region: Region) -> None:
    take(region.store, [(unfilled("P1"), NOW), (unfilled("P2", XIAN), NOW)])
    spread(region.store)

    assert [[row.pharmacy for row in event.rows.rows()] for event in counted(region.store)] == [["P1"], ["P2"]]
    assert [each.event.upto for each in region.store.log if isinstance(each.event, LotSpread)] == [1, 2]


def test_what_made_a_case_of_the_nation_has_a_turn_of_its_own(region: Region) -> None:
    drugs = [(DRUG, place) for place in (HANGZHOU, XIAN)] + [(OTHER_DRUG, HANGZHOU)]
    take(region.store, [(unfilled(f"P{n}", place, drug=drug), NOW) for drug, place in drugs for n in range(4)])
    spread(region.store)

    assert {region.case(drug=drug).status for drug in (DRUG, OTHER_DRUG)} == {"confirmed"}
    assert [each.event.upto for each in region.store.log if isinstance(each.event, LotSpread)] == [4, 8, 12]


def test_a_lot_over_the_end_of_a_suspicion_feeds_it_ends_it_and_opens_the_next(region: Region) -> None:
    region.unfilled("P1")
    region.unfilled("P2")
    over = region.case().quiet_at
    assert over is not None
    region.store.time = over + 20 * HOUR
    take(region.store, [(unfilled("P8"), over + 10 * HOUR), (unfilled("P3"), NOW + HOUR)])
    spread(region.store)

    first, second = region.case(1), region.case(2)
    assert (first.status, first.evidence.pharmacies if first.evidence else 0) == ("confirmed", 3)
    assert second.suspected is None, (
        "a third pharmacy of the first day made it a shortage, which does not end by itself"
    )

    weak = Region()
    weak.unfilled("P1")
    weak.unfilled("P2")
    weak.store.time = over + 20 * HOUR
    take(weak.store, [(unfilled("P8"), over + 10 * HOUR), (unfilled("P1", demand="again"), NOW + HOUR)])
    spread(weak.store)
    (ended,) = weak.store.told_of(ShortageCaseEnded)
    assert (ended.case_id, ended.ended_as) == (weak.id(1), "dismissed_auto")
    assert weak.case(2).status == "suspected"


def test_the_strongest_window_is_one_of_those_that_hold_what_is_asked_for() -> None:
    def at(pharmacy: str, hours: int) -> Signal:
        moment = NOW + hours * HOUR
        return Signal(
            demand_key=f"d-{pharmacy}", pharmacy=pharmacy, region=HANGZHOU, occurred_at=moment, contradictory=False
        )

    asked, others = at("P1", 0), [at(f"P{n}", 48 + n) for n in range(2, 6)]
    evidence = strongest_evidence([*others, asked], [asked], POLICY)
    assert evidence is not None
    assert (evidence.pharmacies, evidence.first_at, evidence.last_at) == (1, NOW, NOW)
    of_all = strongest_evidence([*others, asked], [others[0]], POLICY)
    assert of_all is not None
    assert of_all.pharmacies == 4
    assert strongest_evidence(others, [asked], POLICY) is None


def test_lines_of_one_order_in_one_lot_stand_as_they_were_told_last(region: Region) -> None:
    placed = told("P1", NOW, short=False, change="placed", filled=0, open=400)
    came = told("P1", NOW, short=False, change="delivered", filled=150, open=250)
    take(region.store, [(placed, NOW), (came, NOW)])
    spread(region.store)

    asked = {
        "log_index": region.store.log_index,
        "within": "33",
        "first": "2026-03-01",
        "last": "2026-03-03",
        "limit": 9,
    }
    (row,) = region.store.rows("supply_at", **asked)
    assert (row["kind"], row["filled"], row["wanted"]) == ("ordered", 150, 400)


def test_many_lines_wake_each_drug_once_and_are_heard_of_each_reporter_once(region: Region) -> None:
    lines = [(told(f"P{n % 9}", NOW + timedelta(seconds=n)), NOW) for n in range(2 * LINES_PER_TURN + 1)]
    silent = told("P99", NOW, short=False, change="placed", filled=0, open=400, drug_key=OTHER_DRUG)
    take(region.store, [*lines, (silent, NOW)])
    spread(region.store)

    assert len(region.store.streams[watch_ref(DRUG).stream_id]) == 1
    assert watch_ref(OTHER_DRUG).stream_id not in region.store.streams
    for pharmacy in ("P1", "P99"):
        assert region.store.state(reporter_ref(pharmacy)).told == 1


def test_a_pharmacy_that_contradicts_itself_in_a_lot_is_alerted_once(region: Region) -> None:
    take(region.store, [(unfilled("P1", demand=f"d{n}", on_hand=5), NOW) for n in range(3)])
    spread(region.store)

    (alert,) = region.store.told_of(ReporterAlert)
    assert (alert.reporter, alert.kind) == ("P1", "contradictory")


def test_a_clock_that_is_early_or_late_finds_nothing_to_do(region: Region) -> None:
    take(region.store, [(unfilled("P1"), NOW)])
    (ref,) = (ref for ref in region.store.refs.values() if ref.aggregate is LOT)
    region.store.time -= HOUR
    before = region.store.log_index
    region.store.run(spread_lot(ref.stream_id))
    region.store.run(spread_lot(watch_ref("?").stream_id))
    assert region.store.log_index == before

    region.store.time += HOUR
    spread(region.store)
    done = region.store.log_index
    region.store.run(spread_lot(ref.stream_id))
    assert region.store.log_index == done


def test_what_an_older_release_counted_one_by_one_loads_and_counts_on(region: Region) -> None:
    """Its stored form, as it was written then."""
    signal = {
        "demand_key": "d1",
        "pharmacy": "P1",
        "region": HANGZHOU,
        "occurred_at": NOW.isoformat(),
        "contradictory": False,
        "event": None,
    }
    event = SignalCounted.model_validate({"signal": signal, "forget_before": (NOW - 72 * HOUR).isoformat()})
    before = DETECTOR.fold([event])
    assert [each.pharmacy for each in before.signals] == ["P1"]
    assert {"shortage.signal.received", "shortage.order_signal.line_reported"} <= {
        cls.TOPIC for aggregate in SERVICE.aggregates for cls in aggregate.events
    }
    assert PydanticMapper([cls for aggregate in SERVICE.aggregates for cls in aggregate.events])
    assert isinstance(before, DetectorState)

    ref = detector_ref(DRUG, "33")
    region.store.refs[ref.stream_id] = ref
    region.store.streams[ref.stream_id] = [event]
    take(region.store, [(unfilled("P1", demand="d1"), NOW), (unfilled("P2"), NOW)])
    spread(region.store)

    assert region.case().evidence is not None
    assert region.case().evidence.demands == 2  # type: ignore[union-attr]
    assert [len(each.rows.drug_key) for each in counted(region.store)] == [1], "what was counted then is known"


def test_a_demand_that_a_later_lot_tells_again_counts_once_and_opens_nothing(region: Region) -> None:
    for _ in range(3):
        take(region.store, [(unfilled("P1"), NOW)])
        spread(region.store)
    take(region.store, [(unfilled("P1"), NOW), (unfilled("P1", drug=OTHER_DRUG), NOW)])
    spread(region.store)

    assert [each.rows.drug_key for each in counted(region.store)] == [(DRUG,), (OTHER_DRUG,)]
    assert region.case().status == "-"
