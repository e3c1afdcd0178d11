"""What people and the clock do to a pharmacy's books, and what the others hear of it."""

from datetime import date, timedelta
from typing import Any

from contracts.events import dispatch_stock as goods
from services.dispatch.application import stock
from services.dispatch.application.stock import Receipt
from services.dispatch.domain.policy import CN
from services.dispatch.domain.stock.booking import AdjustStock, CountedLot, CountStock
from services.dispatch.domain.stock.item import stock_item_id
from services.dispatch.domain.stock.quarantine import DecideQuarantine, QuarantineStock
from services.seedwork.ports import Outcome
from tests.unit.dispatch.town import GOOD_UNTIL, HOUR, NOON, TABLETS, A, Town, fine, place, refused, staff

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
QUALITY = "HY430102990001"


def count(town: Town, quantity: int, product: str = TABLETS, **more: Any) -> Outcome:
    lots = (CountedLot(lot="L1", expiry=GOOD_UNTIL, quantity=quantity),)
    return town.store.run(stock.count_stock(A, product, CountStock(lots=lots, counted_by="x", **more)))


def set_apart(town: Town, quantity: int) -> Outcome:
    command = QuarantineStock(lot="L1", quantity=quantity, reason="suspect", decided_by="x")
    return town.store.run(stock.quarantine_stock(A, TABLETS, command))


def decision(quantity: int) -> DecideQuarantine:
    return DecideQuarantine(lot="L1", quantity=quantity, reason="looked at", decided_by=QUALITY)


def test_a_level_is_told_once_a_second_at_most_with_what_it_is_by_then(town: Town) -> None:
    town.store.move_clock(SECOND)
    before = [each for each in town.store.told_of(goods.StockChanged) if each.pharmacy == A and each.product == TABLETS]
    for _ in range(3):
        town.hold(town.release(), (1, 20))
    town.store.move_clock(timedelta(0))
    assert [each for each in town.store.told_of(goods.StockChanged) if each in before] == [*before]
    town.store.move_clock(SECOND)
    town.store.move_clock(SECOND)

    (changed,) = [e for e in town.store.told_of(goods.StockChanged) if e.pharmacy == A and e.reserved]
    assert (changed.on_hand, changed.reserved, changed.quarantined) == (200, 60, 0)
    assert (changed.region, changed.source) == ("430102", "own")


def test_what_was_dispensed_in_the_day_is_told_with_the_level(town: Town) -> None:
    town.dispensed(town.release(), 60)
    town.store.move_clock(SECOND)

    changed = [e for e in town.store.told_of(goods.StockChanged) if e.product == TABLETS and e.pharmacy == A][-1]
    assert (changed.on_hand, changed.dispensed_in_day) == (140, 60)


def test_a_count_is_booked_as_a_difference_with_both_its_times(town: Town) -> None:
    body = fine(count(town, 190, occurred_at=NOON - HOUR)).body

    assert body["on_hand"] == 190
    item = stock_item_id(A, TABLETS)
    rows = town.store.rows("movements_of", stock_item_id=item, before=99, before_number=0, limit=9)
    assert [(row["kind"], row["shelf"], row["quarantine"]) for row in rows] == [
        ("counted down", -10, 0),
        ("received", 200, 0),
    ]
    assert rows[0]["recorded_at"] - rows[0]["occurred_at"] == 3_600_000_000


def test_bookings_are_dated_back_only_as_far_as_the_policy_says(town: Town) -> None:
    refused(count(town, 190, occurred_at=NOON - 31 * DAY), "stock.too_long_ago")
    refused(count(town, 190, occurred_at=NOON + SECOND), "stock.ahead_of_time")
    late = Receipt(
        pharmacy=A,
        product=TABLETS,
        lot="L9",
        expiry=GOOD_UNTIL,
        quantity=20,
        unit_price=1,
        occurred_at=NOON - 31 * DAY,
    )
    refused(town.store.run(stock.receive_stock(late)), "stock.too_long_ago")
    fine(town.store.run(stock.receive_stock(late.model_copy(update={"occurred_at": NOON - 30 * DAY}))))


