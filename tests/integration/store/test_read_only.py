"""A store that takes no writes for a while: a standby not promoted yet, a disk mounted read-only. Nothing was executed,
and whoever asks is told to come again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from services.seedwork.failures import Overloaded
from services.seedwork.store.drivers import Driver
from services.seedwork.store.executor import perform
from services.seedwork.store.sqlite import SqliteDatabase
from tests.support.store import core_of, driving, events_of, new_store, open_box, work


@contextmanager
def read_only_postgresql(url: str) -> Iterator[None]:
    name = url.rpartition("/")[2]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        yield
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(f'ALTER DATABASE "{name}" RESET ALL')


@contextmanager
def read_only_sqlite(_url: str) -> Iterator[None]:
    """As a file system that was mounted read-only refuses it: by the same error."""
    connect: Callable[[SqliteDatabase], Any] = SqliteDatabase._connect

    def connected(self: SqliteDatabase) -> Any:
        connection = connect(self)
        connection.execute("PRAGMA query_only = ON")
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SqliteDatabase, "_connect", connected)
        yield


KINDS = {"sqlite": read_only_sqlite, "postgresql": read_only_postgresql}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Any]]:
    with new_store(request.param, tmp_path) as url:
        yield url, KINDS[request.param]


def test_a_read_only_store_sheds_and_goes_on_when_it_takes_writes_again(store: tuple[str, Any]) -> None:
    url, read_only = store
    box = uuid4()

    def open_it(driver: Driver) -> Any:
        return driver.run(perform(core_of(url), work(open_box(box, owner=None))))

    with read_only(url), driving(url) as driver, pytest.raises(Overloaded):
        open_it(driver)
    with driving(url) as driver:
        assert events_of(driver.database, box) == []
        assert open_it(driver).refusal is None
        assert len(events_of(driver.database, box)) == 1
