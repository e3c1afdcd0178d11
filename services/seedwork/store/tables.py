"""The kernel's tables, the same on PostgreSQL and SQLite. Times are microseconds since the epoch, UTC."""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # AUTOINCREMENT needs INTEGER on SQLite

IS_FORGETTING: sa.ColumnElement[bool] = sa.literal_column("topic") == sa.literal_column("'patient.forgotten'")

events = sa.Table(
    "events",
    METADATA,
    sa.Column("position", BigId, primary_key=True, autoincrement=True),
    sa.Column("stream_id", sa.Uuid(), nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("state", sa.LargeBinary, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sa.Column("recorded_at", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("stream_id", "version", name="events_stream_version"),
    # the few tombstones of forgotten patients; the predicate is a literal, or no planner would use the index
    sa.Index("events_forgetting", "position", sqlite_where=IS_FORGETTING, postgresql_where=IS_FORGETTING),
    sqlite_autoincrement=True,  # without it SQLite gives the id of a deleted last row again
    comment="What happened. Append-only.",
)

public = sa.Table(
    "public",
    METADATA,
    sa.Column("stream_id", sa.Uuid(), primary_key=True),
    sa.Column("public_seq", sa.BigInteger, primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False, index=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("prev_hash", sa.LargeBinary, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    comment="What we said: integration events, kept. Append-only.",
)

# the only churning table: vacuum by count, not by share of the table
fresh = sa.Table(
    "fresh",
    METADATA,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    comment="Positions not yet in the log.",
    postgresql_with={"autovacuum_vacuum_scale_factor": 0, "autovacuum_vacuum_threshold": 5000},
)

log = sa.Table(
    "log",
    METADATA,
    sa.Column("log_index", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("position", sa.BigInteger, nullable=False, unique=True),
    sa.Column("sealed_at", sa.BigInteger, nullable=False),
    comment="The gap-free order of everything committed, written by the leader. Append-only.",
)

inbox = sa.Table(
    "inbox",
    METADATA,
    sa.Column("upstream", sa.Text, primary_key=True),
    sa.Column("stream_id", sa.Uuid(), primary_key=True),
    sa.Column("public_seq", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    comment="The last event handled of each upstream stream: the gate of exactly-once.",
)

idempotency = sa.Table(
    "idempotency",
    METADATA,
    sa.Column("actor", sa.Text, primary_key=True),
    sa.Column("route", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("body_sha256", sa.LargeBinary, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("answer", sa.LargeBinary, nullable=False),
    sa.Column("position", sa.BigInteger, nullable=True),
    sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
    comment="First answers, encrypted.",
)

timer = sa.Table(
    "timer",
    METADATA,
    sa.Column("stream_id", sa.Uuid(), primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("due_at", sa.BigInteger, nullable=True, index=True),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    comment="Next deadlines, out of next_due(state); rebuildable. No due_at: the deadline is over.",
)

cursor = sa.Table(
    "cursor",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("log_index", sa.BigInteger, nullable=False),
    comment="Up to where each reader of a log has come: relay, projections, feeds of upstreams.",
)

parked = sa.Table(
    "parked",
    METADATA,
    sa.Column("upstream", sa.Text, primary_key=True),
    sa.Column("stream_id", sa.Uuid(), primary_key=True),
    sa.Column("public_seq", sa.BigInteger, primary_key=True),
    sa.Column("envelope", sa.LargeBinary, nullable=False),
    sa.Column("parked_at", sa.BigInteger, nullable=False),
    comment="Events that came before their predecessor.",
)

attempts = sa.Table(
    "attempts",
    METADATA,
    sa.Column("consumer", sa.Text, primary_key=True),
    sa.Column("message_id", sa.Uuid(), primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("last_error", sa.Text, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    comment="How often our own handler failed on a message.",
)

poison = sa.Table(
    "poison",
    METADATA,
    sa.Column("id", BigId, primary_key=True, autoincrement=True),
    sa.Column("consumer", sa.Text, nullable=False),
    sa.Column("upstream", sa.Text, nullable=False),
    sa.Column("stream_id", sa.Uuid(), nullable=True),
    sa.Column("public_seq", sa.BigInteger, nullable=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("envelope", sa.LargeBinary, nullable=False),
    sa.Column("poisoned_at", sa.BigInteger, nullable=False),
    sa.Column("settled", sa.Text, nullable=True),
    sqlite_autoincrement=True,
    comment="Events set aside, body kept: failed too often, or a fork. Settled: replayed or skipped, by whom and why.",
)

blocked = sa.Table(
    "blocked",
    METADATA,
    sa.Column("upstream", sa.Text, primary_key=True),
    sa.Column("stream_id", sa.Uuid(), primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("blocked_at", sa.BigInteger, nullable=False),
    comment="Streams set aside until a person decides; `upstream` is our own name for a stream the relay set aside.",
)

webhook_progress = sa.Table(
    "webhook_progress",
    METADATA,
    sa.Column("endpoint_id", sa.Uuid(), primary_key=True),
    sa.Column("told_upto", sa.BigInteger, nullable=False, comment="log index up to which the feed became deliveries"),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0", comment="in a row"),
    sa.Column("failing_since", sa.BigInteger, nullable=True),
    sa.Column("answered_at", sa.BigInteger, nullable=True, comment="the last success"),
    comment="How far each webhook endpoint was told, and how it answers.",
)

webhook_delivery = sa.Table(
    "webhook_delivery",
    METADATA,
    sa.Column("endpoint_id", sa.Uuid(), primary_key=True),
    sa.Column("place", sa.BigInteger, primary_key=True, autoincrement=False, comment="log index of what is told"),
    sa.Column("stream_id", sa.Uuid(), nullable=False, comment="told in order"),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False, comment="webhook-id, the same at every attempt"),
    sa.Column("status", sa.Text, nullable=False, comment="pending, delivered, dead, skipped, failed, withdrawn"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("due_at", sa.BigInteger, nullable=True, comment="the next attempt; none: it is not pending"),
    sa.Column("answer", sa.Integer, nullable=True, comment="HTTP status of the last attempt"),
    sa.Column("error", sa.Text, nullable=True, comment="why there was none, or what was wrong"),
    sa.Column("made_at", sa.BigInteger, nullable=False),
    sa.Column("tried_at", sa.BigInteger, nullable=True),
    sa.Index("webhook_delivery_due", "due_at"),
    sa.Index("webhook_delivery_in_order", "endpoint_id", "stream_id", "place"),
    sa.Index("webhook_delivery_by_status", "endpoint_id", "status", "place"),
    comment="What webhook endpoints are told, without its content: once per endpoint and log index.",
)

CLOCK_OFFSET = "clock_offset_us"
HEARTBEAT_DUE = "heartbeat_due"
"""By when, in real time, the next beat of the watchdog must have come through."""

meta = sa.Table(
    "meta",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
    comment="store_epoch (raised by a restore) and, in development mode, clock_offset_us.",
)

RESTORING = "restoring"
"""Stands in `meta` from a restore until the store was compared with its consumers."""
EPOCH_OF = "epoch of "
"""Stands in `meta` before the name of a producer: its newest epoch that was heard of here."""

checkpoint = sa.Table(
    "checkpoint",
    METADATA,
    sa.Column("upto", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("after", sa.BigInteger, nullable=False),
    sa.Column("statement", sa.Text, nullable=False),
    sa.Column("signed_at", sa.BigInteger, nullable=False),
    comment="Signed Merkle roots over pieces of the log, each naming the one before. Append-only.",
)

APPEND_ONLY = (events, public, log, checkpoint)

KEYRING_METADATA = sa.MetaData()

key = sa.Table(
    "key",
    KEYRING_METADATA,
    sa.Column("patient_ref", sa.Uuid(), primary_key=True),
    sa.Column("data_class", sa.Text, primary_key=True),
    sa.Column("wrapped_dek", sa.LargeBinary, nullable=True),
    sa.Column("kek", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    comment="One wrapped data key per patient and class of personal data. Destroyed: the row is the tombstone.",
    # a destroyed key is gone from the table's pages only when its old row is vacuumed
    postgresql_with={"autovacuum_vacuum_scale_factor": 0, "autovacuum_vacuum_threshold": 0},
)

forgetting = sa.Table(
    "forgetting",
    KEYRING_METADATA,
    sa.Column("store", sa.Text, primary_key=True),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("log_index", sa.BigInteger, nullable=False),
    comment="Up to where each store's log of forgotten patients is applied here: a restored keyring is behind.",
)

witness = sa.Table(
    "witness",
    KEYRING_METADATA,
    sa.Column("store", sa.Text, primary_key=True),
    sa.Column("upto", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("statement", sa.Text, nullable=False),
    comment="The checkpoints of every store, kept in another one: a store that was cut or replaced contradicts them.",
)


def append_only_ddl(table: str, dialect: str) -> list[str]:
    """Triggers that refuse to change or delete a row."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}"
            f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    function = f"{table}_append_only"
    body = f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
    when = "BEFORE UPDATE OR DELETE OR TRUNCATE"
    return [
        f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS {body}",
        f"CREATE TRIGGER {function} {when} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {function}()",
    ]
