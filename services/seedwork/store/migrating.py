"""Migrations: Alembic, one tree for both databases. A service's store has the kernel's branch and its own projections'.

Run by `rxflow migrate` or the supervisor, never when an api starts. Expand first, contract in a later release, so that
yesterday's processes run on today's tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import sql

from services.seedwork.settings import KEYRING, Settings
from services.seedwork.store.opening import is_sqlite, libpq
from services.seedwork.store.roles import database_of, give_keyring_rights, give_store_rights
from services.seedwork.store.tables import KEYRING_METADATA, METADATA
from services.seedwork.store.writer_lock import WriterLock

_SCRIPTS = Path(__file__).parent / "migrations"
_SERVICES = Path(__file__).parents[2]
KERNEL = "kernel"
MIGRATION_SECONDS = 600
"""Another migration of the same file is waited for as long as a large one takes."""
SERVICES = ("prescribe", "review", "dispatch", "insurance", "shortage")
STORES = (*SERVICES, KEYRING)


@dataclass(frozen=True)
class Store:
    """One database: where its migrations stand and what its tables should look like."""

    name: str
    url: str
    locations: tuple[Path, ...]
    metadata: tuple[sa.MetaData, ...]


def store(name: str, settings: Settings) -> Store:
    """The store of a service, or the keyring."""
    url = settings.service_database_url(name)
    if name == KEYRING:
        return Store(name, url, (_SCRIPTS / KEYRING,), (KEYRING_METADATA,))
    own = import_module(f"services.{name}.composition").SERVICE.metadata
    locations = (_SCRIPTS / KERNEL, _SERVICES / name / "adapters" / "migrations")
    return Store(name, url, locations, (METADATA, own) if own is not None else (METADATA,))


def migrate(each: Store) -> list[str]:
    """Brings one store to head, making the database where it is missing; the revisions it has now."""
    if is_sqlite(each.url):
        path = Path(each.url.removeprefix("sqlite:///"))
        path.parent.mkdir(parents=True, exist_ok=True)
        with WriterLock(f"{path}.writer", MIGRATION_SECONDS):
            return _upgrade(each)
    _create_database(each.url)
    revisions = _upgrade(each)
    _give_rights(each)
    return revisions


def _give_rights(each: Store) -> None:
    """To the services' roles, which are made where this login may."""
    own = database_of(each.url)
    if each.name != KEYRING:
        give_store_rights(libpq(each.url), own, [name for made in each.metadata[1:] for name in made.tables])
        return
    prefix = own.removesuffix(f"_{KEYRING}")
    services = {name: import_module(f"services.{name}.composition").SERVICE for name in SERVICES}
    rights = {name: (f"{prefix}_{name}", service.rights) for name, service in services.items()}
    give_keyring_rights(libpq(each.url), rights)


def heads(each: Store) -> frozenset[str]:
    """The newest revisions there are for this store."""
    return frozenset(ScriptDirectory.from_config(_config(each)).get_heads())


def pending(each: Store) -> list[str]:
    """The heads this store has not reached."""
    with _connection(each) as connection:
        return sorted(heads(each) - set(MigrationContext.configure(connection).get_current_heads()))


def differences(each: Store) -> Sequence[Any]:
    """What the tables of a migrated store and their definitions disagree about."""
    with _connection(each) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, list(each.metadata)))  # type: ignore[arg-type]  # a list is documented


def new_revision(each: Store, message: str, branch: str) -> None:
    """Drafts a migration from what a migrated store and the definitions disagree about; read it before you keep it."""
    with _connection(each) as connection:
        config = _config(each, connection)
        location = str(each.locations[0] if branch in {KERNEL, KEYRING} else each.locations[1])
        heads = ScriptDirectory.from_config(config).get_revisions(f"{branch}@head") if _has(config, branch) else ()
        options: dict[str, Any] = {"head": f"{branch}@head"} if heads else {"head": "base", "branch_label": branch}
        number = sum(1 for _ in Path(location).glob("[0-9]*.py")) + 1
        revision = f"{branch}_{number:04d}"
        command.revision(config, message, autogenerate=True, version_path=location, rev_id=revision, **options)


def _has(config: Config, branch: str) -> bool:
    scripts = ScriptDirectory.from_config(config)
    return any(branch in (script.branch_labels or ()) for script in scripts.walk_revisions())


def _upgrade(each: Store) -> list[str]:
    with _connection(each) as connection:
        config = _config(each, connection)
        command.upgrade(config, "heads")
        return sorted(MigrationContext.configure(connection).get_current_heads())


def _config(each: Store, connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(map(str, each.locations)))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes |= {"connection": connection, "metadata": list(each.metadata)}
    return config


@contextmanager
def _connection(each: Store) -> Iterator[sa.Connection]:
    url = each.url if is_sqlite(each.url) else libpq(each.url).replace("postgresql://", "postgresql+psycopg://", 1)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    try:
        with engine.connect() as connection:
            if is_sqlite(each.url):
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                connection.commit()
            yield connection
            connection.commit()
    finally:
        engine.dispose()


def _create_database(url: str) -> None:
    server, _, name = libpq(url).rpartition("/")
    name = name.partition("?")[0]
    with psycopg.connect(f"{server}/postgres", autocommit=True, connect_timeout=5) as connection:
        exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
        if not exists:
            try:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            except psycopg.errors.DuplicateDatabase:
                return  # another migration was faster
