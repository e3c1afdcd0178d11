"""The statement of a load on PostgreSQL, generated from the tables; shared by both PostgreSQL executors.

Whatever it looks up it looks up row by row through an index: planned as a join while the tables were new, it would read
whole tables for as long as the plan lives.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.seedwork.store.batch import EventRow, Found, KeptAnswer, Statement, Wanted
from services.seedwork.store.postgres_rows import (
    KEY,
    KNOWN,
    ONE,
    ZERO,
    Kinds,
    bind_rows,
    counted,
    few_of,
    parameter_rows,
    render,
)
from services.seedwork.store.tables import EPOCH_OF, RESTORING, blocked, events, idempotency, inbox, meta

_BIG, _TEXT = sa.BigInteger(), sa.Text()
_SEEN: Kinds = {"upstream": _TEXT, "stream_id": sa.Uuid()}

NOW: sa.ColumnElement[Any] = sa.literal_column(
    "(extract(epoch from clock_timestamp()) * 1000000)::bigint"
) + sa.func.coalesce(
    sa.select(meta.c.value).where(meta.c.name == sa.literal_column("'clock_offset_us'")).scalar_subquery(), ZERO
)
"""The store's time, with the clock offset of development mode."""


@cache
def load_text(*, streams: int, keyed: bool, gated: int) -> str:
    """The one query for a load of this shape; the first column says what a row is."""

    def row(kind: str, *columns: Any) -> sa.Select[Any]:
        return sa.select(sa.literal_column(f"'{kind}'").label("kind"), *columns)

    nothing: dict[str, Any] = {k: sa.literal_column(f"NULL::{k}") for k in ("bigint", "text", "bytea", "uuid")}
    big, text, data, uuid_none = nothing.values()
    restoring = sa.select(meta.c.value).where(meta.c.name == sa.literal_column(f"'{RESTORING}'")).scalar_subquery()
    parts = [row("now", uuid_none, NOW, text, data, data, restoring if gated else big)]
    if keyed:
        same = [idempotency.c[name] == sa.bindparam(f"key_{name}", type_=_TEXT) for name in KEY]
        kept = row("kept", uuid_none, sa.cast(idempotency.c.status, _BIG), text, idempotency.c.answer,
                   idempotency.c.body_sha256, idempotency.c.position)  # fmt: skip
        parts.append(kept.where(*same, idempotency.c.expires_at > NOW))
    if gated:
        asked = parameter_rows("inbox", gated, _SEEN)
        last = (
            sa.select(inbox.c.public_seq, inbox.c.hash)
            .where(inbox.c.upstream == asked.c.upstream, inbox.c.stream_id == asked.c.stream_id)
            .limit(ONE)
            .lateral("last")
        )
        # hardly ever is any stream blocked: that is asked once, before each of them is looked for
        waits = sa.and_(
            sa.select(sa.exists().select_from(blocked)).scalar_subquery(),
            sa.exists().where(blocked.c.upstream == asked.c.upstream, blocked.c.stream_id == asked.c.stream_id),
        )
        seen = row("inbox", asked.c.stream_id, last.c.public_seq, asked.c.upstream, last.c.hash, data,
                   sa.case((waits, ONE), else_=ZERO))  # fmt: skip
        parts.append(seen.select_from(asked.outerjoin(last, sa.true())))
        length: sa.ColumnElement[int] = sa.literal_column(str(len(EPOCH_OF)))
        heard = row("epoch", uuid_none, meta.c.value, sa.func.substr(meta.c.name, length + ONE), data, data, big)
        parts.append(heard.where(sa.func.left(meta.c.name, length) == sa.literal_column(f"'{EPOCH_OF}'")))
    if streams:
        wanted = parameter_rows("wanted", streams, KNOWN)
        following = (
            sa.select(events)
            .where(events.c.stream_id == wanted.c.stream_id, events.c.version > wanted.c.version)
            .order_by(events.c.version)
            .lateral("following")
        )
        e = following.c
        each = row("event", e.stream_id, e.version, e.topic, e.state, e.hash, e.recorded_at)
        parts.append(each.select_from(wanted, following))
    return render(sa.union_all(*parts))


def load_statement(wanted: Wanted) -> Statement:
    """The load of streams, the look-up of the gates and the store's time in one round trip."""
    streams, few = list(wanted.streams.items()), few_of(wanted.inbox)
    counts = {"streams": counted(streams, few), "gated": counted(wanted.inbox, few)}
    text = load_text(**counts, keyed=wanted.idempotency is not None)
    values: dict[str, Any] = {}
    if streams:
        bind_rows(values, "wanted", KNOWN, streams, few)
    if wanted.idempotency:
        values |= {f"key_{name}": getattr(wanted.idempotency, name) for name in KEY}
    if wanted.inbox:
        bind_rows(values, "inbox", _SEEN, wanted.inbox, few)
    return Statement(text, values)


def found(rows: Iterable[Sequence[Any]]) -> Found:
    """The answer to a load."""
    streams: dict[UUID, list[EventRow]] = defaultdict(list)
    now, kept, restoring = 0, None, False
    seen: dict[tuple[str, UUID], tuple[int, bytes]] = {}
    waiting: set[tuple[str, UUID]] = set()
    epochs: dict[str, int] = {}
    for kind, stream_id, number, topic, data, digest, recorded_at in rows:
        if kind == "event":
            streams[stream_id].append(EventRow(stream_id, number, topic, data, digest, recorded_at))
        elif kind == "now":
            now, restoring = number, recorded_at is not None
        elif kind == "epoch":
            epochs[topic] = number
        elif kind == "kept":
            kept = KeptAnswer(body_sha256=digest, status=number, answer=data, position=recorded_at)
        else:
            if number is not None:
                seen[topic, stream_id] = (number, data)
            if recorded_at:
                waiting.add((topic, stream_id))
    for stored in streams.values():
        stored.sort(key=_version)
    return Found(now, streams, kept, seen, waiting, restoring, epochs)


def _version(row: EventRow) -> int:
    return row.version
