"""One code, one sale, over all pharmacies: what is refused, what is told, and what insurers and regulators may ask."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from contracts.events import dispatch as told
from contracts.events.dispatch_later import TraceCodeRepeated
from services.dispatch.application.trace_codes import ReturnPack, return_pack, trace_code_view
from services.dispatch.domain import trace_code
from services.dispatch.domain.codes.reading import PackCode, read_code
from services.dispatch.domain.owner_words import NoOtherStore
from services.dispatch.domain.trace_code import TRACE_CODES, TraceCodeState, code_sha256, trace_code_id
from services.dispatch.domain.trace_code_events import CodeScanned, CodeSold, PackFacts
from services.seedwork.calendar import civil_day
from services.seedwork.ports import Outcome
from services.seedwork.usecase import Decision, UseCase
from tests.unit.dispatch.town import DRUGS, GOOD_UNTIL, NOON, SHA, TABLETS, A, B, Town, drug, fine, refused

GTIN = "06901234567892"


def known(town: Town, code: str) -> TraceCodeState:
    state: TraceCodeState = town.store.state(TRACE_CODES.ref(trace_code_id(code)))
    return state


def come_back(town: Town, code: str, pharmacy: str = A) -> Outcome:
    return town.store.run(return_pack(ReturnPack(pharmacy=pharmacy, scanned=code), NoOtherStore()))


def alarms(town: Town) -> list[Any]:
    return town.store.told_of(TraceCodeRepeated)


def one_pack(town: Town, pharmacy: str = A, quantity: int = 20, codes: tuple[str, ...] | None = None) -> Any:
    fulfilment = town.release()
    hold_id = town.accepted(fulfilment, (1, quantity), pharmacy=pharmacy)
    pick = town.pick(quantity, trace_codes=codes or town.new_codes(1))
    return fulfilment, hold_id, pick


def test_a_second_sale_is_refused_and_told_with_both_places(town: Town) -> None:
    fulfilment, hold_id, pick = one_pack(town)
    supply_id = town.prepare(fulfilment, hold_id, pick)
    fine(town.try_check(fulfilment, supply_id))
    second, other_hold, _ = one_pack(town, B)
    before = len(town.store.log)

    refused(town.try_prepare(second, other_hold, pick, pharmacy=B), "trace_code.repeated")

    (alarm,) = alarms(town)
    assert alarm.code_sha256 == code_sha256(pick.trace_codes[0])
    assert (alarm.kind, alarm.found, alarm.product) == ("sale", "sold", TABLETS)
    assert (alarm.first.pharmacy, alarm.first.region, alarm.first.at) == (A, "430102", NOON)
    assert alarm.first.supply_id == supply_id
    assert (alarm.second.pharmacy, alarm.second.region, alarm.second.at) == (B, "430103", NOON)
    assert pick.trace_codes[0] not in alarm.model_dump_json()
    assert len(town.store.log) == before + 1, "nothing but the alarm has happened"


def test_the_same_try_again_is_the_same_alarm(town: Town) -> None:
    fulfilment, hold_id, pick = one_pack(town)
    fine(town.try_check(fulfilment, town.prepare(fulfilment, hold_id, pick)))
    second, other_hold, _ = one_pack(town, B)

    for _ in range(3):
        refused(town.try_prepare(second, other_hold, pick, pharmacy=B), "trace_code.repeated")
    third, third_hold, _ = one_pack(town, B)
    refused(town.try_prepare(third, third_hold, pick, pharmacy=B), "trace_code.repeated")

    assert len(alarms(town)) == 2


def test_a_pack_set_aside_elsewhere_is_no_repeat(town: Town) -> None:
    fulfilment, hold_id, pick = one_pack(town)
    town.prepare(fulfilment, hold_id, pick)
    second, other_hold, _ = one_pack(town, B)

    refused(town.try_prepare(second, other_hold, pick, pharmacy=B), "trace_code.not_free")

    assert not alarms(town)


@pytest.mark.parametrize(("fate", "found"), [("locked", "locked"), ("spent", "spent")])
def test_what_is_in_quarantine_or_gone_is_not_sold(town: Town, fate: Any, found: str) -> None:
    fulfilment, hold_id, pick = one_pack(town)
    supply_id = town.prepare(fulfilment, hold_id, pick)
    fine(town.try_check(fulfilment, supply_id))
    (code,) = pick.trace_codes
    end = UseCase(
        (TRACE_CODES.ref(trace_code_id(code)),),
        lambda _moment, each: Decision.on(each, trace_code.end_sale(each.state, supply_id, fate)),
    )
    fine(town.store.run(end))
    assert known(town, code).status == found
    second, other_hold, _ = one_pack(town)

    refused(town.try_prepare(second, other_hold, pick), "trace_code.repeated")

    assert alarms(town)[0].found == found


def test_quarantine_ends_free_or_spent_and_spent_is_the_end() -> None:
    supply = uuid4()
    pack = PackFacts(code="8", pharmacy=A, product=TABLETS, pack_size=20)
    sold = TRACE_CODES.fold([CodeScanned(supply_id=supply, pack=pack, quantity=20), CodeSold(supply_id=supply)])

    locked = TRACE_CODES.fold(trace_code.end_sale(sold, supply, "locked"), sold)
    freed = TRACE_CODES.fold(trace_code.end_sale(locked, supply, "freed"), locked)
    spent = TRACE_CODES.fold(trace_code.end_sale(locked, supply, "spent"), locked)

    assert (locked.status, freed.status, spent.status) == ("locked", "free", "spent")
    assert trace_code.end_sale(locked, supply, "locked") == []
    assert trace_code.end_sale(spent, supply, "freed") == []


def test_a_code_is_one_however_it_was_scanned(town: Town) -> None:
    fulfilment = town.release()
    hold_id = town.accepted(fulfilment, (1, 40))
    matrix = f"]d201{GTIN}1729063010L1\x1d21S1"
    printed = f"(01){GTIN}(10)L1(17)290630(21)S1"

    refused(town.try_prepare(fulfilment, hold_id, town.pick(40, trace_codes=(matrix, printed))), "supply.code_twice")
    supply_id = town.prepare(fulfilment, hold_id, town.pick(20, trace_codes=(matrix,)))

    assert town.state(fulfilment).supplies[supply_id].picked[0].trace_codes == (f"01{GTIN}21S1",)
    assert known(town, f"01{GTIN}21S1").status == "scanned"


@pytest.mark.parametrize(
    ("scanned", "code"),
    [
        ("nonsense", "trace_code.malformed"),
        (f"01{GTIN[:-1]}321S1", "trace_code.wrong_check_digit"),
        (f"01{GTIN}10L1", "trace_code.no_serial"),
        (f"01{GTIN}10L2\x1d21S1", "trace_code.other_lot"),
        (f"01{GTIN}1729073121S1", "trace_code.other_lot"),
    ],
    ids=["malformed", "check digit", "no serial", "lot", "expiry"],
)
def test_a_code_that_cannot_be_this_packs_is_refused_and_changes_nothing(town: Town, scanned: str, code: str) -> None:
    fulfilment, hold_id, _ = one_pack(town)
    before = len(town.store.log)

    refused(town.try_prepare(fulfilment, hold_id, town.pick(20, trace_codes=(scanned,))), code)

    assert len(town.store.log) == before


def test_a_code_of_another_product_is_refused_by_the_register(town: Town) -> None:
    town.refer("drug", TABLETS, drug(**DRUGS[TABLETS], trace_ids=["cn:8123456", f"gtin:{GTIN}"]))
    fulfilment, hold_id, _ = one_pack(town)

    refused(town.try_prepare(fulfilment, hold_id, town.pick(20)), "trace_code.foreign_product")
    own = town.pick(20, trace_codes=("81234560000000000001",))
    town.prepare(fulfilment, hold_id, own)


def test_a_code_once_met_on_another_product_is_refused_by_the_registry(town: Town) -> None:
    (code,) = town.new_codes(1)
    fulfilment = town.release(20, 1)
    hold_id = town.accepted(fulfilment, (1, 20), (2, 1))
    supply_id = town.prepare(fulfilment, hold_id, town.pick(20, trace_codes=(code,)))
    fine(town.try_check(fulfilment, supply_id))
    fine(town.give_up(fulfilment, supply_id))
    again = town.accepted(fulfilment, (2, 1))

    refused(town.try_prepare(fulfilment, again, town.pick(1, 2, trace_codes=(code,))), "trace_code.foreign_product")


# no code -------------------------------------------------------------------------------------------------------------
def test_reasons_for_no_code_are_coded_and_an_unreadable_one_is_photographed(town: Town) -> None:
    fulfilment, hold_id, _ = one_pack(town)

    def without(**changes: Any) -> Outcome:
        return town.try_prepare(fulfilment, hold_id, town.pick(20, trace_codes=(), **changes))

    refused(without(no_code_reason="too lazy"), "supply.unknown_reason")
    refused(without(no_code_reason="herbal"), "supply.unknown_reason")  # these are tablets
    refused(without(no_code_reason="unreadable"), "supply.photo_missing")
    both = town.pick(20, no_code_reason="no_code_printed")
    refused(town.try_prepare(fulfilment, hold_id, both), "supply.codes_missing")
    supply_id = fine(without(no_code_reason="unreadable", no_code_photo_sha256=SHA)).body["supply_id"]
    fine(town.try_check(fulfilment, next(iter(town.state(fulfilment).supplies))))

    (event,) = town.store.told_of(told.SupplyDispensed)
    assert str(event.supply_id) == supply_id
    assert (event.lines[0].no_code_reason, event.lines[0].no_code_photo_sha256) == ("unreadable", SHA)


def test_herbs_bear_no_code(town: Town) -> None:
    town.refer("drug", TABLETS, drug(**DRUGS[TABLETS], medicine_type="herbal"))
    fulfilment, hold_id, _ = one_pack(town)

    town.prepare(fulfilment, hold_id, town.pick(20, trace_codes=(), no_code_reason="herbal"))


# return --------------------------------------------------------------------------------------------------------------
def test_a_pack_comes_back_where_it_was_sold(town: Town) -> None:
    fulfilment, hold_id, pick = one_pack(town)
    supply_id = town.prepare(fulfilment, hold_id, pick)
    (code,) = pick.trace_codes
    refused(come_back(town, code), "trace_code.not_sold")
    fine(town.try_check(fulfilment, supply_id))

    shown = fine(come_back(town, code)).body

    assert (shown["status"], shown["supplies"]) == ("sold", [str(supply_id)])
    assert not alarms(town)


def test_a_return_at_a_foreign_place_is_refused_and_told_once_a_day(town: Town) -> None:
    fulfilment, hold_id, pick = one_pack(town)
    fine(town.try_check(fulfilment, town.prepare(fulfilment, hold_id, pick)))
    (code,) = pick.trace_codes

    refused(come_back(town, code, B), "trace_code.repeated")
    refused(come_back(town, code, B), "trace_code.repeated")

    (alarm,) = alarms(town)
    assert (alarm.kind, alarm.found, alarm.first.pharmacy, alarm.second.pharmacy) == ("return", "sold", A, B)
    assert known(town, code).status == "sold"


def test_a_code_nobody_has_seen_and_nonsense_do_not_come_back(town: Town) -> None:
    refused(come_back(town, town.new_codes(1)[0]), "trace_code.unknown")
    refused(come_back(town, "?"), "trace_code.malformed")
    refused(come_back(town, "?", "P43010399999"), "pharmacy.not_admitted")


# asked at settlement -------------------------------------------------------------------------------------------------
def view(town: Town, code: str, supply: Any = None) -> dict[str, Any]:
    found = read_code(code, civil_day(NOON))
    assert isinstance(found, PackCode)
    return trace_code_view(found, known(town, found.normal), supply)


def test_a_code_tells_where_it_was_sold_and_whether_by_this_supply(town: Town) -> None:
    fulfilment, hold_id, pick = one_pack(town)
    supply_id = town.prepare(fulfilment, hold_id, pick)
    (code,) = pick.trace_codes
    assert view(town, code, supply_id)["of_this_supply"] is False
    fine(town.try_check(fulfilment, supply_id))

    shown = view(town, code, supply_id)

    assert (shown["status"], shown["pharmacy"], shown["sold"], shown["repeats"]) == ("sold", A, 20, 0)
    assert shown["sales"] == [{"pharmacy": A, "region": "430102", "sold_at": NOON.isoformat(), "quantity": 20}]
    assert shown["of_this_supply"] is True
    assert view(town, code, uuid4())["of_this_supply"] is False
    assert view(town, town.new_codes(1)[0])["status"] == "unknown"


def test_what_was_sold_before_moments_were_kept_is_still_known() -> None:
    supply = uuid4()
    old = {
        "supply_id": supply,
        "pack": {"code": "8", "pharmacy": A, "product": TABLETS, "pack_size": 20},
        "quantity": 20,
    }
    state = TRACE_CODES.fold([CodeScanned.model_validate(old), CodeSold(supply_id=supply)])

    assert state.first_sale.pharmacy == A
    assert state.first_sale.at is None
    assert replace(state, pack=None).first_sale.pharmacy == ""
    code = PackCode(normal="8", kind="national", product="cn:8")
    assert trace_code_view(code, state)["sales"][0]["sold_at"] is None


# opened packs --------------------------------------------------------------------------------------------------------
def test_an_opened_pack_elsewhere_or_of_another_lot_is_a_repeat(town: Town) -> None:
    town.receive(A, TABLETS, "L2", 100)
    (code,) = town.new_codes(1)
    fulfilment, hold_id, _ = one_pack(town, quantity=12)
    fine(town.try_check(fulfilment, town.prepare(fulfilment, hold_id, town.pick(12, trace_codes=(code,)))))
    third, third_hold, _ = one_pack(town, A, quantity=5)

    refused(
        town.try_prepare(third, third_hold, town.pick(5, trace_codes=(code,), lot="L2", expiry=GOOD_UNTIL)),
        "trace_code.repeated",
    )
