"""What pharmacies order and what comes of it: kept as facts, in lots, once."""

import json
from pathlib import Path
from typing import Any

from contracts.events.dispatch_stock import OrderLineChanged
from services.shortage.domain.events import SignalReceived
from services.shortage.domain.orders import ORDER_SIGNALS, OrderLineReported
from services.shortage.domain.signals import SIGNALS
from tests.unit.shortage.conftest import DRUG, HANGZHOU, NOW, Region

EXAMPLE = Path(__file__).parents[3] / "contracts" / "examples" / "dispatch.order_line_changed.v1.json"


def told(**changes: Any) -> OrderLineChanged:
    return OrderLineChanged.model_validate({**json.loads(EXAMPLE.read_text()), **changes})


def kept(region: Region) -> list[OrderLineReported]:
    lots = [each.event for each in region.store.log if each.event.TOPIC == "shortage.lot.order_lines_taken"]
    return [row for lot in lots for row in lot.rows.rows()]  # type: ignore[attr-defined]


def test_an_orders_line_is_kept_as_it_was_told(region: Region) -> None:
    region.store.time = told().occurred_at
    region.react(told())
    region.react(told(change="short", back_ordered=0, short=300, open=100))

    assert [(row.change, row.requested, row.back_ordered, row.short) for row in kept(region)] == [
        ("back_ordered", 400, 300, 0),
        ("short", 400, 0, 300),
    ]
    first = kept(region)[0]
    assert first.model_dump(exclude={"event"}) == told().model_dump(exclude={"product"})
    assert first.event, "the very event"


def test_the_same_again_is_nothing_new(region: Region) -> None:
    region.react(told())
    before = region.store.log_index
    region.react(told())

    assert region.store.log_index == before


def test_what_an_older_release_kept_for_each_reporter_and_day_loads(region: Region) -> None:
    """Its stored form, as it was written then: without the event that told it. The same line again is known."""
    region.react(told())
    stored = kept(region)[0].model_dump(mode="json", exclude={"event"})
    lines = [OrderLineReported.model_validate(each) for each in (stored, stored, {**stored, "line": 2})]
    assert {row.line for row in ORDER_SIGNALS.fold(lines).reported} == {stored["line"], 2}

    signal = {
        "demand_key": "d1",
        "pharmacy": "P1",
        "region": HANGZHOU,
        "occurred_at": NOW.isoformat(),
        "contradictory": False,
    }
    demand = {"drug_key": DRUG, "signal": signal, "quantity": 12, "reason": "out_of_stock", "on_hand": None}
    other = {**demand, "signal": {**signal, "demand_key": "d2"}}
    demands = [SignalReceived.model_validate(each) for each in (demand, demand, other)]
    assert SIGNALS.fold(demands).unfilled == {(DRUG, "d1"), (DRUG, "d2")}
