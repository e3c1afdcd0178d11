"""Token, look-up and hold."""

from datetime import timedelta
from uuid import uuid4

import pytest

from contracts.events import dispatch as told
from contracts.events import dispatch_stock
from services.dispatch.application import holds
from services.dispatch.application.holds import LookUp
from services.dispatch.domain import secrets
from services.dispatch.domain.values import LineQuantity, Way
from services.seedwork.ports import Outcome
from tests.unit.dispatch.town import (
    BRAND,
    HOUR,
    KEY,
    NOON,
    SYRUP,
    TABLETS,
    VALID_UNTIL,
    A,
    B,
    Town,
    actor,
    fine,
    person,
    place,
    refused,
    staff,
)


def look_up(town: Town, token: str, pharmacy: str = A) -> Outcome:
    who = actor("pharmacist", pharmacy)
    return town.store.run(holds.look_up(LookUp(pharmacy=pharmacy, token=token), who, KEY), who)


def test_the_patients_token_shows_the_prescription_typed_or_scanned(town: Town) -> None:
    fulfilment = town.release(60, 2)
    token = town.token(fulfilment)

    for shown in (token, secrets.qr_text(token), f"{token[:4].lower()}-{token[4:8]} {token[8:]}"):
        body = fine(look_up(town, shown)).body
        assert body["fulfilment"]["fulfilment_id"] == str(fulfilment)
        assert body["prescription"]["diagnoses"] == [{"code": "I10", "name": "原发性高血压"}]
        assert [line["quantity"] for line in body["prescription"]["lines"]] == [60, 2]


def test_five_wrong_codes_lock_the_person_even_for_the_right_code(town: Town) -> None:
    fulfilment = town.release()

    for _ in range(5):
        refused(look_up(town, "0000000000AA"), "token.wrong")

    refused(look_up(town, town.token(fulfilment)), "token.locked")
    fine(look_up(town, town.token(fulfilment), B))
    town.store.move_clock(HOUR)
    fine(look_up(town, town.token(fulfilment)))


def test_wrong_codes_that_are_old_are_forgotten(town: Town) -> None:
    for _ in range(4):
        refused(look_up(town, "0000000000AA"), "token.wrong")
    town.store.move_clock(HOUR)

    for _ in range(4):
        refused(look_up(town, "0000000000AA"), "token.wrong")

    fine(look_up(town, town.token(town.release())))


def test_wrong_secrets_behind_a_right_locator_lock_the_fulfilment_for_everybody(town: Town) -> None:
    fulfilment = town.release()
    wrong = secrets.locator(fulfilment) + "0000000"

    for number in range(5):
        refused(look_up(town, wrong, (A, B)[number % 2]), "token.wrong")

    refused(look_up(town, town.token(fulfilment)), "token.locked")


def test_a_token_opens_its_prescription_at_once_whatever_the_lists_know(town: Town) -> None:
    town.store.lists_lag = True
    fulfilment = town.release()

    fine(look_up(town, town.token(fulfilment)))
    for _ in range(5):
        refused(look_up(town, "0000000000AA"), "token.wrong")
    refused(look_up(town, town.token(fulfilment)), "token.locked")


def test_of_many_with_one_locator_each_token_opens_its_own_and_guesses_lock_those_that_live(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "locator", lambda _fulfilment: "AAAAA")
    ended = [town.release() for _ in range(12)]
    for fulfilment in ended:
        town.expire(fulfilment)
    live = town.release()

    assert fine(look_up(town, town.token(live))).body["fulfilment"]["fulfilment_id"] == str(live)
    refused(look_up(town, town.token(ended[0])), "token.used_up")
    for number in range(5):
        refused(look_up(town, "AAAAA0000000", (A, B)[number % 2]), "token.wrong")

    refused(look_up(town, town.token(live)), "token.locked")
    refused(look_up(town, town.token(ended[0])), "token.used_up")


def test_only_an_admitted_pharmacy_looks_up(town: Town) -> None:
    fulfilment = town.release()
    town.load("pharmacy", A, place(28.2, 112.98, "430102"), suspended=True)

    refused(look_up(town, town.token(fulfilment)), "pharmacy.not_admitted")
    refused(town.try_hold(fulfilment), "pharmacy.not_admitted")


