"""The books of a shelf by lot: places, movements, days, and what may not happen to them."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from services.dispatch.domain.stock import booking, deadlines, item, quarantine
from services.dispatch.domain.stock import events as e
from services.dispatch.domain.stock.booking import AdjustStock, CountedLot, CountStock, ReceiveStock
from services.dispatch.domain.stock.events import Pick
from services.dispatch.domain.stock.movements import KINDS, Place, movements
from services.dispatch.domain.stock.quarantine import DecideQuarantine, QuarantineStock
from services.dispatch.domain.stock.reasons import ADJUSTMENT_REASONS, allows
from services.dispatch.domain.stock.state import KEPT_DAYS, StockState, evolve, next_due
from services.seedwork.model import DomainEvent, Outcome, Refusal

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)
SOON, LATER = date(2026, 6, 30), date(2029, 6, 30)
DAY = timedelta(days=1)


def after(state: StockState, outcome: Outcome) -> StockState:
    assert not isinstance(outcome, Refusal), outcome
    return item.STOCK_ITEMS.fold(outcome, state)


def code(outcome: Outcome) -> str:
    assert isinstance(outcome, Refusal), outcome
    return outcome.code


def receipt(quantity: int = 100, lot: str = "L1", expiry: date = LATER, at: datetime = NOON, **more: object) -> object:
    return ReceiveStock.model_validate(
        {
            "pharmacy": "A",
            "product": "X",
            "drug_key": "k",
            "region": "430102",
            "pack_size": 20,
            "lot": lot,
            "expiry": expiry,
            "quantity": quantity,
            "unit_price": 100,
            "occurred_at": at,
            **more,
        }
    )


def shelf(*receipts: object) -> StockState:
    state = StockState()
    for each in receipts or (receipt(),):
        state = after(state, booking.receive(state, each, TODAY))  # type: ignore[arg-type]
    return state


def adjust(state: StockState, change: int, at: datetime | None = NOON, reason: str = "booking_error") -> Outcome:
    command = AdjustStock(lot="L1", change=change, reason=reason, adjusted_by="x", occurred_at=at)
    return booking.adjust(state, command)


def count(state: StockState, *lots: tuple[str, int], at: datetime | None = NOON, **more: object) -> Outcome:
    expiry = {lot: state.lots[lot].expiry if lot in state.lots else SOON for lot, _ in lots}
    found = [{"lot": lot, "expiry": expiry[lot], "quantity": quantity} for lot, quantity in lots]
    command = CountStock.model_validate({"lots": found, "counted_by": "x", "occurred_at": at, **more})
    return booking.count(state, command)


def test_what_leaves_a_place_comes_to_another() -> None:
    assert all(kind.origin is not kind.destination for kind in KINDS)
    (moved,) = movements(e.LotExpired(lot="L", expiry=SOON, quantity=7, occurred_at=NOON))
    assert [moved.change(place) for place in Place] == [0, -7, 7]


def test_events_of_before_lots_and_moments_belong_to_the_unnamed_lot() -> None:
    received = {"pharmacy": "A", "product": "X", "drug_key": "k", "region": "r", "pack_size": 20, "quantity": 40}
    old: list[DomainEvent] = [
        e.StockReceived.model_validate({**received, "unit_price": 100}),
        e.StockCounted.model_validate({"before": 40, "after": 30, "source": "scanned_pack"}),
        e.StockDispensed.model_validate({"hold_id": uuid4(), "supply_id": uuid4(), "picks": [{"quantity": 20}]}),
    ]
    state = item.STOCK_ITEMS.fold(old)

    assert state.lots[e.UNNAMED_LOT].on_hand == state.on_hand == state.available(TODAY) == 10
    assert state.lots[e.UNNAMED_LOT].closing(TODAY - 400 * DAY) == 10, "of no day, so of every day"
    assert "expiry" not in next_due(state)


def test_goods_are_offered_first_expired_first_and_reservations_take_the_same_order() -> None:
    state = shelf(receipt(40, "LATE", LATER), receipt(30, "SOON", SOON), receipt(20, "OLD", TODAY))
    state = after(state, item.reserve(state, uuid4(), 35, TODAY, packs_seen=False))
    tomorrow = TODAY + DAY

    assert [(p.lot, p.quantity) for p in item.offered(state, 60, TODAY)] == [("OLD", 20), ("SOON", 30), ("LATE", 10)]
    assert [(p.lot, p.quantity) for p in item.offered(state, 99, tomorrow)] == [("SOON", 30), ("LATE", 40)]
    assert item.earmarked(state, TODAY) == {"OLD": 20, "SOON": 15}
    assert (state.available(TODAY), state.available(tomorrow)) == (55, 35)


def test_a_hold_keeps_its_place_in_the_order() -> None:
    first, second = uuid4(), uuid4()
    state = shelf()
    for hold, quantity in ((first, 40), (second, 20)):
        state = after(state, item.reserve(state, hold, quantity, TODAY, packs_seen=False))
    state = after(state, item.free(state, first, 10))

    assert list(state.reserved) == [first, second]
    assert state.level.reserved == 50


def test_a_correction_dated_back_leaves_no_day_below_nothing() -> None:
    state = shelf(receipt(100, at=NOON - 5 * DAY))
    state = after(state, adjust(state, -70, NOON - 3 * DAY))
    state = after(state, adjust(state, 50, NOON))

    assert state.lots["L1"].on_hand == 80
    assert [state.lots["L1"].closing(TODAY - n * DAY) for n in (6, 5, 3, 0)] == [0, 100, 30, 80]
    assert code(adjust(state, -31, NOON - 4 * DAY)) == "stock.below_zero"
    assert code(adjust(state, -1, NOON - 6 * DAY)) == "stock.below_zero"
    assert after(state, adjust(state, -30, NOON - 4 * DAY)).on_hand == 50
    assert after(state, adjust(state, -80, NOON)).on_hand == 0


def test_within_a_day_what_came_in_counts_first() -> None:
    state = shelf(receipt(50, at=NOON))

    assert after(state, adjust(state, -50, NOON - timedelta(hours=3))).on_hand == 0


def test_a_lot_remembers_as_many_days_as_anything_may_be_dated_back() -> None:
    state = shelf(receipt(100, at=NOON - 500 * DAY))
    for n in range(KEPT_DAYS + 10):
        state = after(state, adjust(state, 1, NOON - 100 * DAY + n * DAY))

    lot = state.lots["L1"]
    assert len(lot.days) == KEPT_DAYS + 1
    assert lot.on_hand == 100 + KEPT_DAYS + 10
    assert lot.closing(max(lot.days)) == lot.on_hand


@pytest.mark.parametrize(("reason", "up", "down"), [(r, row.up, row.down) for r, row in ADJUSTMENT_REASONS.items()])
def test_a_reason_says_which_way_it_changes_the_books(reason: str, up: bool, down: bool) -> None:
    assert (allows(reason, 1), allows(reason, -1)) == (up, down)
    assert up or down


def test_a_correction_without_a_reason_of_the_table_is_refused() -> None:
    assert code(adjust(shelf(), -1, reason="because")) == "stock.adjustment_reason"
    assert code(adjust(shelf(), 1, reason="broken")) == "stock.adjustment_reason"


def test_a_count_books_the_difference_also_where_there_is_none() -> None:
    state = shelf(receipt(100, "L1"), receipt(40, "L2", SOON))
    events = count(state, ("L1", 90), ("NEW", 10))

    assert [(c.before, c.after) for c in events] == [(100, 90), (0, 10)]  # type: ignore[union-attr]
    state = after(state, events)
    assert {name: lot.on_hand for name, lot in state.lots.items()} == {"L1": 90, "L2": 40, "NEW": 10}
    assert [(c.before, c.after) for c in count(state, ("L1", 90))] == [(90, 90)]  # type: ignore[union-attr]


def test_a_complete_count_says_that_what_it_does_not_name_is_gone() -> None:
    state = shelf(receipt(100, "L1"), receipt(40, "L2", SOON))
    state = after(state, count(state, ("L1", 100), complete=True))

    assert {name: lot.on_hand for name, lot in state.lots.items()} == {"L1": 100, "L2": 0}
    assert count(state, ("L1", 100), complete=True, at=None) != []


def test_a_count_of_an_earlier_day_is_compared_with_the_books_of_that_day() -> None:
    state = shelf(receipt(100, at=NOON - 5 * DAY))
    state = after(state, adjust(state, -60, NOON - DAY))

    events = count(state, ("L1", 95), at=NOON - 3 * DAY)

    assert [(c.before, c.after) for c in events] == [(100, 95)]  # type: ignore[union-attr]
    assert after(state, events).on_hand == 35
    assert code(count(state, ("L1", 59), at=NOON - 3 * DAY)) == "stock.below_zero"


def test_a_count_that_contradicts_itself_or_a_lot_is_refused() -> None:
    state = shelf()
    twice = CountStock(lots=(CountedLot(lot="L1", quantity=1), CountedLot(lot="L1", quantity=2)), counted_by="x")
    other = CountStock(lots=(CountedLot(lot="L1", expiry=SOON, quantity=1),), counted_by="x")

    assert code(booking.count(state, twice)) == "stock.lot_twice"
    assert code(booking.count(state, other)) == "stock.lot_differs"


def test_whose_books_they_are_is_said_by_who_counts() -> None:
    state = shelf()
    mirrored = after(state, count(state, ("L1", 50), source="reported"))
    scanned = after(mirrored, item.dispense(mirrored, uuid4(), uuid4(), (Pick(lot="L1", expiry=LATER, quantity=60),)))

    assert (state.source, mirrored.source, scanned.source) == ("own", "mirror", "mirror")
    assert after(mirrored, count(mirrored, ("L1", 50))).source == "own"


def test_a_scanned_pack_beats_a_mirrored_zero_and_books_a_count() -> None:
    state = after(shelf(), count(shelf(), ("L1", 0), source="reported"))
    counted, dispensed = item.dispense(state, uuid4(), uuid4(), (Pick(lot="L1", expiry=LATER, quantity=20),), NOON)

    assert isinstance(counted, e.StockCounted)
    assert (counted.source, counted.before, counted.after, counted.occurred_at) == ("mirror", 0, 20, NOON)
    assert after(state, [counted, dispensed]).on_hand == 0


def test_nothing_is_said_of_a_moment_ahead_or_too_long_ago() -> None:
    assert booking.dated(None, NOON, 30) == NOON
    assert booking.dated(NOON - 30 * DAY, NOON, 30) == NOON - 30 * DAY
    assert code(booking.dated(NOON + DAY, NOON, 30)) == "stock.ahead_of_time"  # type: ignore[arg-type]
    assert code(booking.dated(NOON - 31 * DAY, NOON, 30)) == "stock.too_long_ago"  # type: ignore[arg-type]


def apart(state: StockState, quantity: int, lot: str = "L1") -> Outcome:
    return quarantine.quarantine(
        state, QuarantineStock(lot=lot, quantity=quantity, reason="suspect", decided_by="x"), NOON
    )


def decision(quantity: int, lot: str = "L1") -> DecideQuarantine:
    return DecideQuarantine(lot=lot, quantity=quantity, reason="checked", decided_by="q")


def test_what_is_set_apart_is_not_available_until_it_is_released() -> None:
    state = after(shelf(), apart(shelf(), 60))
    assert (state.level.on_hand, state.level.quarantined, state.available(TODAY)) == (40, 60, 40)

    released = after(state, quarantine.release(state, decision(20), NOON))
    destroyed = after(released, quarantine.destroy(released, decision(40), NOON))

    assert (released.on_hand, released.level.quarantined) == (60, 40)
    assert (destroyed.on_hand, destroyed.level.quarantined) == (60, 0)


def test_only_what_is_there_is_set_apart_and_only_what_is_apart_is_decided_about() -> None:
    state = shelf()
    assert code(apart(state, 101)) == "stock.below_zero"
    assert code(apart(state, 1, "NONE")) == "stock.lot_unknown"
    assert code(quarantine.release(state, decision(1), NOON)) == "stock.not_in_quarantine"
    assert code(quarantine.destroy(state, decision(1), NOON)) == "stock.not_in_quarantine"
    assert code(quarantine.destroy(state, decision(1, "NONE"), NOON)) == "stock.lot_unknown"
    expired = after(shelf(receipt(10, "L1", TODAY)), apart(shelf(receipt(10, "L1", TODAY)), 10))
    assert code(quarantine.release(expired, decision(1), NOON + DAY)) == "stock.lot_expired"


def test_a_recalled_lot_is_set_apart_once_and_never_comes_back() -> None:
    recall = uuid4()
    state = after(shelf(), quarantine.withdraw(shelf(), recall, ("L1", "UNKNOWN"), NOON))

    assert (state.on_hand, state.level.quarantined, state.lots["L1"].recalled) == (0, 100, True)
    assert quarantine.withdraw(state, recall, ("L1",), NOON) == []
    assert code(quarantine.release(state, decision(1), NOON)) == "stock.lot_recalled"
    assert code(booking.receive(state, receipt(), TODAY)) == "stock.lot_recalled"  # type: ignore[arg-type]
    pick = (Pick(lot="L1", expiry=LATER, quantity=20),)
    assert code(item.check_picks(state, pick, TODAY, "reason")) == "stock.lot_recalled"
    back = after(state, item.give_back(state, uuid4(), pick, NOON))
    assert (back.on_hand, back.level.quarantined) == (0, 120)
    found = after(state, count(state, ("L1", 5)))
    assert found.available(TODAY) == 0
    assert after(found, quarantine.withdraw(found, recall, ("L1",), NOON)).level.quarantined == 105


def test_packs_that_come_back_are_set_apart_where_they_expired_or_an_inspection_says_so() -> None:
    state = shelf()
    good, old = Pick(lot="L1", expiry=LATER, quantity=20), Pick(lot="OLD", expiry=TODAY, quantity=10)
    both = after(state, item.give_back(state, uuid4(), (good, old), NOON + DAY))
    inspected = after(state, item.give_back(state, uuid4(), (good,), NOON, apart=True))

    assert (both.on_hand, both.level.quarantined) == (120, 10)
    assert (inspected.on_hand, inspected.level.quarantined) == (100, 20)


def test_a_lot_whose_last_day_is_over_leaves_the_shelf() -> None:
    state = shelf(receipt(10, "OLD", TODAY), receipt(100))
    assert next_due(state)["expiry"] == datetime(2026, 3, 2, 16, 0, tzinfo=UTC), "midnight in China"
    assert deadlines.expire(state, NOON) == []

    state = after(state, deadlines.expire(state, NOON + DAY))

    assert (state.lots["OLD"].on_hand, state.lots["OLD"].quarantined, state.on_hand) == (0, 10, 100)
    assert next_due(state)["expiry"] > NOON + 365 * DAY


def test_an_expiry_is_warned_of_once_per_receipt() -> None:
    state = shelf(receipt(warn_on=TODAY + DAY), receipt(5, warn_on=TODAY + 9 * DAY))
    assert deadlines.warn(state, NOON) == []
    assert next_due(state)["expiry_warning"] == datetime(2026, 3, 2, 16, 0, tzinfo=UTC)

    (warned,) = deadlines.warn(state, NOON + DAY)
    state = evolve(state, warned)

    assert isinstance(warned, e.ExpiryWarned)
    assert (warned.lot, warned.quantity) == ("L1", 105)
    assert deadlines.warn(state, NOON + DAY) == []
    assert "expiry_warning" not in next_due(state)


def test_a_level_is_told_when_it_differs_and_never_twice_within_a_second() -> None:
    state = shelf()
    (told,) = deadlines.publish(state, NOON)
    state = evolve(state, told)
    assert deadlines.publish(state, NOON + DAY) == []
    assert "level" not in next_due(state)

    state = after(state, item.dispense(state, uuid4(), uuid4(), (Pick(lot="L1", expiry=LATER, quantity=20),), NOON))

    assert next_due(state)["level"] == NOON + timedelta(seconds=1)
    assert deadlines.publish(state, NOON + timedelta(milliseconds=999)) == []
    (same_day,) = deadlines.publish(state, NOON + timedelta(seconds=1))
    (next_day,) = deadlines.publish(state, NOON + DAY)
    assert isinstance(same_day, e.StockLevelPublished)
    assert isinstance(next_day, e.StockLevelPublished)
    assert (same_day.on_hand, same_day.dispensed_in_day, next_day.dispensed_in_day) == (80, 20, 0)


def test_a_shelf_of_which_nothing_was_ever_received_tells_no_level() -> None:
    state = after(StockState(), count(StockState(), ("L", 5)))
    assert deadlines.publish(state, NOON) == []
    assert "level" not in next_due(state)
