"""After a store came back from a backup: what was said since must not be said again differently.

`declare_restored` raises the store epoch and refuses commands; `check` tells the consumers, so that nothing of the lost
history takes effect any more that is still on its way, and compares the public tails with what they have handled. Where
a consumer is ahead, or knows another content, the stream is set aside for a person; all others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import httpx
import sqlalchemy as sa

from contracts.topology import FAMILIES
from services.seedwork.store import reading
from services.seedwork.store.batch import Wanted
from services.seedwork.store.drivers import Database
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import RESTORING, blocked, cursor, log, meta, public

PAGE = 500
_CLIENT = partial(httpx.Client, timeout=10.0, trust_env=False)
EPOCH = "store_epoch"

_STREAM = sa.bindparam("stream_", type_=sa.Uuid())
_HASH = Prepared(
    lambda _i: sa.select(public.c.hash).where(
        public.c.stream_id == _STREAM, public.c.public_seq == sa.bindparam("seq_", type_=sa.BigInteger)
    )
)
_FORGET = Prepared(lambda _i: sa.delete(meta).where(meta.c.name == RESTORING))
_BLOCK = Prepared(lambda insert: insert(blocked).on_conflict_do_nothing())

_RELEASE = Prepared(
    lambda _i: sa.delete(blocked).where(
        blocked.c.upstream == sa.bindparam("producer_", type_=sa.Text), blocked.c.stream_id == _STREAM
    )
)
_FIRST = (
    sa.select(sa.func.min(log.c.log_index) - 1)
    .join_from(log, public, log.c.position == public.c.position)
    .where(public.c.stream_id == _STREAM)
    .scalar_subquery()
)
_REWIND = Prepared(
    lambda _i: (
        sa.update(cursor).values(log_index=_FIRST).where(cursor.c.name == reading.RELAY, cursor.c.log_index > _FIRST)
    )
)


def _set(insert: Any) -> sa.ClauseElement:
    upsert = insert(meta)
    statement: sa.ClauseElement = upsert.on_conflict_do_update(
        index_elements=[meta.c.name], set_={"value": upsert.excluded.value}
    )
    return statement


_SET = Prepared(_set)


@dataclass(frozen=True)
class Ahead:
    """A stream of which a consumer has handled what this store does not know."""

    consumer: str
    stream_id: UUID
    public_seq: int


def declare_restored(database: Database) -> int:
    """Marks a store as restored; the new epoch. Until `check` has run, its api refuses commands."""
    epoch = reading.store_epoch(database) + 1
    database.write([_SET.bind(database, name=EPOCH, value=epoch), _SET.bind(database, name=RESTORING, value=epoch)])
    return epoch


def consumers_of(producer: str) -> list[str]:
    """Everybody who takes a family of this producer."""
    return sorted({consumer for family in FAMILIES if family.producer == producer for consumer in family.consumers})


Handled = Callable[[str, int], Iterator[Mapping[str, Any]]]
"""`(consumer, epoch)`: tells the consumer the producer's epoch; then yields `stream_id`, `public_seq` and `hash` (hex)
of what it has handled of the producer. Raises where it does not answer."""


def check(database: Database, producer: str, handled: Handled) -> list[Ahead]:
    """Compares with every consumer, sets aside the streams that differ and lets commands in again.

    Where a consumer does not answer nothing is decided, and the store stays closed.
    """
    found = []
    epoch = reading.store_epoch(database)
    for consumer in consumers_of(producer):
        for row in handled(consumer, epoch):
            stream_id, seq = UUID(str(row["stream_id"])), int(row["public_seq"])
            ours = _HASH.read(database, stream_=stream_id, seq_=seq)
            if not ours or bytes(ours[0]["hash"]).hex() != row["hash"]:
                found.append(Ahead(consumer, stream_id, seq))
    now = database.load(Wanted()).now
    statements = [
        _BLOCK.bind(
            database,
            upstream=producer,
            stream_id=each.stream_id,
            reason=f"restored: {each.consumer} has handled number {each.public_seq}",
            blocked_at=now,
        )
        for each in found
    ]
    database.write([*statements, _FORGET.bind(database)])
    return found


def release(database: Database, producer: str, stream_id: UUID) -> bool:
    """Lets a stream that was set aside go on, on a person's word; whether it was.

    The relay goes back to before the stream's first event and publishes again: what is known is acknowledged by the
    consumers' inboxes, what they miss takes effect.
    """
    place = {"producer_": producer, "stream_": stream_id}
    freed = database.write([_RELEASE.bind(database, **place), _REWIND.bind(database, stream_=stream_id)])
    return bool(freed[0])


def handled_by_http(
    producer: str,
    peer: Callable[[str], str],
    token: str,
    client: Callable[..., httpx.Client] = _CLIENT,
) -> Handled:
    """Asks the consumers' apis, page by page."""

    def handled(consumer: str, epoch: int) -> Iterator[Mapping[str, Any]]:
        after: str | None = None
        with client(headers={"Authorization": f"Bearer {token}"}) as http:
            http.put(f"{peer(consumer)}/internal/epochs/{producer}", json={"epoch": epoch}).raise_for_status()
            while True:
                query = {"limit": PAGE} | ({"after": after} if after else {})
                response = http.get(f"{peer(consumer)}/internal/inbox/{producer}", params=query)
                response.raise_for_status()
                rows = response.json()["rows"]
                yield from rows
                if len(rows) < PAGE:
                    return
                after = rows[-1]["stream_id"]

    return handled
