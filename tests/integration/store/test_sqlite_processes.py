"""Several processes on one SQLite file: nobody starves, a killed writer leaves nothing and blocks nobody."""

from __future__ import annotations

import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, nullcontext
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.seedwork.store import sqlite
from services.seedwork.store.batch import Batch, EventRow, Wanted
from services.seedwork.store.errors import Conflict
from services.seedwork.store.executor import perform
from services.seedwork.store.sealer import seal
from services.seedwork.store.sqlite import SqliteDatabase
from tests.integration.store.test_sealed_log import complete
from tests.support.process import Program, program
from tests.support.store import add_item, arriving, chain_holds, core_of, driving, events_of, new_store, opened, work
from tests.support.waiting import eventually


@pytest.fixture
def store_url(tmp_path: Path) -> Iterator[str]:
    with new_store("sqlite", tmp_path) as url:
        yield url


def path_of(url: str) -> str:
    return url.removeprefix("sqlite:///")


def boxes_from(box: UUID) -> list[UUID]:
    return [UUID(int=box.int + nth) for nth in range(2000)]


def saved_of(database: Any, box: UUID) -> int:
    """How many events stand in the boxes of one process, each with its chain intact."""
    count = 0
    for each in boxes_from(box):
        rows = events_of(database, each)
        if not rows:
            break
        assert chain_holds(rows)
        count += len(rows)
    return count


def told_by(writer: Program) -> int:
    return sum(line.isdigit() for line in writer.output().splitlines())


def write_together(url: str, directory: Path, seconds: float) -> None:
    """Two processes write all the time; a third joins and is killed while it holds the lock."""
    boxes = [UUID(int=uuid4().int & ~0xFFFF) for _ in range(3)]
    with ExitStack() as stack:

        def start(box: UUID, time: float, *end: str) -> Program:
            module = "tests.integration.store.sqlite_process"
            return stack.enter_context(program(module, url, str(box), str(time), *end, directory=directory))

        lasting = [start(box, seconds) for box in boxes[:2]]
        mortal = start(boxes[2], seconds / 2, "die")
        assert mortal.exit_status(within=seconds + 30) == -signal.SIGKILL
        at_the_death = [told_by(writer) for writer in lasting]
        eventually(lambda: all(told_by(w) > n for w, n in zip(lasting, at_the_death, strict=True)))
        for writer in lasting:
            assert writer.exit_status(within=seconds + 30) == 0
        slowest = [float(writer.output().split("slowest ")[1]) for writer in lasting]

        with opened(url) as database:
            told = [told_by(writer) for writer in (*lasting, mortal)]
            assert [saved_of(database, box) for box in boxes] == told
            assert min(told[:2]) > 20
            while seal(database):
                pass
            assert complete(database)
    assert max(slowest) < 5.0
    with closing(sqlite3.connect(path_of(url))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_two_processes_write_at_full_rate_and_a_third_dies_holding_the_lock(store_url: str, tmp_path: Path) -> None:
    write_together(store_url, tmp_path, 3)


@pytest.mark.nightly
def test_two_processes_write_for_a_minute_and_a_third_dies_holding_the_lock(store_url: str, tmp_path: Path) -> None:
    write_together(store_url, tmp_path, 60)


# -- the lock


def losers(url: str, monkeypatch: pytest.MonkeyPatch, *, locked: bool) -> list[str]:
    """Two databases of one file write at the same time and never wait for SQLite; who was turned away."""
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0)
    turned_away: list[str] = []
    with opened(url) as first, opened(url) as second:
        start = threading.Barrier(4)

        def write(database: SqliteDatabase) -> None:
            start.wait()
            stream = uuid4()
            for version in range(1, 61):
                try:
                    database.save(Batch(events=[EventRow(stream, version, "t", b"{}", b"h", 1)]))
                except Conflict as error:
                    turned_away.append(str(error))

        for database in (first, second):
            if not locked:
                database.writer = nullcontext()
        threads = [threading.Thread(target=write, args=(each,)) for each in (first, second) * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    return turned_away


def test_without_the_file_lock_writers_are_turned_away(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "database is locked" in losers(store_url, monkeypatch, locked=False)


def test_with_the_file_lock_writers_queue_up(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert losers(store_url, monkeypatch, locked=True) == []


def test_a_transaction_that_takes_the_lock_late_is_refused_whatever_it_waits(store_url: str) -> None:
    """Switched off: BEGIN instead of BEGIN IMMEDIATE. What it read is old by then, so waiting cannot help."""
    with opened(store_url) as database, closing(database._connect()) as late:
        late.execute("BEGIN")
        late.execute("SELECT count(*) FROM events").fetchone()
        database.save(Batch(events=[EventRow(uuid4(), 1, "t", b"{}", b"h", 1)]))
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            late.execute("INSERT INTO fresh (position) VALUES (99)")


def test_a_fault_of_ours_is_no_lost_race(store_url: str) -> None:
    """Trying again would not help, and would hide it."""
    broken: Any = None
    with opened(store_url) as database, pytest.raises(Exception, match="NOT NULL") as raised:
        database.save(Batch(events=[EventRow(uuid4(), 1, "t", broken, b"h", 1)]))

    assert not isinstance(raised.value, Conflict)


# -- one moment for all reads of a load


def reads_while_somebody_saves(url: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Event 1 of an upstream is handled between the two reads of a load: how many events it sees, and which number."""
    box, upstream = uuid4(), uuid4()
    with driving(url) as other, opened(url) as database:
        reached: list[int] = []

        def on_statement(text: str) -> None:
            if text.startswith("SELECT public_seq") and not reached:
                reached.append(1)
                first = work(add_item(box), incoming=arriving(upstream, 1))
                thread = threading.Thread(target=lambda: other.run(perform(core_of(url), first)))
                thread.start()
                thread.join(10)

        connections = [database._idle.get() for _ in range(sqlite.READERS + 1)]
        for connection in connections:
            connection.set_trace_callback(on_statement)
            database._idle.put(connection)
        found = database.load(Wanted({box: 0}, inbox=[("upstream", upstream)]))
        assert reached
    return len(found.events.get(box, ())), found.inbox.get(("upstream", upstream), (0, b""))[0]


def test_reads_of_different_moments_let_the_next_event_pass_too_early(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Switched off: the inbox says that event 1 is done, the aggregate knows nothing of it."""
    monkeypatch.setattr(SqliteDatabase, "_snapshot", SqliteDatabase._connection)

    assert reads_while_somebody_saves(store_url, monkeypatch) == (0, 1)


def test_inbox_and_aggregates_are_of_one_moment(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert reads_while_somebody_saves(store_url, monkeypatch) == (0, 0)


def test_a_process_opens_a_file_only_while_nobody_writes(tmp_path: Path) -> None:
    """The first to open a new file turns it to WAL, and SQLite refuses that at once while another is at it."""
    with new_store("sqlite", tmp_path) as url:
        first, second = SqliteDatabase(path_of(url)), SqliteDatabase(path_of(url))
        opening = threading.Thread(target=second.open)
        with first.writer:
            opening.start()
            opening.join(0.2)
            assert opening.is_alive()
        opening.join(10)
        second.close()
