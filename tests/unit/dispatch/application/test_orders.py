"""Orders with suppliers: what is asked for, what comes, what stays away; goods on the shelf in the same save."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events import dispatch_stock as goods
from services.dispatch.application import orders
from services.dispatch.application.orders import OrderRequest, WantedLine
from services.dispatch.domain.replenishment.order import ORDERS, ConfirmLine, OrderState, ReceivedGoods, order_id
from services.seedwork.ports import Outcome
from services.seedwork.usecase import Actor
from tests.unit.dispatch.town import GOOD_UNTIL, SYRUP, TABLETS, A, B, Town, actor, fine, place, refused

SUPPLIER = "W43010000001"
WHOLESALER = Actor(subject="orders", role="wholesaler", organisation=SUPPLIER)
PHARMACIST = actor("pharmacist")
PLACED = order_id(A, "N1")


def order(town: Town, *lines: dict[str, Any], number: str = "N1", supplier: str = SUPPLIER) -> Outcome:
    wanted = tuple(WantedLine.model_validate({"product": TABLETS, "requested": 400, **line}) for line in lines)
    request = OrderRequest(order_no=number, pharmacy=A, supplier=supplier, lines=wanted or (line_one(),))
    return town.store.run(orders.place_order(request, PHARMACIST))


def line_one() -> WantedLine:
    return WantedLine(line=1, product=TABLETS, requested=400)


def confirm(town: Town, who: Actor = WHOLESALER, order: UUID = PLACED, **said: Any) -> Outcome:
    row = ConfirmLine.model_validate({"line": 1, "confirmed": 0, **said})
    return town.store.run(orders.confirm_order(order, [row], who))


def receive(town: Town, quantity: int, who: Actor = PHARMACIST, **more: Any) -> Outcome:
    facts = {"line": 1, "lot": "N-1", "expiry": GOOD_UNTIL, "quantity": quantity, "unit_price": 1300, **more}
    return town.store.run(orders.receive_goods(PLACED, [ReceivedGoods.model_validate(facts)], who))


def close(town: Town, *, cancelled: bool, line: int = 1) -> Outcome:
    return town.store.run(orders.close_lines(PLACED, [line], "no reason", PHARMACIST, cancelled=cancelled))


def line(town: Town) -> Any:
    state: OrderState = town.store.state(ORDERS.ref(PLACED))
    found = state.lines[1]
    assert found.requested == found.filled + found.open + found.short + found.cancelled
    assert min(found.filled, found.open, found.short, found.cancelled, found.confirmed, found.back_ordered) >= 0
    assert found.confirmed + found.back_ordered <= found.open
    return found


def changes(town: Town) -> list[tuple[Any, ...]]:
    told = town.store.told_of(goods.OrderLineChanged)
    return [(e.change, e.requested, e.filled, e.back_ordered, e.short) for e in told]


def test_an_order_is_placed_confirmed_in_part_and_delivered_in_two_parts(town: Town) -> None:
    fine(order(town))
    fine(confirm(town, confirmed=100, back_ordered=300, promised_at=date(2026, 3, 20)))
    assert line(town).status == "back_ordered"
    fine(receive(town, 100))
    assert (line(town).confirmed, line(town).back_ordered, line(town).status) == (0, 300, "back_ordered")
    body = fine(receive(town, 300)).body

    assert body["lines"][0]["status"] == line(town).status == "delivered"
    assert changes(town) == [
        ("placed", 400, 0, 0, 0),
        ("back_ordered", 400, 0, 300, 0),
        ("delivered", 400, 100, 300, 0),
        ("delivered", 400, 400, 0, 0),
    ]
    (first, *_) = town.store.told_of(goods.OrderLineChanged)
    assert (first.pharmacy, first.region, first.supplier, first.open) == (A, "430102", SUPPLIER, 400)


def test_goods_of_an_order_are_on_the_shelf_in_the_same_save(town: Town) -> None:
    fine(order(town, {"line": 1}, {"line": 2, "product": SYRUP, "requested": 5}))
    rows = [
        ReceivedGoods(line=1, lot="N-1", expiry=GOOD_UNTIL, quantity=60, unit_price=1300),
        ReceivedGoods(line=1, lot="N-2", expiry=GOOD_UNTIL, quantity=40, unit_price=1300),
        ReceivedGoods(line=2, lot="N-3", expiry=GOOD_UNTIL, quantity=5, unit_price=2000),
    ]
    fine(town.store.run(orders.receive_goods(PLACED, rows, PHARMACIST)))

    assert (town.shelf().on_hand, town.shelf().unit_price, town.shelf(product=SYRUP).on_hand) == (300, 1300, 15)
    assert line(town).filled == 100


@pytest.mark.parametrize(
    ("goods_", "code"),
    [
        ({"quantity": 401}, "order.more_than_open"),
        ({"quantity": 20, "line": 7}, "order.line_unknown"),
        ({"quantity": 20, "expiry": date(2020, 1, 1)}, "stock.lot_expired"),
        ({"quantity": 20, "lot": "L1", "expiry": date(2028, 1, 1)}, "stock.lot_differs"),
    ],
    ids=["more", "line", "expired", "differs"],
)
def test_goods_that_do_not_fit_change_neither_order_nor_shelf(town: Town, goods_: dict[str, Any], code: str) -> None:
    fine(order(town))
    refused(receive(town, **goods_), code)

    assert (line(town).filled, town.shelf().on_hand) == (0, 200)


def test_what_a_supplier_leaves_short_is_told_and_ends_the_line(town: Town) -> None:
    fine(order(town))
    fine(confirm(town, confirmed=300, short=100))
    assert line(town).status == "confirmed"
    fine(receive(town, 300))

    assert line(town).status == "short"
    assert changes(town)[1:] == [("short", 400, 0, 0, 100), ("delivered", 400, 300, 0, 100)]
    refused(receive(town, 1), "order.wrong_state")
    refused(confirm(town, confirmed=0), "order.wrong_state")


def test_a_line_of_which_nothing_comes_is_short_at_once(town: Town) -> None:
    fine(order(town))
    fine(confirm(town, short=400))
    assert (line(town).status, line(town).open) == ("short", 0)


def test_the_rest_of_a_line_is_left_short_or_called_off(town: Town) -> None:
    fine(order(town))
    fine(confirm(town, confirmed=100, back_ordered=300))
    fine(receive(town, 100))
    fine(close(town, cancelled=False))
    assert (line(town).status, line(town).short, line(town).back_ordered) == ("short", 300, 0)
    refused(close(town, cancelled=True), "order.wrong_state")

    fine(order(town, number="N2"))
    other = order_id(A, "N2")
    fine(town.store.run(orders.close_lines(other, [1], "too late", PHARMACIST, cancelled=True)))
    found = town.store.state(ORDERS.ref(other)).lines[1]
    assert (found.status, found.cancelled, found.open) == ("cancelled", 400, 0)
    assert changes(town)[-1] == ("cancelled", 400, 0, 0, 0)


def test_what_a_supplier_says_adds_up_to_what_is_open(town: Town) -> None:
    fine(order(town))
    refused(confirm(town, confirmed=399), "order.does_not_add_up")
    refused(confirm(town, confirmed=400, short=1), "order.does_not_add_up")
    fine(receive(town, 100))
    fine(confirm(town, confirmed=300))
    assert line(town).status == "confirmed"


def test_the_same_order_again_changes_nothing_and_lines_are_added(town: Town) -> None:
    fine(order(town))
    assert fine(order(town)).status == 201
    fine(order(town, {"line": 2, "product": SYRUP}))

    assert len(changes(town)) == 2
    refused(order(town, {"line": 1, "requested": 401}), "order.line_differs")
    refused(order(town, {"line": 3}, supplier="W43010000002"), "order.other_supplier")
    refused(order(town, {"line": 3, "product": "X" * 23}), "product.unknown")
    town.load("pharmacy", A, place(28, 113, "430102"), suspended=True)
    refused(order(town, {"line": 3}), "pharmacy.not_admitted")


def test_an_order_that_runs_already_is_taken_over_as_it_stands(town: Town) -> None:
    fine(order(town, {"line": 1, "filled": 100, "back_ordered": 300, "promised_at": date(2026, 4, 1)}))
    assert (line(town).status, line(town).open) == ("back_ordered", 300)
    fine(order(town, {"line": 2, "requested": 20, "filled": 20}))
    assert town.store.state(ORDERS.ref(PLACED)).lines[2].status == "delivered"
    refused(order(town, {"line": 3, "filled": 300, "back_ordered": 200}), "order.does_not_add_up")


def test_only_the_two_sides_know_an_order(town: Town) -> None:
    fine(order(town))
    refused(confirm(town, actor("pharmacist", B), confirmed=400), "order.not_yours")
    refused(receive(town, 20, actor("pharmacist", B)), "order.not_yours")
    refused(confirm(town, order=uuid4(), confirmed=400), "order.unknown")
    fine(confirm(town, PHARMACIST, confirmed=400))
    both = [
        town.store.rows("orders_of", organisation=side, after="", after_pharmacy="", limit=9) for side in (A, SUPPLIER)
    ]
    assert [row["order_no"] for rows in both for row in rows] == ["N1", "N1"]
    assert town.store.rows("orders_of", organisation=B, after="", after_pharmacy="", limit=9) == []
