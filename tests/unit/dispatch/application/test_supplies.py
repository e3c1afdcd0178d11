"""Prepare, check, hand out; and undo."""

from datetime import date, timedelta
from uuid import uuid4

import pytest

from contracts.events import dispatch as told
from contracts.events import dispatch_stock, insurance
from services.dispatch.application import supplies
from services.dispatch.application.stock import adjust_stock
from services.dispatch.domain.fulfilment.commands import Unprepare
from services.dispatch.domain.stock.item import AdjustStock
from services.dispatch.domain.trace_code import TRACE_CODES, trace_code_id
from services.dispatch.domain.values import CollectorIdentity
from tests.unit.dispatch.town import (
    AGENTS_CARD,
    BRAND,
    HOUR,
    KEY,
    NOON,
    PATIENT_CARD,
    SYRUP,
    TABLETS,
    A,
    B,
    Town,
    fine,
    person,
    refused,
    staff,
)


def code_state(town: Town, code: str) -> str:
    return str(town.store.state(TRACE_CODES.ref(trace_code_id(code))).status)


def test_a_fill_tells_insurance_all_a_claim_needs(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)

    (event,) = town.store.told_of(told.SupplyDispensed)

    assert event.supply_id == supply_id
    assert (event.fill_no, event.pharmacy, event.region, event.self_pay_only) == (1, A, "430102", False)
    assert [(row.insurer, row.channels) for row in event.designations] == [("430100", ("定点", "门诊统筹"))]
    assert (event.reviewer, event.preparer, event.checker) == tuple(
        person(role) for role in ("pharmacist", "preparer", "checker")
    )
    (line,) = event.lines
    assert (line.quantity, line.packs, line.pack_size, line.unit_price, line.amount) == (60, 3, 20, 1250, 3750)
    assert len(line.trace_codes) == 3
    assert not line.split_pack
    assert event.buckets[0].dispensed == 60


def test_dispensed_packs_leave_the_books_and_their_codes_are_sold(town: Town) -> None:
    fulfilment = town.release()
    pick = town.pick()
    supply_id = town.prepare(fulfilment, town.accepted(fulfilment), pick)
    assert {code_state(town, code) for code in pick.trace_codes} == {"scanned"}

    fine(town.try_check(fulfilment, supply_id))

    assert {code_state(town, code) for code in pick.trace_codes} == {"sold"}
    assert town.shelf().on_hand == 140
    assert not town.shelf().reserved


def test_a_sold_code_cannot_be_sold_again_anywhere(town: Town) -> None:
    first, second = town.release(), town.release()
    pick = town.pick()
    town.prepare(first, town.accepted(first), pick)
    hold_id = town.accepted(second, pharmacy=B)

    refused(town.try_prepare(second, hold_id, pick, pharmacy=B), "trace_code.not_free")
    fine(town.try_check(first, next(iter(town.state(first).supplies))))
    refused(town.try_prepare(second, hold_id, pick, pharmacy=B), "trace_code.repeated")


def test_an_opened_pack_is_sold_on_by_its_pharmacy_until_it_is_empty(town: Town) -> None:
    first, second, third = town.release(), town.release(), town.release()
    code = town.new_codes(1)
    half = town.pick(12, trace_codes=code)
    fine(town.try_check(first, town.prepare(first, town.accepted(first, (1, 12)), half)))
    assert code_state(town, code[0]) == "opened"

    elsewhere = town.accepted(second, (1, 8), pharmacy=B)
    refused(town.try_prepare(second, elsewhere, town.pick(8, trace_codes=code), pharmacy=B), "trace_code.repeated")
    hold_id = town.accepted(third, (1, 9))
    refused(town.try_prepare(third, hold_id, town.pick(9, trace_codes=code)), "trace_code.pack_used_up")
    fine(town.try_check(third, town.prepare(third, hold_id, town.pick(8, trace_codes=code))))

    assert code_state(town, code[0]) == "sold"
    (event, _) = town.store.told_of(told.SupplyDispensed)
    assert event.lines[0].split_pack
    assert event.lines[0].amount == 750


def test_a_pack_without_a_code_needs_a_reason(town: Town) -> None:
    fulfilment = town.release()
    hold_id = town.accepted(fulfilment)

    refused(town.try_prepare(fulfilment, hold_id, town.pick(trace_codes=())), "supply.codes_missing")
    town.prepare(fulfilment, hold_id, town.pick(trace_codes=(), no_code_reason="no_code_printed"))


