"""The whole filling of an installation, step by step, with its conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime

from rxflow.play.stage import ORDER
from rxflow.seeding import filling
from rxflow.seeding.offices import Offices, SeedingFailed
from rxflow.world import World, build_world, everyday_products
from rxflow.world.enlarged import enlarged, patients
from services.seedwork.calendar import ZONE
from services.seedwork.settings import Settings
from services.seedwork.store.batch import Statement
from services.seedwork.store.leader import AdvisoryLeadership
from services.seedwork.store.migrating import STORES, migrate, store
from services.seedwork.store.opening import is_sqlite

FIRST_PATIENT = 1000
"""The numbers of the demo world's own patients lie below."""
PATIENTS_AT_ONCE = 100

Told = Callable[[str, int, int], None]
"""Hears of progress: step, done, of how many."""


@dataclass(frozen=True)
class Amounts:
    """How much of what."""

    prescriptions: int = 100_000
    pharmacies: int = 2_000
    products: int = 20
    """On the shelves of each pharmacy."""
    prescriptions_per_patient: int = 4


def seed(settings: Settings, amounts: Amounts, told: Told = lambda _step, _done, _of: None) -> World:
    """Fills an empty installation; the world that is in it.

    Raises SeedingFailed where it is not empty or not fit, and ValueError for amounts that no world has.
    """
    fit(settings)
    world = enlarged(build_world(as_of=datetime.now(ZONE).date()), amounts.pharmacies)
    for name in STORES:
        migrate(store(name, settings))
    offices = Offices(settings)
    with offices.open(), _alone(offices):
        for step, of, pieces in _steps(offices, world, amounts):
            done = 0
            for count in pieces:
                done += count
                told(step, done, of)
        offices.finish()
    return world


def fit(settings: Settings) -> None:
    """Raises SeedingFailed where made-up people must not be put into this installation, or cannot."""
    if is_sqlite(settings.database_url):
        raise SeedingFailed("COPY is PostgreSQL's: set RXFLOW_DATABASE_URL to postgresql://…/<prefix>")
    if not settings.development:
        raise SeedingFailed("people and prescriptions are made up: only in development mode (RXFLOW_DEVELOPMENT=1)")


@contextmanager
def _alone(offices: Offices) -> Iterator[None]:
    """While nobody else leads these stores, and only where nothing has ever happened in them."""
    with ExitStack() as held:
        for name, office in offices.by_name.items():
            leadership = AdvisoryLeadership(office.database, f"rxflow:{name}")
            if not leadership.held():
                raise SeedingFailed(f"a worker of {name} is running: stop the installation first")
            held.callback(leadership.resign)
            if office.database.rows(Statement("SELECT 1 FROM events LIMIT 1")):
                raise SeedingFailed(
                    f"{name} is not empty, and only an empty installation is filled: drop the databases, or take"
                    " another prefix in RXFLOW_DATABASE_URL"
                )
        yield


def _steps(offices: Offices, world: World, amounts: Amounts) -> Iterator[tuple[str, int, Iterator[int]]]:
    """Name, how much there is to do, and the pieces as they are done."""
    entries = sum(len(world.entries(kind)) for kind in ORDER)
    yield "register entries", entries, filling.fill_registers(offices, world)
    per_shelf = min(amounts.products, len(everyday_products(world)))
    yield "stock items", len(world.stores) * per_shelf, filling.fill_shelves(offices, world, amounts.products)
    yield "prescriptions", amounts.prescriptions, _prescriptions(offices, world, amounts)


def _prescriptions(offices: Offices, world: World, amounts: Amounts) -> Iterator[int]:
    left, first, each = amounts.prescriptions, FIRST_PATIENT, amounts.prescriptions_per_patient
    while left:
        wanted = min(PATIENTS_AT_ONCE, -(-left // each))
        people = tuple(patients(world, first, wanted))
        done = filling.fill_with_prescriptions(offices, world, people, each, left)
        if not done:
            raise SeedingFailed("review lets nothing pass")
        left, first = left - done, first + wanted
        yield done
