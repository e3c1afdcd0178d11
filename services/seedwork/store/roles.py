"""What a service may do in the databases, held by PostgreSQL: a role per service, assumed on each connection.

Migrations run as the owner. A service connects, takes its role and has from then on neither the right to change or
delete what is append-only nor to see keys of classes of personal data it has no right to. Triggers and the code's own
table say the same; a role also holds for whoever gets round them. On SQLite there are no roles.

A role is named like the service's database, so two installations on one server never share one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import errors as pg
from psycopg import sql

from services.seedwork.failures import ConfigurationError
from services.seedwork.model import PersonalClass
from services.seedwork.store.tables import APPEND_ONLY, KEYRING_METADATA

NOT_OURS = (pg.InvalidParameterValue, pg.InsufficientPrivilege)
"""What SET ROLE says of a role that is not there, and of one that this login is no member of."""
_VERSIONS = "alembic_version"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Role:
    """The role of one service. One that is not required is done without where it cannot be assumed."""

    name: str
    is_required: bool

    def assume(self, connection: psycopg.Connection[Any]) -> None:
        """From here on the connection has the service's rights. Where they must be had and cannot, it is closed."""
        try:
            connection.execute(self._set())
        except NOT_OURS as error:
            if self.is_required:
                connection.close()
                raise
            _warn(error)

    async def assume_async(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """The same, on an event loop."""
        try:
            await connection.execute(self._set())
        except NOT_OURS as error:
            if self.is_required:
                await connection.close()
                raise
            _warn(error)

    def _set(self) -> sql.Composed:
        return sql.SQL("SET ROLE {}").format(sql.Identifier(self.name))


def _warn(error: psycopg.Error) -> None:
    logger.warning("rights are held by triggers and code only: %s", str(error).strip())


def check(url: str, role: Role) -> None:
    """Stops a start whose role is required and cannot be assumed. A server that is away says nothing about it."""
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
            role.assume(connection)
    except NOT_OURS as error:
        raise ConfigurationError(
            f"{str(error).strip()}: run `rxflow migrate` as a user who may create roles and grant them to this login,"
            " or set RXFLOW_DATABASE_ROLES=optional"
        ) from error
    except psycopg.OperationalError:
        return


def database_of(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


def give_store_rights(url: str, role: str, read_models: Iterable[str] = ()) -> None:
    """A service's rights to its own store; its read models it owns, because it rebuilds them. Needs no more than
    ownership where the role is there already."""
    with psycopg.connect(url, autocommit=True) as connection:
        if not _make(connection, role):
            return
        statements = [
            "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}",
            "GRANT USAGE, CREATE ON SCHEMA public TO {role}",
            "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
            *(f'REVOKE UPDATE, DELETE ON "{table.name}" FROM {{role}}' for table in APPEND_ONLY),
            f"REVOKE INSERT, UPDATE, DELETE ON {_VERSIONS} FROM {{role}}",
            *(f'ALTER TABLE "{name}" OWNER TO {{role}}' for name in read_models),
        ]
        _run(connection, statements, role)


def give_keyring_rights(url: str, rights: Mapping[str, tuple[str, Iterable[PersonalClass]]]) -> None:
    """Every service's rights to the keyring: `service -> (role, classes)`; rows of other classes it does not see."""
    with psycopg.connect(url, autocommit=True) as connection:
        made = {service: each for service, each in rights.items() if _make(connection, each[0])}
        with connection.transaction():
            for table in KEYRING_METADATA.sorted_tables:
                connection.execute(sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(_name(table.name)))
            for service, (role, classes) in made.items():
                own_rows = sql.SQL("store = {}").format(sql.Literal(service))
                own_classes = sql.SQL("data_class = ANY({})").format(sql.Literal(sorted(map(str, classes))))
                _run(connection, ["GRANT USAGE ON SCHEMA public TO {role}"], role)
                _allow(connection, role, "key", "SELECT, INSERT, UPDATE (wrapped_dek, state)", own_classes)
                _allow(connection, role, "forgetting", "SELECT, INSERT, UPDATE", own_rows)
                _allow(connection, role, "witness", "SELECT, INSERT", own_rows)


def _allow(connection: psycopg.Connection[Any], role: str, table: str, verbs: str, rows: sql.Composable) -> None:
    parts = {"role": _name(role), "table": _name(table), "policy": _name(f"{table}_of_{role}"), "rows": rows}
    for text in (
        "REVOKE ALL ON {table} FROM {role}",
        f"GRANT {verbs} ON {{table}} TO {{role}}",
        "DROP POLICY IF EXISTS {policy} ON {table}",
        "CREATE POLICY {policy} ON {table} TO {role} USING ({rows}) WITH CHECK ({rows})",
    ):
        connection.execute(sql.SQL(text).format(**parts))


def _make(connection: psycopg.Connection[Any], role: str) -> bool:
    """Whether the role is there now and this login may assume it."""
    found = connection.execute("SELECT pg_has_role(oid, 'MEMBER') FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
    try:
        if found is None:
            with suppress(pg.DuplicateObject, pg.UniqueViolation):  # another migration was faster
                connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(_name(role)))
        if found is None or not found[0]:
            connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(_name(role)))
    except pg.InsufficientPrivilege as error:
        logger.warning(
            "this login may not make the role %s, so its rights are held by triggers and code only: %s."
            " Somebody who may: CREATE ROLE %s NOLOGIN; GRANT %s TO the login; then migrate again",
            *(role, str(error).strip(), role, role),
        )
        return False
    return True


def _run(connection: psycopg.Connection[Any], statements: Iterable[str], role: str) -> None:
    with connection.transaction():
        for text in statements:
            connection.execute(sql.SQL(text).format(role=_name(role)))


def _name(name: str) -> sql.Identifier:
    return sql.Identifier(name)
