"""Reading the sealed log: events for projections, public events for the relay and the catch-up feeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from contracts.envelope import Envelope
from services.seedwork.store.batch import EventRow, Statement
from services.seedwork.store.drivers import Database
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import blocked, cursor, events, log, meta, public
from services.seedwork.turns import in_turns

RELAY = "relay"
"""The relay's cursor."""
RESTORING = "restoring"
"""Stands in `meta` from a restore until the store was compared with its consumers."""

_AFTER = sa.bindparam("after", type_=sa.BigInteger)
_UPTO = sa.bindparam("upto", type_=sa.BigInteger)
_NAME = sa.bindparam("name", type_=sa.Text)

_TAIL = Prepared(lambda _i: sa.select(sa.func.coalesce(sa.func.max(log.c.log_index), 0).label("tail")))
_CURSOR = Prepared(lambda _i: sa.select(cursor.c.log_index).where(cursor.c.name == _NAME))
_PLACE = Prepared(
    lambda _i: sa.select(
        sa.select(cursor.c.log_index).where(cursor.c.name == _NAME).scalar_subquery().label("after"),
        sa.func.coalesce(sa.func.max(log.c.log_index), 0).label("tail"),
        sa.exists().where(meta.c.name == RESTORING).label("restoring"),
    )
)
_EVENTS = Prepared(
    lambda _i: (
        sa.select(log.c.log_index, *[events.c[name] for name in EventRow.__dataclass_fields__])
        .join_from(log, events, log.c.position == events.c.position)
        .where(log.c.log_index > _AFTER, log.c.log_index <= _UPTO)
        .order_by(log.c.log_index)
    )
)
_SAID = [public.c[name] for name in ("stream_id", "public_seq", "type", "body", "prev_hash", "hash")]
_STORE_EPOCH = sa.select(meta.c.value).where(meta.c.name == "store_epoch")
_SET_ASIDE = sa.exists().where(
    blocked.c.upstream == sa.bindparam("producer", type_=sa.Text), blocked.c.stream_id == public.c.stream_id
)
_PUBLIC = Prepared(
    lambda _i: (
        sa.select(log.c.log_index, *_SAID, sa.func.coalesce(_STORE_EPOCH.scalar_subquery(), 1).label("epoch"))
        .join_from(log, public, log.c.position == public.c.position)
        .where(log.c.log_index > _AFTER, log.c.log_index <= _UPTO, ~_SET_ASIDE)
        .order_by(log.c.log_index, public.c.public_seq)
    )
)
_OF_STREAM = (
    sa.select(log.c.log_index, *_SAID)
    .join_from(log, public, log.c.position == public.c.position)
    .where(public.c.stream_id == sa.bindparam("stream_id", type_=sa.Uuid()), public.c.public_seq > _AFTER)
    .order_by(public.c.public_seq)
    .limit(sa.bindparam("page", type_=sa.BigInteger))
)
_STREAM = Prepared(lambda _i: _OF_STREAM)
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
    """A piece of the log: everything after `after` up to and with `upto`. `restoring`: nobody may be told of it yet."""

    after: int
    upto: int
    restoring: bool = False

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


def known_range(database: Database, name: str, batch: int) -> Range | None:
    """The next piece for a reader who has a cursor. Ranges, not row limits: one event may have told several public
    ones."""
    place = _PLACE.read(database, name=name)[0]
    if place["after"] is None:
        return None
    after = int(place["after"])
    return Range(after, min(after + batch, int(place["tail"])), bool(place["restoring"]))


def next_range(database: Database, name: str, batch: int) -> Range:
    """The next piece for a reader, who may be a new one."""
    known = known_range(database, name, batch)
    if known is None:
        cursor_of(database, name)
        return next_range(database, name, batch)
    return known


def advance(database: Database, name: str, piece: Range) -> Statement:
    """Moves a reader's cursor; fails the transaction it stands in when somebody else has moved it."""
    bound = _ADVANCE.bind(database, reader=name, after=piece.after, upto=piece.upto)
    return Statement(bound.text, bound.parameters, expect=1)


def events_in(database: Database, piece: Range) -> list[tuple[int, EventRow]]:
    rows = _EVENTS.read(database, after=piece.after, upto=piece.upto)
    return [(row.pop("log_index"), EventRow(**row)) for row in rows]


def store_epoch(database: Database) -> int:
    rows = _EPOCH.read(database)
    return int(rows[0]["value"]) if rows else 1


def envelopes_in(database: Database, producer: str, families: dict[str, str], piece: Range) -> list[Envelope]:
    """What was said in a piece of the log, in the order it is relayed, less the streams that the relay set aside.

    `families`: wire name -> family.
    """
    rows = _PUBLIC.read(database, after=piece.after, upto=piece.upto, producer=producer)
    return list(in_turns(envelopes(rows, producer, families, int(rows[0]["epoch"]) if rows else 1)))


def envelopes_of(
    database: Database, producer: str, families: dict[str, str], stream_id: UUID, after: int, page: int
) -> Sequence[Envelope]:
    """What one stream said after a number, for a consumer that misses it. Only what is sealed."""
    rows = _STREAM.read(database, stream_id=stream_id, after=after, page=page)
    return list(envelopes(rows, producer, families, store_epoch(database) if rows else 1))


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
