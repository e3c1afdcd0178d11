"""With the same random port and clock a store writes the same bytes again, so that a simulation can repeat itself."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from rxflow.simulation.installation import SeededIds
from services.seedwork.store.drivers import Driver
from services.seedwork.store.executor import StoreCore, perform
from services.seedwork.store.keyring import Keyring
from services.seedwork.store.sqlite import SqliteDatabase
from tests.support.store import BOXES, add_item, new_store, open_box, work

TABLES = ("events", "public", "idempotency", "key", "timer", "fresh")
NOON_NS = 1_790_000_000_000_000_000
BOX, PATIENT = UUID(int=1), UUID(int=2)
MASTER_KEY = bytes(range(32))


def written(directory: Path, seed: int, clock_ns: int = NOON_NS) -> list[list[tuple[Any, ...]]]:
    """Every row of a store in which a box with a personal field was opened and filled."""
    chance = random.Random(seed)
    keyring = Keyring(MASTER_KEY, BOXES.rights, is_postgresql=False, random_bytes=chance.randbytes)
    core = StoreCore(BOXES, keyring, MASTER_KEY, SeededIds(chance), rng=chance)
    with new_store("sqlite", directory) as url:
        database = SqliteDatabase(url.removeprefix("sqlite:///"), clock_ns=lambda: clock_ns)
        database.open()
        driver = Driver(database, database)
        for number, use_case in enumerate((open_box(BOX, patient=PATIENT), add_item(BOX, "aspirin"))):
            driver.run(perform(core, work(use_case, key=f"key-{number}")))
        with database.transaction() as connection:
            rows = [connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in TABLES]
        database.close()
    return rows


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    first, second = (written(tmp_path / name, seed=7) for name in ("first", "second"))

    assert first == second
    assert all(first), "every table has rows"


@pytest.mark.parametrize("change", [{"seed": 8}, {"seed": 7, "clock_ns": NOON_NS + 1000}])
def test_another_seed_or_another_moment_writes_others(tmp_path: Path, change: dict[str, int]) -> None:
    assert written(tmp_path / "first", seed=7) != written(tmp_path / "second", **change)