def test_a_token_is_worthless_when_everything_has_ended(town: Town) -> None:
    fulfilment = town.release()
    town.collected(fulfilment)

    refused(look_up(town, town.token(fulfilment)), "token.used_up")


def test_a_hold_reserves_the_quantity_and_the_stock_together(town: Town) -> None:
    fulfilment = town.release()

    answer = fine(town.try_hold(fulfilment, (1, 40))).body

    buckets = town.state(fulfilment).lines[1].buckets
    assert (buckets.remaining, buckets.held) == (20, 40)
    assert town.shelf().available(NOON.date()) == 160
    assert answer["expires_at"] == (NOON + timedelta(minutes=30)).isoformat()
    (event,) = town.store.told_of(told.QuantityHeld)
    assert (event.pharmacy, event.region, event.way, event.kind) == (A, "430102", "counter", "normal")
    assert event.buckets[0].held == 40


def test_a_second_pharmacy_cannot_hold_the_same_quantity(town: Town) -> None:
    fulfilment = town.release()
    town.hold(fulfilment, (1, 40))

    refused(town.try_hold(fulfilment, (1, 40), pharmacy=B), "hold.not_enough_remaining")
    town.hold(fulfilment, (1, 20), pharmacy=B)


def test_nothing_is_held_without_the_patients_token(town: Town) -> None:
    fulfilment = town.release()

    refused(town.try_hold(fulfilment, token="0" * 12), "token.wrong")
    for _ in range(4):
        refused(town.try_hold(fulfilment, token="0" * 12), "token.wrong")
    refused(town.try_hold(fulfilment), "token.locked")
    refused(town.try_hold(uuid4(), token="0" * 12), "fulfilment.unknown")


def test_a_person_must_be_a_pharmacist_of_the_pharmacy_today(town: Town) -> None:
    fulfilment = town.release()
    town.refer("person", person("pharmacist"), staff("pharmacist", B))

    refused(town.try_hold(fulfilment), "person.not_qualified")


def test_no_new_hold_after_validity(town: Town) -> None:
    fulfilment = town.release()
    town.store.move_clock(VALID_UNTIL - NOON)
    town.hold(fulfilment, (1, 20))
    town.store.move_clock(timedelta(seconds=1))

    refused(town.try_hold(fulfilment, (1, 20)), "hold.validity_over")


def test_a_hold_never_outlives_validity_by_more_than_the_grace(town: Town) -> None:
    fulfilment = town.release()
    town.store.move_clock(VALID_UNTIL - NOON)

    hold_id = town.accepted(fulfilment)

    assert town.state(fulfilment).holds[hold_id].expires_at == VALID_UNTIL + timedelta(minutes=30)


def test_what_a_pharmacy_asks_for_must_make_sense(town: Town) -> None:
    fulfilment = town.release()

    refused(town.try_hold(fulfilment, (1, 10), (1, 10)), "hold.line_twice")
    refused(town.try_hold(fulfilment, (7, 10)), "line.unknown")
    refused(town.try_hold(fulfilment, (1, 10), product="XZ"), "product.unknown")
    refused(town.try_hold(fulfilment, (1, 10), product=SYRUP), "hold.other_drug")


def test_another_brand_of_the_same_drug_may_be_held(town: Town) -> None:
    fulfilment = town.release()
    town.receive(A, BRAND, "B1", 60)

    town.hold(fulfilment, (1, 60), product=BRAND)

    assert town.shelf(A, BRAND).reserved
    assert not town.shelf(A, TABLETS).reserved


def test_a_drug_for_the_counter_only_is_not_held_for_delivery(town: Town) -> None:
    fulfilment = town.release(counter_only=True)

    refused(town.try_hold(fulfilment, way=Way.DELIVERY), "hold.counter_only")
    town.hold(fulfilment)


