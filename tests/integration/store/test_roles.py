"""Rights by PostgreSQL role: what a service may not do it is refused by the server, triggers or not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest

from services.prescribe.composition import SERVICE as PRESCRIBE
from services.review.composition import SERVICE as REVIEW
from services.seedwork.composition import Service
from services.seedwork.failures import ConfigurationError
from services.seedwork.model import PersonalClass
from services.seedwork.settings import Settings
from services.seedwork.shadow import Shadow
from services.seedwork.store.batch import Statement
from services.seedwork.store.drivers import Driver
from services.seedwork.store.keyring import Reached
from services.seedwork.store.migrating import SERVICES, STORES, migrate, store
from services.seedwork.store.opening import (
    async_database,
    green_database,
    libpq,
    service_role,
    store_core,
)
from services.seedwork.store.postgres import PostgresDatabase
from services.seedwork.store.tables import APPEND_ONLY
from tests.support import servers

pytestmark = pytest.mark.servers

CLASSES = [str(kind) for kind in PersonalClass]
REFUSED = [
    *(verb.format(table.name) for table in APPEND_ONLY for verb in ("DELETE FROM {}", "TRUNCATE {}", "DROP TABLE {}")),
    "UPDATE events SET state = state",
    "UPDATE public SET body = body",
    "UPDATE log SET position = position",
    "UPDATE checkpoint SET statement = statement",
    "ALTER TABLE events DISABLE TRIGGER ALL",
    "TRUNCATE fresh",
    "UPDATE alembic_version SET version_num = 'x'",
    "CREATE ROLE somebody",
]
APPEND = (
    "INSERT INTO events (stream_id, version, topic, state, hash, recorded_at)"
    " VALUES (gen_random_uuid(), 1, 't', ''::bytea, ''::bytea, 1)"
)
ALLOWED = [
    APPEND,
    "DELETE FROM fresh",
    "UPDATE meta SET value = value",
    "DELETE FROM idempotency",
    "DELETE FROM prescription",
    "SELECT version_num FROM alembic_version",
    "NOTIFY rxflow_committed",
]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """An installation under a prefix of its own, migrated by the owner."""
    prefix = f"rxflow_roles_{uuid4().hex[:8]}"
    url = urlunsplit(urlsplit(servers.DATABASE_URL)._replace(path=f"/{prefix}"))
    made = Settings(development=True, key_directory=tmp_path_factory.mktemp("keys"), database_url=url)
    try:
        for name in STORES:
            migrate(store(name, made))
        yield made
    finally:
        with psycopg.connect(servers.DATABASE_URL, autocommit=True) as connection:
            for name in STORES:
                connection.execute(f'DROP DATABASE IF EXISTS "{prefix}_{name}" WITH (FORCE)')
        servers.drop_roles(prefix)


@contextmanager
def as_service(name: str, settings: Settings, *, on: str | None = None) -> Iterator[Any]:
    """What the worker of a service has in its hands: its store, or the keyring."""
    database = green_database(settings.service_database_url(on or name), 1, service_role(name, settings))
    database.open()
    try:
        yield database
    finally:
        database.close()


def as_owner(name: str, settings: Settings, *texts: str) -> list[Any]:
    with psycopg.connect(libpq(settings.service_database_url(name)), autocommit=True) as connection:
        rows: list[Any] = []
        for text in texts:
            cursor = connection.execute(text.encode())
            rows = cursor.fetchall() if cursor.description else []
        return rows


@pytest.mark.parametrize("text", REFUSED)
def test_a_service_is_refused_what_only_the_owner_may_do(settings: Settings, text: str) -> None:
    with (
        as_service("prescribe", settings) as database,
        pytest.raises(Exception, match=r"permission denied|must be owner"),
    ):
        database.write([Statement(text)])


@pytest.mark.parametrize("text", ALLOWED)
def test_a_service_may_do_its_work(settings: Settings, text: str) -> None:
    with as_service("prescribe", settings) as database:
        database.write([Statement(text)])


@pytest.mark.parametrize("service", [PRESCRIBE, REVIEW], ids=lambda service: service.name)
def test_a_service_rebuilds_its_read_models_and_goes_on_with_them(settings: Settings, service: Service) -> None:
    for _ in range(2):
        with as_service(service.name, settings) as database:
            for projection in service.projections:
                shadow = Shadow(projection, is_postgresql=True)
                database.write([*shadow.create(), *shadow.take_place()])
                database.write([Statement(f"DELETE FROM {table.name}") for table in projection.tables])
        migrate(store(service.name, settings))  # the owner goes on with them, too


def test_the_role_holds_where_the_triggers_are_gone(settings: Settings) -> None:
    """Without the role the same statement goes through: that is what the role is for."""
    as_owner("review", settings, APPEND, "ALTER TABLE events DISABLE TRIGGER ALL")
    delete = Statement("DELETE FROM events")

    with as_service("review", settings) as database, pytest.raises(Exception, match="permission denied"):
        database.write([delete])

    without = PostgresDatabase(libpq(settings.service_database_url("review")), pool_size=1)
    without.open()
    assert without.write([delete]) == [1]
    without.close()
    as_owner("review", settings, "ALTER TABLE events ENABLE TRIGGER ALL")


def test_an_api_has_the_role_too(settings: Settings) -> None:
    async def who() -> str:
        database = async_database(settings.service_database_url("review"), 1, service_role("review", settings))
        await database.open()
        try:
            return str((await database.rows(Statement("SELECT current_user::text")))[0][0])
        finally:
            await database.close()

    assert asyncio.run(who()) == urlsplit(settings.service_database_url("review")).path.removeprefix("/")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_sees_the_keys_of_its_classes_only(settings: Settings, name: str) -> None:
    patient = uuid4()
    rows = [f"('{patient}', '{kind}', '\\x01', 'k', 'live')" for kind in CLASSES]
    columns = "(patient_ref, data_class, wrapped_dek, kek, state)"
    as_owner("keyring", settings, f"INSERT INTO key {columns} VALUES {', '.join(rows)}")
    rights = {str(kind) for kind in store_core_of(name, settings).service.rights}

    with as_service(name, settings, on="keyring") as keyring:
        seen = keyring.rows(Statement(f"SELECT data_class FROM key WHERE patient_ref = '{patient}'"))
        assert {row[0] for row in seen} == rights
        keyring.write([Statement(f"UPDATE key SET wrapped_dek = NULL WHERE patient_ref = '{patient}'")])
        for kind in set(CLASSES) - rights:
            insert = f"INSERT INTO key {columns} VALUES ('{uuid4()}', '{kind}', NULL, 'k', 'destroyed')"
            with pytest.raises(Exception, match="row-level security"):
                keyring.write([Statement(insert)])
        for text in ("DELETE FROM key", "TRUNCATE key", "UPDATE key SET data_class = 'identity'"):
            with pytest.raises(Exception, match="permission denied"):
                keyring.write([Statement(text)])

    left = as_owner(
        "keyring", settings, f"SELECT data_class FROM key WHERE patient_ref = '{patient}' AND wrapped_dek IS NOT NULL"
    )
    assert {row[0] for row in left} == set(CLASSES) - rights


def test_a_service_says_for_itself_how_far_it_is_and_for_nobody_else(settings: Settings) -> None:
    with as_service("review", settings, on="keyring") as keyring:
        row = "INSERT INTO {} VALUES ('{}', 1, 1)"
        keyring.write([Statement(row.format("forgetting", "review"))])
        for table in ("forgetting", "witness"):
            with pytest.raises(Exception, match="row-level security"):
                keyring.write([Statement(row.format(table, "prescribe"))])
        with pytest.raises(Exception, match="permission denied"):
            keyring.write([Statement("UPDATE witness SET statement = ''")])


def test_keys_are_made_found_and_destroyed_under_the_role(settings: Settings) -> None:
    name = (uuid4(), PersonalClass.CLINICAL)
    with (
        as_service("review", settings) as database,
        as_service("review", settings, on="keyring") as of_review,
        as_service("prescribe", settings, on="keyring") as of_prescribe,
    ):
        review, prescribe = store_core(REVIEW, settings), store_core(PRESCRIBE, settings)
        made = Driver(database, of_review).run(review.keyring.fetch([name], create=True))[name]
        assert made is not None
        assert Driver(database, of_prescribe).run(prescribe.keyring.fetch([name]))[name] is not None

        Driver(database, of_prescribe).run(prescribe.keyring.destroy([name[0]], "prescribe", Reached(1, 1)))

        fresh = store_core(REVIEW, settings)
        assert Driver(database, of_review).run(fresh.keyring.fetch([name], create=True))[name] is None


def test_migrating_again_gives_the_same_rights(settings: Settings) -> None:
    for name in STORES:
        migrate(store(name, settings))

    with as_service("dispatch", settings) as database, pytest.raises(Exception, match="permission denied"):
        database.write([Statement("DELETE FROM events")])


def test_two_installations_share_no_role(settings: Settings) -> None:
    prefix = urlsplit(settings.database_url).path.removeprefix("/")

    assert {service_role(name, settings).name for name in SERVICES} == {f"{prefix}_{name}" for name in SERVICES}  # type: ignore[union-attr]


def test_sqlite_has_no_roles(tmp_path: Path) -> None:
    assert service_role("review", Settings(database_url=f"sqlite:///{tmp_path}")) is None


@contextmanager
def a_login(settings: Settings, tmp_path: Path) -> Iterator[Settings]:
    """Somebody who owns a database and may make no role."""
    login, prefix = f"rxflow_roles_{uuid4().hex[:8]}", f"rxflow_roles_{uuid4().hex[:8]}"
    with psycopg.connect(servers.DATABASE_URL, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {login} LOGIN PASSWORD 'p'")
        connection.execute(f'CREATE DATABASE "{prefix}_review" OWNER {login}')
        connection.execute(f'CREATE DATABASE "{prefix}_keyring" OWNER {login}')
    parts = urlsplit(settings.database_url)
    host = f"{login}:p@{parts.hostname}:{parts.port or 5432}"
    try:
        yield Settings(
            development=True,
            key_directory=tmp_path,
            database_url=urlunsplit(parts._replace(netloc=host, path=f"/{prefix}")),
        )
    finally:
        with psycopg.connect(servers.DATABASE_URL, autocommit=True) as connection:
            for name in ("review", "keyring"):
                connection.execute(f'DROP DATABASE "{prefix}_{name}" WITH (FORCE)')
        servers.drop_roles(prefix)
        servers.drop_roles(login)


def test_who_may_make_no_role_is_told_so_and_development_goes_on(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with a_login(settings, tmp_path) as poor, caplog.at_level(logging.WARNING):
        for name in ("review", "keyring"):
            migrate(store(name, poor))
        assert "CREATE ROLE" in caplog.text
        caplog.clear()

        with as_service("review", poor) as database:
            assert database.write([Statement(APPEND)]) == [1]
            with pytest.raises(Exception, match="append-only"):
                database.write([Statement("DELETE FROM events")])
        assert "triggers and code only" in caplog.text

        # production, or whoever asks for it, does not start
        required = poor.model_copy(update={"database_roles": "required"})
        with pytest.raises(ConfigurationError, match="rxflow migrate"):
            service_role("review", required)

        # and: once somebody who may has made the role, the owner's migration gives it its rights
        role = urlsplit(poor.service_database_url("review")).path.removeprefix("/")
        with psycopg.connect(servers.DATABASE_URL, autocommit=True) as connection:
            connection.execute(f'CREATE ROLE "{role}" NOLOGIN')
            connection.execute(f'GRANT "{role}" TO {urlsplit(poor.database_url).username}')
        for name in ("review", "keyring"):
            migrate(store(name, poor))
        with as_service("review", required) as database, pytest.raises(Exception, match="permission denied"):
            database.write([Statement("DELETE FROM events")])


def test_a_server_that_is_away_does_not_stop_the_start(tmp_path: Path) -> None:
    nowhere = f"postgresql://nobody@127.0.0.1:{servers.free_port()}/rxflow"
    settings = Settings(database_url=nowhere, key_directory=tmp_path)

    role = service_role("review", settings)

    assert role is not None
    assert role.is_required


def store_core_of(name: str, settings: Settings) -> Any:
    return store_core(import_module(f"services.{name}.composition").SERVICE, settings)