def test_nothing_is_prepared_before_the_pharmacys_own_review(town: Town) -> None:
    fulfilment = town.release()

    refused(town.try_prepare(fulfilment, town.hold(fulfilment)), "hold.wrong_state")


def test_packs_are_picked_as_held(town: Town) -> None:
    fulfilment = town.release(60, 2)
    hold_id = town.accepted(fulfilment, (1, 60))
    codes = town.new_codes(1)

    refused(town.try_prepare(fulfilment, hold_id, town.pick(2, 2)), "hold.not_held")
    refused(town.try_prepare(fulfilment, hold_id, town.pick(product=BRAND)), "supply.other_product")
    refused(town.try_prepare(fulfilment, hold_id, town.pick(80)), "supply.more_than_held")
    twice = (town.pick(20, trace_codes=codes), town.pick(20, trace_codes=codes))
    refused(town.try_prepare(fulfilment, hold_id, *twice), "supply.code_twice")
    town.prepare(fulfilment, hold_id, town.pick(40), town.pick(20))
    refused(town.try_prepare(fulfilment, hold_id), "supply.already_prepared")


def test_a_supply_has_at_most_so_many_packs_as_one_save_can_carry(town: Town) -> None:
    town.receive(A, SYRUP, "S2", 100)
    fulfilment = town.release(20, 81)
    hold_id = town.accepted(fulfilment, (2, 81))

    refused(town.try_prepare(fulfilment, hold_id, town.pick(81, 2)), "supply.too_many_packs")


def test_the_lot_that_expires_first_goes_first_or_there_is_a_reason(town: Town) -> None:
    town.receive(A, TABLETS, "EARLY", 20, expiry=date(2026, 9, 30))
    fulfilment = town.release()
    hold_id = town.accepted(fulfilment)

    refused(town.try_prepare(fulfilment, hold_id, town.pick()), "supply.not_first_expired")
    early = town.pick(20, lot="EARLY", expiry=date(2026, 9, 30))
    supply_id = town.prepare(fulfilment, hold_id, early, town.pick(40))
    command = Unprepare(supply_id=supply_id, pharmacy=A)
    fine(town.store.run(supplies.unprepare(fulfilment, command, town.secret(hold_id), KEY)))
    town.prepare(fulfilment, hold_id, town.pick(lot_reason="damaged"))


def test_an_expired_or_misread_lot_is_not_picked(town: Town) -> None:
    fulfilment = town.release()
    hold_id = town.accepted(fulfilment)

    old = town.pick(lot="OLD", expiry=date(2026, 3, 1))
    refused(town.try_prepare(fulfilment, hold_id, old), "stock.lot_expired")
    misread = town.pick(lot="L1", expiry=date(2028, 1, 1))
    refused(town.try_prepare(fulfilment, hold_id, misread), "stock.lot_differs")


def test_a_scanned_pack_beats_the_books(town: Town) -> None:
    fulfilment = town.release()
    hold_id = town.accepted(fulfilment)
    correction = AdjustStock(lot="L1", change=-190, reason="counted", adjusted_by="x")
    fine(town.store.run(adjust_stock(A, TABLETS, correction)))

    fine(town.try_check(fulfilment, town.prepare(fulfilment, hold_id)))

    assert town.shelf().on_hand == 0


