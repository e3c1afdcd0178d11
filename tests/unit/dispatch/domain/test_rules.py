"""Small rules: policy by date, money, packs, tables."""

from datetime import date
from uuid import uuid4

import pytest

from services.dispatch.composition import SERVICE
from services.dispatch.domain import trace_code
from services.dispatch.domain.delivery.transitions import TRANSITIONS as DELIVERY
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.transitions import FULFILMENT, HOLD, SUPPLY
from services.dispatch.domain.replenishment import order
from services.dispatch.domain.stock import item
from services.dispatch.domain.stock.events import Pick
from services.dispatch.domain.stock.item import Lot, StockState
from services.dispatch.domain.trace_code import TraceCodeState
from services.dispatch.domain.trace_code_events import PackFacts
from services.dispatch.domain.values import amount_of, packs_for
from services.seedwork.model import Refusal
from services.seedwork.transitions import Transitions


@pytest.mark.parametrize(
    ("quantity", "pack", "price", "amount"), [(60, 20, 1250, 3750), (7, 20, 1250, 438), (1, 3, 100, 33), (1, 2, 1, 1)]
)
def test_an_amount_is_rounded_once_half_up(quantity: int, pack: int, price: int, amount: int) -> None:
    assert amount_of(quantity, pack, price) == amount


def test_an_opened_pack_counts_as_a_pack() -> None:
    assert (packs_for(20, 20), packs_for(21, 20)) == (1, 2)


@pytest.mark.parametrize(
    "table", [FULFILMENT, HOLD, SUPPLY, DELIVERY, trace_code.TRANSITIONS, item.TRANSITIONS, order.TRANSITIONS]
)
def test_a_table_has_each_row_once(table: Transitions) -> None:
    keys = [(row.state, row.trigger) for row in table.rows]
    assert len(set(keys)) == len(keys)


def test_each_topic_is_told_by_one_class() -> None:
    classes = {event for aggregate in SERVICE.aggregates for event in aggregate.events}
    assert len({event.TOPIC for event in classes}) == len(classes)
    assert FULFILMENTS.name == "fulfilment"


def test_a_code_is_sold_only_by_the_supply_that_scanned_it() -> None:
    pack = PackFacts(code="8", pharmacy="A", product="X", pack_size=20)
    mine, other = uuid4(), uuid4()
    scanned = TraceCodeState(pack=pack, scanned_by=mine, scanned_quantity=20)

    assert isinstance(trace_code.sell(scanned, other, "8"), Refusal)
    assert trace_code.unscan(scanned, other) == []
    assert trace_code.free(scanned, mine) == []


def test_two_picks_of_one_lot_are_one_quantity() -> None:
    expiry = date(2027, 1, 1)
    shelf = StockState(lots={"L": Lot(expiry, 30)})
    picks = (Pick(lot="L", expiry=expiry, quantity=20), Pick(lot="L", expiry=expiry, quantity=20))

    counted, dispensed = item.dispense(shelf, uuid4(), uuid4(), picks)

    assert item.evolve(item.evolve(shelf, counted), dispensed).on_hand == 0


def test_a_lot_the_books_never_had_is_counted_in() -> None:
    picks = (Pick(lot="NEW", expiry=date(2027, 1, 1), quantity=20),)
    state = StockState()
    for event in item.dispense(state, uuid4(), uuid4(), picks):
        state = item.evolve(state, event)

    assert state.lots["NEW"].on_hand == 0
    assert item.free(state, uuid4(), 5) == []
