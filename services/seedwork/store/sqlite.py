"""SQLite: one file per service, one writer at a time over all processes, whole transactions in one native call.

The blocking database below runs inside a thread (api) or inside eventlet's tpool (worker). Nothing green may run in
there: its pool is a C queue and its writer lock native, because SQLAlchemy's pool deadlocked inside tpool.
"""

from __future__ import annotations

import sqlite3
import time
from _queue import SimpleQueue
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from services.seedwork.store.batch import Batch, EventRow, Found, KeptAnswer, Statement, Wanted
from services.seedwork.store.errors import Conflict, StoreError, Unavailable, expect
from services.seedwork.store.tables import EPOCH_OF, RESTORING
from services.seedwork.store.writer_lock import WAIT_SECONDS, WriterLock

READERS = 3
BUSY_SECONDS = 10


class SqliteDatabase:
    """Blocking; see the module's note on where it may run."""

    is_postgresql = False

    def __init__(
        self,
        path: str,
        *,
        synchronous: str = "FULL",
        writer_seconds: float = WAIT_SECONDS,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.path = path
        self._clock_ns = clock_ns
        self.writer = WriterLock(path + ".writer", writer_seconds)
        self._synchronous = synchronous
        self._idle: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        self._open = False

    def open(self) -> None:
        if self._open:
            return
        Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        with self.writer:  # the first one turns a new file to WAL, which neither waits for others nor lets them wait
            for _ in range(READERS + 1):
                self._idle.put(self._connect())
        self._open = True

    def close(self) -> None:
        while not self._idle.empty():
            self._idle.get().close()
        self._open = False

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS, cached_statements=256
        )
        # secure_delete: a destroyed key is overwritten in its page; FAST never writes a page only for that
        pragmas = ("journal_mode=WAL", f"synchronous={self._synchronous}", "foreign_keys=ON", "secure_delete=FAST")
        for pragma in pragmas:
            connection.execute("PRAGMA " + pragma)
        return connection

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        connection = self._idle.get()
        try:
            yield connection
        except sqlite3.IntegrityError as error:
            if error.sqlite_errorname in _TAKEN:
                raise Conflict(str(error)) from error
            raise StoreError(str(error)) from error
        except sqlite3.OperationalError as error:
            if "locked" in str(error) or "busy" in str(error):
                raise Conflict(str(error)) from error
            if error.sqlite_errorname in _NO_ROOM:
                raise Unavailable(str(error)) from error
            raise StoreError(str(error)) from error
        finally:
            if connection.in_transaction:
                connection.rollback()
            self._idle.put(connection)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The right to write; commits when the block ends well."""
        with self.writer, self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    def now(self, connection: sqlite3.Connection) -> int:
        offset = connection.execute("SELECT value FROM meta WHERE name = 'clock_offset_us'").fetchone()
        return self._clock_ns() // 1000 + (offset[0] if offset else 0)

    @contextmanager
    def _snapshot(self) -> Iterator[sqlite3.Connection]:
        """Several reads of one moment: an inbox newer than the aggregates would let the next event pass too early."""
        with self._connection() as connection:
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")

    def load(self, wanted: Wanted) -> Found:
        with self._snapshot() as connection:
            streams: dict[UUID, list[EventRow]] = defaultdict(list)
            if wanted.streams:
                asked = orjson.dumps([[stream.hex, version] for stream, version in wanted.streams.items()]).decode()
                for row in connection.execute(_LOAD, {"wanted": asked}):
                    stream_id = UUID(row[0])
                    streams[stream_id].append(EventRow(stream_id, *row[1:]))
            kept = None
            if wanted.idempotency:
                key = wanted.idempotency
                row = connection.execute(_KEPT, (key.actor, key.route, key.key, self.now(connection))).fetchone()
                kept = KeptAnswer(*row) if row else None
            seen, waiting = {}, set()
            for upstream, stream in wanted.inbox:
                row = connection.execute(_SEEN, (upstream, stream.hex)).fetchone()
                if row:
                    seen[upstream, stream] = row
                if connection.execute(_WAITS, (upstream, stream.hex)).fetchone():
                    waiting.add((upstream, stream))
            restoring = bool(wanted.inbox and connection.execute(_META, (RESTORING,)).fetchone())
            epochs = {upstream: _epoch_of(connection, upstream) for upstream in {each for each, _ in wanted.inbox}}
            return Found(self.now(connection), streams, kept, seen, waiting, restoring, epochs)

    def save(self, batch: Batch) -> list[int]:
        with self.transaction() as connection:
            _pass_gates(connection, batch)
            positions: dict[tuple[UUID, int], int] = {}
            for event in sorted(batch.events, key=lambda row: (row.stream_id.hex, row.version)):
                values = (event.stream_id.hex, event.version, event.topic, event.state, event.hash, event.recorded_at)
                position = connection.execute(_EVENT, values).lastrowid or 0
                positions[event.stream_id, event.version] = position
            _keep_answer(connection, batch, max(positions.values(), default=None))
            connection.executemany(_FRESH, [(position,) for position in positions.values()])
            connection.executemany(
                _PUBLIC,
                [
                    (
                        p.stream_id.hex,
                        p.public_seq,
                        positions[p.stream_id, p.version],
                        p.type,
                        p.body,
                        p.prev_hash,
                        p.hash,
                    )
                    for p in batch.public
                ],
            )
            connection.executemany(_TIMER, [(row.stream_id.hex, row.kind, row.due_at) for row in batch.timers])
            return list(positions.values())

    def rows(self, statement: Statement) -> list[tuple[Any, ...]]:
        with self._connection() as connection:
            return connection.execute(statement.text, dict(statement.parameters)).fetchall()

    def write(self, statements: Sequence[Statement]) -> list[int]:
        """All of these in one transaction; the number of rows each touched."""
        with self.transaction() as connection:
            return [
                expect(connection.execute(each.text, dict(each.parameters)).rowcount, each.expect)
                for each in statements
            ]

    def notify(self, channel: str) -> None:
        """The leader polls its file."""


def _pass_gates(connection: sqlite3.Connection, batch: Batch) -> None:
    for gate in batch.gates:
        values = (gate.upstream, gate.stream_id.hex, gate.public_seq, gate.hash)
        if gate.before == 0:
            passed = connection.execute(_OPEN, values).rowcount
        else:
            passed = connection.execute(_ADVANCE, (gate.public_seq, gate.hash, *values[:2], gate.before)).rowcount
        if passed != 1:
            raise Conflict(f"inbox gate closed: {gate.upstream} {gate.stream_id} {gate.public_seq}")
        if _epoch_of(connection, gate.upstream) > gate.store_epoch:
            raise Conflict(f"{gate.upstream} was restored since epoch {gate.store_epoch}")
    if batch.cursor and connection.execute(_FORWARD, (batch.cursor.name, batch.cursor.log_index)).rowcount != 1:
        raise Conflict(f"{batch.cursor.name} has read {batch.cursor.log_index} already")
    for stream_id, version in batch.asserted.items():
        if connection.execute(_MOVED, (stream_id.hex, version)).fetchone():
            raise Conflict(f"stream {stream_id} has moved on")


def _epoch_of(connection: sqlite3.Connection, upstream: str) -> int:
    """The newest that was heard of; 0: none."""
    row = connection.execute(_META, (EPOCH_OF + upstream,)).fetchone()
    return row[0] if row else 0


def _keep_answer(connection: sqlite3.Connection, batch: Batch, position: int | None) -> None:
    if batch.idempotency:
        kept, key = batch.idempotency, batch.idempotency.key
        answer = (key.actor, key.route, key.key, key.body_sha256, kept.status, kept.answer, position, kept.expires_at)
        if connection.execute(_KEEP, (*answer, kept.now)).rowcount != 1:
            raise Conflict("idempotency key taken")


_NO_ROOM = frozenset({"SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC", "SQLITE_READONLY"})
"""Nothing was written: the transaction is undone, and may be tried again once there is room and leave to write."""
_TAKEN = ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_ROWID")
_LOAD = (
    "SELECT e.stream_id, e.version, e.topic, e.state, e.hash, e.recorded_at FROM json_each(:wanted) AS wanted"
    " JOIN events AS e ON e.stream_id = json_extract(wanted.value, '$[0]')"
    " AND e.version > json_extract(wanted.value, '$[1]') ORDER BY e.stream_id, e.version"
)
_KEPT = (
    "SELECT body_sha256, status, answer, position FROM idempotency"
    " WHERE actor = ? AND route = ? AND key = ? AND expires_at > ?"
)
_SEEN = "SELECT public_seq, hash FROM inbox WHERE upstream = ? AND stream_id = ?"
_WAITS = "SELECT 1 FROM blocked WHERE upstream = ? AND stream_id = ?"
_META = "SELECT value FROM meta WHERE name = ?"
_OPEN = "INSERT INTO inbox (upstream, stream_id, public_seq, hash) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_ADVANCE = "UPDATE inbox SET public_seq = ?, hash = ? WHERE upstream = ? AND stream_id = ? AND public_seq = ?"
_KEEP = (
    "INSERT INTO idempotency (actor, route, key, body_sha256, status, answer, position, expires_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (actor, route, key) DO UPDATE"
    " SET body_sha256 = excluded.body_sha256, status = excluded.status, answer = excluded.answer,"
    " position = excluded.position, expires_at = excluded.expires_at WHERE idempotency.expires_at <= ?"
)
_FORWARD = (
    "INSERT INTO cursor (name, log_index) VALUES (?, ?) ON CONFLICT (name) DO UPDATE"
    " SET log_index = excluded.log_index WHERE cursor.log_index < excluded.log_index"
)
_MOVED = "SELECT 1 FROM events WHERE stream_id = ? AND version > ? LIMIT 1"
_EVENT = "INSERT INTO events (stream_id, version, topic, state, hash, recorded_at) VALUES (?, ?, ?, ?, ?, ?)"
_FRESH = "INSERT INTO fresh (position) VALUES (?)"
_PUBLIC = (
    "INSERT INTO public (stream_id, public_seq, position, type, body, prev_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_TIMER = (
    "INSERT INTO timer (stream_id, kind, due_at, attempts) VALUES (?, ?, ?, 0)"
    " ON CONFLICT (stream_id, kind) DO UPDATE SET due_at = excluded.due_at, attempts = 0"
)
