"""What pharmacies order and what comes of it: kept as facts with their reporter, once."""

import json
from pathlib import Path
from typing import Any

from contracts.events.dispatch_stock import OrderLineChanged
from services.seedwork.calendar import civil_day
from services.shortage.domain.orders import order_signals_ref
from tests.unit.shortage.conftest import Region

EXAMPLE = Path(__file__).parents[3] / "contracts" / "examples" / "dispatch.order_line_changed.v1.json"


def told(**changes: Any) -> OrderLineChanged:
    return OrderLineChanged.model_validate({**json.loads(EXAMPLE.read_text()), **changes})


def test_an_orders_line_is_kept_with_its_reporter_and_day(region: Region) -> None:
    region.store.react(told())
    region.store.react(told(change="short", back_ordered=0, short=300, open=100))

    day = region.store.state(order_signals_ref(told().pharmacy, civil_day(told().occurred_at)))
    assert {(row.change, row.requested, row.back_ordered, row.short) for row in day.reported} == {
        ("back_ordered", 400, 300, 0),
        ("short", 400, 0, 300),
    }


def test_the_same_again_is_nothing_new(region: Region) -> None:
    region.store.react(told())
    region.store.react(told())

    assert region.store.log_index == 1
