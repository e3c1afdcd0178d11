"""One code, one sale over all regions: its owner is asked before a supply is dispensed; away, the supply goes on."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.errors import CATALOGUE
from contracts.events.dispatch import SupplyDispensed
from contracts.events.dispatch_later import TraceCodeRepeated, TraceCodesDecided
from services.dispatch.application.opened_packs import discard_opened_pack
from services.dispatch.application.owners import answer_question, owner_timer
from services.dispatch.application.trace_codes import ReturnPack, return_pack
from services.dispatch.domain.opened_packs import DiscardOpenedPack
from services.dispatch.domain.owner_asks import OWNER_ASKS, owner_asks_of
from services.dispatch.domain.owner_words import AskedCode, NoOtherStore, Question
from services.dispatch.domain.regional_stores import ONE_STORE, RegionalStores
from services.dispatch.domain.trace_code import code_sha256
from services.seedwork.model import Refusal
from tests.unit.dispatch.regions import EAST, WEST, Regions, prepared
from tests.unit.dispatch.road import MINUTES, Road
from tests.unit.dispatch.town import NOON, TABLETS, A, B, Town, fine, refused


@pytest.fixture
def regions() -> Regions:
    return Regions()


def told(town: Town, event: Any) -> list[Any]:
    found: list[Any] = town.store.told_of(event)
    return found


def ask(regions: Regions, store: str, operation: Any, *codes: str, **more: Any) -> Any:
    """What a third region asks of a store."""
    supply = more.pop("supply_id", None) or uuid4()
    about = {"product": TABLETS, "pharmacy": B, "region": "430103", "pack_size": 20, "quantity": 20, "lot": "L1"}
    asked = tuple(AskedCode.model_validate({"code": code, **about, **more}) for code in codes)
    question = Question(asked_by="south", supply_id=supply, operation=operation, at=NOON, codes=asked)
    stores = RegionalStores(regions.borders[store].stores.names, store)
    return regions.towns[store].store.run(answer_question(question, stores))


# where there is one store --------------------------------------------------------------------------------------------
def test_one_store_owns_every_code_and_asks_nobody(town: Town) -> None:
    codes = town.new_codes(3)
    fulfilment, _hold, supply_id = prepared(town, *codes)
    before = len(town.store.log)

    shown = fine(town.try_check(fulfilment, supply_id)).body

    assert ONE_STORE.owner(codes[0]) == ""
    assert ONE_STORE.elsewhere(codes[0]) is None
    assert "trace_codes" not in shown
    assert town.state(fulfilment).supplies[supply_id].elsewhere == {}
    happened = [type(recorded.event).__name__ for recorded in town.store.log[before:]]
    assert happened.count("CodeSold") == 3
    assert not [name for name in happened if name.startswith(("Codes", "Owner"))]
    assert not town.store.loaded(owner_asks_of(supply_id)).exists


def test_who_owned_a_code_before_there_was_one_store_is_not_there_any_more() -> None:
    assert NoOtherStore().stores is ONE_STORE
    question = Question(asked_by="a", supply_id=uuid4(), operation="spend", at=NOON, codes=(AskedCode(code="8"),))
    assert NoOtherStore().ask("west", question) is None


# the owner is there --------------------------------------------------------------------------------------------------
def test_the_owner_reserves_a_code_when_its_supply_is_dispensed_and_not_before(regions: Regions) -> None:
    east = regions.towns[EAST]
    (code,) = regions.codes_of(WEST)
    fulfilment, _hold, supply_id = prepared(east, code)
    assert regions.borders[EAST].asked == []

    shown = fine(east.try_check(fulfilment, supply_id)).body

    assert regions.known(WEST, code).sold == {supply_id: 20}
    assert regions.known(WEST, code).first_sale.pharmacy == A
    assert regions.known(EAST, code).status == "sold"
    assert "trace_codes" not in shown
    (dispensed,) = told(east, SupplyDispensed)
    assert dispensed.trace_codes_undecided is False
    assert not east.store.loaded(owner_asks_of(supply_id)).exists, "nothing is left to ask"


def test_a_code_of_ones_own_is_nobody_elses_business(regions: Regions) -> None:
    east = regions.towns[EAST]
    (code,) = regions.codes_of(EAST)
    fulfilment, _hold, supply_id = prepared(east, code)

    fine(east.try_check(fulfilment, supply_id))

    assert regions.borders[EAST].asked == []
    assert east.state(fulfilment).supplies[supply_id].elsewhere == {}


@pytest.mark.parametrize("owner", [EAST, WEST])
def test_the_second_region_is_refused_and_both_are_told(regions: Regions, owner: str) -> None:
    east, west = regions.towns[EAST], regions.towns[WEST]
    (code,) = regions.codes_of(owner)
    first, _hold, sold = prepared(east, code)
    fine(east.try_check(first, sold))

    if owner == WEST:  # its own registry knows, already at the scan
        fulfilment = west.release(20)
        hold_id = west.accepted(fulfilment, (1, 20), pharmacy=B)
        pick = west.pick(20, trace_codes=(code,))
        refused(west.try_prepare(fulfilment, hold_id, pick, pharmacy=B), "trace_code.repeated")
        alarms = told(west, TraceCodeRepeated)
    else:
        fulfilment, hold_id, supply_id = prepared(west, code, pharmacy=B)
        before = len(west.store.log)
        for _ in range(2):
            refused(west.try_check(fulfilment, supply_id, B), "trace_code.repeated")
        assert len(west.store.log) == before + 1, "nothing but the alarm has happened"
        alarms = told(west, TraceCodeRepeated)
        assert told(east, TraceCodeRepeated)[0].model_dump(exclude={"second"}) == alarms[0].model_dump(
            exclude={"second"}
        )

    (alarm,) = alarms
    assert (alarm.kind, alarm.found, alarm.code_sha256) == ("sale", "sold", code_sha256(code))
    assert (alarm.first.pharmacy, alarm.first.supply_id) == (A, sold)
    assert (alarm.second.pharmacy, alarm.second.region, alarm.second.supply_id) == (B, "430103", None)
    assert west.buckets(fulfilment) == {"held": 20}


def test_what_the_owner_has_just_set_aside_or_knows_as_another_product_is_refused(regions: Regions) -> None:
    east, west = regions.towns[EAST], regions.towns[WEST]
    aside, other = regions.codes_of(WEST, 2)
    prepared(west, aside, pharmacy=B)
    assert ask(regions, WEST, "reserve", other, product="SOMETHING ELSE").body["words"][0]["problem"] is None

    for code, problem in ((aside, "trace_code.not_free"), (other, "trace_code.foreign_product")):
        fulfilment, _hold, supply_id = prepared(east, code)
        refused(east.try_check(fulfilment, supply_id), problem)

    assert not told(east, TraceCodeRepeated)


def test_a_pack_opened_in_one_pharmacy_is_sold_on_there_until_it_is_empty(regions: Regions) -> None:
    east = regions.towns[EAST]
    (code,) = regions.codes_of(WEST)
    for quantity in (12, 8):
        fulfilment, _hold, supply_id = prepared(east, code, quantity=quantity)
        fine(east.try_check(fulfilment, supply_id))

    assert sorted(regions.known(WEST, code).sold.values()) == [8, 12]
    problem = ask(regions, WEST, "reserve", code, quantity=8).body["words"][0]["problem"]
    assert problem == "trace_code.repeated"


def test_the_rest_of_an_opened_pack_may_be_too_little_by_its_owner(regions: Regions) -> None:
    (code,) = regions.codes_of(WEST)
    assert ask(regions, WEST, "reserve", code, quantity=15).body["words"][0]["problem"] is None
    assert ask(regions, WEST, "reserve", code, quantity=15).body["words"][0]["problem"] == "trace_code.pack_used_up"


# what came back ------------------------------------------------------------------------------------------------------
def test_packs_put_back_before_the_check_are_released(regions: Regions) -> None:
    east = regions.towns[EAST]
    (code,) = regions.codes_of(WEST)
    fulfilment, hold_id, supply_id = prepared(east, code)
    fine(east.release_hold(fulfilment, hold_id))

    regions.tick()

    (asked,) = [question for _, question in regions.borders[EAST].asked]
    assert (asked.operation, asked.supply_id) == ("release", supply_id)
    assert ask(regions, WEST, "reserve", code, supply_id=supply_id).body["words"][0]["problem"] == (
        "trace_code.not_free"
    ), "a question that was under way for long comes to nothing"
    again, _hold, other = prepared(east, code)
    fine(east.try_check(again, other))
    assert regions.known(WEST, code).sold == {other: 20}


def test_a_supply_that_is_given_up_frees_its_codes_at_their_owner(regions: Regions) -> None:
    east, west = regions.towns[EAST], regions.towns[WEST]
    (code,) = regions.codes_of(WEST)
    fulfilment, _hold, supply_id = prepared(east, code)
    fine(east.try_check(fulfilment, supply_id))
    fine(east.give_up(fulfilment, supply_id))
    assert regions.known(WEST, code).status == "sold"

    regions.tick()

    assert regions.known(WEST, code).status == "free"
    assert regions.asks(EAST, supply_id).to_tell == {}
    fulfilment, _hold, supply_id = prepared(west, code, pharmacy=B)
    fine(west.try_check(fulfilment, supply_id, B))


@pytest.mark.parametrize(
    ("disposition", "status"),
    [("restocked", "free"), ("lost", "spent"), ("destroyed", "spent"), ("quarantined", "sold")],
)
def test_a_parcel_that_came_back_is_told_by_what_became_of_it(regions: Regions, disposition: str, status: str) -> None:
    east = regions.towns[EAST]
    (code,) = regions.codes_of(WEST)
    fulfilment, _hold, supply_id = prepared(east, code)
    fine(east.try_check(fulfilment, supply_id))
    east.on_the_road(fulfilment, supply_id)

    fine(east.came_back(fulfilment, supply_id, disposition=disposition))
    regions.tick()

    assert regions.known(WEST, code).status == status


def test_what_a_patient_brings_back_is_spent_at_its_owner_once_the_line_is_back(regions: Regions) -> None:
    east = regions.towns[EAST]
    codes = regions.codes_of(WEST, 2)
    fulfilment, _hold, supply_id = prepared(east, *codes)
    fine(east.try_check(fulfilment, supply_id))
    east.clear(fulfilment, supply_id)
    fine(east.try_hand_out(fulfilment, supply_id))
    fine(east.try_take_back(fulfilment, supply_id, (1, 10)))
    regions.tick()
    assert [regions.known(WEST, code).status for code in codes] == ["sold", "sold"]

    fine(east.try_take_back(fulfilment, supply_id))
    regions.tick()

    assert [regions.known(WEST, code).status for code in codes] == ["spent", "spent"]
    refused_again = ask(regions, WEST, "reserve", codes[0]).body["words"][0]
    assert (refused_again["problem"], refused_again["found"]) == ("trace_code.repeated", "spent")


def test_what_is_thrown_away_of_an_opened_pack_is_spent_at_its_owner(regions: Regions) -> None:
    east = regions.towns[EAST]
    (code,) = regions.codes_of(WEST)
    fulfilment, _hold, supply_id = prepared(east, code, quantity=12)
    fine(east.try_check(fulfilment, supply_id))
    command = DiscardOpenedPack(key=code, reason="wet", discarded_by="HY1")
    stores = regions.borders[EAST].stores
    fine(east.store.run(discard_opened_pack(A, TABLETS, command, stores)))
    assert regions.known(WEST, code).left == 8

    regions.tick()
    regions.tick()

    assert (regions.known(WEST, code).left, regions.known(WEST, code).discarded) == (0, 8)
    (asked,) = [question for _, question in regions.borders[EAST].asked if question.operation == "discard"]
    assert asked.codes[0].quantity == 8
    fine(east.give_up(fulfilment, supply_id))
    regions.tick()
    assert (regions.known(WEST, code).status, regions.known(WEST, code).left) == ("opened", 12)
    assert told(east, TraceCodesDecided) == []
    assert ask(regions, WEST, "reserve", code, quantity=20).body["words"][0]["problem"] == "trace_code.repeated"


def test_what_is_thrown_away_of_a_pack_of_ones_own_is_nobody_elses_business(regions: Regions) -> None:
    east = regions.towns[EAST]
    (code,) = regions.codes_of(EAST)
    fulfilment, _hold, supply_id = prepared(east, code, quantity=12)
    fine(east.try_check(fulfilment, supply_id))
    command = DiscardOpenedPack(key=code, reason="wet", discarded_by="HY1")

    fine(east.store.run(discard_opened_pack(A, TABLETS, command, regions.borders[EAST].stores)))
    regions.tick()

    assert regions.borders[EAST].asked == []
    assert regions.known(EAST, code).left == 0


def test_what_is_set_apart_after_its_parcel_was_restocked_is_spent_at_its_owner(regions: Regions) -> None:
    east = regions.towns[EAST]
    codes = regions.codes_of(WEST, 3)
    road = Road(east, cold=True, picked={"trace_codes": codes}).out()
    fine(road.refuse())
    fine(road.measure(5))
    fine(road.back())
    fine(road.inspect("restocked"))
    regions.tick()
    assert [regions.known(WEST, code).status for code in codes] == ["free"] * 3
    fine(road.measure(-5, since=road.now - 200 * MINUTES))

    fine(road.assess("rejected"))
    regions.tick()

    assert [regions.known(WEST, code).status for code in codes] == ["spent"] * 3


def test_no_order_of_what_came_back_and_what_is_gone_makes_a_repeat(regions: Regions) -> None:
    east, west = regions.towns[EAST], regions.towns[WEST]
    (code,) = regions.codes_of(WEST)
    fulfilment, _hold, supply_id = prepared(east, code)
    fine(east.try_check(fulfilment, supply_id))
    assert ask(regions, WEST, "discard", code, supply_id=UUID(int=7)).body["words"][0]["problem"] is None
    assert ask(regions, WEST, "discard", code, supply_id=UUID(int=7)).body["words"][0]["problem"] is None
    assert (regions.known(WEST, code).status, regions.known(WEST, code).discarded) == ("sold", 20)

    fine(east.give_up(fulfilment, supply_id))
    regions.tick()

    assert regions.known(WEST, code).status == "spent"
    assert told(west, TraceCodeRepeated) == told(east, TraceCodeRepeated) == []


def test_what_is_gone_before_its_owner_ever_heard_of_it_is_not_sold_there(regions: Regions) -> None:
    (code,) = regions.codes_of(WEST)

    assert ask(regions, WEST, "discard", code).body["words"][0]["problem"] is None

    assert regions.known(WEST, code).status == "spent"
    assert ask(regions, WEST, "reserve", code).body["words"][0]["problem"] == "trace_code.repeated"


# back at a counter of another region ----------------------------------------------------------------------------------
def bring_back(regions: Regions, region: str, code: str, pharmacy: str) -> Any:
    town = regions.towns[region]
    return town.store.run(return_pack(ReturnPack(pharmacy=pharmacy, scanned=code), regions.borders[region]))


@pytest.mark.parametrize("first", [EAST, WEST], ids=["sold in a third region", "sold by the owner's own"])
def test_a_pack_that_was_sold_in_another_region_is_refused_and_told_there_and_here(first: str) -> None:
    regions = Regions(EAST, WEST, "north")
    north, seller = regions.towns["north"], regions.towns[first]
    (code,) = regions.codes_of(WEST)
    fulfilment, _hold, supply_id = prepared(seller, code)
    fine(seller.try_check(fulfilment, supply_id))

    for _ in range(2):
        refused(bring_back(regions, "north", code, B), "trace_code.repeated")

    for region in (north, regions.towns[WEST]):
        (alarm,) = told(region, TraceCodeRepeated)
        assert (alarm.kind, alarm.found, alarm.product) == ("return", "sold", TABLETS)
        assert (alarm.code_sha256, alarm.first.pharmacy, alarm.first.supply_id) == (code_sha256(code), A, supply_id)
        assert (alarm.second.pharmacy, alarm.second.region, alarm.second.supply_id) == (B, "430103", None)
    assert regions.known(WEST, code).sold == {supply_id: 20}
    assert regions.known("north", code).pack is None


def test_a_pack_that_no_region_sold_is_refused_without_an_alarm(regions: Regions) -> None:
    code, free = regions.codes_of(WEST, 2)
    fulfilment, hold_id, _supply = prepared(regions.towns[WEST], free)
    fine(regions.towns[WEST].release_hold(fulfilment, hold_id))

    refused(bring_back(regions, EAST, code, A), "trace_code.unknown")
    refused(bring_back(regions, EAST, free, A), "trace_code.unknown")

    assert not [alarm for town in regions.towns.values() for alarm in told(town, TraceCodeRepeated)]


def test_while_the_owner_is_away_a_pack_that_nobody_here_sold_is_neither_taken_nor_cleared(regions: Regions) -> None:
    ours, theirs = regions.codes_of(WEST, 2)
    for name, code in ((EAST, ours), (WEST, theirs)):
        fulfilment, _hold, supply_id = prepared(regions.towns[name], code)
        fine(regions.towns[name].try_check(fulfilment, supply_id))
    regions.close(WEST)

    refused(bring_back(regions, EAST, theirs, B), "trace_code.owner_away")
    assert fine(bring_back(regions, EAST, ours, A)).body["status"] == "sold", "what was sold here needs nobody's word"
    assert CATALOGUE["trace_code.owner_away"].final is False
    regions.open(WEST)

    refused(bring_back(regions, EAST, theirs, B), "trace_code.repeated")
    assert [len(told(town, TraceCodeRepeated)) for town in regions.towns.values()] == [1, 1]


# the owner is away ---------------------------------------------------------------------------------------------------
def test_away_the_supply_goes_on_flagged_and_is_decided_once_the_owner_is_back(regions: Regions) -> None:
    east = regions.towns[EAST]
    code, own = *regions.codes_of(WEST), *regions.codes_of(EAST)
    regions.close(WEST)
    fulfilment, _hold, supply_id = prepared(east, code, own)

    shown = fine(east.try_check(fulfilment, supply_id)).body

    assert shown["trace_codes"] == {"undecided": [code], "repeated": []}
    (dispensed,) = told(east, SupplyDispensed)
    assert dispensed.trace_codes_undecided is True
    for _ in range(3):
        regions.tick()
    assert not told(east, TraceCodesDecided)

    regions.open(WEST)
    regions.tick()

    (decided,) = told(east, TraceCodesDecided)
    assert (decided.supply_id, decided.pharmacy, decided.repeated) == (supply_id, A, ())
    assert regions.known(WEST, code).sold == {supply_id: 20}
    assert east.state(fulfilment).supplies[supply_id].codes_undecided == ()
    asked = len(regions.borders[EAST].asked)
    regions.tick()
    assert len(regions.borders[EAST].asked) == asked, "who has answered is left alone"


def test_of_two_that_were_sold_while_the_owner_was_away_the_first_that_asks_has_it(regions: Regions) -> None:
    regions = Regions(EAST, WEST, "north")
    east, west = regions.towns[EAST], regions.towns[WEST]
    code, other = regions.codes_of("north", 2)
    regions.close("north")
    first, _hold, sold = prepared(east, code)
    fine(east.try_check(first, sold))
    second, _hold, again = prepared(west, code, other, pharmacy=B)
    fine(west.try_check(second, again, B))

    regions.open("north")
    regions.tick()

    assert told(east, TraceCodesDecided)[0].repeated == ()
    (blocked,) = told(west, TraceCodesDecided)
    assert blocked.repeated == (code_sha256(code),)
    (alarm,) = told(west, TraceCodeRepeated)
    assert (alarm.first.pharmacy, alarm.first.supply_id) == (A, sold)
    assert (alarm.second.pharmacy, alarm.second.supply_id) == (B, again)
    assert west.state(second).supplies[again].codes_repeated == (code,)
    assert regions.known("north", other).sold == {again: 20}
    assert len(told(regions.towns["north"], TraceCodeRepeated)) == 1


def test_an_answer_that_got_lost_is_given_again(regions: Regions) -> None:
    east = regions.towns[EAST]
    (code,) = regions.codes_of(WEST)
    regions.borders[EAST].deaf.add(WEST)
    fulfilment, _hold, supply_id = prepared(east, code)
    fine(east.try_check(fulfilment, supply_id))
    assert regions.known(WEST, code).sold == {supply_id: 20}

    regions.borders[EAST].deaf.clear()
    regions.tick()

    assert told(east, TraceCodesDecided)[0].repeated == ()
    assert not told(regions.towns[WEST], TraceCodeRepeated)


def test_what_is_set_aside_at_the_owner_is_asked_about_until_it_is_sold_or_put_back(regions: Regions) -> None:
    east, west = regions.towns[EAST], regions.towns[WEST]
    (code,) = regions.codes_of(WEST)
    regions.close(WEST)
    fulfilment, _hold, supply_id = prepared(east, code)
    fine(east.try_check(fulfilment, supply_id))
    there, hold_there, _supply = prepared(west, code, pharmacy=B)
    regions.open(WEST)
    regions.tick()
    assert not told(east, TraceCodesDecided)

    fine(west.release_hold(there, hold_there, pharmacy=B))
    regions.tick()

    assert told(east, TraceCodesDecided)[0].repeated == ()


def test_what_is_given_up_undecided_is_released_whatever_the_owner_would_have_said(regions: Regions) -> None:
    east = regions.towns[EAST]
    (code,) = regions.codes_of(WEST)
    regions.close(WEST)
    fulfilment, _hold, supply_id = prepared(east, code)
    fine(east.try_check(fulfilment, supply_id))
    fine(east.give_up(fulfilment, supply_id))
    regions.borders[EAST].asked.clear()
    regions.open(WEST)

    regions.tick()

    assert [question.operation for _, question in regions.borders[EAST].asked] == ["release"]
    assert told(east, TraceCodesDecided)[0].repeated == ()
    assert regions.known(WEST, code).sold == {}


def test_what_is_lost_undecided_is_reserved_first_and_then_spent(regions: Regions) -> None:
    east = regions.towns[EAST]
    (code,) = regions.codes_of(WEST)
    regions.close(WEST)
    fulfilment, _hold, supply_id = prepared(east, code)
    fine(east.try_check(fulfilment, supply_id))
    east.on_the_road(fulfilment, supply_id)
    fine(east.came_back(fulfilment, supply_id, why="lost", disposition="lost"))
    regions.borders[EAST].asked.clear()
    regions.open(WEST)

    regions.tick()
    regions.tick()

    assert [question.operation for _, question in regions.borders[EAST].asked] == ["reserve", "spend"]
    assert regions.known(WEST, code).status == "spent"


def test_one_owner_that_is_away_keeps_no_other_from_being_asked() -> None:
    regions = Regions(EAST, WEST, "north")
    east = regions.towns[EAST]
    codes = (*regions.codes_of(WEST), *regions.codes_of("north"))
    regions.close(WEST)
    regions.close("north")
    fulfilment, _hold, supply_id = prepared(east, *codes)
    fine(east.try_check(fulfilment, supply_id))
    regions.open(WEST)

    regions.tick()

    assert regions.asks(EAST, supply_id).undecided == {codes[1]}
    assert not told(east, TraceCodesDecided)
    regions.open("north")
    regions.tick()
    assert len(told(east, TraceCodesDecided)) == 1


# asked as the owner --------------------------------------------------------------------------------------------------
def test_the_same_question_again_gets_the_same_answer_and_changes_nothing(regions: Regions) -> None:
    (code,) = regions.codes_of(WEST)
    supply = uuid4()
    for operation in ("reserve", "spend", "release"):
        first = ask(regions, WEST, operation, code, supply_id=supply).body
        before = len(regions.towns[WEST].store.log)
        assert ask(regions, WEST, operation, code, supply_id=supply).body == first
        assert len(regions.towns[WEST].store.log) == before
    assert regions.known(WEST, code).status == "spent", "what is spent stays spent"


def test_whoever_goes_by_another_list_of_stores_is_refused(regions: Regions) -> None:
    (code,) = regions.codes_of(EAST)
    outcome = ask(regions, WEST, "reserve", code)
    assert outcome.refusal == Refusal("trace_code.not_owner", {"owner": EAST})
    assert not regions.known(WEST, code).sold


@pytest.mark.parametrize("code", ["nonsense", "(01)06901234567892(10)L1(17)290630(21)S1"])
def test_a_code_that_is_none_or_not_in_its_normal_form_is_refused(regions: Regions, code: str) -> None:
    refused(ask(regions, WEST, "reserve", code), "trace_code.malformed")


def test_a_code_stands_once_in_a_question() -> None:
    with pytest.raises(ValueError, match="twice"):
        Question(asked_by="a", supply_id=uuid4(), operation="spend", at=NOON, codes=(AskedCode(code="8"),) * 2)


def test_a_clock_that_fires_too_often_does_nothing(town: Town) -> None:
    supply_id = uuid4()
    fine(town.store.run(owner_timer(NoOtherStore())(owner_asks_of(supply_id).stream_id)))
    assert not town.store.loaded(OWNER_ASKS.ref(owner_asks_of(supply_id).stream_id)).exists


def test_a_new_store_takes_its_share_and_leaves_all_others_where_they_are() -> None:
    before, after = (RegionalStores(frozenset(names), "east") for names in (("east", "west"), ("east", "west", "new")))
    codes = [f"8{number:019d}" for number in range(600)]

    moved = [code for code in codes if before.owner(code) != after.owner(code)]

    assert {after.owner(code) for code in moved} == {"new"}
    assert 120 < len(moved) < 280, "a third"
    assert {before.owner(code) for code in codes} == {"east", "west"}
