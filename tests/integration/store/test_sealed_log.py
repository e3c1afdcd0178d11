"""The sealed log: what a reader by position loses, a reader by log index gets; and two leaders at once do no harm."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import sqlalchemy as sa

from services.seedwork.store import postgres_save, sealer
from services.seedwork.store.batch import Batch, EventRow
from services.seedwork.store.reading import advance, cursor_of, next_events
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.sealer import seal
from services.seedwork.store.tables import events, fresh, log
from tests.support.store import new_store, opened

_LOG = Prepared(lambda _i: sa.select(log.c.log_index, log.c.position).order_by(log.c.log_index))
_POSITIONS = Prepared(lambda _i: sa.select(events.c.position).order_by(events.c.position))
_FRESH = Prepared(lambda _i: sa.select(fresh.c.position).order_by(fresh.c.position))


def one_event(stream: UUID | None = None, version: int = 1) -> Batch:
    return Batch(events=[EventRow(stream or uuid4(), version, "t", b"{}", b"h", 1)])


def sealed(database: Any) -> list[tuple[int, int]]:
    return [(row["log_index"], row["position"]) for row in _LOG.read(database)]


def positions(database: Any) -> list[int]:
    return [row["position"] for row in _POSITIONS.read(database)]


def complete(database: Any) -> bool:
    """Every event once, numbers without gaps, nothing left to seal."""
    rows = sealed(database)
    numbered = [index for index, _ in rows] == list(range(1, len(rows) + 1))
    return numbered and sorted(p for _, p in rows) == positions(database) and not _FRESH.read(database)


def read_on(database: Any) -> list[EventRow]:
    """What a reader by log index gets next."""
    cursor_of(database, "reader")
    following = next_events(database, "reader", 500)
    assert following is not None
    piece, rows = following
    if not piece.empty:
        database.write([advance(database, "reader", piece)])
    return [row for _, row in rows]


@contextmanager
def uncommitted(url: str, batch: Batch) -> Iterator[Callable[[], None]]:
    """A save that has its positions but is not committed until told."""
    with psycopg.connect(url) as connection:
        statement = postgres_save.save_statement(batch)
        connection.execute(statement.text, statement.parameters, binary=True)
        yield connection.commit


@pytest.fixture
def postgres(tmp_path: Any) -> Iterator[tuple[str, Any]]:
    with new_store("postgresql", tmp_path) as url, opened(url) as database:
        yield url, database


@pytest.mark.postgres
def test_a_position_cursor_loses_a_late_commit(postgres: tuple[str, Any]) -> None:
    """Switched off: the reader that follows positions."""
    url, database = postgres
    read: list[int] = []

    def follow() -> None:
        read.extend(position for position in positions(database) if position > max(read, default=0))

    with uncommitted(url, one_event()) as commit:
        database.save(one_event())
        follow()
        commit()
    follow()

    assert len(positions(database)) == 2
    assert read == positions(database)[1:], "the late one is lost for ever"


@pytest.mark.postgres
def test_the_sealed_log_gets_a_late_commit(postgres: tuple[str, Any]) -> None:
    url, database = postgres
    late = uuid4()
    read: list[UUID] = []

    def follow() -> None:
        read.extend(row.stream_id for row in read_on(database))

    with uncommitted(url, one_event(late)) as commit:
        database.save(one_event())
        assert seal(database) == 1
        follow()
        commit()
    assert seal(database) == 1
    follow()

    assert len(read) == 2
    assert read[1] == late
    assert complete(database)


def test_nothing_is_lost_between_many_writers_and_a_reader_of_the_log(own_url: str) -> None:
    writers, saves = 6, 30
    done = threading.Event()
    read: list[tuple[UUID, int]] = []

    with opened(own_url, 12) as database:

        def write() -> None:
            stream = uuid4()
            for version in range(1, saves + 1):
                database.save(one_event(stream, version))

        def follow() -> None:
            while True:
                last_round = done.is_set()
                seal(database, 7)
                read.extend((row.stream_id, row.version) for row in read_on(database))
                if last_round and not _FRESH.read(database):
                    return

        reader = threading.Thread(target=follow)
        threads = [threading.Thread(target=write) for _ in range(writers)]
        for thread in [reader, *threads]:
            thread.start()
        for thread in threads:
            thread.join(60)
        done.set()
        reader.join(60)

        assert len(read) == len(set(read)) == writers * saves
        versions = {stream: [v for s, v in read if s == stream] for stream, _ in read}
        assert all(each == list(range(1, saves + 1)) for each in versions.values()), "each stream in its order"
        assert complete(database)


# -- two leaders


def overlap(url: str, database: Any) -> int:
    """One leader has sealed but not committed when another seals; how many the other sealed."""
    for _ in range(3):
        database.save(one_event())
    counts: list[int] = []
    move = sealer._MOVE.bind(database, batch=100)
    with psycopg.connect(url) as first, opened(url) as other:
        first.execute(move.text, move.parameters, binary=True)
        database.save(one_event())  # only the second leader sees it
        second = threading.Thread(target=lambda: counts.append(seal(other)))
        second.start()
        second.join(0.3)
        assert second.is_alive(), "it waits for the rows the first has taken"
        first.commit()
        second.join(10)
    return counts[0]


@pytest.mark.postgres
def test_overlapping_leaders_number_twice_where_numbers_are_not_unique(postgres: tuple[str, Any]) -> None:
    """Switched off: a log that accepts any number."""
    url, database = postgres
    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE log DROP CONSTRAINT log_pkey")

    assert overlap(url, database) == 1

    assert [index for index, _ in sealed(database)] == [1, 1, 2, 3]


@pytest.mark.postgres
def test_a_leader_that_overlaps_loses_as_a_whole(postgres: tuple[str, Any]) -> None:
    url, database = postgres

    assert overlap(url, database) == 0

    assert not complete(database)
    assert seal(database) == 1
    assert complete(database)


def test_two_leaders_at_full_speed_make_no_gap_and_no_double(own_url: str) -> None:
    done = threading.Event()
    failures: list[BaseException] = []
    with opened(own_url, 4) as first, opened(own_url, 4) as second, opened(own_url, 4) as third:

        def guarded(act: Callable[[], None]) -> threading.Thread:
            def run() -> None:
                try:
                    act()
                except BaseException as error:
                    failures.append(error)
                    raise

            return threading.Thread(target=run)

        def lead(database: Any) -> None:
            while not done.is_set() or _FRESH.read(database):
                seal(database, 5)

        def write() -> None:
            for _ in range(60):
                third.save(one_event())

        leaders = [guarded(lambda each=each: lead(each)) for each in (first, second)]  # type: ignore[misc]
        writers = [guarded(write) for _ in range(3)]
        for thread in [*leaders, *writers]:
            thread.start()
        for thread in writers:
            thread.join(60)
        done.set()
        for thread in leaders:
            thread.join(60)

        assert not failures
        assert len(sealed(first)) == 180
        assert complete(first)
