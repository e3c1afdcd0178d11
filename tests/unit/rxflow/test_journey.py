"""What the people of the demo world wait for: a register entry reaches each service in its own time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest

from rxflow.client import Problem
from rxflow.play.cast import Cast
from rxflow.play.journey import Journey
from rxflow.play.stage import Stage
from rxflow.world import build_world

DISPENSED = ["pass_review", "prepare", "prepare", "check", "check"]
SENT = ["arrange_delivery", "arrange_delivery", "pack", "hand_over"]
LATE = {"prepare": "person.not_qualified", "check": "person.not_qualified", "arrange_delivery": "courier.not_admitted"}


class House:
    """Answers every step at once, but refuses the first try of those that need another entry."""

    def __init__(self, codes: dict[str, str]) -> None:
        self.codes, self.calls = codes, cast(list[str], [])

    def __getattr__(self, step: str) -> Callable[..., Any]:
        def answer(*_: object, **__: object) -> Any:
            self.calls.append(step)
            if step in self.codes and self.calls.count(step) == 1:
                raise Problem(self.codes[step], 403)
            return SimpleNamespace(supply_id=str(uuid4()))

        return answer

    def wait_until(self, condition: Callable[[], Any], _what: str) -> Any:
        return condition() or condition()


def a_journey(house: House) -> tuple[Journey, Any]:
    world = build_world(as_of=date(2026, 3, 2))
    players = SimpleNamespace(
        world=world,
        pharmacy=lambda _: house,
        courier=lambda _: house,
        patient=lambda _: house,
        wait_until=house.wait_until,
    )
    stage = Stage(cast(Cast, players))
    admitted = SimpleNamespace(patient=world.patients[0], patient_ref=uuid4())
    return Journey(stage, world.hospitals[0].doctors[0], cast(Any, admitted), cast(Any, None)), world


def test_a_supply_is_made_as_soon_as_the_pharmacy_knows_its_people() -> None:
    house = House(LATE)
    journey, world = a_journey(house)

    journey.dispense(world.stores_in(world.regions[0].code)[0], cast(Any, SimpleNamespace(shown={"lines": []})))

    assert house.calls == DISPENSED


def test_a_parcel_is_arranged_as_soon_as_the_courier_is_known() -> None:
    house = House(LATE)
    journey, world = a_journey(house)
    store = world.stores_in(world.regions[0].code)[0]

    journey.deliver(store, world.carrier_near(store), cast(Any, SimpleNamespace(supply_id=str(uuid4()))))

    assert house.calls[:4] == SENT


def test_any_other_refusal_is_told() -> None:
    house = House({"prepare": "stock.not_enough"})
    journey, world = a_journey(house)

    with pytest.raises(Problem):
        journey.dispense(world.stores_in(world.regions[0].code)[0], cast(Any, SimpleNamespace(shown={"lines": []})))
