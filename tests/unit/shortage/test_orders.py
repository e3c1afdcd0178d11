"""What pharmacies order and what comes of it: kept as facts, in lots, once."""

import json
from pathlib import Path
from typing import Any

from contracts.events.dispatch_stock import OrderLineChanged
from services.shortage.domain.orders import OrderLineReported
from tests.unit.shortage.conftest import Region

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