def test_a_product_the_pharmacy_never_had_is_neither_counted_nor_corrected(town: Town) -> None:
    refused(count(town, 1, product="X" * 23), "stock.unknown")
    command = AdjustStock(lot="L1", change=1, reason="found", adjusted_by="x")
    refused(town.store.run(stock.adjust_stock(A, "X" * 23, command)), "stock.unknown")
    refused(
        town.store.run(stock.adjust_stock(A, TABLETS, command.model_copy(update={"reason": "so"}))),
        "stock.adjustment_reason",
    )
    twice = CountStock(lots=(CountedLot(lot="L1", quantity=1),) * 2, counted_by="x")
    refused(town.store.run(stock.count_stock(A, TABLETS, twice)), "stock.lot_twice")


def test_only_the_quality_manager_of_the_pharmacy_decides_about_what_is_apart(town: Town) -> None:
    fine(set_apart(town, 60))
    refused(town.store.run(stock.release_quarantine(A, TABLETS, decision(20))), "person.not_qualified")
    town.refer("person", QUALITY, staff("quality_manager", A))

    assert fine(town.store.run(stock.release_quarantine(A, TABLETS, decision(20)))).body["quarantined"] == 40
    assert fine(town.store.run(stock.destroy_quarantine(A, TABLETS, decision(40)))).body["on_hand"] == 160
    refused(town.store.run(stock.destroy_quarantine(A, TABLETS, decision(1))), "stock.not_in_quarantine")
    refused(set_apart(town, 161), "stock.below_zero")
    town.load("pharmacy", A, place(28, 113, "430102"), suspended=True)
    refused(town.store.run(stock.destroy_quarantine(A, TABLETS, decision(1))), "pharmacy.not_admitted")


def test_the_read_models_follow_what_is_set_apart_and_what_expires(town: Town) -> None:
    fine(set_apart(town, 60))
    town.receive(A, TABLETS, "OLD", 20, expiry=NOON.date())
    expiring = {"pharmacy": A, "until": "2026-03-31", "after_expiry": "", "after_product": "", "after_lot": ""}
    assert [row["lot"] for row in town.store.rows("lots_expiring", limit=9, **expiring)] == ["OLD"]

    town.store.move_clock(DAY)

    (row,) = [r for r in town.store.rows("stock_of_pharmacy", pharmacy=A, after="", limit=9) if r["product"] == TABLETS]
    assert row["on_hand"] == town.shelf().on_hand == 140
    assert town.shelf().level.quarantined == 80
    assert town.store.rows("lots_expiring", limit=9, **expiring) == []


def test_a_pharmacy_is_warned_before_a_lot_expires(town: Town) -> None:
    town.receive(A, TABLETS, "SOON", 20, expiry=date(2026, 9, 30))
    assert town.shelf().lots["SOON"].warn_on == date(2026, 4, 3), "180 days before"
    town.store.move_clock(33 * DAY)

    assert town.shelf().lots["SOON"].warn_on is None


def test_out_of_stock_beside_stock_on_hand_is_told_as_a_contradiction(town: Town) -> None:
    fulfilment = town.release()
    town.release_hold(fulfilment, town.hold(fulfilment), reason="out_of_stock")

    (unfilled,) = town.store.told_of(goods.LineUnfilled)
    assert (unfilled.reason, unfilled.on_hand_known, unfilled.on_hand) == ("out_of_stock", True, 200)


def test_what_expired_while_it_was_dispensed_comes_back_into_quarantine(town: Town) -> None:
    last = NOON.date() + timedelta(days=CN.on(NOON.date()).expiry_margin_days)
    town.receive(A, TABLETS, "OLD", 60, expiry=last)
    fulfilment = town.release()
    hold_id = town.accepted(fulfilment)
    supply_id = town.prepare(fulfilment, hold_id, town.pick(60, lot="OLD", expiry=last))
    fine(town.try_check(fulfilment, supply_id))
    town.store.time += (last - NOON.date()) + DAY
    town.give_up(fulfilment, supply_id)

    assert (town.shelf().lots["OLD"].on_hand, town.shelf().lots["OLD"].quarantined) == (0, 60)
