"""The consumer's tables beside the inbox: parked, attempts, poison and blocked streams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from contracts.envelope import Envelope
from services.seedwork.failures import StoreRestored
from services.seedwork.store.batch import Statement, Wanted
from services.seedwork.store.drivers import Database
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import EPOCH_OF, attempts, blocked, inbox, meta, parked, poison

REASON_CHARACTERS_MAX = 2000

_UPSTREAM = sa.bindparam("upstream_", type_=sa.Text)
_STREAM = sa.bindparam("stream_", type_=sa.Uuid())
_SEQ = sa.bindparam("seq_", type_=sa.BigInteger)

_PARK = Prepared(lambda insert: insert(parked).on_conflict_do_nothing())
_FORGET = Prepared(
    lambda _i: sa.delete(parked).where(
        parked.c.upstream == _UPSTREAM, parked.c.stream_id == _STREAM, parked.c.public_seq == _SEQ
    )
)
_NEXT = Prepared(
    lambda _i: (
        sa.select(parked.c.upstream, parked.c.stream_id, parked.c.public_seq, parked.c.envelope)
        .join_from(
            parked,
            inbox,
            sa.and_(inbox.c.upstream == parked.c.upstream, inbox.c.stream_id == parked.c.stream_id),
            isouter=True,
        )
        .where(
            parked.c.upstream == _UPSTREAM,
            parked.c.stream_id == _STREAM,
            parked.c.public_seq <= sa.func.coalesce(inbox.c.public_seq, 0) + 1,
        )
        .order_by(parked.c.public_seq)
        .limit(1)
    )
)
_ANY = Prepared(lambda _i: sa.select(parked.c.public_seq).limit(sa.literal_column("1")))
_OUTER = parked.alias("waiting")
_OPEN = ~sa.exists().where(blocked.c.upstream == _OUTER.c.upstream, blocked.c.stream_id == _OUTER.c.stream_id)
"""What waits for a person is left out, or many of them would take the place of those that can go on."""
_PARKED = Prepared(lambda _i: sa.select(_OUTER.c.upstream, _OUTER.c.stream_id).where(_OPEN).distinct().limit(500))
_EARLIEST = sa.select(sa.func.min(parked.c.public_seq)).where(
    parked.c.upstream == _OUTER.c.upstream, parked.c.stream_id == _OUTER.c.stream_id
)
_STALE = Prepared(
    lambda _i: (
        sa.select(_OUTER.c.upstream, _OUTER.c.stream_id, _OUTER.c.public_seq, _OUTER.c.envelope)
        .where(
            _OUTER.c.parked_at < sa.bindparam("before", type_=sa.BigInteger),
            _OUTER.c.public_seq == _EARLIEST.correlate(_OUTER).scalar_subquery(),
            _OPEN,
        )
        .limit(100)
    )
)
_BLOCK = Prepared(lambda insert: insert(blocked).on_conflict_do_nothing())


def _set_aside(insert: Any) -> sa.ClauseElement:
    """Once, however often it is delivered before a person has settled it."""
    names = ("consumer", "upstream", "stream_id", "public_seq", "reason", "envelope", "poisoned_at")
    row = {name: sa.bindparam(name, type_=poison.c[name].type) for name in names}
    same = [poison.c[name] == row[name] for name in ("consumer", "upstream", "stream_id", "public_seq", "envelope")]
    new = sa.select(*row.values()).where(~sa.exists().where(*same, poison.c.settled.is_(None)))
    statement: sa.ClauseElement = insert(poison).from_select(names, new)
    return statement


_POISON = Prepared(_set_aside)


def _count(insert: Any) -> sa.ClauseElement:
    upsert = insert(attempts)
    counted: sa.ClauseElement = upsert.on_conflict_do_update(
        index_elements=[attempts.c.consumer, attempts.c.message_id],
        set_={
            "count": attempts.c["count"] + 1,
            "last_error": upsert.excluded.last_error,
            "updated_at": upsert.excluded.updated_at,
        },
    )
    return counted


_COUNT = Prepared(_count)
_COUNTED = Prepared(
    lambda _i: sa.select(attempts.c["count"]).where(
        attempts.c.consumer == sa.bindparam("consumer", type_=sa.Text),
        attempts.c.message_id == sa.bindparam("message_id", type_=sa.Uuid()),
    )
)


_NO_SAVE_UNDER_WAY = Prepared(lambda _i: sa.text(f"LOCK TABLE {inbox.name} IN SHARE MODE"))


def _newer(insert: Any) -> sa.ClauseElement:
    upsert = insert(meta)
    newer: sa.ClauseElement = upsert.on_conflict_do_update(
        index_elements=[meta.c.name],
        set_={"value": upsert.excluded.value},
        where=meta.c.value < upsert.excluded.value,
    )
    return newer


_NEWER = Prepared(_newer)


def heard_of_epoch(database: Any, producer: str, epoch: int) -> list[Statement]:
    """For one transaction: from its end on nothing takes effect that this producer said in an older epoch, unless the
    producer itself gives it out again.

    On PostgreSQL it waits for the saves under way, which have not seen it; SQLite has one writer at a time.
    """
    waits = [_NO_SAVE_UNDER_WAY.bind(database)] if database.is_postgresql else []
    return [*waits, _NEWER.bind(database, name=EPOCH_OF + producer, value=epoch)]


@dataclass(frozen=True)
class ParkedEvent:
    """An event that waits for its predecessor."""

    upstream: str
    stream_id: UUID
    public_seq: int
    wire: bytes


class IncomingTables:
    """What one consumer keeps about events it could not simply handle."""

    def __init__(self, consumer: str, database: Database) -> None:
        self._consumer = consumer
        self._database = database

    def _now(self) -> int:
        return self._database.load(Wanted()).now

    def park(self, envelope: Envelope) -> None:
        """Keeps an early event; it may be acknowledged then."""
        row = {
            "upstream": envelope.producer,
            "stream_id": envelope.stream,
            "public_seq": envelope.public_seq,
            "envelope": envelope.to_wire(),
            "parked_at": self._now(),
        }
        self._database.write([_PARK.bind(self._database, **row)])

    def something_parked(self) -> bool:
        """Of whichever stream: hardly ever, and otherwise nobody need ask about each."""
        return bool(_ANY.read(self._database))

    def next_parked(self, upstream: str, stream: UUID) -> ParkedEvent | None:
        """The parked event that is due now, if there is one."""
        rows = _NEXT.read(self._database, upstream_=upstream, stream_=stream)
        if not rows:
            return None
        row = rows[0]
        return ParkedEvent(row["upstream"], row["stream_id"], row["public_seq"], bytes(row["envelope"]))

    def forget(self, event: ParkedEvent) -> None:
        place = {"upstream_": event.upstream, "stream_": event.stream_id, "seq_": event.public_seq}
        self._database.write([_FORGET.bind(self._database, **place)])

    def parked_streams(self) -> list[tuple[str, UUID]]:
        """Streams that something is parked of and that do not wait for a person."""
        return [(row["upstream"], row["stream_id"]) for row in _PARKED.read(self._database)]

    def parked_longer_than(self, seconds: float) -> list[ParkedEvent]:
        """One parked event of each stream whose gap has not closed by itself and that does not wait for a person."""
        rows = _STALE.read(self._database, before=self._now() - int(seconds * 1_000_000))
        return [
            ParkedEvent(row["upstream"], row["stream_id"], row["public_seq"], bytes(row["envelope"])) for row in rows
        ]

    def count_attempt(self, envelope: Envelope, error: str) -> int:
        """One more failure of our own handler on this event; how many there were."""
        row = {
            "consumer": self._consumer,
            "message_id": envelope.message_id,
            "count": 1,
            "last_error": error[:REASON_CHARACTERS_MAX],
            "updated_at": self._now(),
        }
        self._database.write([_COUNT.bind(self._database, **row)])
        counted = _COUNTED.read(self._database, consumer=self._consumer, message_id=envelope.message_id)
        return int(counted[0]["count"])

    def set_aside(self, envelope: Envelope, reason: str) -> None:
        """Poison: the body is kept and the stream waits for a person; other streams go on. Raises StoreRestored."""
        found = self._database.load(Wanted(inbox=((envelope.producer, envelope.stream),)))
        if found.restoring:
            raise StoreRestored
        now, reason = found.now, reason[:REASON_CHARACTERS_MAX]
        place = {"upstream": envelope.producer, "stream_id": envelope.stream}
        self._database.write(
            [
                _POISON.bind(
                    self._database,
                    consumer=self._consumer,
                    **place,
                    public_seq=envelope.public_seq,
                    reason=reason,
                    envelope=envelope.to_wire(),
                    poisoned_at=now,
                ),
                _BLOCK.bind(self._database, **place, reason=reason, blocked_at=now),
            ]
        )
