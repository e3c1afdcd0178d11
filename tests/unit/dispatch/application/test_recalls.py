"""A lot is called back: from the save on nothing of it goes anywhere, and step by step what is under way is undone."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from contracts.events import dispatch as told
from contracts.events import dispatch_stock as goods
from contracts.events.dispatch_road import DeliveryReturnStarted
from services.dispatch.application import deliveries, orders, recalls, stock
from services.dispatch.application.orders import OrderRequest, WantedLine
from services.dispatch.domain.recall import RECALLS, LoadRecall, RecallState
from services.dispatch.domain.replenishment.order import ReceivedGoods, order_id
from services.dispatch.domain.stock.booking import AdjustStock, CountedLot, CountStock
from services.dispatch.domain.stock.item import stock_item_id
from services.dispatch.domain.values import LineQuantity, Way
from services.dispatch.projections.goods import HOLDS
from services.seedwork.ports import Outcome
from services.seedwork.usecase import Actor
from tests.unit.dispatch.road import Road
from tests.unit.dispatch.town import GOOD_UNTIL, NOON, SHA, TABLETS, A, B, Town, actor, fine, refused

REGULATOR = Actor(subject="authority", role="regulator", region="430000")
SECOND = timedelta(seconds=1)


def load(town: Town, *lots: str, who: Actor = REGULATOR, **changes: Any) -> Outcome:
    facts = {
        "recall_id": uuid4(),
        "product": TABLETS,
        "lots": lots or ("L1",),
        "recall_class": "1",
        "reason": "wrong strength",
        "instruction": "do not take it; bring it back",
        "loaded_by": who.subject,
        "organisation": who.organisation or "",
        **changes,
    }
    return town.store.run(recalls.load_recall(LoadRecall.model_validate(facts), who), who)


def worked_off(town: Town, recall_id: UUID, steps: int = 60) -> RecallState:
    """Until the first round is over, or steps are."""
    for _ in range(steps):
        town.store.move_clock(timedelta(0))
        state: RecallState = town.store.state(RECALLS.ref(recall_id))
        if state.round > 1:
            break
    return state


def recalled(town: Town, *lots: str) -> RecallState:
    body = fine(load(town, *lots)).body
    return worked_off(town, UUID(body["recall_id"]))


def test_shelves_of_all_pharmacies_are_cleared_and_the_others_hear(town: Town) -> None:
    town.receive(A, TABLETS, "L2", 40)
    state = recalled(town)

    for pharmacy, left in ((A, 40), (B, 0)):
        assert (town.shelf(pharmacy).on_hand, town.shelf(pharmacy).level.quarantined) == (left, 200)
    assert state.counts == {"shelf": 2}
    (event,) = town.store.told_of(goods.LotRecalled)
    assert (event.product, event.lots, event.recall_class) == (TABLETS, ("L1",), "1")


def test_from_the_first_save_on_nothing_of_the_lot_is_received_prepared_or_dispensed(town: Town) -> None:
    first, second = town.release(), town.release()
    hold_id, other = town.accepted(first), town.accepted(second)
    supply_id = town.prepare(first, hold_id)
    fine(load(town, "L1", "NEVER"))

    refused(town.try_check(first, supply_id), "stock.lot_recalled")
    refused(town.try_prepare(second, other), "stock.lot_recalled")
    unknown = town.pick(lot="NEVER", lot_reason="damaged")
    refused(town.try_prepare(second, other, unknown), "stock.lot_recalled")
    refused(town.receive(A, TABLETS, "NEVER", 20), "stock.lot_recalled")
    request = OrderRequest(
        order_no="N1", pharmacy=A, supplier="W", lines=(WantedLine(line=1, product=TABLETS, requested=20),)
    )
    fine(town.store.run(orders.place_order(request, actor("pharmacist"))))
    came = ReceivedGoods(line=1, lot="NEVER", expiry=GOOD_UNTIL, quantity=20, unit_price=1)
    came_in = orders.receive_goods(order_id(A, "N1"), [came], actor("pharmacist"))
    refused(town.store.run(came_in), "stock.lot_recalled")


def test_holds_with_packs_of_the_lot_or_without_goods_left_are_revoked(town: Town) -> None:
    town.receive(A, TABLETS, "L2", 60)
    early, late, elsewhere = town.release(), town.release(), town.release()
    town.hold(early)
    town.hold(late)
    prepared = town.accepted(elsewhere, pharmacy=B)
    town.prepare(elsewhere, prepared, pharmacy=B)
    state = recalled(town)

    assert state.counts["hold_revoked"] == 2
    ended = town.store.told_of(told.HoldEnded)
    assert {(e.how, e.reason, e.pharmacy) for e in ended} == {("revoked", "recall", A), ("revoked", "recall", B)}
    assert [len(list(town.state(each).running_holds())) for each in (early, late, elsewhere)] == [1, 0, 0]
    assert town.state(elsewhere).lines[1].buckets.remaining == 60
    assert (town.shelf().level.reserved, town.shelf(B).level.reserved) == (60, 0)


def test_a_supply_in_the_pharmacy_is_undone_into_quarantine(town: Town) -> None:
    fulfilment = town.release()
    town.dispensed(fulfilment)
    state = recalled(town)

    (undone,) = town.store.told_of(told.SupplyUndone)
    assert (undone.why, undone.disposition) == ("recalled", "quarantined")
    assert state.counts["supply_undone"] == 1
    assert (town.shelf().on_hand, town.shelf().level.quarantined) == (0, 200)
    assert town.state(fulfilment).lines[1].buckets.remaining == 60


def test_a_patient_who_has_it_is_told_once_and_acknowledges(town: Town) -> None:
    fulfilment = town.release()
    town.collected(fulfilment, 60)
    state = recalled(town)
    assert state.counts["patient_told"] == 1
    (notice,) = town.store.rows("notices_of", patient_ref=town.patient_ref, after=UUID(int=0), limit=9)
    assert (notice["lot"], notice["acknowledged"]) == ("L1", False)

    patient = Actor(subject="p", role="patient", patient_ref=town.patient_ref)
    stranger = Actor(subject="s", role="patient", patient_ref=uuid4())
    refused(town.store.run(recalls.acknowledge(notice["notice_id"], stranger)), "recall_notice.not_yours")
    refused(town.store.run(recalls.acknowledge(uuid4(), patient)), "recall_notice.unknown")
    for _ in range(2):
        fine(town.store.run(recalls.acknowledge(notice["notice_id"], patient)))

    (again,) = town.store.rows("notices_of", patient_ref=town.patient_ref, after=UUID(int=0), limit=9)
    assert again["acknowledged"]
    town.store.move_clock(timedelta(minutes=10))
    for _ in range(12):
        town.store.move_clock(timedelta(0))
    assert len(town.store.rows("notices_of", patient_ref=town.patient_ref, after=UUID(int=0), limit=9)) == 1


def told_lots(town: Town) -> list[str]:
    return [
        row["lot"] for row in town.store.rows("notices_of", patient_ref=town.patient_ref, after=UUID(int=0), limit=9)
    ]


def test_a_supply_with_packs_of_two_recalled_lots_is_told_of_both(town: Town) -> None:
    town.receive(A, TABLETS, "L2", 100)
    fulfilment = town.release()
    hold = town.accepted(fulfilment, (1, 60))
    supply_id = town.prepare(fulfilment, hold, town.pick(20, lot="L1"), town.pick(40, lot="L2"))
    fine(town.try_check(fulfilment, supply_id))
    town.clear(fulfilment, supply_id)
    fine(town.try_hand_out(fulfilment, supply_id))
    assert recalled(town, "L1", "L2").counts["patient_told"] == 2
    assert sorted(told_lots(town)) == ["L1", "L2"]


@pytest.mark.parametrize(("rejected", "lots"), [((2,), ["L1"]), ((1,), [])])
def test_who_accepted_it_in_part_is_told_of_what_they_accepted(
    town: Town, rejected: tuple[int, ...], lots: list[str]
) -> None:
    """The rest is still on its way back when the recall comes, and when it ends."""
    road = Road(town, lines=(60, 2)).at_the_door()
    fine(road.deliver(rejected_lines=rejected))
    assert road.supply.status == "partly_received"
    assert recalled(town).counts.get("patient_told", 0) == len(lots)
    assert told_lots(town) == lots


@pytest.mark.parametrize(("back", "lots"), [(60, []), (20, ["L1"])])
def test_who_brought_it_all_back_is_not_told(town: Town, back: int, lots: list[str]) -> None:
    fulfilment = town.release()
    supply_id = town.collected(fulfilment, 60)
    fine(town.try_take_back(fulfilment, supply_id, (1, back)))
    recalled(town)
    assert told_lots(town) == lots


def test_a_recall_goes_round_again_and_ends_when_nothing_is_found(town: Town) -> None:
    body = fine(load(town)).body
    recall_id = UUID(body["recall_id"])
    worked_off(town, recall_id)
    town.store.move_clock(timedelta(minutes=9))
    assert town.store.state(RECALLS.ref(recall_id)).place == 0
    town.store.move_clock(timedelta(minutes=1))
    for _ in range(12):
        town.store.move_clock(timedelta(0))

    state = town.store.state(RECALLS.ref(recall_id))
    assert (state.status, state.late, state.counts) == ("done", False, {"shelf": 2})
    town.store.move_clock(timedelta(days=2))
    assert not town.store.state(RECALLS.ref(recall_id)).late


def test_what_is_with_a_courier_turns_round_and_the_recall_waits_for_it(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment, way=Way.DELIVERY)
    town.clear(fulfilment, supply_id)
    delivery_id = town.on_the_road(fulfilment, supply_id)
    body = fine(load(town)).body
    recall_id = UUID(body["recall_id"])
    state = worked_off(town, recall_id)
    assert state.with_courier == {delivery_id}
    assert town.delivery(delivery_id).status == "returning"
    (turned,) = town.store.told_of(DeliveryReturnStarted)
    assert turned.reason == "lot_recalled"
    assert state.counts["with_courier"] == 1

    for _ in range(3):
        town.store.move_clock(timedelta(minutes=10))
        for _ in range(12):
            town.store.move_clock(timedelta(0))
    state = town.store.state(RECALLS.ref(recall_id))
    assert (state.status, state.counts["with_courier"]) == ("running", 1)


def test_it_waits_until_the_read_model_shows_it_and_is_late_after_the_days_of_its_class(town: Town) -> None:
    body = fine(load(town)).body
    recall_id = UUID(body["recall_id"])
    use_case = recalls.take_step(recall_id)
    hidden = town.store.rows
    town.store.rows = lambda query, **more: [] if query == "recall_shown" else hidden(query, **more)  # type: ignore[method-assign]
    fine(town.store.run(use_case))
    town.store.move_clock(timedelta(days=1))

    state = town.store.state(RECALLS.ref(recall_id))
    assert (state.place, state.counts, state.late) == (0, {}, True)
    fine(town.store.run(recalls.be_late(recall_id)))
    town.store.rows = hidden  # type: ignore[method-assign]
    assert worked_off(town, recall_id).counts == {"shelf": 2}


def test_a_hold_that_the_read_model_does_not_show_yet_is_waited_for_not_passed_by(town: Town) -> None:
    recall_id = UUID(fine(load(town)).body["recall_id"])
    assert town.store.rows("recall_shown", recall_id=recall_id)
    town.store.lists_lag = True
    fulfilment = town.release()
    hold_id = town.hold(fulfilment)
    for _ in range(2):
        worked_off(town, recall_id)
        town.store.move_clock(timedelta(minutes=10))
    state = town.store.state(RECALLS.ref(recall_id))
    assert (state.status, state.round, state.at) == ("running", 1, ("holds", "L1"))
    assert town.state(fulfilment).holds[hold_id].running

    town.store.lists_lag = False
    assert worked_off(town, recall_id).counts == {"shelf": 2, "hold_revoked": 1}
    assert town.state(fulfilment).holds[hold_id].how == "revoked"


def test_what_was_dispensed_of_the_lot_leaves_the_pharmacy_no_more_before_the_recall_comes_to_it(town: Town) -> None:
    counter, parcel = town.release(), town.release()
    waiting = town.dispensed(counter)
    town.clear(counter, waiting)
    sent = town.dispensed(parcel, way=Way.DELIVERY)
    town.clear(parcel, sent)
    delivery_id = town.packed(parcel, sent)
    recall_id = UUID(fine(load(town)).body["recall_id"])

    refused(town.try_hand_out(counter, waiting, code="000000"), "supply.wrong_pickup_code")
    refused(town.try_hand_out(counter, waiting), "stock.lot_recalled")
    refused(town.store.run(deliveries.hand_over(delivery_id, A, SHA)), "stock.lot_recalled")
    assert {town.state(each).supplies[which].status for each, which in ((counter, waiting), (parcel, sent))} == {
        "dispensed"
    }
    assert worked_off(town, recall_id).counts == {"shelf": 2, "supply_undone": 2}


def test_a_parcel_that_was_on_its_way_is_received_all_the_same_and_its_patient_told(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment, way=Way.DELIVERY)
    delivery_id = town.on_the_road(fulfilment, supply_id)
    recall_id = UUID(fine(load(town)).body["recall_id"])
    fine(town.deliver(delivery_id, supply_id))
    assert worked_off(town, recall_id).counts == {"shelf": 2, "patient_told": 1}


def test_a_lot_that_came_to_a_shelf_by_a_count_is_found_there(town: Town) -> None:
    found = CountStock(lots=(CountedLot(lot="L9", expiry=GOOD_UNTIL, quantity=40),), counted_by="p")
    fine(town.store.run(stock.count_stock(A, TABLETS, found)))
    assert recalled(town, "L9").counts == {"shelf": 1}
    assert (town.shelf().on_hand, town.shelf().level.quarantined) == (200, 40)


def test_a_lot_that_is_counted_for_the_first_time_after_its_recall_was_done_is_promised_to_nobody(town: Town) -> None:
    """Where it had never been when the recall passed: the doors refuse it, so a hold must not count on it either."""
    recalled(town, "L9")
    before = town.shelf().available(NOON.date())
    lots = (CountedLot(lot="L9", expiry=GOOD_UNTIL, quantity=40), CountedLot(lot="L8", expiry=GOOD_UNTIL, quantity=20))

    shown = fine(town.store.run(stock.count_stock(A, TABLETS, CountStock(lots=lots, counted_by="p")))).body

    assert (town.shelf().available(NOON.date()), town.shelf().level.quarantined) == (before + 20, 40)
    (row,) = [each for each in shown["lots"] if each["lot"] == "L9"]
    assert (row["on_hand"], row["quarantined"], row["recalled"]) == (0, 40, True)
    more = AdjustStock(lot="L9", change=20, reason="found", adjusted_by="p")
    fine(town.store.run(stock.adjust_stock(A, TABLETS, more)))
    assert town.shelf().available(NOON.date()) == before + 20


def listed_holds(town: Town) -> set[UUID]:
    town.store.rows("recall_shown", recall_id=uuid4())
    with town.store.engine.connect() as connection:
        return set(connection.execute(sa.select(HOLDS.c.hold_id)).scalars())


@pytest.mark.parametrize("end", ["released", "expired", "cancelled", "used", "used in part"])
def test_a_hold_is_listed_until_its_end(town: Town, end: str) -> None:
    fulfilment = town.release()
    hold_id = town.accepted(fulfilment)
    fine(town.release_hold(fulfilment, hold_id, lines=(LineQuantity(line=1, quantity=20),)))
    assert listed_holds(town) == {hold_id}, "a part of it is released: the rest runs"
    match end:
        case "released":
            fine(town.release_hold(fulfilment, hold_id))
        case "expired":
            town.store.move_clock(timedelta(days=1))
        case "cancelled":
            town.cancel(fulfilment, (1, 50))
        case "used" | "used in part":
            supply_id = town.prepare(fulfilment, hold_id, town.pick(40 if end == "used" else 20))
            assert listed_holds(town) == {hold_id}
            fine(town.try_check(fulfilment, supply_id))
    assert not town.state(fulfilment).holds[hold_id].running
    assert listed_holds(town) == set()


def test_a_maker_recalls_its_own_and_a_recall_keeps_what_it_began_with(town: Town) -> None:
    maker = Actor(subject="m", role="maker", organisation=TABLETS[-5:])
    recall_id = uuid4()
    refused(load(town, who=Actor(subject="m", role="maker", organisation="00000")), "recall.not_yours")
    fine(load(town, who=maker, recall_id=recall_id))
    fine(load(town, who=maker, recall_id=recall_id))
    refused(load(town, "L2", who=maker, recall_id=recall_id), "recall.differs")
    refused(load(town, product="X" * 23), "product.unknown")
    assert len(town.store.told_of(goods.LotRecalled)) == 1


def test_a_clock_that_fires_too_early_or_for_no_recall_does_nothing(town: Town) -> None:
    recall_id = UUID(fine(load(town)).body["recall_id"])
    worked_off(town, recall_id)
    before = len(town.store.log)

    for early in (recall_id, uuid4()):
        fine(town.store.run(recalls.take_step(early)))

    assert len(town.store.log) == before, "the next round is due in ten minutes"


def test_a_prepared_supply_with_the_lot_ends_its_hold_though_the_shelf_has_enough_of_others(town: Town) -> None:
    town.receive(A, TABLETS, "L2", 200)
    prepared, only_held = town.release(), town.release()
    hold_id = town.accepted(prepared)
    town.prepare(prepared, hold_id)
    kept = town.hold(only_held)

    state = recalled(town)

    (ended,) = town.store.told_of(told.HoldEnded)
    assert (ended.hold_id, ended.how, ended.reason) == (hold_id, "revoked", "recall")
    assert state.counts == {"shelf": 2, "hold_revoked": 1}
    assert town.buckets(prepared) == {"remaining": 60}
    assert town.shelf().reserved == {kept: 60}


def test_a_hold_that_ends_at_the_moment_the_recall_comes_to_it_ends_once(town: Town) -> None:
    """The shelf was read while it ran, its fulfilment when it did no more."""
    town.receive(A, TABLETS, "L2", 60)
    early, late = town.release(), town.release()
    town.hold(early)
    hold_id = town.hold(late)
    recall_id = UUID(fine(load(town)).body["recall_id"])
    rows = town.store.rows

    def released_meanwhile(query: str, **parameters: Any) -> list[dict[str, Any]]:
        found = rows(query, **parameters)
        if query == "fulfilment_of_hold" and town.state(late).holds[hold_id].running:
            fine(town.release_hold(late, hold_id))
        return found

    town.store.rows = released_meanwhile  # type: ignore[method-assign]
    state = worked_off(town, recall_id)

    assert [(ended.hold_id, ended.how) for ended in town.store.told_of(told.HoldEnded)] == [(hold_id, "released")]
    assert state.counts == {"shelf": 2}
    assert [len(list(town.state(each).running_holds())) for each in (early, late)] == [1, 0]


def test_a_lot_of_which_nothing_is_left_is_marked_and_nothing_of_it_moves(town: Town) -> None:
    """What was given out of it comes back into quarantine."""
    fulfilment = town.release(20)
    town.receive(A, TABLETS, "L0", 20, expiry=date(2027, 1, 31))
    pick = town.pick(20, lot="L0", expiry=date(2027, 1, 31))
    hold_id = town.accepted(fulfilment, (1, 20))
    fine(town.try_check(fulfilment, town.prepare(fulfilment, hold_id, pick)))
    recalled(town, "L0")

    lot = town.shelf().lots["L0"]
    assert lot.recalled
    item = {"stock_item_id": stock_item_id(A, TABLETS), "before": 99, "before_number": 0, "limit": 9}
    moved = [(row["kind"], row["shelf"]) for row in town.store.rows("movements_of", **item) if row["lot"] == "L0"]
    assert moved == [("returned apart", 0), ("dispensed", -20), ("received", 20)]
    assert (lot.on_hand, lot.quarantined) == (0, 20)
