"""One founded town for the whole folder; a test takes a copy of it, or shares one that all of its module may use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest

from tests.support import servers
from tests.support.town import Town, copy_of, found, town_in


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stores of a town whose registers are loaded."""
    directory = tmp_path_factory.mktemp("founded")
    found(directory)
    return directory


@pytest.fixture
def town(founded: Path, tmp_path: Path) -> Iterator[Town]:
    """A town of the test's own."""
    with copy_of(founded, tmp_path) as town:
        yield town


@pytest.fixture(scope="module")
def shared_town(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town for all tests of a module: each brings its own patients."""
    with copy_of(founded, tmp_path_factory.mktemp("town")) as town:
        yield town


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def either_town(
    request: pytest.FixtureRequest, founded: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    """A town for all tests of a module, on each of the databases."""
    directory = tmp_path_factory.mktemp("town")
    if request.param == "sqlite":
        with copy_of(founded, directory) as town:
            yield town
        return
    with databases() as database_url:
        found(directory, database_url)
        with town_in(directory, database_url=database_url) as town:
            yield town


@contextmanager
def databases() -> Iterator[str]:
    """A prefix of the test's own; the databases under it are dropped afterwards."""
    import psycopg  # noqa: PLC0415 - only where there is a server

    prefix = f"rxflow_test_{uuid4().hex[:12]}"
    try:
        yield urlunsplit(urlsplit(servers.DATABASE_URL)._replace(path=f"/{prefix}"))
    finally:
        with psycopg.connect(servers.DATABASE_URL, autocommit=True) as connection:
            names = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", (f"{prefix}%",))
            for (name,) in names.fetchall():
                connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        servers.drop_roles(prefix)
