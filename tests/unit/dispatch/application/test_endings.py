"""How fulfilments end: the cancel table, expiry, and the answers to the prescriber."""

from uuid import uuid4

from contracts.events import dispatch as told
from contracts.events import prescribe
from services.dispatch.application import deliveries
from services.dispatch.domain.prescription_content import CONTENTS, content_id
from tests.unit.dispatch.town import COURIER, NOON, VALID_UNTIL, B, Town, fine, refused


def answers(town: Town) -> list[tuple[int, int, int, str | None, bool]]:
    """(cancelled, awaiting return, refused, reason, final) of line 1, answer by answer."""
    return [
        (row.cancelled, row.awaiting_return, row.refused, row.reason, event.final)
        for event in town.store.told_of(told.CancellationDecided)
        for row in event.lines[:1]
    ]


def test_what_is_free_is_cancelled_and_the_fulfilment_ends(town: Town) -> None:
    fulfilment = town.release(60, 2)
    town.cancel(fulfilment)

    assert answers(town) == [(60, 0, 0, None, True)]
    (closed,) = town.store.told_of(told.FulfilmentClosed)
    assert closed.outcome == "cancelled"
    assert [row.cancelled for row in closed.buckets] == [60, 2]


def test_the_same_request_again_has_its_first_answer(town: Town) -> None:
    fulfilment = town.release()
    request_id = uuid4()
    town.cancel(fulfilment, request_id=request_id)
    town.cancel(fulfilment, request_id=request_id)

    assert len(answers(town)) == 1


def test_a_held_quantity_is_revoked_with_its_stock_and_packs(town: Town) -> None:
    fulfilment = town.release()
    hold_id = town.accepted(fulfilment, (1, 40))
    pick = town.pick(40)
    town.prepare(fulfilment, hold_id, pick)

    town.cancel(fulfilment)

    assert answers(town) == [(60, 0, 0, None, True)]
    (ended,) = town.store.told_of(told.HoldEnded)
    assert (ended.how, ended.freed[0].bucket, ended.freed[0].quantity) == ("revoked", "cancelled", 40)
    assert town.shelf().available(NOON.date()) == 200
    other = town.release()
    town.prepare(other, town.accepted(other), pick)


def test_a_in_part_b_holds_the_rest_cancelled(town: Town) -> None:
    fulfilment = town.release()
    town.collected(fulfilment, 20, held=60)
    town.accepted(fulfilment, (1, 40), pharmacy=B)

    town.cancel(fulfilment)

    assert answers(town) == [(40, 0, 20, "in_hands", True)]
    (closed,) = town.store.told_of(told.FulfilmentClosed)
    assert closed.outcome == "mixed"


