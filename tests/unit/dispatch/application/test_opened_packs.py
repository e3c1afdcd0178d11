"""Parts of packs (拆零): from the open pack first, until its own date; and which lots may be given out at all."""

from datetime import date, timedelta
from functools import reduce
from typing import Any
from uuid import UUID

from services.dispatch.application.opened_packs import discard_opened_pack, opened_view
from services.dispatch.application.stock import adjust_stock, quarantine_stock
from services.dispatch.domain.opened_packs import (
    OPENED_PACKS,
    DiscardOpenedPack,
    OpenedPack,
    OpenedState,
    check_parts,
    discard,
    opened_packs_id,
    out_of_opened,
    parts_of,
    put_back,
    take,
    wholes_of,
)
from services.dispatch.domain.policy import CN
from services.dispatch.domain.stock.booking import AdjustStock
from services.dispatch.domain.stock.events import Pick
from services.dispatch.domain.stock.item import check_picks
from services.dispatch.domain.stock.quarantine import QuarantineStock, withdraw
from services.dispatch.domain.stock.state import evolve
from services.dispatch.domain.trace_code import TRACE_CODES, TraceCodeState, trace_code_id
from services.seedwork.calendar import civil_day
from services.seedwork.model import Refusal
from services.seedwork.ports import Outcome
from tests.unit.dispatch.town import BRAND, DRUGS, GOOD_UNTIL, NOON, TABLETS, A, Town, drug, fine, refused

TODAY = civil_day(NOON)
OPEN_DAYS = CN.on(TODAY).opened_pack_days


def opened(town: Town, product: str = TABLETS) -> OpenedState:
    state: OpenedState = town.store.state(OPENED_PACKS.ref(opened_packs_id(A, product)))
    return state


def try_part(town: Town, quantity: int, **changes: Any) -> tuple[UUID, Outcome]:
    """A fill of a part of a pack, prepared."""
    fulfilment = town.release()
    hold_id = town.accepted(fulfilment, (1, quantity))
    return fulfilment, town.try_prepare(fulfilment, hold_id, town.pick(quantity, **changes))


def part(town: Town, quantity: int, **changes: Any) -> tuple[UUID, UUID]:
    """A fill of a part of a pack, checked."""
    fulfilment, outcome = try_part(town, quantity, **changes)
    supply_id = UUID(fine(outcome).body["supply_id"])
    fine(town.try_check(fulfilment, supply_id))
    return fulfilment, supply_id


def left(town: Town) -> list[tuple[str, int, str]]:
    return [(row["key"], row["remaining"], row["use_by"]) for row in opened_view(opened(town), TODAY)]


def test_what_is_left_of_an_opened_pack_is_known_with_a_date_of_its_own(town: Town) -> None:
    code = town.new_codes(1)
    part(town, 12, trace_codes=code)

    assert left(town) == [(code[0], 8, (TODAY + timedelta(days=OPEN_DAYS)).isoformat())]
    assert town.shelf().on_hand == 188


def test_whole_packs_open_nothing(town: Town) -> None:
    town.dispensed(town.release())

    assert not opened(town).packs


def test_the_last_pack_of_a_larger_fill_is_the_opened_one(town: Town) -> None:
    codes = town.new_codes(3)
    part(town, 45, trace_codes=codes)

    assert [(key, amount) for key, amount, _ in left(town)] == [(codes[2], 15)]


def test_an_open_pack_comes_before_another_one_unless_there_is_a_reason(town: Town) -> None:
    first, second = town.new_codes(1), town.new_codes(1)
    part(town, 12, trace_codes=first)

    refused(try_part(town, 5, trace_codes=second)[1], "supply.opened_pack_first")
    refused(try_part(town, 5, trace_codes=second, lot_reason="because")[1], "supply.unknown_reason")
    part(town, 9, trace_codes=second)  # more than is left in the open one
    part(town, 5, trace_codes=first)

    assert [(key, amount) for key, amount, _ in left(town)] == sorted([(first[0], 3), (second[0], 11)])
    part(town, 2, trace_codes=town.new_codes(1), lot_reason="damaged")


def test_an_open_pack_comes_before_a_lot_that_expires_earlier(town: Town) -> None:
    code = town.new_codes(1)
    part(town, 12, trace_codes=code)
    town.receive(A, TABLETS, "EARLY", 20, expiry=date(2026, 9, 30))

    part(town, 8, trace_codes=code)

    assert left(town) == []


def test_an_open_pack_past_its_date_is_thrown_away_not_given_out(town: Town) -> None:
    code = town.new_codes(1)
    part(town, 12, trace_codes=code)
    town.store.time += timedelta(days=OPEN_DAYS + 1)
    town.opens_at = town.store.time
    town.closes_at = town.store.time + timedelta(hours=12)

    refused(try_part(town, 5, trace_codes=code)[1], "stock.opened_pack_expired")
    part(town, 5, trace_codes=town.new_codes(1))
    (row,) = [row for row in opened_view(opened(town), civil_day(town.store.time)) if row["key"] == code[0]]
    assert row["good"] is False
    before = town.shelf().on_hand

    command = DiscardOpenedPack(key=code[0], reason="past its date", discarded_by="HY1")
    fine(town.store.run(discard_opened_pack(A, TABLETS, command)))

    assert town.shelf().on_hand == before - 8
    refused(town.store.run(discard_opened_pack(A, TABLETS, command)), "stock.no_opened_pack")