def test_the_books_must_have_it_unless_the_packs_are_in_the_hand(town: Town) -> None:
    fulfilment = town.release(300)

    refused(town.try_hold(fulfilment, (1, 300)), "stock.not_enough")
    assert town.state(fulfilment).lines[1].buckets.held == 0
    town.hold(fulfilment, (1, 300), packs_seen=True)
    assert town.shelf().available(NOON.date()) == 0


def test_a_pharmacy_without_the_wanted_designation_holds_for_self_pay_only(town: Town) -> None:
    pooled = town.release(intent="pooled_outpatient")
    dual = town.release(intent="dual_channel")
    alone = town.release(intent="self_pay")

    assert not fine(town.try_hold(pooled)).body["self_pay_only"]
    assert fine(town.try_hold(dual)).body["self_pay_only"]
    assert fine(town.try_hold(alone)).body["self_pay_only"]


def test_a_suspended_designation_is_obeyed_at_once(town: Town) -> None:
    fulfilment = town.release()
    town.designate(A, ("定点", "门诊统筹"), suspended=True)

    assert fine(town.try_hold(fulfilment)).body["self_pay_only"]


def test_the_holder_gets_its_secret_again_and_nobody_else_does(town: Town) -> None:
    fulfilment = town.release()
    hold_id = town.hold(fulfilment)

    assert fine(town.store.run(holds.fetch_secret(fulfilment, hold_id, A))).body["hold_id"] == str(hold_id)
    refused(town.store.run(holds.fetch_secret(fulfilment, hold_id, B)), "hold.not_yours")
    refused(town.store.run(holds.fetch_secret(fulfilment, uuid4(), A)), "hold.unknown")
    fine(town.release_hold(fulfilment, hold_id))
    refused(town.store.run(holds.fetch_secret(fulfilment, hold_id, A)), "hold.wrong_state")


def test_every_later_step_shows_the_secret(town: Town) -> None:
    fulfilment = town.release()
    hold_id = town.hold(fulfilment)
    stolen = town.secret(hold_id, B)

    assert holds.wrong_secret(KEY, hold_id, A, stolen) is not None
    town.refer("person", person("pharmacist"), staff("preparer", A))
    refused(town.review(fulfilment, hold_id), "person.not_qualified")


def test_the_pharmacys_review_gives_the_hold_more_time(town: Town) -> None:
    counter, delivered = town.release(), town.release()

    first = town.accepted(counter)
    second = town.accepted(delivered, way=Way.DELIVERY)

    assert town.state(counter).holds[first].expires_at == NOON + 4 * HOUR
    assert town.state(delivered).holds[second].expires_at == VALID_UNTIL + timedelta(minutes=30)
    refused(town.review(counter, first), "hold.wrong_state")


def test_a_hold_that_is_not_used_expires_and_frees_quantity_and_stock(town: Town) -> None:
    fulfilment = town.release()
    hold_id = town.hold(fulfilment)
    town.store.time += timedelta(minutes=30)
    refused(town.review(fulfilment, hold_id), "hold.expired")

    town.store.move_clock(timedelta(0))

    assert town.state(fulfilment).lines[1].buckets.remaining == 60
    assert town.shelf().available(NOON.date()) == 200
    (ended,) = town.store.told_of(told.HoldEnded)
    assert (ended.how, ended.freed[0].quantity, ended.freed[0].bucket) == ("expired", 60, "remaining")


def test_a_timer_that_comes_too_early_changes_nothing(town: Town) -> None:
    fulfilment = town.release()
    town.hold(fulfilment)

    for kind in ("hold_expiry", "collect"):
        fine(town.store.run(town.store.service.timers["fulfilment", kind](fulfilment)))

    assert town.state(fulfilment).lines[1].buckets.held == 60


def test_packs_set_aside_go_back_when_the_hold_expires(town: Town) -> None:
    fulfilment = town.release()
    hold_id = town.accepted(fulfilment)
    pick = town.pick()
    town.prepare(fulfilment, hold_id, pick)

    town.store.move_clock(4 * HOUR)

    other = town.release()
    town.prepare(other, town.accepted(other), pick)


