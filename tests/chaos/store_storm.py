"""Many processes' worth of saves at one PostgreSQL store at once, while somebody reads its log: what an embedded store,
with its one writer at a time, can never show.

A round is seeded in what is asked for; what overlaps is up to the server. `python -m tests.chaos.store_storm` says
after how many rounds the two seeded bugs are found that belong here.
"""

from __future__ import annotations

import random
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any
from unittest import mock
from uuid import UUID, uuid4

import psycopg
import sqlalchemy as sa

from services.seedwork.failures import ExecutionFailure
from services.seedwork.store import postgres_save, reading
from services.seedwork.store.batch import EventRow
from services.seedwork.store.executor import perform, perform_all
from services.seedwork.store.reading import Range
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.sealer import seal
from services.seedwork.store.tables import cursor, events
from tests.support import servers
from tests.support.store import core_of, dawdling_store, driving, move_item, open_box, opened, work

WRITERS = 6
SAVES = 12
MOVES = 4
"""In one save, each between two boxes."""
BOXES = 10
ALONE = 4
"""Saves in between that nobody competes for: they are committed side by side."""
ROUNDS_MAX = 200
SECONDS_MAX = 120.0
_EVENTS = Prepared(lambda _i: sa.select(events.c.stream_id, events.c.version))


def storm(url: str, seed: int) -> list[str]:
    """One round; what is wrong after it."""
    chance = random.Random(seed)
    boxes = [uuid4() for _ in range(BOXES)]
    before = _deadlocks(url)
    with driving(url) as driver:
        for box in boxes:
            driver.run(perform(core_of(url), work(open_box(box))))
    read: list[tuple[UUID, int]] = []
    over = threading.Event()
    reader = threading.Thread(target=_follow, args=(url, f"reader {boxes[0]}", over, read))
    writers = [threading.Thread(target=_move, args=(url, boxes, chance.random())) for _ in range(WRITERS)]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join(SECONDS_MAX)
    over.set()
    reader.join(SECONDS_MAX)
    return list(_wrong(url, read, _deadlocks(url) - before))


def _move(url: str, boxes: list[UUID], seed: float) -> None:
    """As a process of its own does: with its own locks and its own connection."""
    chance = random.Random(seed)
    core = core_of(url)
    with driving(url, 1) as driver:
        for _ in range(SAVES):
            pairs = [chance.sample(boxes, 2) for _ in range(MOVES)]
            with suppress(ExecutionFailure):  # lost every race, as it may under a storm
                driver.run(perform_all(core, [work(move_item(*pair, "aspirin")) for pair in pairs]))
            for _ in range(ALONE):
                driver.run(perform(core, work(open_box(uuid4()))))


def _follow(url: str, name: str, over: threading.Event, read: list[tuple[UUID, int]]) -> None:
    """Seals and reads on, until nothing has come after the last writer ended."""
    with opened(url, 1) as database:
        reading.cursor_of(database, name)
        while True:
            ended = over.is_set()
            sealed = seal(database)
            following = reading.next_events(database, name, 500)
            piece, rows = following or (Range(0, 0), [])
            if not piece.empty:
                database.write([reading.advance(database, name, piece)])
                read += [(row.stream_id, row.version) for _, row in rows]
            elif ended and not sealed:
                return


def _wrong(url: str, read: list[tuple[UUID, int]], deadlocks: int) -> Iterator[str]:
    with opened(url, 1) as database:
        kept = {(row["stream_id"], row["version"]) for row in _EVENTS.read(database)}
    if missing := kept - set(read):
        yield f"a reader of the log has missed {len(missing)} of {len(kept)} events"
    if len(read) != len(set(read)):
        yield "a reader of the log was given an event twice"
    if deadlocks:
        yield f"{deadlocks} deadlocks"


def _deadlocks(url: str) -> int:
    """So far in this database. A connection tells when it ends, so all others have to."""
    with psycopg.connect(url, autocommit=True) as connection:
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        for _ in range(1000):
            if connection.execute(others).fetchone() == (0,):
                break
            connection.execute("SELECT pg_sleep(0.01)")
        row = connection.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").fetchone()
    return int(row[0]) if row else 0


@contextmanager
def cursor_by_position() -> Iterator[None]:
    """A reader goes by the position of events, not by their place in the sealed log."""
    at = Prepared(lambda _i: sa.select(cursor.c.log_index).where(cursor.c.name == sa.bindparam("name", type_=sa.Text)))
    following = Prepared(
        lambda _i: (
            sa.select(events)
            .where(events.c.position > sa.bindparam("after", type_=sa.BigInteger))
            .order_by(events.c.position)
            .limit(sa.bindparam("page", type_=sa.BigInteger))
        )
    )

    def next_events(database: Any, name: str, batch: int) -> Any:
        after = int(at.read(database, name=name)[0]["log_index"])
        rows = following.read(database, after=after, page=batch)
        upto = rows[-1]["position"] if rows else after
        found = [(row["position"], EventRow(**{field: row[field] for field in EventRow._fields})) for row in rows]
        return Range(after, upto), found

    with mock.patch.object(reading, "next_events", next_events):
        yield


@contextmanager
def unsorted_multi_stream_insert() -> Iterator[None]:
    """Events of one save are inserted in the order they were decided in."""
    text_of = postgres_save.save_text

    def unsorted(**shape: bool) -> str:
        return re.sub(r" ORDER BY event_row.stream_id, event_row.version", "", text_of(**shape))

    with mock.patch.object(postgres_save, "save_text", unsorted):
        yield


ON_POSTGRESQL: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "cursor by position": cursor_by_position,
    "unsorted multi-stream insert": unsorted_multi_stream_insert,
}


def find(bug: str, url: str, most: int = ROUNDS_MAX) -> tuple[int, str] | None:
    """The first of so many rounds in which something is wrong, and what."""
    with ON_POSTGRESQL[bug]():
        for number in range(most):
            wrong = storm(url, number)
            if wrong:
                return number + 1, wrong[0]
    return None


def main() -> int:
    """Rows of the table in docs/simulation.md."""
    missed = 0
    with dawdling_store(seconds=0.0005, deadlock_ms=20) as url:
        for bug in ON_POSTGRESQL:
            found = find(bug, url)
            missed += found is None
            told = f"{found[0]} | {found[1]}" if found else f"not within {ROUNDS_MAX} |"
            sys.stdout.write(f"| {bug} | {told} |\n")
            sys.stdout.flush()
        sys.stdout.write(f"without a bug: {storm(url, ROUNDS_MAX) or 'nothing wrong'}\n")
    servers.drop_emptied_databases()
    return missed


if __name__ == "__main__":
    sys.exit(main())
