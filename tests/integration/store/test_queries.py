"""Every query that a service registers is one that its database understands, both of them: not only those whose route
or deadline a test happens to reach on a real store."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from services.seedwork.store.migrating import SERVICES, migrate
from services.seedwork.store.rendering import render
from tests.integration.store.test_migrations import empty_store
from tests.support.store import opened

OF_TYPE: dict[type[sa.types.TypeEngine[Any]], Any] = {
    sa.Boolean: True,
    sa.Uuid: UUID(int=7),
    sa.Integer: 1,  # big ones, too
    sa.Text: "310000",
    sa.LargeBinary: b"x",
    sa.Float: 1.0,
}


def value(kind: sa.types.TypeEngine[Any]) -> Any:
    return next(found for each, found in OF_TYPE.items() if isinstance(kind, each))


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
@pytest.mark.parametrize("name", SERVICES)
def test_every_query_of_a_service_is_answered(name: str, kind: str, tmp_path: Path) -> None:
    service = import_module(f"services.{name}.composition").SERVICE
    queries = {key: query for each in service.projections for key, query in each.queries.items()}
    assert queries
    with empty_store(name, kind, tmp_path) as made:
        migrate(made)
        with opened(made.url, 1) as database:
            for key, query in queries.items():
                rendered = render(query, is_postgresql=kind == "postgresql")
                asked = {each: value(of) for each, of in rendered.types.items() if each not in rendered.values}
                rows = rendered.read(database.rows(rendered.bind(asked)))
                assert isinstance(rows, list), key


def test_a_list_that_only_an_engine_could_write_out_is_refused() -> None:
    column = sa.column("state", sa.Text)
    with pytest.raises(ValueError, match="alternatives"):
        render(sa.select(column).where(column.in_(["open", "closed"])), is_postgresql=True)
