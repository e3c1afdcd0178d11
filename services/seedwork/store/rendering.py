"""Any SQLAlchemy Core statement as text and values for a raw driver cursor, which costs half the CPU of Core's own
execution and runs in a native thread without anything green inside (`docs/kernel.md`, Embedded)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from psycopg.types.json import Json
from sqlalchemy.dialects import postgresql, sqlite

from services.seedwork.store.batch import Statement

POSTGRESQL = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]
SQLITE = sqlite.pysqlite.dialect(paramstyle="named")
RENDERED_MAX = 1024


@dataclass(frozen=True)
class Rendered:
    """A statement of one dialect: its text, the values it brings along and the types of what goes in and comes out."""

    text: str
    is_postgresql: bool
    values: Mapping[str, Any]
    types: Mapping[str, sa.types.TypeEngine[Any]]
    columns: Sequence[tuple[str, sa.types.TypeEngine[Any]]] = field(default=())

    def bind(self, parameters: Mapping[str, Any] | None = None) -> Statement:
        """The statement with these parameters, in the form the driver takes."""
        merged = {**self.values, **(parameters or {})}
        unknown = merged.keys() - self.types.keys()
        if unknown:
            raise ValueError(f"unknown parameters: {sorted(unknown)}")
        adapt = _to_postgresql if self.is_postgresql else _to_sqlite
        return Statement(self.text, {name: adapt(self.types[name], value) for name, value in merged.items()})

    def read(self, rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
        """The rows as mappings of Python values."""
        if self.is_postgresql:
            names = [name for name, _ in self.columns]
            return [dict(zip(names, row, strict=True)) for row in rows]
        return [
            {name: _from_sqlite(kind, value) for (name, kind), value in zip(self.columns, row, strict=True)}
            for row in rows
        ]


@lru_cache(RENDERED_MAX)
def render(statement: sa.ClauseElement, *, is_postgresql: bool) -> Rendered:
    """Compile once, execute often: a store that is opened again finds the statements of its modules rendered."""
    compiled: Any = statement.compile(dialect=POSTGRESQL if is_postgresql else SQLITE)
    text = str(compiled)
    if "POSTCOMPILE" in text:  # made into parameters by an engine when it executes, and there is none here
        raise ValueError(f"a list of values is written as alternatives: {text}")
    if is_postgresql:
        text = re.sub(r"%\((\w+)\)s", r"%(\1)b", text)
    selected = getattr(statement, "exported_columns", None)
    columns = [(str(column.key), column.type) for column in selected] if selected is not None else []
    names = dict(compiled.bind_names)
    values = {name: bind.effective_value for bind, name in names.items() if not bind.required}
    types = {name: bind.type for bind, name in names.items()}
    return Rendered(text, is_postgresql, values, types, tuple(columns))


def _to_postgresql(kind: sa.types.TypeEngine[Any], value: Any) -> Any:
    return Json(value) if isinstance(kind, sa.JSON) and value is not None else value


def _to_sqlite(kind: sa.types.TypeEngine[Any], value: Any) -> Any:
    if isinstance(value, UUID):
        return value.hex
    if isinstance(kind, sa.JSON) and value is not None:
        return orjson.dumps(value).decode()
    return value


def _from_sqlite(kind: sa.types.TypeEngine[Any], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(kind, sa.Uuid):
        return UUID(value)
    if isinstance(kind, sa.JSON):
        return orjson.loads(value)
    return bool(value) if isinstance(kind, sa.Boolean) else value


class Prepared:
    """One statement for both databases, rendered at first use; `build` gets the dialect's own insert, for upserts."""

    def __init__(self, build: Callable[[Any], sa.ClauseElement]) -> None:
        self._build = build
        self._rendered: dict[bool, Rendered] = {}

    def on(self, *, is_postgresql: bool) -> Rendered:
        if is_postgresql not in self._rendered:
            insert = postgresql.insert if is_postgresql else sqlite.insert
            self._rendered[is_postgresql] = render(self._build(insert), is_postgresql=is_postgresql)
        return self._rendered[is_postgresql]

    def bind(self, database: Any, **parameters: Any) -> Statement:
        return self.on(is_postgresql=database.is_postgresql).bind(parameters)

    def read(self, database: Any, **parameters: Any) -> list[dict[str, Any]]:
        """The rows of a query, as mappings of Python values."""
        rendered = self.on(is_postgresql=database.is_postgresql)
        return rendered.read(database.rows(rendered.bind(parameters)))
