"""Reading the sealed log: events for projections, public events for the relay and the catch-up feeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from contracts.envelope import Envelope
from services.seedwork.store.batch import EventRow, Statement
from services.seedwork.store.drivers import Database
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import RESTORING, blocked, cursor, events, log, meta, public
from services.seedwork.turns import in_turns

RELAY = "relay"
"""The relay's cursor."""

_AFTER = sa.bindparam("after", type_=sa.BigInteger)
_UPTO = sa.bindparam("upto", type_=sa.BigInteger)
_NAME = sa.bindparam("name", type_=sa.Text)

_TAIL = Prepared(lambda _i: sa.select(sa.func.coalesce(sa.func.max(log.c.log_index), 0).label("tail")))
_CURSOR = Prepared(lambda _i: sa.select(cursor.c.log_index).where(cursor.c.name == _NAME))
_SAID = [public.c[name] for name in ("stream_id", "public_seq", "type", "body", "prev_hash", "hash")]
_STORE_EPOCH = sa.select(meta.c.value).where(meta.c.name == "store_epoch")
_SET_ASIDE = sa.exists().where(
    blocked.c.upstream == sa.bindparam("producer", type_=sa.Text), blocked.c.stream_id == public.c.stream_id
)


def _next(insert: Any, batch: int, table: sa.Table, columns: Sequence[Any], *conditions: Any) -> sa.Select[Any]:
    """Where a reader is and the next `batch` entries of the log with the rows of a table that belong to each, in one
    query: on the way of an event to the next service each trip counts. Where nothing follows the place comes alone.

    The limit is on entries, because one event may have told several public ones. On PostgreSQL it is a literal and rows
    are looked up entry by entry: a join planned while the tables were new would later read all of them.
    """
    place = (
        sa.select(cursor.c.log_index.label("after"), sa.exists().where(meta.c.name == RESTORING).label("restoring"))
        .where(cursor.c.name == _NAME)
        .cte("place")
    )
    entries = (
        sa.select(log.c.log_index, log.c.position)
        .where(log.c.log_index > sa.select(place.c.after).scalar_subquery())
        .order_by(log.c.log_index)
        .limit(sa.literal_column(str(batch)))
        .subquery("entries")
    )
    belongs = sa.and_(table.c.position == entries.c.position, *conditions)
    primary = list(table.primary_key.columns)
    rows: sa.FromClause = table
    found = entries.outerjoin(table, belongs)
    if insert is postgresql.insert:
        rows = sa.select(table).where(belongs).order_by(*primary).lateral("belonging")
        found = entries.outerjoin(rows, sa.true())
    of_rows = [rows.c[column.name] for column in columns]
    return (
        sa.select(place.c.after, place.c.restoring, entries.c.log_index, *of_rows)
        .select_from(place.outerjoin(found, sa.true()))
        .order_by(entries.c.log_index, *(rows.c[column.name] for column in primary))
    )


@cache
def _next_events(batch: int) -> Prepared:
    columns = [events.c[name] for name in EventRow._fields]
    return Prepared(lambda insert: _next(insert, batch, events, columns))


@cache
def _next_said(batch: int) -> Prepared:
    epoch = sa.func.coalesce(_STORE_EPOCH.scalar_subquery(), 1).label("epoch")
    return Prepared(lambda insert: _next(insert, batch, public, _SAID, ~_SET_ASIDE).add_columns(epoch))


_OF_STREAM = (
    sa.select(log.c.log_index, *_SAID)
    .join_from(log, public, log.c.position == public.c.position)
    .where(public.c.stream_id == sa.bindparam("stream_id", type_=sa.Uuid()), public.c.public_seq > _AFTER)
    .order_by(public.c.public_seq)
    .limit(sa.bindparam("page", type_=sa.BigInteger))
)
STREAM_TAIL = Prepared(
    lambda _i: sa.select(sa.func.coalesce(sa.func.max(public.c.public_seq), 0).label("tail")).where(
        public.c.stream_id == sa.bindparam("stream_id", type_=sa.Uuid())
    )
)
"""The last number of a stream; 0: it is not known."""
_EPOCH = Prepared(lambda _i: _STORE_EPOCH)
_ADVANCE = Prepared(
    lambda _i: (
        sa.update(cursor)
        .values(log_index=_UPTO)
        .where(cursor.c.name == sa.bindparam("reader", type_=sa.Text), cursor.c.log_index == _AFTER)
    )
)
_OPEN = Prepared(lambda insert: insert(cursor).values(name=_NAME, log_index=_AFTER).on_conflict_do_nothing())


