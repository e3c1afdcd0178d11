"""More pharmacies and patients than the demo world has: its own stay as they are, and every code is somebody's own."""

from collections import Counter

import pytest
from stdnum.cn import ric, uscc

from rxflow.world import World, build_world
from rxflow.world.enlarged import enlarged, patients


@pytest.fixture(scope="module")
def world() -> World:
    return build_world()


def test_its_own_pharmacies_come_first_and_the_others_are_spread_evenly(world: World) -> None:
    larger = enlarged(world, 75)

    added = larger.stores[len(world.stores) :]
    assert larger.stores[: len(world.stores)] == world.stores
    assert len(larger.stores) == 75
    per_region = Counter(store.pharmacy.region for store in added)
    assert set(per_region.values()) == {3, 4}
    assert per_region.keys() == {region.code for region in world.regions}
    assert enlarged(world, 75) == larger


def test_nobody_shares_a_code(world: World) -> None:
    larger = enlarged(world, 75)

    people = [person.code for person in larger.people]
    assert len(set(people)) == len(people)
    assert len({store.code for store in larger.stores}) == 75
    assert all(uscc.is_valid(store.social_credit_code) for store in larger.stores)
    assert world.designations.items() <= larger.designations.items()


@pytest.mark.parametrize("pharmacies", [39, 90_001])
def test_a_world_is_neither_cut_nor_without_end(world: World, pharmacies: int) -> None:
    with pytest.raises(ValueError, match="pharmacies"):
        enlarged(world, pharmacies)


def test_a_patient_is_the_same_whoever_comes_before(world: World) -> None:
    some = list(patients(world, 1000, 5))

    assert list(patients(world, 1002, 2)) == some[2:4]
    assert all(ric.is_valid(patient.identity_number) for patient in some)
    assert len({patient.member_no for patient in some}) == 5
