"""Every store comes to its newest tables on both databases; there the migrations and the definitions agree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.seedwork.settings import Settings
from services.seedwork.shadow import Shadow
from services.seedwork.store.migrating import SERVICES, STORES, Store, differences, migrate, pending, store
from tests.support import servers
from tests.support.store import opened


@contextmanager
def empty_store(name: str, kind: str, directory: Path) -> Iterator[Store]:
    """A store without any table, or not even a database."""
    if kind == "sqlite":
        yield store(name, Settings(development=True, key_directory=directory, database_url=f"sqlite:///{directory}/db"))
        return
    with servers.database("rxflow_migrated") as url:
        yield replace(store(name, Settings(development=True, key_directory=directory)), url=url)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("name", STORES)
def test_a_migrated_store_is_at_head_and_as_its_definitions_say(name: str, kind: str, tmp_path: Path) -> None:
    with empty_store(name, kind, tmp_path) as made:
        heads = migrate(made)

        assert heads
        assert pending(made) == []
        assert differences(made) == []


@pytest.mark.parametrize("name", STORES)
def test_migrating_twice_is_harmless(name: str, kind: str, tmp_path: Path) -> None:
    with empty_store(name, kind, tmp_path) as made:
        heads = migrate(made)

        assert migrate(made) == heads
        assert differences(made) == []


@pytest.mark.parametrize("name", SERVICES)
def test_rebuilt_read_models_stand_as_the_migrations_made_them(name: str, kind: str, tmp_path: Path) -> None:
    with empty_store(name, kind, tmp_path) as made:
        migrate(made)
        with opened(made.url) as database:
            for projection in import_module(f"services.{name}.composition").SERVICE.projections:
                shadow = Shadow(projection, is_postgresql=database.is_postgresql)
                for _ in range(2):
                    database.write([*shadow.create(), *shadow.take_place()])

        assert differences(made) == []


def test_a_definition_that_no_migration_makes_is_found(kind: str, tmp_path: Path) -> None:
    with empty_store("review", kind, tmp_path) as made:
        migrate(made)
        forgotten = sa.MetaData()
        sa.Table("forgotten", forgotten, sa.Column("id", sa.Uuid, primary_key=True))

        (found,) = differences(replace(made, metadata=(*made.metadata, forgotten)))

    assert found[0] == "add_table"
