"""The store on PostgreSQL against bare psycopg and against the eventsourcing library's recorder."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import psycopg
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

from benchmarks.databases import database_with_tables
from benchmarks.measuring import Figure, threads_interleaved
from services.seedwork.store import postgres_save
from services.seedwork.store.batch import Batch, EventRow, IdempotencyGate, IdempotencyKey, PublicRow, TimerRow
from services.seedwork.store.postgres import PostgresDatabase

STATE = os.urandom(350)
HASH = bytes(32)
RAW = """INSERT INTO events (stream_id, version, topic, state, hash, recorded_at)
VALUES (%(stream_id)b, %(version)b, %(topic)b, %(state)b, %(hash)b, %(recorded_at)b)"""


def event(stream_id: uuid.UUID, version: int) -> EventRow:
    return EventRow(stream_id, version, "bench.happened", STATE, HASH, 1)


def one_event() -> Batch:
    return Batch(events=(event(uuid.uuid4(), 1),))


def full_save() -> Batch:
    """Gate, two events, two public events, one timer."""
    stream_id = uuid.uuid4()
    key = IdempotencyKey("bench", "POST /bench", str(stream_id), HASH)
    said = [PublicRow(stream_id, n, n, "bench.happened.v1", STATE, HASH, HASH) for n in (1, 2)]
    return Batch(
        events=[event(stream_id, 1), event(stream_id, 2)],
        public=said,
        timers=[TimerRow(stream_id, "bench/due", 1)],
        idempotency=IdempotencyGate(key, 201, STATE, 0, 2**60),
    )


class Bare:
    """psycopg without anything around it: one connection and one cursor per writer."""

    def __init__(self, url: str, writers: int) -> None:
        self._connections: list[psycopg.Connection[Any]] = []
        self.cursors: list[psycopg.Cursor[Any]] = []
        self._url = url
        self._writers = writers

    def __enter__(self) -> Self:
        try:
            for _ in range(self._writers):
                connection = psycopg.connect(self._url, autocommit=True, prepare_threshold=0)
                self._connections.append(connection)
                self.cursors.append(connection.cursor(binary=True))
        except psycopg.Error:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._connections:
            connection.close()


@contextmanager
def store(url: str, writers: int) -> Iterator[PostgresDatabase]:
    database = PostgresDatabase(url, pool_size=writers)
    database.open()
    try:
        yield database
    finally:
        database.close()


@contextmanager
def library_recorder(url: str) -> Iterator[Callable[[int], object]]:
    """The `eventsourcing` library's own PostgreSQL recorder, one event per save."""
    parts = psycopg.conninfo.conninfo_to_dict(url)
    store = PostgresDatastore(
        dbname=str(parts["dbname"]),
        host=str(parts.get("host", "")),
        port=str(parts.get("port", 5432)),
        user=str(parts.get("user", "")),
        password=str(parts.get("password", "")),
        pool_size=8,
        max_overflow=0,
    )
    recorder = PostgresApplicationRecorder(store, events_table_name="library_events")
    recorder.create_table()

    def save(_number: int) -> object:
        return recorder.insert_events([StoredEvent(uuid.uuid4(), 1, "bench.happened", STATE)])

    try:
        yield save
    finally:
        store.close()


def recorder_figures() -> Iterator[Figure]:
    """Recorder against the same statement by bare psycopg."""
    for writers in (1, 8, 32):
        with database_with_tables() as url, store(url, writers) as database, Bare(url, writers) as bare:

            def ours(_number: int, database: PostgresDatabase = database) -> object:
                return database.save(one_event())

            def same(number: int, bare: Bare = bare) -> object:
                statement = postgres_save.save_statement(one_event())
                return bare.cursors[number].execute(statement.text, statement.parameters, prepare=True).fetchall()

            rates = threads_interleaved({"ours": ours, "same": same}, writers)
        name = f"recorder / same statement by bare psycopg, {writers} writer{'s' * (writers > 1)}"
        yield Figure(name, rates.ratio("ours", "same"), 0.80, note=rates.note("ours", "same"))


def save_figures() -> Iterator[Figure]:
    """A full save against a raw one-row insert, and against the library's recorder, at 8 writers."""
    with (
        database_with_tables() as url,
        library_recorder(url) as library,
        store(url, 8) as database,
        Bare(url, 8) as bare,
    ):

        def full(_number: int) -> object:
            return database.save(full_save())

        def raw(number: int) -> object:
            row = event(uuid.uuid4(), 1)
            values = {name: getattr(row, name) for name in EventRow._fields}
            return bare.cursors[number].execute(RAW, values, prepare=True)

        rates = threads_interleaved({"full": full, "raw": raw, "library": library}, 8)
    yield Figure(
        "full save / raw one-row insert, 8 writers", rates.ratio("full", "raw"), 0.35, note=rates.note("full", "raw")
    )
    yield Figure(
        "full save / one event by the library's recorder, 8 writers",
        rates.ratio("full", "library"),
        2.5,
        note=rates.note("full", "library"),
    )


def figures() -> Iterator[Figure]:
    yield from recorder_figures()
    yield from save_figures()
