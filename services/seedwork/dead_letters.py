"""Events that were set aside, and what a person can do about them. Behind `rxflow dead-letters`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from contracts.envelope import Envelope
from services.seedwork.clock import from_micros
from services.seedwork.store.batch import Wanted
from services.seedwork.store.drivers import Database
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import attempts, blocked, inbox, parked, poison

_ID = sa.bindparam("letter", type_=sa.BigInteger)
_UPSTREAM = sa.bindparam("upstream_", type_=sa.Text)
_STREAM = sa.bindparam("stream_", type_=sa.Uuid())

_LIST = Prepared(
    lambda _i: (
        sa.select(poison)
        .where(poison.c.settled.is_(None), poison.c.id > _ID)
        .order_by(poison.c.id)
        .limit(sa.bindparam("page", type_=sa.BigInteger))
    )
)
_ONE = Prepared(lambda _i: sa.select(poison).where(poison.c.id == _ID))
_SETTLE = Prepared(
    lambda _i: (
        sa.update(poison)
        .values(settled=sa.bindparam("how", type_=sa.Text))
        .where(poison.c.id == _ID, poison.c.settled.is_(None))
    )
)
_UNBLOCK = Prepared(
    lambda _i: sa.delete(blocked).where(blocked.c.upstream == _UPSTREAM, blocked.c.stream_id == _STREAM)
)
_FORGIVE = Prepared(
    lambda _i: sa.delete(attempts).where(attempts.c.message_id == sa.bindparam("message", type_=sa.Uuid()))
)


def _park(insert: Any) -> sa.ClauseElement:
    """In the place of whatever else is parked under its number: the person has chosen this one."""
    upsert = insert(parked)
    chosen: sa.ClauseElement = upsert.on_conflict_do_update(
        index_elements=list(parked.primary_key),
        set_={"envelope": upsert.excluded.envelope, "parked_at": upsert.excluded.parked_at},
    )
    return chosen


_PARK = Prepared(_park)


def _pass(insert: Any) -> sa.ClauseElement:
    upsert = insert(inbox)
    passed: sa.ClauseElement = upsert.on_conflict_do_update(
        index_elements=[inbox.c.upstream, inbox.c.stream_id],
        set_={"public_seq": upsert.excluded.public_seq, "hash": upsert.excluded.hash},
        where=inbox.c.public_seq <= upsert.excluded.public_seq,
    )
    return passed


_PASS = Prepared(_pass)


class NoSuchLetter(Exception):  # noqa: N818
    """There is no such dead letter, or it is settled already."""


class NotNext(Exception):  # noqa: N818
    """Events before it have not been handled: skipping it would pass them too, without an effect."""


class Genuine(Exception):  # noqa: N818
    """It was not altered, and no other was handled under its number: replay it, or skip it."""


@dataclass(frozen=True)
class DeadLetter:
    """One event that a consumer could not handle; its stream waits behind it."""

    id: int
    consumer: str
    upstream: str
    stream_id: UUID
    public_seq: int
    reason: str
    poisoned_at: str
    settled: str | None
    envelope: Envelope


def waiting(database: Database, after: int = 0, page: int = 50) -> list[DeadLetter]:
    """Those that wait for a person, oldest first."""
    return [_letter(row) for row in _LIST.read(database, letter=after, page=page)]


def show(database: Database, letter_id: int) -> DeadLetter:
    rows = _ONE.read(database, letter=letter_id)
    if not rows:
        raise NoSuchLetter(str(letter_id))
    return _letter(rows[0])


def replay(database: Database, letter_id: int, who: str) -> DeadLetter:
    """Lets the consumer try again (the cause was mended): the event is parked and the stream unblocked."""
    letter = show(database, letter_id)
    wire = letter.envelope.to_wire()
    place = {"upstream": letter.upstream, "stream_id": letter.stream_id, "public_seq": letter.public_seq}
    park = _PARK.bind(database, **place, envelope=wire, parked_at=database.load(Wanted()).now)
    _settle(database, letter, f"replayed by {who}", [park])
    return letter


def skip(database: Database, letter_id: int, who: str, reason: str) -> DeadLetter:
    """Passes the gate without an effect, on somebody's word: the stream goes on behind it. Of a fork: its content is
    taken for what happened, and the stream goes on along its chain.

    Raises `NotNext` where something before it is missing: that comes first.
    """
    letter = show(database, letter_id)
    handled = _handled(database, letter)
    if letter.public_seq > handled + 1:
        raise NotNext(f"{letter.public_seq} of {letter.stream_id}: number {handled + 1} has not been handled yet")
    place = {"upstream": letter.upstream, "stream_id": letter.stream_id, "public_seq": letter.public_seq}
    passed = _PASS.bind(database, **place, hash=letter.envelope.hash)
    _settle(database, letter, f"skipped by {who}: {reason}", [passed])
    return letter


def discard(database: Database, letter_id: int, who: str, reason: str) -> DeadLetter:
    """Throws away what was kept of an event that was altered on its way, or of another content under a number that is
    handled (a fork): the gate stays where it was and the stream is unblocked. The producer's own copy takes effect, out
    of its feed, or has had it. Skipping would put the other hash into the gate, and the next event would look like a
    fork.

    Raises `Genuine` for any other: that is what the producer told, and its feed would bring the same again.
    """
    letter = show(database, letter_id)
    if letter.envelope.verify() and letter.public_seq > _handled(database, letter):
        raise Genuine(str(letter_id))
    _settle(database, letter, f"discarded by {who}: {reason}", [])
    return letter


def _handled(database: Database, letter: DeadLetter) -> int:
    """The last number of its stream that was handled."""
    here = (letter.upstream, letter.stream_id)
    return database.load(Wanted(inbox=(here,))).inbox.get(here, (0, b""))[0]


def _settle(database: Database, letter: DeadLetter, how: str, effects: list[Any]) -> None:
    if letter.settled:
        raise NoSuchLetter(f"{letter.id} is settled: {letter.settled}")
    place = {"upstream_": letter.upstream, "stream_": letter.stream_id}
    database.write(
        [
            _SETTLE.bind(database, letter=letter.id, how=how),
            _FORGIVE.bind(database, message=letter.envelope.message_id),
            *effects,
            _UNBLOCK.bind(database, **place),
        ]
    )


def _letter(row: dict[str, Any]) -> DeadLetter:
    return DeadLetter(
        id=row["id"],
        consumer=row["consumer"],
        upstream=row["upstream"],
        stream_id=row["stream_id"],
        public_seq=row["public_seq"],
        reason=row["reason"],
        poisoned_at=from_micros(row["poisoned_at"]).isoformat(),
        settled=row["settled"],
        envelope=Envelope.from_wire(bytes(row["envelope"])),
    )
