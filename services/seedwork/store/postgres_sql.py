"""The statements of a save and a load on PostgreSQL, generated from the tables; shared by both PostgreSQL executors.

A save is one autocommit statement. Its checks (gates, asserted streams) stand in the last SELECT as a division that
fails when one does not hold, so the whole statement is rolled back: all of it or nothing, in one round trip.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from operator import attrgetter
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import insert

from services.seedwork.store.batch import Batch, EventRow, Found, KeptAnswer, Statement, Wanted
from services.seedwork.store.postgres_rows import Kinds, bind_rows, few, parameter_rows
from services.seedwork.store.tables import cursor, events, fresh, idempotency, inbox, meta, public, timer

_DIALECT = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]
_ZERO: sa.ColumnClause[int] = sa.literal_column("0")
_ONE: sa.ColumnClause[int] = sa.literal_column("1")


def render(statement: sa.ClauseElement) -> str:
    """SQL text with psycopg's binary placeholders: bytea and uuid travel as they are."""
    text = str(statement.compile(dialect=_DIALECT))
    return re.sub(r"%\((\w+)\)s", r"%(\1)b", text)


_BIG, _TEXT, _BYTES, _UUID = sa.BigInteger(), sa.Text(), sa.LargeBinary(), sa.Uuid()
_EVENT: Kinds = {
    "stream_id": _UUID,
    "version": _BIG,
    "topic": _TEXT,
    "state": _BYTES,
    "hash": _BYTES,
    "recorded_at": _BIG,
}
_PUBLIC: Kinds = {
    "stream_id": _UUID,
    "public_seq": _BIG,
    "version": _BIG,
    "type": _TEXT,
    "body": _BYTES,
    "prev_hash": _BYTES,
    "hash": _BYTES,
}
_TIMER: Kinds = {"stream_id": _UUID, "kind": _TEXT, "due_at": _BIG}
_GATE: Kinds = {"upstream": _TEXT, "stream_id": _UUID, "public_seq": _BIG, "hash": _BYTES, "before": _BIG}
_KNOWN: Kinds = {"stream_id": _UUID, "version": _BIG}
_SEEN: Kinds = {"upstream": _TEXT, "stream_id": _UUID}
_event_row, _public_row, _timer_row, _gate_row = (attrgetter(*kinds) for kinds in (_EVENT, _PUBLIC, _TIMER, _GATE))
_KEY = ("actor", "route", "key")


def _inbox_ctes(gates: Any) -> list[sa.CTE]:
    """A gate opens a stream at 1 or advances it by one; whichever happened returns a row."""
    first = sa.select(gates.c.upstream, gates.c.stream_id, gates.c.public_seq, gates.c.hash).where(
        gates.c.before == _ZERO
    )
    opened = (
        insert(inbox)
        .from_select(["upstream", "stream_id", "public_seq", "hash"], first)
        .on_conflict_do_nothing()
        .returning(inbox.c.stream_id)
        .cte("opened")
    )
    advanced = (
        sa.update(inbox)
        .values(public_seq=gates.c.public_seq, hash=gates.c.hash)
        .where(
            inbox.c.upstream == gates.c.upstream,
            inbox.c.stream_id == gates.c.stream_id,
            inbox.c.public_seq == gates.c.before,
            gates.c.before > _ZERO,
        )
        .returning(inbox.c.stream_id)
        .cte("advanced")
    )
    return [opened, advanced]


def _cursor_cte() -> sa.CTE:
    """A cursor only moves forward; a row comes back when it has moved."""
    upsert = insert(cursor).values(
        name=sa.bindparam("reader", type_=_TEXT), log_index=sa.bindparam("reached", type_=_BIG)
    )
    forward = upsert.on_conflict_do_update(
        index_elements=[cursor.c.name],
        set_={"log_index": upsert.excluded.log_index},
        where=cursor.c.log_index < upsert.excluded.log_index,
    )
    return forward.returning(cursor.c.name).cte("forward")


def _kept_cte(position: sa.ColumnElement[Any]) -> sa.CTE:
    """The answer is kept where nothing is, or where what is there has expired; whichever happened returns a row."""
    values = {c.name: sa.bindparam(f"key_{c.name}", type_=c.type) for c in idempotency.c if c.name != "position"}
    upsert = insert(idempotency).values({**values, "position": position})
    kept = upsert.on_conflict_do_update(
        index_elements=[idempotency.c[name] for name in _KEY],
        set_={c.name: upsert.excluded[c.name] for c in idempotency.c if c.name not in _KEY},
        where=idempotency.c.expires_at <= sa.bindparam("key_now", type_=_BIG),
    )
    return kept.returning(idempotency.c.key).cte("kept")