def test_a_supply_at_the_counter_is_undone(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    town.clear(fulfilment, supply_id)

    town.cancel(fulfilment)

    assert answers(town) == [(60, 0, 0, None, True)]
    (undone,) = town.store.told_of(told.SupplyUndone)
    assert (undone.why, undone.lines[0].bucket) == ("cancelled", "cancelled")
    refused(town.try_hand_out(fulfilment, supply_id), "supply.wrong_state")


def test_a_delivery_that_has_not_left_is_called_off(town: Town) -> None:
    fulfilment = town.release()
    delivery_id = town.packed(fulfilment, town.dispensed(fulfilment))

    town.cancel(fulfilment)

    assert town.delivery(delivery_id).status == "cancelled"
    assert answers(town) == [(60, 0, 0, None, True)]


def test_with_a_courier_the_answer_waits_and_a_delivery_wins(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment, 40)
    delivery_id = town.on_the_road(fulfilment, supply_id)
    fine(town.store.run(deliveries.arrive(delivery_id, COURIER)))
    town.cancel(fulfilment)
    assert answers(town) == [(20, 40, 0, None, False)]
    assert town.state(fulfilment).status == "open"

    fine(town.deliver(delivery_id, supply_id))

    assert answers(town)[1:] == [(20, 0, 40, "delivered", True)]
    (closed,) = town.store.told_of(told.FulfilmentClosed)
    assert closed.outcome == "mixed"


def test_an_answer_waits_for_all_parcels_and_keeps_its_other_lines(town: Town) -> None:
    fulfilment = town.release(60, 2)
    first = town.dispensed(fulfilment, 20)
    second = town.dispensed(fulfilment, 40)
    one, two = town.on_the_road(fulfilment, first), town.on_the_road(fulfilment, second)
    town.cancel(fulfilment)

    fine(town.deliver(one, first))
    assert len(answers(town)) == 1
    fine(town.deliver(two, second))

    final = town.store.told_of(told.CancellationDecided)[-1]
    assert [(row.line, row.cancelled, row.refused) for row in final.lines] == [(1, 0, 60), (2, 2, 0)]


def test_only_what_is_asked_for_is_cancelled(town: Town) -> None:
    fulfilment = town.release(60, 2)
    town.hold(fulfilment, (1, 40), (2, 2))

    town.cancel(fulfilment, (1, 30))

    (event,) = town.store.told_of(told.CancellationDecided)
    assert [(row.line, row.cancelled) for row in event.lines] == [(1, 30)]
    (ended,) = town.store.told_of(told.HoldEnded)
    freed = [(row.line, row.quantity, row.bucket) for row in ended.freed]
    assert freed == [(1, 10, "cancelled"), (1, 30, "remaining"), (2, 2, "remaining")]
    state = town.state(fulfilment)
    assert state.status == "open"
    assert (state.lines[1].buckets.remaining, state.lines[1].buckets.cancelled) == (30, 30)


def test_a_hold_or_supply_that_is_not_concerned_goes_on(town: Town) -> None:
    fulfilment = town.release(60, 2)
    hold_id = town.hold(fulfilment, (1, 20))
    town.dispensed(fulfilment, 20, pharmacy=B)
    town.on_the_road(fulfilment, town.dispensed(fulfilment, 20))

    town.cancel(fulfilment, (2, 2))

    assert town.state(fulfilment).holds[hold_id].running
    assert answers(town) == [(2, 0, 0, None, True)]


def test_a_part_of_a_dispensed_supply_takes_the_whole_back(town: Town) -> None:
    fulfilment = town.release()
    town.dispensed(fulfilment)

    town.cancel(fulfilment, (1, 20))

    (undone,) = town.store.told_of(told.SupplyUndone)
    assert [(row.quantity, row.bucket) for row in undone.lines] == [(20, "cancelled"), (40, "remaining")]


def test_after_the_end_nothing_moves_but_there_is_an_answer(town: Town) -> None:
    fulfilment = town.release()
    town.collected(fulfilment)
    town.cancel(fulfilment)
    town.cancel(fulfilment, (9, 1))
    lapsed = town.release()
    town.expire(lapsed)
    town.cancel(lapsed)

    assert answers(town) == [(0, 0, 60, "in_hands", True), (0, 0, 0, "already_ended", True)]


def test_a_cancellation_of_something_unknown_is_no_effect(town: Town) -> None:
    known = town.release()
    event = town.cancel(known)
    before = len(town.store.told)

    town.store.react(event.model_copy(update={"fulfilments": (uuid4(),), "request_id": uuid4()}))

    assert len(town.store.told) == before


def test_expiry_lapses_what_is_free_and_lets_the_rest_run(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment, 20)
    town.hold(fulfilment, (1, 20))
    town.expire(fulfilment)
    state = town.state(fulfilment)
    assert (state.status, state.lines[1].buckets.lapsed, state.lines[1].buckets.held) == ("closing", 20, 20)

    town.store.move_clock(VALID_UNTIL - NOON)
    assert town.state(fulfilment).lines[1].buckets.lapsed == 40
    town.clear(fulfilment, supply_id)
    fine(town.try_hand_out(fulfilment, supply_id))

    (closed,) = town.store.told_of(told.FulfilmentClosed)
    assert (closed.outcome, closed.buckets[0].in_hands, closed.buckets[0].lapsed) == ("mixed", 20, 40)


def test_expiry_twice_or_of_something_unknown_changes_nothing(town: Town) -> None:
    fulfilment = town.release()
    town.expire(fulfilment)
    before = len(town.store.told)
    town.expire(fulfilment)
    unknown = prescribe.PrescriptionExpired(
        prescription_id=uuid4(), patient_ref=town.patient_ref, valid_until=VALID_UNTIL, lines=()
    )
    town.store.react(unknown)

    assert len(town.store.told) == before


def test_the_prescriptions_end_is_kept_with_its_content(town: Town) -> None:
    completed, cancelled = town.release(), town.release()
    ids = [town.state(each).prescription_id for each in (completed, cancelled)]
    town.store.react(prescribe.PrescriptionCompleted(prescription_id=ids[0], patient_ref=town.patient_ref, lines=()))
    town.store.react(
        prescribe.PrescriptionCancelled(
            prescription_id=ids[1], patient_ref=town.patient_ref, request_id=uuid4(), reason_code="x", lines=()
        )
    )

    ended = [town.store.state(CONTENTS.ref(content_id(each))).ended_as for each in ids]
    assert ended == ["completed", "cancelled"]
