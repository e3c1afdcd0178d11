"""Where a projection is rebuilt while its readers see the rows of before: a shadow of each of its tables, which in the
end takes the place of the table in one transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable, SetColumnComment, SetTableComment
from sqlalchemy.sql.visitors import replacement_traverse

from services.seedwork.projection import Amend, Operation, Projection
from services.seedwork.store.batch import Statement
from services.seedwork.store.rendering import POSTGRESQL, SQLITE

SUFFIX = "_shadow"


class Shadow:
    """The shadow tables of one projection on one kind of database.

    Raises ValueError for a table with constraints beside its primary key: nothing would give them their names back.
    """

    def __init__(self, projection: Projection, *, is_postgresql: bool) -> None:
        self._is_postgresql = is_postgresql
        metadata = sa.MetaData()
        self._of = {table: _copy(table, metadata) for table in projection.tables}

    def create(self) -> list[Statement]:
        """Empty ones; what an abandoned rebuild has left goes."""
        statements: list[Any] = []
        for shadow in self._of.values():
            statements += [DropTable(shadow, if_exists=True), CreateTable(shadow)]
            if self._is_postgresql:
                statements += [CreateIndex(index) for index in shadow.indexes]
                statements += [SetColumnComment(column) for column in shadow.c if column.comment]
                statements += [SetTableComment(shadow)] if shadow.comment else []
        return [self._text(each) for each in statements]

    def take_place(self) -> list[Statement]:
        """The tables go, their shadows get their names. SQLite cannot rename an index, so there they are made now."""
        statements: list[Any] = []
        for table, shadow in self._of.items():
            statements += [DropTable(table), f"ALTER TABLE {shadow.name} RENAME TO {table.name}"]
            if self._is_postgresql:
                names = {_shadowed(str(index.name)): str(index.name) for index in table.indexes}
                names[f"{shadow.name}_pkey"] = f"{table.name}_pkey"  # as PostgreSQL names them by itself
                statements += [f"ALTER INDEX {old} RENAME TO {new}" for old, new in names.items()]
            else:
                statements += [CreateIndex(index) for index in table.indexes]
        return [self._text(each) for each in statements]

    def redirect(self, operation: Operation) -> Operation:
        """The same operation on the shadow."""
        moved = replace(operation, table=self._of[operation.table])
        if not isinstance(moved, Amend):
            return moved
        return replace(moved, values={name: self._moved(value) for name, value in moved.values.items()})

    def _moved(self, value: Any) -> Any:
        if not isinstance(value, sa.ClauseElement):
            return value

        def column(element: Any, **_: Any) -> Any:
            shadow = self._of.get(getattr(element, "table", None))  # type: ignore[arg-type]
            return None if shadow is None else shadow.c[element.name]

        return replacement_traverse(value, {}, column)

    def _text(self, statement: Any) -> Statement:
        if isinstance(statement, str):
            return Statement(statement)
        return Statement(str(statement.compile(dialect=POSTGRESQL if self._is_postgresql else SQLITE)))


def _copy(table: sa.Table, metadata: sa.MetaData) -> sa.Table:
    if table.constraints != {table.primary_key}:
        raise ValueError(f"{table.name} has constraints beside its primary key")
    shadow = table.to_metadata(metadata, name=table.name + SUFFIX)
    shadow.indexes.clear()
    for index in table.indexes:
        columns = [shadow.c[column.name] for column in index.columns]
        sa.Index(_shadowed(str(index.name)), *columns, unique=index.unique)
    return shadow


def _shadowed(name: str) -> str:
    return name + SUFFIX
