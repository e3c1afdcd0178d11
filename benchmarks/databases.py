"""Databases for the benchmarks: made and dropped by each, on the server of RXFLOW_TEST_DATABASE_URL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from services.seedwork.store.schema import create_tables
from tests.support import servers


@contextmanager
def database_with_tables() -> Iterator[str]:
    """An empty store, keyring included."""
    with servers.database() as url:
        engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=sa.NullPool)
        create_tables(engine, keyring=True)
        engine.dispose()
        yield url
