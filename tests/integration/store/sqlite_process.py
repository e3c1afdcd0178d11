"""A process that writes to one SQLite store: `python -m tests.integration.store.sqlite_process URL BOX SECONDS [die]`.

Each saved item is one line of output. With `die` it kills itself at the end of its time, in the middle of a save: the
lock is held, the event is inserted and not committed.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from services.seedwork.store.drivers import Driver
from services.seedwork.store.executor import perform
from services.seedwork.store.sqlite import SqliteDatabase
from tests.support.store import add_item, core_of, work


class Mortal(SqliteDatabase):
    """Dies just before a commit, once it is told that its time has come."""

    time_has_come = False

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        with super().transaction() as connection:
            yield connection
            if self.time_has_come:
                os.kill(os.getpid(), signal.SIGKILL)


def say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def main(url: str, box: str, seconds: str, end: str = "") -> None:
    database = Mortal(url.removeprefix("sqlite:///"))
    database.open()
    driver, core = Driver(database, database), core_of(url)
    until = time.monotonic() + float(seconds)
    saved, slowest = 0, 0.0
    while time.monotonic() < until:
        started = time.monotonic()
        driver.run(perform(core, work(add_item(UUID(box), str(saved)))))
        slowest = max(slowest, time.monotonic() - started)
        saved += 1
        say(saved)
        if saved % 50 == 0:  # a box stays small; so does its load
            box = str(UUID(int=UUID(box).int + 1))
    if end == "die":
        database.time_has_come = True
        driver.run(perform(core, work(add_item(UUID(box), "never"))))
    say(f"slowest {slowest:.3f}")
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