def test_preparing_and_checking_are_two_persons(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.prepare(fulfilment, town.accepted(fulfilment))
    town.refer("person", person("preparer"), {**staff("checker", A), "professions": ["preparer", "checker"]})

    refused(town.try_check(fulfilment, supply_id, checker=person("preparer")), "supply.checker_is_preparer")
    refused(town.try_check(fulfilment, supply_id, checker="somebody"), "person.not_qualified")


def test_only_the_holders_steps_count(town: Town) -> None:
    fulfilment = town.release()
    hold_id = town.accepted(fulfilment)
    supply_id = town.prepare(fulfilment, hold_id)
    foreign = Unprepare(supply_id=supply_id, pharmacy=B)
    stolen = town.secret(hold_id, B)

    refused(town.store.run(supplies.unprepare(fulfilment, foreign, stolen, KEY)), "supply.not_yours")
    refused(town.try_check(fulfilment, supply_id, secret="guess"), "hold.wrong_secret")
    refused(town.try_check(fulfilment, uuid4()), "supply.unknown")
    town.refer("person", person("preparer"), staff("checker", A))
    other = town.release()
    refused(town.try_prepare(other, town.accepted(other)), "person.not_qualified")


def test_a_check_after_the_hold_has_expired_is_too_late(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.prepare(fulfilment, town.accepted(fulfilment))
    town.store.time += 4 * HOUR

    refused(town.try_check(fulfilment, supply_id), "hold.expired")


def test_a_product_without_a_price_is_not_dispensed(town: Town) -> None:
    fulfilment = town.release(2)
    hold_id = town.hold(fulfilment, (1, 2), product=BRAND, packs_seen=True)
    fine(town.review(fulfilment, hold_id))
    pick = town.pick(2, product=BRAND, lot="B1", trace_codes=town.new_codes(1))
    supply_id = town.prepare(fulfilment, hold_id, pick)

    refused(town.try_check(fulfilment, supply_id), "supply.no_price")


def test_the_rest_of_a_partial_fill_is_free_for_any_pharmacy_and_a_signal(town: Town) -> None:
    fulfilment = town.release()

    town.dispensed(fulfilment, 40, held=60)

    buckets = town.state(fulfilment).lines[1].buckets
    assert (buckets.remaining, buckets.held, buckets.dispensed) == (20, 0, 40)
    (ended,) = town.store.told_of(told.HoldEnded)
    assert (ended.how, ended.freed[0].quantity) == ("rest_freed", 20)
    (unfilled,) = town.store.told_of(dispatch_stock.LineUnfilled)
    assert (unfilled.reason, unfilled.quantity) == ("partial_dispense", 20)
    town.hold(fulfilment, (1, 20), pharmacy=B)


def test_nothing_is_handed_out_uncleared(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)

    refused(town.try_hand_out(fulfilment, supply_id), "supply.not_cleared")
    town.clear(fulfilment, supply_id)
    fine(town.try_hand_out(fulfilment, supply_id))

    (event,) = town.store.told_of(told.SupplyReceived)
    assert event.carried is False
    assert (event.accepted[0].quantity, event.collector_kind, event.exception) == (60, "patient", False)
    (closed,) = town.store.told_of(told.FulfilmentClosed)
    assert (closed.outcome, closed.buckets[0].in_hands) == ("supplied", 60)


def test_only_the_highest_attempt_clears(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    town.clear(fulfilment, supply_id, attempt=1)
    voided = insurance.ClaimVoided(reason="payment_failed", **town.claim(fulfilment, supply_id, attempt=1))
    town.store.react(voided)
    refused(town.try_hand_out(fulfilment, supply_id), "supply.not_cleared")

    refusal = insurance.ClaimRefused(
        stage="authorise", reasons=("x",), may_self_pay=True, **town.claim(fulfilment, supply_id, attempt=2)
    )
    town.store.react(refusal)
    town.clear(fulfilment, supply_id, attempt=1)
    refused(town.try_hand_out(fulfilment, supply_id), "supply.not_cleared")

    town.clear(fulfilment, supply_id, attempt=3)
    town.clear(fulfilment, supply_id, attempt=3)
    fine(town.try_hand_out(fulfilment, supply_id))


def test_a_wrong_pickup_code_is_counted_and_locked(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    town.clear(fulfilment, supply_id)

    for _ in range(5):
        refused(town.try_hand_out(fulfilment, supply_id, code="00000000"), "supply.wrong_pickup_code")

    refused(town.try_hand_out(fulfilment, supply_id), "token.locked")


def test_an_agent_shows_both_identities(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    town.clear(fulfilment, supply_id)
    alone = CollectorIdentity(name="代取人", identity_no=AGENTS_CARD)
    both = CollectorIdentity(name="代取人", identity_no=AGENTS_CARD, patient_identity_no=PATIENT_CARD)

    refused(
        town.try_hand_out(fulfilment, supply_id, kind="agent", identity=alone), "collector.patient_identity_missing"
    )
    fine(town.try_hand_out(fulfilment, supply_id, kind="agent", identity=both))

    (event,) = town.store.told_of(told.SupplyReceived)
    assert AGENTS_CARD not in event.model_dump_json()


@pytest.mark.parametrize("number", ["430102199003070010", "43010219900307", "430102203003070016"])
def test_an_identity_number_must_be_one(town: Town, number: str) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    town.clear(fulfilment, supply_id)

    wrong = CollectorIdentity(name="测试患者", identity_no=number)
    refused(town.try_hand_out(fulfilment, supply_id, identity=wrong), "collector.identity_invalid")


def test_another_pharmacys_or_unknown_supply_is_not_handed_out(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.collected(fulfilment)

    refused(town.try_hand_out(fulfilment, supply_id, pharmacy=B), "supply.not_yours")
    refused(town.try_hand_out(fulfilment, supply_id), "supply.wrong_state")


def test_a_given_up_supply_goes_back_to_shelf_and_circulation(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    (line,) = town.state(fulfilment).supplies[supply_id].lines

    refused(town.give_up(fulfilment, supply_id, patient=uuid4()), "fulfilment.not_yours")
    refused(town.give_up(fulfilment, uuid4()), "supply.unknown")
    fine(town.give_up(fulfilment, supply_id))

    assert town.state(fulfilment).lines[1].buckets.remaining == 60
    assert town.shelf().on_hand == 200
    assert {code_state(town, code) for code in line.trace_codes} == {"free"}
    (event,) = town.store.told_of(told.SupplyUndone)
    assert (event.why, event.disposition, event.lines[0].bucket) == ("given_up", "restocked", "remaining")
    refused(town.give_up(fulfilment, supply_id), "supply.wrong_state")


def test_a_supply_that_nobody_collects_is_undone_after_three_days(town: Town) -> None:
    fulfilment = town.release()
    town.dispensed(fulfilment)
    town.expire(fulfilment)
    assert town.state(fulfilment).status == "closing"

    town.store.move_clock(timedelta(hours=71))
    assert town.state(fulfilment).lines[1].buckets.dispensed == 60
    town.store.move_clock(timedelta(hours=1))

    assert town.state(fulfilment).status == "closed"
    (event,) = town.store.told_of(told.SupplyUndone)
    assert (event.why, event.lines[0].bucket) == ("not_collected", "lapsed")
    (closed,) = town.store.told_of(told.FulfilmentClosed)
    assert closed.outcome == "lapsed"
    assert town.shelf().available(NOON.date()) == 200


def test_two_pharmacies_fill_one_prescription(town: Town) -> None:
    fulfilment = town.release(60, 2)
    town.collected(fulfilment, 20)
    town.collected(fulfilment, 40, pharmacy=B)
    assert town.state(fulfilment).status == "open"
    hold_id = town.accepted(fulfilment, (2, 2))
    supply_id = town.prepare(fulfilment, hold_id, town.pick(2, 2))
    fine(town.try_check(fulfilment, supply_id))
    town.clear(fulfilment, supply_id)
    fine(town.try_hand_out(fulfilment, supply_id))

    fills = [event.fill_no for event in town.store.told_of(told.SupplyDispensed)]
    assert fills == [1, 2, 3]
    assert town.state(fulfilment).outcome == "supplied"


def test_what_is_shown_of_the_money_comes_from_insurance(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    facts = town.claim(fulfilment, supply_id)
    quote = insurance.ClaimQuoted(
        policy="p",
        policy_date=date(2026, 1, 1),
        total=3750,
        fund=3000,
        account=0,
        patient_share=750,
        payers=(),
        lines=(),
        **facts,
    )
    for _ in range(2):
        town.store.react(quote)
    town.store.react(quote.model_copy(update={"patient_share": 700}))
    kept = {name: facts[name] for name in facts if name not in {"attempt", "pharmacy", "insurer"}}
    paid = insurance.PaymentChanged(payment_id=uuid4(), item="share", status="paid", amount=700, **kept)
    fee = paid.model_copy(update={"item": "delivery_fee", "status": "requested", "payment_id": uuid4()})
    for _ in range(2):
        town.store.react(paid)
        town.store.react(fee)

    supply = town.state(fulfilment).supplies[supply_id]
    assert (supply.patient_share, supply.payment, supply.cleared) == (700, "paid", False)
    assert supply.fee_payment == "requested"


def test_a_payment_that_counts_for_another_claim_leaves_what_the_patient_sees(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    facts = town.claim(fulfilment, supply_id)
    kept = {name: facts[name] for name in facts if name not in {"attempt", "pharmacy", "insurer"}}
    paid = insurance.PaymentChanged(payment_id=uuid4(), item="share", status="paid", amount=700, **kept)
    town.store.react(paid)

    town.store.react(paid.model_copy(update={"status": "carried_over"}))

    assert town.state(fulfilment).supplies[supply_id].payment == "paid"


def test_news_of_an_unknown_supply_changes_nothing(town: Town) -> None:
    fulfilment = town.release()
    before = len(town.store.told)

    town.clear(fulfilment, uuid4())
    facts = town.claim(fulfilment, uuid4())
    kept = {name: facts[name] for name in facts if name not in {"attempt", "pharmacy", "insurer"}}
    town.store.react(insurance.PaymentChanged(payment_id=uuid4(), item="share", status="paid", amount=7, **kept))

    assert len(town.store.told) == before
