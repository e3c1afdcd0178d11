"""The statement of a save on PostgreSQL, generated from the tables; shared by both PostgreSQL executors.

It is one autocommit statement. Its checks (gates, asserted streams) stand in the last SELECT as a division that
fails when one does not hold, so the whole statement is rolled back: all of it or nothing, in one round trip.
"""

from __future__ import annotations

from functools import cache
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from services.seedwork.store.batch import Batch, Statement
from services.seedwork.store.postgres_rows import (
    KEY,
    KNOWN,
    MANY,
    ONE,
    ZERO,
    Kinds,
    bind_rows,
    counted,
    few_of,
    parameter_rows,
    render,
)
from services.seedwork.store.tables import EPOCH_OF, cursor, events, fresh, idempotency, inbox, meta, public, timer

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
_GATE: Kinds = {
    "upstream": _TEXT,
    "stream_id": _UUID,
    "public_seq": _BIG,
    "hash": _BYTES,
    "before": _BIG,
    "store_epoch": _BIG,
}
_gate_row = attrgetter(*_GATE)


def _inbox_ctes(gates: Any) -> list[sa.CTE]:
    """A gate opens a stream at 1 or advances it by one; whichever happened returns a row. One that somebody else has
    opened since breaks the key, which costs less than a row that is tried first (`ON CONFLICT`): a conflict, too."""
    first = sa.select(gates.c.upstream, gates.c.stream_id, gates.c.public_seq, gates.c.hash).where(
        gates.c.before == ZERO
    )
    opened = (
        insert(inbox)
        .from_select(["upstream", "stream_id", "public_seq", "hash"], first)
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
            gates.c.before > ZERO,
        )
        .returning(inbox.c.stream_id)
        .cte("advanced")
    )
    return [opened, advanced]


def _overtaken(gates: Any) -> sa.Select[Any]:
    """Producers of whose newer epoch was heard since; each looked up once, however many events of it there are."""
    oldest = sa.func.min(gates.c.store_epoch).label("oldest")
    told = sa.select(gates.c.upstream, oldest).group_by(gates.c.upstream).subquery("told")
    named = meta.c.name == sa.literal_column(f"'{EPOCH_OF}'").concat(told.c.upstream)
    since = sa.select(meta.c.value).where(named).scalar_subquery()
    return sa.select(ONE).select_from(told).where(since > told.c.oldest)


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
        index_elements=[idempotency.c[name] for name in KEY],
        set_={c.name: upsert.excluded[c.name] for c in idempotency.c if c.name not in KEY},
        where=idempotency.c.expires_at <= sa.bindparam("key_now", type_=_BIG),
    )
    return kept.returning(idempotency.c.key).cte("kept")


def _timer_cte(count: int) -> sa.CTE:
    rows = parameter_rows("timer", count, _TIMER)
    upsert = insert(timer).from_select(
        ["stream_id", "kind", "due_at", "attempts"],
        sa.select(rows.c.stream_id, rows.c.kind, rows.c.due_at, ZERO).order_by(rows.c.stream_id, rows.c.kind),
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
        checks.append(~sa.exists(_overtaken(gates)))
    if read:
        checks.append(sa.select(sa.func.count()).select_from(_cursor_cte()).scalar_subquery() == ONE)
    if asserted:
        seen = parameter_rows("seen", asserted, KNOWN)
        # one look at the index for each: as a join, a planner that expects a match soon reads the whole log for none
        newest = sa.select(sa.func.max(events.c.version)).where(events.c.stream_id == seen.c.stream_id)
        moved = sa.select(ONE).select_from(seen).where(newest.scalar_subquery() > seen.c.version)
        checks.append(~sa.exists(moved))
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
        positions.append(sa.select(stored_cte.c.position, ONE))
        ctes.append(insert(fresh).from_select(["position"], sa.select(stored_cte.c.position)).cte("queued"))
        if said:
            ctes.append(_public_cte(stored_cte, said))
        last = sa.select(sa.func.max(stored_cte.c.position)).scalar_subquery()
    if keyed:
        checks.append(sa.select(sa.func.count()).select_from(_kept_cte(last)).scalar_subquery() == ONE)
    if due:
        ctes.append(_timer_cte(due))
    held = sa.case((sa.and_(*checks), ONE), else_=ZERO) if checks else ONE
    final: Any = sa.union_all(sa.select(ZERO.label("position"), ONE.op("/")(held)), *positions)
    return render(final.add_cte(*ctes) if ctes else final)


def _public_cte(stored: sa.CTE, count: int) -> sa.CTE:
    rows = parameter_rows("public", count, _PUBLIC)
    same = [rows.c.stream_id == stored.c.stream_id, rows.c.version == stored.c.version]
    position: Any = stored.c.position
    if count != MANY:  # for a few rows a join costs more than what it joins
        position = sa.select(stored.c.position).where(*same).scalar_subquery()
    told = sa.select(
        rows.c.stream_id, rows.c.public_seq, position, rows.c.type, rows.c.body, rows.c.prev_hash, rows.c.hash
    )
    if count == MANY:
        told = told.where(*same)
    return insert(public).from_select([c.name for c in public.c], told).cte("said")


def save_statement(batch: Batch) -> Statement:
    """The save of a batch."""
    asserted, few = list(batch.asserted.items()), few_of(batch.gates)
    text = save_text(
        stored=counted(batch.events, few),
        said=counted(batch.public, few),
        due=counted(batch.timers, few),
        gated=counted(batch.gates, few),
        keyed=batch.idempotency is not None,
        asserted=counted(asserted, few),
        read=batch.cursor is not None,
    )
    values: dict[str, Any] = {}
    bind_rows(values, "event", _EVENT, batch.events, few)
    if batch.public:
        bind_rows(values, "public", _PUBLIC, batch.public, few)
    if batch.timers:
        bind_rows(values, "timer", _TIMER, batch.timers, few)
    if batch.gates:
        bind_rows(values, "gate", _GATE, list(map(_gate_row, batch.gates)), few)
        values["gates"] = len(batch.gates)
    if asserted:
        bind_rows(values, "seen", KNOWN, asserted, few)
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
