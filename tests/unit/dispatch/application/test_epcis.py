"""The goods' way as GS1's world reads it: valid by its schema, and without a word about people."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, FormatChecker

from services.dispatch.application.epcis import DISPOSITIONS, document, epc
from services.seedwork.clock import from_micros
from tests.unit.dispatch.road import Road
from tests.unit.dispatch.town import SYRUP, Town, fine

SCHEMA = json.loads((Path(__file__).parents[3] / "support" / "epcis" / "EPCIS-JSON-Schema.json").read_text())
VALIDATOR = Draft7Validator(SCHEMA, format_checker=FormatChecker())


def exported(road: Road) -> dict[str, Any]:
    supply = road.supply
    rows = road.town.store.rows(
        "goods_movements_of", supply_id=road.supply_id, delivery_id=supply.delivery_id or road.supply_id, limit=99
    )
    timed = [{**row, "at": from_micros(row["recorded_at"])} for row in rows]
    made: dict[str, Any] = json.loads(json.dumps(document(supply, timed, road.now)))
    return made


def steps(made: dict[str, Any]) -> list[tuple[str, str]]:
    return [(event["bizStep"], event["disposition"]) for event in made["epcisBody"]["eventList"]]


def errors(made: dict[str, Any]) -> list[str]:
    return [f"{list(error.path)}: {error.message}"[:300] for error in VALIDATOR.iter_errors(made)]


WAY = [("picking", "in_progress"), ("packing", "container_closed"), ("shipping", "in_transit")]


def delivered(road: Road) -> None:
    fine(road.at_the_door().deliver())


def returned(road: Road) -> None:
    fine(road.at_the_door().refuse())
    fine(road.back(1, 2))
    fine(road.inspect("restocked", "quarantined"))
    fine(road.decide("destroyed"))


def emptied(road: Road) -> None:
    fine(road.at_the_door().refuse())
    fine(road.back_empty())
    fine(road.inspect())


def lost(road: Road) -> None:
    fine(road.out().lose())


def in_part(road: Road) -> None:
    fine(road.at_the_door().deliver(rejected_lines=(2,)))
    fine(road.back(4, 5))
    fine(road.inspect("destroyed"))


def over_the_counter(road: Road) -> None:
    fine(road.town.give_up(road.fulfilment, road.supply_id))


@pytest.mark.parametrize(
    ("live", "lines", "expected"),
    [
        (delivered, (60,), [*WAY, ("dispensing", "dispensed")]),
        (
            returned,
            (60,),
            [
                *WAY,
                ("receiving", "returned"),
                ("inspecting", "sellable_accessible"),
                ("inspecting", "non_sellable_other"),
                ("other", "unknown"),
                ("destroying", "destroyed"),
            ],
        ),
        (emptied, (60,), [*WAY, ("other", "unknown")]),
        (lost, (60,), [*WAY, ("other", "unknown")]),
        (
            in_part,
            (60, 2),
            [*WAY, ("dispensing", "partially_dispensed"), ("receiving", "returned"), ("destroying", "destroyed")],
        ),
        (over_the_counter, (60,), [("picking", "in_progress"), ("inspecting", "sellable_accessible")]),
    ],
    ids=["delivered", "returned", "emptied", "lost", "in part", "given up"],
)
def test_the_way_of_a_supply_is_valid_epcis(town: Town, live: Any, lines: Any, expected: Any) -> None:
    road = Road(town, lines=lines)
    live(road)

    made = exported(road)

    assert errors(made) == []
    assert steps(made) == expected
    ids = [event["eventID"] for event in made["epcisBody"]["eventList"]]
    assert len(set(ids)) == len(ids)
    assert exported(road) == made
    text = json.dumps(made, ensure_ascii=False)
    for secret in ("测试患者", "13800000000", str(road.fulfilment), str(town.patient_ref), "I10"):
        assert secret not in text


def test_the_schema_does_find_what_is_wrong(town: Town) -> None:
    road = Road(town)
    delivered(road)
    made = exported(road)

    for name, value in (("bizStep", "giving"), ("eventTime", "yesterday"), ("action", "LOOK"), ("type", "ThingEvent")):
        wrong = json.loads(json.dumps(made))
        wrong["epcisBody"]["eventList"][0][name] = value
        assert errors(wrong), name


def test_packs_are_named_by_gtin_and_serial_where_they_have_them() -> None:
    assert epc("010693000000000121AB/1") == "https://id.gs1.org/01/06930000000001/21/AB%2F1"
    assert epc("81234567890123456789") == "urn:x-rxflow:trace:81234567890123456789"
    assert {step for step, _ in DISPOSITIONS.values()} == {"inspecting", "destroying", "other"}


def test_goods_without_codes_are_named_by_lot_and_quantity(town: Town) -> None:
    road = Road.__new__(Road)
    fulfilment = town.release(60, 2)
    hold = town.accepted(fulfilment, (2, 2))
    pick = town.pick(2, 2, trace_codes=(), no_code_reason="no_code_printed")
    supply_id = town.prepare(fulfilment, hold, pick)
    fine(town.try_check(fulfilment, supply_id))
    road.town, road.fulfilment, road.supply_id = town, fulfilment, supply_id

    made = exported(road)

    assert errors(made) == []
    (event,) = made["epcisBody"]["eventList"]
    assert event["quantityList"] == [{"epcClass": f"urn:x-rxflow:product:{SYRUP}:lot:S1", "quantity": 2}]