def _timer_cte(count: int) -> sa.CTE:
    rows = parameter_rows("timer", count, _TIMER)
    upsert = insert(timer).from_select(
        ["stream_id", "kind", "due_at", "attempts"],
        sa.select(rows.c.stream_id, rows.c.kind, rows.c.due_at, _ZERO).order_by(rows.c.stream_id, rows.c.kind),
    )
    return upsert.on_conflict_do_update(
        index_elements=[timer.c.stream_id, timer.c.kind],
        set_={"due_at": upsert.excluded.due_at, "attempts": upsert.excluded.attempts},
    ).cte("due")


@cache
def save_text(*, stored: int, said: int, due: int, gated: int, keyed: bool, asserted: int, read: bool) -> str:
    """The one statement for a save of this shape: how many rows of each kind."""
    ctes: list[sa.CTE] = []
    checks: list[sa.ColumnElement[bool]] = []
    positions: list[sa.Select[Any]] = []
    last: sa.ColumnElement[Any] = sa.literal_column("NULL::bigint")
    if gated:
        gates = parameter_rows("gate", gated, _GATE)
        passed = _inbox_ctes(gates)
        counts = [sa.select(sa.func.count()).select_from(cte).scalar_subquery() for cte in passed]
        checks.append(counts[0] + counts[1] == sa.bindparam("gates", type_=_BIG))
    if read:
        checks.append(sa.select(sa.func.count()).select_from(_cursor_cte()).scalar_subquery() == _ONE)
    if asserted:
        seen = parameter_rows("seen", asserted, _KNOWN)
        moved = sa.select(_ONE).where(events.c.stream_id == seen.c.stream_id, events.c.version > seen.c.version)
        checks.append(~sa.exists(moved.select_from(seen)))
    if stored:
        rows = parameter_rows("event", stored, _EVENT)
        # sorted by stream: two saves over the same streams in different order would deadlock
        ordered = sa.select(*rows.c).order_by(rows.c.stream_id, rows.c.version)
        stored_cte = (
            insert(events)
            .from_select(list(_EVENT), ordered)
            .returning(events.c.position, events.c.stream_id, events.c.version)
            .cte("stored")
        )
        positions.append(sa.select(stored_cte.c.position, _ONE))
        queue = sa.select(stored_cte.c.position).order_by(stored_cte.c.position)
        ctes.append(insert(fresh).from_select(["position"], queue).cte("queued"))
        if said:
            ctes.append(_public_cte(stored_cte, said))
        last = sa.select(sa.func.max(stored_cte.c.position)).scalar_subquery()
    if keyed:
        checks.append(sa.select(sa.func.count()).select_from(_kept_cte(last)).scalar_subquery() == _ONE)
    if due:
        ctes.append(_timer_cte(due))
    held = sa.case((sa.and_(*checks), _ONE), else_=_ZERO) if checks else _ONE
    final: Any = sa.union_all(sa.select(_ZERO.label("position"), _ONE.op("/")(held)), *positions)
    return render(final.add_cte(*ctes) if ctes else final)


def _public_cte(stored: sa.CTE, count: int) -> sa.CTE:
    rows = parameter_rows("public", count, _PUBLIC)
    told = sa.select(
        rows.c.stream_id,
        rows.c.public_seq,
        stored.c.position,
        rows.c.type,
        rows.c.body,
        rows.c.prev_hash,
        rows.c.hash,
    ).where(rows.c.stream_id == stored.c.stream_id, rows.c.version == stored.c.version)
    return insert(public).from_select([c.name for c in public.c], told).cte("said")


def save_statement(batch: Batch) -> Statement:
    """The save of a batch."""
    asserted = list(batch.asserted.items())
    text = save_text(
        stored=few(batch.events),
        said=few(batch.public),
        due=few(batch.timers),
        gated=few(batch.gates),
        keyed=batch.idempotency is not None,
        asserted=few(asserted),
        read=batch.cursor is not None,
    )
    values: dict[str, Any] = {}
    bind_rows(values, "event", _EVENT, list(map(_event_row, batch.events)))
    if batch.public:
        bind_rows(values, "public", _PUBLIC, list(map(_public_row, batch.public)))
    if batch.timers:
        bind_rows(values, "timer", _TIMER, list(map(_timer_row, batch.timers)))
    if batch.gates:
        bind_rows(values, "gate", _GATE, list(map(_gate_row, batch.gates)))
        values["gates"] = len(batch.gates)
    if asserted:
        bind_rows(values, "seen", _KNOWN, asserted)
    if batch.idempotency:
        gate, key = batch.idempotency, batch.idempotency.key
        values |= {
            "key_actor": key.actor,
            "key_route": key.route,
            "key_key": key.key,
            "key_body_sha256": key.body_sha256,
            "key_status": gate.status,
            "key_answer": gate.answer,
            "key_expires_at": gate.expires_at,
            "key_now": gate.now,
        }
    if batch.cursor:
        values |= {"reader": batch.cursor.name, "reached": batch.cursor.log_index}
    return Statement(text, values)


