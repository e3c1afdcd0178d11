"""The rows of a service's read models out of its events, made in memory by the projections' own functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import operators

from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded, Remove
from services.seedwork.store.batch import Statement
from services.seedwork.store.rendering import render

Row = dict[str, Any]
Key = tuple[Any, ...]


class NotInMemory(RuntimeError):  # noqa: N818
    """A projection computes a column in a way that only a database knows."""


class ReadModels:
    """Rows to be put, and what must be done to rows that stand in the database, before these are put."""

    def __init__(self, projections: Iterable[Projection]) -> None:
        self._projections = tuple(projections)
        self.rows: defaultdict[sa.Table, dict[Key, Row]] = defaultdict(dict)
        self.before: list[Statement] = []

    def take(self, recorded: Recorded) -> None:
        """One more event, in the order of the log."""
        for projection in self._projections:
            for operation in projection.project(recorded):
                self._take(operation)

    def written(self) -> None:
        """Everything gathered is in the database now."""
        self.rows.clear()
        self.before.clear()

    def _take(self, operation: Operation) -> None:
        match operation:
            case Put(table, row):
                self.rows[table].setdefault(_key(table, row), {}).update(row)
            case Amend(table, where, values):
                if not self._amend(table, where, values):
                    self.before.append(_rendered(sa.update(table).values(dict(values)).where(*_matching(table, where))))
            case Remove(table, where):
                for key in [key for key, row in self.rows[table].items() if _matches(row, where)]:
                    del self.rows[table][key]
                self.before.append(_rendered(sa.delete(table).where(*_matching(table, where))))

    def _amend(self, table: sa.Table, where: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
        """Whether the row was here. A condition on other columns than the key may hold for rows elsewhere as well."""
        primary = [column.name for column in table.primary_key]
        if set(primary) <= where.keys():
            row = self.rows[table].get(tuple(where[name] for name in primary))
            found = [row] if row is not None and _matches(row, where) else []
        else:
            found = [row for row in self.rows[table].values() if _matches(row, where)]
        for row in found:
            row.update({name: _value(value, row) for name, value in values.items()})
        return bool(found) and set(primary) <= where.keys()


def _key(table: sa.Table, row: Mapping[str, Any]) -> Key:
    return tuple(row[column.name] for column in table.primary_key)


def _matches(row: Row, where: Mapping[str, Any]) -> bool:
    return all(row.get(name) == value for name, value in where.items())


def _matching(table: sa.Table, where: Mapping[str, Any]) -> Iterator[sa.ColumnElement[bool]]:
    return (table.c[name] == value for name, value in where.items())


def _rendered(statement: sa.ClauseElement) -> Statement:
    return render(statement, is_postgresql=True).bind()


def _value(value: Any, row: Row) -> Any:
    """A plain value, or a column of the row plus or less a number. Raises NotInMemory for anything else."""
    if not isinstance(value, sa.ClauseElement):
        return value
    if isinstance(value, sa.BinaryExpression) and value.operator in {operators.add, operators.sub}:
        column, change = value.left, value.right
        if isinstance(column, sa.Column) and isinstance(change, sa.BindParameter):
            before: int = row[column.name] if column.name in row else _default(column)
            by: Any = change.value
            return before + by if value.operator is operators.add else before - by
    raise NotInMemory(str(value))


def _default(column: sa.Column[Any]) -> int:
    default = column.server_default
    if not isinstance(default, sa.DefaultClause):
        raise NotInMemory(f"{column} has no value to begin with")
    return int(str(default.arg))