def throw_away(town: Town, key: str) -> Outcome:
    command = DiscardOpenedPack(key=key, reason="wet", discarded_by="HY1")
    outcome: Outcome = town.store.run(discard_opened_pack(A, TABLETS, command))
    return outcome


def code_of(town: Town, code: str) -> TraceCodeState:
    state: TraceCodeState = town.store.state(TRACE_CODES.ref(trace_code_id(code)))
    return state


def test_what_was_thrown_away_is_not_sold_by_its_code(town: Town) -> None:
    code = town.new_codes(1)
    fulfilment, supply_id = part(town, 12, trace_codes=code)
    fine(throw_away(town, code[0]))
    assert (code_of(town, code[0]).status, code_of(town, code[0]).left) == ("sold", 0)

    refused(try_part(town, 8, trace_codes=code)[1], "trace_code.repeated")
    fine(town.give_up(fulfilment, supply_id))

    assert (code_of(town, code[0]).status, code_of(town, code[0]).left) == ("opened", 12)
    refused(try_part(town, 20, trace_codes=code)[1], "trace_code.pack_used_up")
    part(town, 12, trace_codes=code)
    assert left(town) == []


def test_a_pack_that_is_set_aside_for_a_supply_is_not_thrown_away(town: Town) -> None:
    code = town.new_codes(1)
    part(town, 12, trace_codes=code)
    fine(try_part(town, 5, trace_codes=code)[1])

    refused(throw_away(town, code[0]), "trace_code.not_free")

    assert left(town)[0][:2] == (code[0], 8)


def test_what_was_thrown_away_before_its_code_was_told_is_not_given_out_either(town: Town) -> None:
    code = town.new_codes(1)
    (piece,) = parts_of([town.pick(12, trace_codes=code)], 20)
    state = OPENED_PACKS.fold(take(OpenedState(), A, TABLETS, UUID(int=1), (piece,), TODAY, CN.on(TODAY)))
    gone = discard(state, DiscardOpenedPack(key=code[0], reason="wet", discarded_by="HY1"))
    assert not isinstance(gone, Refusal)
    state = OPENED_PACKS.fold(gone, state)

    found = check_parts(state, (piece,), TODAY, None)

    assert found == Refusal("trace_code.pack_used_up", {"trace_code": code[0], "left": 0})


def test_books_that_never_had_the_lot_are_not_corrected_below_nothing(town: Town) -> None:
    code = town.new_codes(1)
    part(town, 12, trace_codes=code)
    everything = AdjustStock(lot="L1", change=-188, reason="stolen", adjusted_by="HY1")
    fine(town.store.run(adjust_stock(A, TABLETS, everything)))
    command = DiscardOpenedPack(key=code[0], reason="stolen", discarded_by="HY1")

    refused(town.store.run(discard_opened_pack(A, TABLETS, command)), "stock.below_zero")


def test_what_was_set_apart_with_its_lot_is_not_taken_off_the_shelf_twice(town: Town) -> None:
    code = town.new_codes(1)
    part(town, 12, trace_codes=code)
    apart = QuarantineStock(lot="L1", quantity=188, reason="suspect", decided_by="HY1")
    fine(town.store.run(quarantine_stock(A, TABLETS, apart)))

    fine(
        town.store.run(
            discard_opened_pack(A, TABLETS, DiscardOpenedPack(key=code[0], reason="wet", discarded_by="HY1"))
        )
    )

    assert left(town) == []
    assert (town.shelf().on_hand, town.shelf().lots["L1"].quarantined) == (0, 188)


def test_nothing_of_a_recalled_lot_is_given_out_of_an_open_pack(town: Town) -> None:
    part(town, 12, trace_codes=town.new_codes(1))
    withdrawn = withdraw(town.shelf(), UUID(int=1), ("L1",), NOON)
    shelf = reduce(evolve, withdrawn, town.shelf())

    found = check_picks(shelf, (), TODAY, None, from_opened=(Pick(lot="L1", expiry=GOOD_UNTIL, quantity=5),))

    assert found == Refusal("stock.lot_recalled", {"lot": "L1"})


def test_an_undone_part_is_back_in_its_pack_which_stays_open(town: Town) -> None:
    code = town.new_codes(1)
    fulfilment, supply_id = part(town, 12, trace_codes=code)

    fine(town.give_up(fulfilment, supply_id))

    assert [(key, amount) for key, amount, _ in left(town)] == [(code[0], 20)]
    assert town.shelf().on_hand == 200
    part(town, 5, trace_codes=code)


