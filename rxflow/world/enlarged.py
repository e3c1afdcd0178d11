"""The demo world with more pharmacies and any number of patients: what loads of the size of a province are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from rxflow.world.build import Staff, designations_of, patient_of, store_in
from rxflow.world.model import Patient, Store, World

STAFF_FROM = 500_000
"""The numbers of the demo world's own people lie below."""
PHARMACIES_MAX = 90_000
"""So many numbers a region has for its pharmacies, times the regions there are, and room to spare."""


def enlarged(world: World, pharmacies: int) -> World:
    """The same world with so many pharmacies, spread evenly over its regions; the first ones are its own.

    The added ones have people and agreements, and empty shelves. Raises ValueError where the world has more already, or
    the codes would not do.
    """
    if not len(world.stores) <= pharmacies <= PHARMACIES_MAX:
        raise ValueError(f"pharmacies: at least {len(world.stores)}, at most {PHARMACIES_MAX}")
    stores = (*world.stores, *_more(world, pharmacies - len(world.stores)))
    return replace(world, stores=stores, designations=dict(designations_of(stores, world.regions)))


def _more(world: World, count: int) -> Iterator[Store]:
    chance = Random(f"{world.seed} pharmacies")
    staff = Staff(world.seed, chance, last=STAFF_FROM)
    for place in range(count):
        region = world.regions[place % len(world.regions)]
        number = region.pharmacies + 1 + place // len(world.regions)
        yield store_in(region, number, staff, chance)


def patients(world: World, first: int, count: int) -> Iterator[Patient]:
    """Patients of these numbers, region by region in turn; each number is always the same person.

    None of them is one of the world's own, whatever the number.
    """
    for number in range(first, first + count):
        region = world.regions[number % len(world.regions)]
        yield patient_of(number, region, Random(f"{world.seed} patient {number}"))