def test_out_of_stock_is_a_signal_without_patient_or_prescription(town: Town) -> None:
    fulfilment = town.release()
    first = town.hold(fulfilment)
    fine(town.release_hold(fulfilment, first, "out_of_stock"))
    second = town.hold(fulfilment, pharmacy=B)
    fine(town.release_hold(fulfilment, second, "out_of_stock", pharmacy=B))

    one, two = town.store.told_of(dispatch_stock.LineUnfilled)

    assert (one.pharmacy, two.pharmacy) == (A, B)
    assert one.demand_key == two.demand_key
    assert (one.quantity, one.reason, one.on_hand_known, one.on_hand) == (60, "out_of_stock", True, 200)
    text = one.model_dump_json()
    assert str(town.state(fulfilment).prescription_id) not in text
    assert str(town.patient_ref) not in text


def test_a_hold_that_the_books_cannot_meet_is_refused_and_told_as_unfilled(town: Town) -> None:
    fulfilment = town.release(60, 30)

    short = town.try_hold(fulfilment, (1, 60), (2, 30))

    refused(short, "stock.not_enough")
    assert short.body["facts"] == {"product": SYRUP, "available": 10}
    assert town.store.told_of(told.QuantityHeld) == []
    assert not town.shelf().reserved
    (unfilled,) = town.store.told_of(dispatch_stock.LineUnfilled)
    assert (unfilled.product, unfilled.quantity, unfilled.reason) == (SYRUP, 30, "not_enough_stock")
    assert (unfilled.on_hand_known, unfilled.on_hand) == (True, 10)
    town.hold(fulfilment, (2, 10))
    fine(town.release_hold(fulfilment, next(iter(town.state(fulfilment).holds)), "out_of_stock"))
    assert {event.demand_key for event in town.store.told_of(dispatch_stock.LineUnfilled)} == {unfilled.demand_key}


def test_what_a_pharmacy_never_had_is_unfilled_too(town: Town) -> None:
    fulfilment = town.release()

    refused(town.try_hold(fulfilment, (1, 60), product=BRAND), "stock.not_enough")

    (unfilled,) = town.store.told_of(dispatch_stock.LineUnfilled)
    assert (unfilled.product, unfilled.on_hand_known, unfilled.on_hand) == (BRAND, False, 0)
    town.receive(A, BRAND, "B1", 60)
    town.hold(fulfilment, (1, 60), product=BRAND)


def test_another_reason_is_no_signal(town: Town) -> None:
    fulfilment = town.release()
    fine(town.release_hold(fulfilment, town.hold(fulfilment), "patient_wish"))

    assert town.store.told_of(dispatch_stock.LineUnfilled) == []


def test_a_part_of_a_hold_may_be_given_back(town: Town) -> None:
    fulfilment = town.release()
    hold_id = town.accepted(fulfilment)
    town.prepare(fulfilment, hold_id)

    fine(town.release_hold(fulfilment, hold_id, lines=(LineQuantity(line=1, quantity=20),)))

    state = town.state(fulfilment)
    assert state.holds[hold_id].running
    assert state.holds[hold_id].held(1) == 40
    assert state.prepared_supply(hold_id) is None
    assert sum(town.shelf().reserved.values()) == 40
    too_much = (LineQuantity(line=1, quantity=41),)
    refused(town.release_hold(fulfilment, hold_id, lines=too_much), "hold.not_held")


def test_a_release_needs_the_secret(town: Town) -> None:
    fulfilment = town.release()
    hold_id = town.hold(fulfilment)

    refused(town.release_hold(fulfilment, hold_id, pharmacy=B), "hold.not_yours")
    town.secret = lambda *_: "guess"  # type: ignore[method-assign]
    refused(town.release_hold(fulfilment, hold_id), "hold.wrong_secret")
    refused(town.review(fulfilment, hold_id), "hold.wrong_secret")
    refused(town.try_prepare(fulfilment, hold_id), "hold.wrong_secret")


def test_nothing_is_held_of_what_has_ended(town: Town) -> None:
    fulfilment = town.release()
    town.expire(fulfilment)

    refused(town.try_hold(fulfilment), "fulfilment.wrong_state")
