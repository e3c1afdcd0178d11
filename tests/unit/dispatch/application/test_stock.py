"""A pharmacy's books."""

from datetime import date
from typing import Any

from services.dispatch.application.stock import adjust_stock
from services.dispatch.domain.stock.item import AdjustStock
from services.seedwork.ports import Outcome
from tests.unit.dispatch.town import TABLETS, A, Town, fine, place, refused


def correct(town: Town, change: int, lot: str = "L1") -> Outcome:
    command = AdjustStock(lot=lot, change=change, reason="counted", adjusted_by="x")
    return town.store.run(adjust_stock(A, TABLETS, command))


def level(town: Town) -> dict[str, Any]:
    rows = town.store.rows("stock_of_pharmacy", pharmacy=A, after="", limit=9)
    return next(row for row in rows if row["product"] == TABLETS)


def test_goods_received_carry_the_price_from_now_on(town: Town) -> None:
    body = fine(town.receive(A, TABLETS, "L2", 40, price=1300, expiry=date(2027, 12, 31))).body

    assert (body["on_hand"], body["unit_price"], body["pack_size"]) == (240, 1300, 20)
    assert [lot["lot"] for lot in body["lots"]] == ["L2", "L1"], "first expired first"


def test_nothing_expired_unknown_or_contradictory_is_booked_in(town: Town) -> None:
    refused(town.receive(A, TABLETS, "L3", 20, expiry=date(2026, 3, 1)), "stock.lot_expired")
    refused(town.receive(A, TABLETS, "L1", 20, expiry=date(2028, 1, 1)), "stock.lot_differs")
    refused(town.receive(A, "X" * 23, "L1", 20), "product.unknown")
    town.load("pharmacy", A, place(28, 113, "430102"), suspended=True)
    refused(town.receive(A, TABLETS, "L1", 20), "pharmacy.not_admitted")


def test_the_books_are_corrected_but_never_below_zero(town: Town) -> None:
    assert fine(correct(town, -50)).body["on_hand"] == 150
    refused(correct(town, -151), "stock.below_zero")
    refused(correct(town, 1, lot="NONE"), "stock.lot_unknown")


def test_the_read_model_says_what_the_books_say(town: Town) -> None:
    correct(town, -50)
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    other = town.release()
    town.release_hold(other, town.hold(other))
    (row,) = [
        row for row in town.store.rows("stock_of_pharmacy", pharmacy=A, after="", limit=9) if row["product"] == TABLETS
    ]
    assert (row["on_hand"], row["reserved"]) == (90, 0)

    town.give_up(fulfilment, supply_id)
    town.hold(other)

    (row,) = [
        row for row in town.store.rows("stock_of_pharmacy", pharmacy=A, after="", limit=9) if row["product"] == TABLETS
    ]
    assert (row["on_hand"], row["reserved"]) == (150, 60)
    assert town.shelf().on_hand == 150
