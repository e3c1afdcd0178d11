"""Making the tables of a store directly from their definitions: for tests and benchmarks; installations migrate."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from services.seedwork.store.tables import APPEND_ONLY, KEYRING_METADATA, METADATA, append_only_ddl


def create_tables(engine: sa.Engine, extra: Sequence[sa.MetaData] = (), *, keyring: bool = False) -> None:
    """The kernel's tables (and a service's projections) with their append-only triggers."""
    with engine.begin() as connection:
        METADATA.create_all(connection)
        for table in APPEND_ONLY:
            for statement in append_only_ddl(table.name, engine.dialect.name):
                connection.exec_driver_sql(statement)
        for metadata in extra:
            metadata.create_all(connection)
        if keyring:
            KEYRING_METADATA.create_all(connection)