def test_an_opened_pack_that_is_whole_again_and_given_whole_is_open_no_more(town: Town) -> None:
    code = town.new_codes(1)
    fine(town.give_up(*part(town, 12, trace_codes=code)))

    given = part(town, 20, trace_codes=code)

    assert left(town) == []
    refused(throw_away(town, code[0]), "stock.no_opened_pack")
    fine(town.give_up(*given))
    assert [(key, amount) for key, amount, _ in left(town)] == [(code[0], 20)]


def test_an_opened_pack_past_its_date_is_not_given_whole_either(town: Town) -> None:
    code = town.new_codes(1)
    fine(town.give_up(*part(town, 12, trace_codes=code)))
    town.store.time += timedelta(days=OPEN_DAYS + 1)
    town.opens_at = town.store.time
    town.closes_at = town.store.time + timedelta(hours=12)

    refused(try_part(town, 20, trace_codes=code)[1], "stock.opened_pack_expired")


def test_packs_without_a_code_are_one_open_amount_per_lot(town: Town) -> None:
    part(town, 12, trace_codes=(), no_code_reason="no_code_printed")
    part(town, 12, trace_codes=(), no_code_reason="no_code_printed")

    assert [(key, amount) for key, amount, _ in left(town)] == [("lot:L1", 16)]


def test_what_is_thrown_away_without_a_code_is_off_the_books_and_makes_no_code(town: Town) -> None:
    part(town, 12, **WITHOUT)

    fine(throw_away(town, "lot:L1"))

    assert left(town) == []
    assert town.shelf().on_hand == 180
    assert not town.store.loaded(TRACE_CODES.ref(trace_code_id("lot:L1"))).exists
    refused(throw_away(town, "lot:L1"), "stock.no_opened_pack")


WITHOUT: dict[str, Any] = {"trace_codes": (), "no_code_reason": "no_code_printed"}


def amounts(town: Town) -> list[int]:
    return [amount for _key, amount, _until in left(town)]


def test_packs_without_a_code_that_are_whole_again_are_given_first_and_open_no_more(town: Town) -> None:
    fine(town.give_up(*part(town, 12, **WITHOUT)))
    assert amounts(town) == [20]

    given = part(town, 40, **WITHOUT)

    assert amounts(town) == []
    fine(town.give_up(*given))
    assert amounts(town) == [20]
    part(town, 25, **WITHOUT)
    assert amounts(town) == [15], "the five are taken first, and the rest is no whole pack"
    part(town, 20, **WITHOUT)
    assert amounts(town) == [15]


def test_packs_without_a_code_that_were_opened_too_long_ago_are_not_the_ones_that_are_given_whole(town: Town) -> None:
    fine(town.give_up(*part(town, 12, **WITHOUT)))
    town.store.time += timedelta(days=OPEN_DAYS + 1)
    town.opens_at = town.store.time
    town.closes_at = town.store.time + timedelta(hours=12)

    part(town, 20, **WITHOUT)

    assert amounts(town) == [20]


def test_of_several_lines_of_one_lot_each_whole_pack_is_taken_once(town: Town) -> None:
    rows = [town.pick(20, **WITHOUT), town.pick(20, **WITHOUT)]
    state = OpenedState(packs={"lot:L1": OpenedPack("L1", GOOD_UNTIL, 20, 20, TODAY)})

    taken = out_of_opened(state, (), wholes_of(rows, 20), TODAY)

    assert [(each.key, each.quantity) for each in taken] == [("lot:L1", 20)]


def test_a_pack_that_may_not_be_opened_is_given_whole_and_never_rounded_up(town: Town) -> None:
    town.refer("drug", TABLETS, drug(**DRUGS[TABLETS], splittable=False))

    refused(try_part(town, 12)[1], "supply.pack_not_splittable")
    fine(try_part(town, 40)[1])


def test_a_lot_that_expires_too_soon_is_not_given_out_nor_held(town: Town) -> None:
    margin = CN.on(TODAY).expiry_margin_days
    soon, enough = TODAY + timedelta(days=margin - 1), TODAY + timedelta(days=margin)
    town.receive(A, BRAND, "SOON", 30, expiry=soon)
    fulfilment = town.release()
    refused(town.try_hold(fulfilment, (1, 30), product=BRAND), "stock.not_enough")
    town.receive(A, BRAND, "JUST", 30, expiry=enough)
    hold_id = town.accepted(fulfilment, (1, 30), product=BRAND)

    refused(
        town.try_prepare(fulfilment, hold_id, town.pick(30, product=BRAND, lot="SOON", expiry=soon)),
        "stock.lot_expires_soon",
    )
    town.prepare(fulfilment, hold_id, town.pick(30, product=BRAND, lot="JUST", expiry=enough))


def test_a_pack_opened_shortly_before_it_expires_lasts_no_longer_than_its_lot() -> None:
    expiry = TODAY + timedelta(days=10)
    town = Town()
    (piece,) = parts_of([town.pick(12, expiry=expiry)], 20)
    supply = UUID(int=1)

    state = OPENED_PACKS.fold(take(OpenedState(), A, TABLETS, supply, (piece,), TODAY, CN.on(TODAY)))

    assert next(iter(state.packs.values())).use_by == expiry
    assert put_back(state, UUID(int=2)) == []
    assert expiry < GOOD_UNTIL
