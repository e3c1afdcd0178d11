"""Writes what was gathered for one store by COPY: in one transaction, in the order of the log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy as sa
from psycopg import sql
from psycopg.types.json import Json

from rxflow.seeding.gathering import GatheringStore
from rxflow.seeding.read_models import ReadModels
from services.seedwork.clock import from_micros
from services.seedwork.composition import Service
from services.seedwork.model import DomainEvent
from services.seedwork.projection import Recorded
from services.seedwork.projector import cursor_name
from services.seedwork.store.batch import EventRow
from services.seedwork.store.reading import RELAY
from services.seedwork.store.tables import cursor as cursors
from services.seedwork.store.tables import events, inbox, log, public, timer

_NEXT = "SELECT coalesce(max(position), 0), (SELECT coalesce(max(log_index), 0) FROM log) FROM events"
_GO_ON = "SELECT setval(pg_get_serial_sequence('events', 'position'), %s)"
Cursor = psycopg.Cursor[Any]


def write_out(
    service: Service,
    store: GatheringStore,
    read_models: ReadModels,
    kept: Sequence[tuple[DomainEvent, str]],
) -> int:
    """Everything that was gathered; the log index of its last event. `kept`: event and actor of each row.

    It is sealed and in the read models at once, and counts as published: its readers' cursors stand behind it.
    """
    with psycopg.connect(store.database.url) as connection, connection.cursor() as cursor:
        position, log_index = cursor.execute(_NEXT).fetchone() or (0, 0)
        places = {}
        for number, (row, (event, actor)) in enumerate(zip(store.events, kept, strict=True), start=1):
            places[row.stream_id, row.version] = position + number
            moment = from_micros(row.recorded_at)
            read_models.take(Recorded(log_index + number, row.stream_id, row.version, event, moment, actor, row.hash))
        last = int(log_index) + len(places)
        if places:
            _log(cursor, store, places, int(log_index))
            cursor.execute(_GO_ON, (position + len(places),))
        _put_all(cursor, timer, [{**row._asdict(), "attempts": 0} for row in store.timers.values()])
        _put_all(cursor, inbox, _gates(store))
        for statement in read_models.before:
            cursor.execute(statement.text, statement.parameters)
        for table, found in read_models.rows.items():
            _put_all(cursor, table, found.values())
        readers = [RELAY, *map(cursor_name, service.projections)]
        _put_all(cursor, cursors, [{"name": name, "log_index": last} for name in readers])
    return last


def _log(cursor: Cursor, store: GatheringStore, places: Mapping[tuple[UUID, int], int], log_index: int) -> None:
    """Events, what they told, and their places in the log; `places` are positions in that order."""
    positions = list(places.values())
    rows: Iterable[Sequence[Any]] = ((place, *row) for place, row in zip(positions, store.events, strict=True))
    _copy(cursor, events, ("position", *EventRow._fields), rows)
    said = ((row.stream_id, row.public_seq, places[row.stream_id, row.version], *row[3:]) for row in store.public)
    _copy(cursor, public, [column.name for column in public.c], said)
    numbered = enumerate(zip(positions, store.events, strict=True), start=log_index + 1)
    sealed = ((index, place, row.recorded_at) for index, (place, row) in numbered)
    _copy(cursor, log, [column.name for column in log.c], sealed)


def _gates(store: GatheringStore) -> list[dict[str, Any]]:
    return [
        {"upstream": upstream, "stream_id": stream, "public_seq": seq, "hash": digest}
        for (upstream, stream), (seq, digest) in store.inbox.items()
    ]


def _put_all(cursor: Cursor, table: sa.Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Inserts rows, or overwrites the given columns of those with the same key."""
    alike: defaultdict[tuple[str, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        alike[tuple(sorted(row))].append(row)
    for columns, same in alike.items():
        put(cursor, table, columns, ([row[name] for name in columns] for row in same))


def put(cursor: Cursor, table: sa.Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """By way of a table that is gone at the end of the transaction: COPY knows no conflicts."""
    waiting = sql.Identifier(f"seeded_{table.name}")
    into, named = sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, columns))
    primary = [column.name for column in table.primary_key]
    changed = [name for name in columns if name not in primary]
    same = sql.SQL("{0} = excluded.{0}")
    otherwise = sql.SQL("DO UPDATE SET {}").format(
        sql.SQL(", ").join(same.format(sql.Identifier(name)) for name in changed)
    )
    cursor.execute(sql.SQL("CREATE TEMPORARY TABLE {} AS SELECT {} FROM {} LIMIT 0").format(waiting, named, into))
    _copy(cursor, table, columns, rows, into=waiting)
    cursor.execute(
        sql.SQL("INSERT INTO {} ({}) SELECT * FROM {} ON CONFLICT ({}) {}").format(
            into,
            named,
            waiting,
            sql.SQL(", ").join(map(sql.Identifier, primary)),
            otherwise if changed else sql.SQL("DO NOTHING"),
        )
    )
    cursor.execute(sql.SQL("DROP TABLE {}").format(waiting))


def _copy(
    cursor: Cursor,
    table: sa.Table,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    into: sql.Identifier | None = None,
) -> None:
    named = sql.SQL(", ").join(map(sql.Identifier, columns))
    as_json = [isinstance(table.c[name].type, sa.JSON) for name in columns]
    with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(into or sql.Identifier(table.name), named)) as copy:
        for row in rows:
            copy.write_row([_as_json(value) if json else value for value, json in zip(row, as_json, strict=True)])


def _as_json(value: Any) -> Any:
    return None if value is None else Json(value)
