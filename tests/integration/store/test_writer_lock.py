"""Nobody waits for ever for the right to write an SQLite file: not even behind a process that is stopped."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from services.seedwork.failures import Overloaded
from services.seedwork.store.drivers import Driver
from services.seedwork.store.errors import Unavailable
from services.seedwork.store.executor import perform
from services.seedwork.store.sqlite import SqliteDatabase
from services.seedwork.store.writer_lock import WriterLock
from tests.support.store import add_item, core_of, new_store, work
from tests.support.waiting import eventually

SECONDS = 0.2
HOLDER = """
import sys
from services.seedwork.store.writer_lock import WriterLock
with WriterLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def stopped_holder(path: str) -> Iterator[None]:
    """Another process has the lock and is stopped."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.kill()
        process.wait(10)


def threads_of_this_process() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def test_a_use_case_is_refused_as_overload_while_the_holder_is_stopped(tmp_path: Path) -> None:
    with new_store("sqlite", tmp_path) as url:
        path = url.removeprefix("sqlite:///")
        database = SqliteDatabase(path, writer_seconds=SECONDS)
        driver, core = Driver(database, database), core_of(url)
        database.open()
        with stopped_holder(path + ".writer"):
            started = time.monotonic()
            with pytest.raises(Overloaded, match="writer"):
                driver.run(perform(core, work(add_item(uuid4()))))
            assert time.monotonic() - started < SECONDS + 2
        driver.run(perform(core, work(add_item(uuid4()))))
        database.close()


def test_who_gives_up_leaves_one_place_in_the_queue_at_most_and_hands_it_on(tmp_path: Path) -> None:
    path = str(tmp_path / "a.writer")
    waiting, other = WriterLock(path, SECONDS / 10), WriterLock(path, 10)
    before = threads_of_this_process()
    with stopped_holder(path):
        for _ in range(10):
            with pytest.raises(Unavailable), waiting:
                pass
        assert threads_of_this_process() <= before + 1
    eventually(lambda: threads_of_this_process() == before)

    with other, pytest.raises(Unavailable), waiting:
        pass
    with waiting:
        pass


def test_who_asks_again_takes_the_place_it_has_in_the_queue(tmp_path: Path) -> None:
    path = str(tmp_path / "a.writer")
    waiting, other = WriterLock(path, SECONDS), WriterLock(path, 10)
    with stopped_holder(path):
        with pytest.raises(Unavailable), waiting:
            pass
        waiting.seconds = 10
        entered, leave = threading.Event(), threading.Event()

        def write() -> None:
            with waiting:
                entered.set()
                leave.wait(10)

        writer = threading.Thread(target=write)
        writer.start()
        assert not entered.wait(SECONDS)
    assert entered.wait(10)
    other.seconds = SECONDS
    with pytest.raises(Unavailable), other:
        pass
    leave.set()
    writer.join(10)
    with other:
        pass


def test_a_thread_of_the_same_process_is_not_waited_for_longer(tmp_path: Path) -> None:
    lock = WriterLock(str(tmp_path / "a.writer"), SECONDS)
    outcome: list[object] = []

    def write() -> None:
        try:
            with lock:
                outcome.append("written")
        except Unavailable as error:
            outcome.append(error)

    with lock:
        writer = threading.Thread(target=write)
        writer.start()
        writer.join(10)

    assert isinstance(outcome[0], Unavailable)