NOW: sa.ColumnElement[Any] = sa.literal_column(
    "(extract(epoch from clock_timestamp()) * 1000000)::bigint"
) + sa.func.coalesce(
    sa.select(meta.c.value).where(meta.c.name == sa.literal_column("'clock_offset_us'")).scalar_subquery(), _ZERO
)
"""The store's time, with the clock offset of development mode."""


@cache
def load_text(*, streams: int, keyed: bool, gated: int) -> str:
    """The one query for a load of this shape; the first column says what a row is."""

    def row(kind: str, *columns: Any) -> sa.Select[Any]:
        return sa.select(sa.literal_column(f"'{kind}'").label("kind"), *columns)

    nothing: dict[str, Any] = {k: sa.literal_column(f"NULL::{k}") for k in ("bigint", "text", "bytea", "uuid")}
    big, text, data, uuid_none = nothing.values()
    parts = [row("now", uuid_none, NOW, text, data, data, big)]
    if keyed:
        same = [idempotency.c[name] == sa.bindparam(f"key_{name}", type_=_TEXT) for name in _KEY]
        kept = row("kept", uuid_none, sa.cast(idempotency.c.status, _BIG), text, idempotency.c.answer,
                   idempotency.c.body_sha256, idempotency.c.position)  # fmt: skip
        parts.append(kept.where(*same, idempotency.c.expires_at > NOW))
    if gated:
        asked = parameter_rows("inbox", gated, _SEEN)
        seen = row("inbox", inbox.c.stream_id, inbox.c.public_seq, inbox.c.upstream, inbox.c.hash, data, big)
        parts.append(
            seen.select_from(asked).where(inbox.c.upstream == asked.c.upstream, inbox.c.stream_id == asked.c.stream_id)
        )
    if streams:
        wanted = parameter_rows("wanted", streams, _KNOWN)
        # stream by stream through the index: planned as a join while the table was new, it would read the whole table
        # for as long as the plan lives
        e = (
            sa.select(events)
            .where(events.c.stream_id == wanted.c.stream_id, events.c.version > wanted.c.version)
            .order_by(events.c.version)
            .lateral("following")
        ).c
        parts.append(
            row("event", e.stream_id, e.version, e.topic, e.state, e.hash, e.recorded_at).select_from(wanted, e.version.table)
        )
    return render(sa.union_all(*parts))


def load_statement(wanted: Wanted) -> Statement:
    """The load of streams, the look-up of the gates and the store's time in one round trip."""
    streams = list(wanted.streams.items())
    text = load_text(streams=few(streams), keyed=wanted.idempotency is not None, gated=few(wanted.inbox))
    values: dict[str, Any] = {}
    if streams:
        bind_rows(values, "wanted", _KNOWN, streams)
    if wanted.idempotency:
        values |= {f"key_{name}": getattr(wanted.idempotency, name) for name in _KEY}
    if wanted.inbox:
        bind_rows(values, "inbox", _SEEN, wanted.inbox)
    return Statement(text, values)


def found(rows: Iterable[Sequence[Any]]) -> Found:
    """The answer to a load."""
    streams: dict[UUID, list[EventRow]] = defaultdict(list)
    now, kept = 0, None
    seen: dict[tuple[str, UUID], tuple[int, bytes]] = {}
    for kind, stream_id, number, topic, data, digest, recorded_at in rows:
        if kind == "event":
            streams[stream_id].append(EventRow(stream_id, number, topic, data, digest, recorded_at))
        elif kind == "now":
            now = number
        elif kind == "kept":
            kept = KeptAnswer(body_sha256=digest, status=number, answer=data, position=recorded_at)
        else:
            seen[topic, stream_id] = (number, data)
    for stored in streams.values():
        stored.sort(key=_version)
    return Found(now=now, events=streams, kept=kept, inbox=seen)


def _version(row: EventRow) -> int:
    return row.version