@dataclass(frozen=True)
class Range:
    """A piece of the log: everything after `after` up to and with `upto`."""

    after: int
    upto: int

    @property
    def empty(self) -> bool:
        return self.upto <= self.after


def tail(database: Database) -> int:
    """The greatest log index sealed."""
    return int(_TAIL.read(database)[0]["tail"])


def cursor_of(database: Database, name: str) -> int:
    """Up to where a reader has come; a new reader starts before event one."""
    rows = _CURSOR.read(database, name=name)
    if rows:
        return int(rows[0]["log_index"])
    database.write([_OPEN.bind(database, name=name, after=0)])
    return 0


def _piece(rows: Sequence[Mapping[str, Any]]) -> Range:
    after = int(rows[0]["after"])
    return Range(after, int(rows[-1]["log_index"] or after))


def advance(database: Database, name: str, piece: Range) -> Statement:
    """Moves a reader's cursor; fails the transaction it stands in when somebody else has moved it."""
    bound = _ADVANCE.bind(database, reader=name, after=piece.after, upto=piece.upto)
    return Statement(bound.text, bound.parameters, expect=1)


def opened_at(database: Database, name: str, after: int) -> Statement:
    """A cursor for a reader that has come so far without one; nothing where it has one."""
    return _OPEN.bind(database, name=name, after=after)


def next_events(database: Database, name: str, batch: int) -> tuple[Range, list[tuple[int, EventRow]]] | None:
    """The next piece of the log for a reader; None for one that has no cursor yet."""
    rows = _next_events(batch).read(database, name=name)
    if not rows:
        return None
    names = EventRow._fields
    found = [(row["log_index"], EventRow(*(row[each] for each in names))) for row in rows if row["log_index"]]
    return _piece(rows), found


def store_epoch(database: Database) -> int:
    rows = _EPOCH.read(database)
    return int(rows[0]["value"]) if rows else 1


def next_envelopes(
    database: Database, producer: str, families: dict[str, str], batch: int
) -> tuple[Range, list[Envelope]]:
    """The next piece of the log for the relay and what was said in it, in the order it is relayed, less the streams
    that were set aside. Empty while a restored store may not speak.

    `families`: wire name -> family.
    """
    rows = _next_said(batch).read(database, name=RELAY, producer=producer)
    if not rows:  # never relayed anything
        cursor_of(database, RELAY)
        return next_envelopes(database, producer, families, batch)
    if rows[0]["restoring"]:
        return Range(rows[0]["after"], rows[0]["after"]), []
    said = [row for row in rows if row["stream_id"]]
    return _piece(rows), list(in_turns(envelopes(said, producer, families, int(rows[0]["epoch"]))))


def _in_circulation(producer: str) -> sa.ColumnElement[bool]:
    """Not of a stream that the producer itself has set aside: what the relay holds back, no feed may tell."""
    aside = sa.select(blocked.c.stream_id).where(blocked.c.upstream == producer)
    return public.c.stream_id.not_in(aside)


@cache
def stream_query(producer: str) -> Prepared:
    """One stream's public events after a number."""
    return Prepared(lambda _i: _OF_STREAM.where(_in_circulation(producer)))


@cache
def feed_query(types: tuple[str, ...], producer: str) -> Prepared:
    """The public events of these wire names after a log index."""
    return Prepared(
        lambda _i: (
            sa.select(log.c.log_index, *_SAID)
            .join_from(log, public, log.c.position == public.c.position)
            .where(
                log.c.log_index > _AFTER,
                sa.or_(*(public.c.type == each for each in types)),
                _in_circulation(producer),
            )
            .order_by(log.c.log_index, public.c.public_seq)
            .limit(sa.bindparam("page", type_=sa.BigInteger))
        )
    )


EPOCH_QUERY, TAIL_QUERY = _EPOCH, _TAIL


def whole_page(rows: list[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    """At most `limit` rows of `limit + 1` fetched, never cut between the public events of one domain event."""
    if len(rows) <= limit:
        return rows
    cut = rows[limit]["log_index"]
    return [row for row in rows if row["log_index"] < cut] or rows


def envelopes(rows: Iterable[Any], producer: str, families: dict[str, str], epoch: int) -> Iterable[Envelope]:
    """Rows of the queries above as they travel."""
    for row in rows:
        yield Envelope(
            producer=producer,
            family=families[row["type"]],
            type=row["type"],
            stream=row["stream_id"],
            public_seq=row["public_seq"],
            prev_hash=bytes(row["prev_hash"]),
            hash=bytes(row["hash"]),
            store_epoch=epoch,
            log_index=row["log_index"],
            body=bytes(row["body"]).decode(),
        )
