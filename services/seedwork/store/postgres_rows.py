"""Rows as parameters of a statement on PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Sequence, Sized
from functools import cache
from itertools import chain
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY

from services.seedwork.store.tables import idempotency

Kinds = dict[str, sa.types.TypeEngine[Any]]
"""Columns with their types."""
FEW = 8
"""So many rows of a kind travel as single values, which cost half of what arrays cost on both ends of the wire; more of
them as one array per column, or each number of rows would be a statement of its own."""
MANY = -1
ZERO: sa.ColumnClause[int] = sa.literal_column("0")
ONE: sa.ColumnClause[int] = sa.literal_column("1")
KNOWN: Kinds = {"stream_id": sa.Uuid(), "version": sa.BigInteger()}
"""Streams with the version they were read at."""
KEY = tuple(column.name for column in idempotency.primary_key)
"""What names one intent of one caller."""
_DIALECT = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]


def render(statement: sa.ClauseElement) -> str:
    """SQL text with psycopg's binary placeholders: bytea and uuid travel as they are."""
    text = str(statement.compile(dialect=_DIALECT))
    return re.sub(r"%\((\w+)\)s", r"%(\1)b", text)


def few_of(gates: Sized) -> int:
    """Up to how many rows of a kind are a few. Where several events are handled at once all that is there counts as
    many: each combination of numbers would be a statement of its own, to be rendered, prepared and planned once."""
    return FEW if len(gates) <= 1 else 0


def counted(rows: Sized, few: int) -> int:
    """How many rows a statement's shape says there are: none, a few, or many."""
    return len(rows) if len(rows) <= few else MANY


@cache
def _names(name: str, columns: tuple[str, ...], count: int) -> tuple[str, ...]:
    """The parameters of a few rows, row by row."""
    return tuple(f"{name}{number}_{column}" for number in range(count) for column in columns)


def parameter_rows(name: str, count: int, kinds: Kinds) -> Any:
    """A set of rows as parameters: of a few rows `<name><number>_<column>`, of many the arrays `<name>_<column>`."""
    columns = [sa.column(column, kind) for column, kind in kinds.items()]
    if count == MANY:
        arrays = [sa.bindparam(f"{name}_{column}", type_=ARRAY(kind)) for column, kind in kinds.items()]
        return sa.func.unnest(*arrays).table_valued(*columns).render_derived(name=f"{name}_row")
    parameters = iter(_names(name, tuple(kinds), count))
    rows = [tuple(sa.bindparam(next(parameters), type_=kind) for kind in kinds.values()) for _ in range(count)]
    return sa.values(*columns, name=f"{name}_row").data(rows)


def bind_rows(values: dict[str, Any], name: str, kinds: Kinds, rows: Sequence[Sequence[Any]], few: int) -> None:
    """Adds the parameters of these rows."""
    if counted(rows, few) != MANY:
        values.update(zip(_names(name, tuple(kinds), len(rows)), chain.from_iterable(rows), strict=True))
    else:
        values.update(zip((f"{name}_{column}" for column in kinds), map(list, zip(*rows, strict=True)), strict=True))
