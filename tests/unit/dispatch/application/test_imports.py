"""Goods in bulk: each row for itself, once, and nothing of a broken one."""

from typing import Any

import pytest

from contracts.rows import ROWS_PER_REQUEST_MAX
from services.dispatch.application import imports
from services.dispatch.domain.replenishment.order import ORDERS, order_id
from tests.unit.dispatch.application.test_recalls import load
from tests.unit.dispatch.town import SYRUP, TABLETS, A, Town, actor, fine, place, refused

PHARMACIST = actor("pharmacist")


def row(**changes: Any) -> dict[str, Any]:
    return {"product": TABLETS, "lot": "N1", "expiry": "2028-12-31", "quantity": "40", "unit_price": "1300", **changes}


def line(**changes: Any) -> dict[str, Any]:
    return {"order_no": "N1", "line": 1, "supplier": "W1", "product": TABLETS, "requested": "400", **changes}


def bring(town: Town, *rows: dict[str, Any]) -> list[tuple[str, list[str]]]:
    body = fine(town.store.run(imports.import_stock(A, rows))).body
    assert body["booked"] + body["unchanged"] + body["refused"] == len(rows)
    return [(each["result"], each.get("errors", [])) for each in body["rows"]]


def order(town: Town, *rows: dict[str, Any]) -> list[tuple[str, list[str]]]:
    body = fine(town.store.run(imports.import_orders(A, rows, PHARMACIST))).body
    return [(each["result"], each.get("errors", [])) for each in body["rows"]]


def test_rows_are_booked_once_however_often_they_come(town: Town) -> None:
    rows = (row(), row(lot="N2"), row(product=SYRUP, lot="N3"))
    assert bring(town, *rows) == [("booked", [])] * 3
    assert bring(town, *rows[1:], row(lot="N4")) == [("unchanged", []), ("unchanged", []), ("booked", [])]

    assert (town.shelf().on_hand, town.shelf(product=SYRUP).on_hand) == (320, 50)


def test_a_key_has_one_content(town: Town) -> None:
    assert bring(town, row(), row(quantity=41), row(row_key="K", quantity=41)) == [
        ("booked", []),
        ("refused", ["import.other_content"]),
        ("booked", []),
    ]
    assert bring(town, row(row_key="K")) == [("refused", ["import.other_content"])]
    assert town.shelf().on_hand == 281


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"quantity": "many"}, "quantity: "),
        ({"quantity": 0}, "quantity: "),
        ({"quantity": 20.5}, "quantity: "),
        ({"expiry": "31.12.2028"}, "expiry: "),
        ({"expiry": None}, "expiry: Value error, wanted where a lot is named"),
        ({"colour": "red"}, "colour: "),
        ({"product": "X" * 23}, "product.unknown"),
        ({"expiry": "2020-01-01"}, "stock.lot_expired"),
        ({"lot": "L1"}, "stock.lot_differs"),
        ({"occurred_at": "2025-01-01T00:00:00Z"}, "stock.too_long_ago"),
    ],
    ids=["word", "zero", "fraction", "date", "no expiry", "column", "product", "expired", "differs", "ago"],
)
def test_a_broken_row_is_told_and_holds_up_no_other(town: Town, changes: dict[str, Any], said: str) -> None:
    first, broken, last = bring(town, row(), row(**{"lot": "BAD", **changes}), row(lot="N2"))

    assert (first[0], broken[0], last[0]) == ("booked", "refused", "booked")
    assert broken[1][0].startswith(said)
    assert "BAD" not in town.shelf().lots
    assert town.shelf().on_hand == 280
    assert bring(town, row(lot="BAD")) == [("booked", [])], "nothing of it was kept"


def test_goods_without_a_lot_belong_to_the_unnamed_one(town: Town) -> None:
    assert bring(town, {"product": TABLETS, "quantity": 20, "unit_price": 1300}) == [("booked", [])]
    assert town.shelf().lots[""].on_hand == 20


def test_a_request_carries_a_limited_number_of_rows(town: Town) -> None:
    many = [row(lot=f"N{n}") for n in range(ROWS_PER_REQUEST_MAX)]
    assert bring(town, *many) == [("booked", [])] * ROWS_PER_REQUEST_MAX
    refused(town.store.run(imports.import_stock(A, [*many, row()])), "import.size")
    refused(town.store.run(imports.import_orders(A, [], PHARMACIST)), "import.size")


def test_as_many_products_as_rows_stay_within_what_one_save_may_touch() -> None:
    rows = [row(product=f"{n:023d}", lot=f"N{n}") for n in range(ROWS_PER_REQUEST_MAX)]
    use_case = imports.import_stock(A, rows)
    assert len(use_case.streams) + len(use_case.relaxed) <= 100


def test_orders_are_taken_over_line_by_line(town: Town) -> None:
    rows = (line(), line(line=2, product=SYRUP, requested=5, filled=2, back_ordered=3, promised_at="2026-04-01"))
    assert order(town, *rows) == [("booked", [])] * 2
    assert order(town, *rows, line(order_no="N2")) == [("unchanged", []), ("unchanged", []), ("booked", [])]

    second = town.store.state(ORDERS.ref(order_id(A, "N1"))).lines[2]
    assert (second.requested, second.filled, second.status) == (5, 2, "back_ordered")


def test_a_broken_line_is_told_and_holds_up_no_other(town: Town) -> None:
    rows = (line(), line(requested=1), line(line=2, supplier="W2"), line(line=3, product="X"), line(line=4, filled=401))
    assert order(town, *rows, line(line=5), line(line=0)) == [
        ("booked", []),
        ("refused", ["order.line_differs"]),
        ("refused", ["order.other_supplier"]),
        ("refused", ["product.unknown"]),
        ("refused", ["order.does_not_add_up"]),
        ("booked", []),
        ("refused", ["line: Input should be greater than or equal to 1"]),
    ]
    town.load("pharmacy", A, place(28, 113, "430102"), suspended=True)
    assert order(town, line(line=6)) == [("refused", ["pharmacy.not_admitted"])]
    assert bring(town, row()) == [("refused", ["pharmacy.not_admitted"])]


def test_goods_of_a_recalled_lot_are_not_taken_over(town: Town) -> None:
    fine(load(town, "BAD"))

    assert bring(town, row(lot="BAD"), row()) == [("refused", ["stock.lot_recalled"]), ("booked", [])]
    assert "BAD" not in town.shelf().lots
