"""How PostgreSQL goes about a save and a load: through indexes, before anybody has told it how large its tables are.

A plan lives as long as its connection, and a store is new once: what is planned badly then reads whole tables later.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from services.seedwork.store.batch import (
    Batch,
    EventRow,
    IdempotencyGate,
    IdempotencyKey,
    InboxGate,
    PublicRow,
    Statement,
    TimerRow,
    Wanted,
)
from services.seedwork.store.postgres_load import load_statement
from services.seedwork.store.postgres_rows import FEW
from services.seedwork.store.postgres_save import save_statement
from tests.support.store import new_store, opened

HASH = b"h" * 32
FILLED = 60
"""Batches of fifty streams: enough for a planner to think twice, too few for statistics to be made meanwhile."""
UPSTREAM = "upstream"
_LARGE = re.compile(r"Seq Scan on (events|public|inbox|idempotency|timer)\b")
"""Tables that grow. `meta`, `blocked`, `fresh` and `cursor` stay small."""

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with new_store("postgresql", tmp_path_factory.mktemp("store")) as url, opened(url, 1) as database:
        yield database


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with new_store("postgresql", tmp_path_factory.mktemp("store")) as url, opened(url, 1) as database:
        for _ in range(FILLED):
            database.save(_batch(50, before=0))
        yield database


def _batch(rows: int, *, before: int = 1, keyed: bool = False) -> Batch:
    """So many rows of each kind; `before`: where the gates stand."""
    streams = [uuid4() for _ in range(rows)]
    key = IdempotencyKey("actor", "POST /boxes", str(uuid4()), HASH)
    return Batch(
        events=[EventRow(each, 1, "t", b"{}", HASH, 1) for each in streams],
        public=[PublicRow(each, 1, 1, "t", b"{}", HASH, HASH) for each in streams],
        timers=[TimerRow(each, "box/close", 1) for each in streams],
        gates=[InboxGate(UPSTREAM, each, before, before + 1, HASH, 1) for each in streams],
        asserted={uuid4(): 3 for _ in range(rows)},
        idempotency=IdempotencyGate(key, 201, b"{}", 0, 2**60) if keyed else None,
    )


@pytest.mark.parametrize("rows", [1, FEW, 10 * FEW])
@pytest.mark.parametrize("filling", ["new", "filled"])
def test_a_save_reads_no_table_from_end_to_end(request: pytest.FixtureRequest, filling: str, rows: int) -> None:
    database = request.getfixturevalue(filling)
    read = _read_whole(database, save_statement(_batch(rows, keyed=rows == 1)))
    assert not (read if rows <= FEW else set(read) - {"inbox"}), "many gates at once are a join until there are figures"


@pytest.mark.parametrize("rows", [1, FEW, 10 * FEW])
@pytest.mark.parametrize("filling", ["new", "filled"])
def test_a_load_reads_no_table_from_end_to_end(request: pytest.FixtureRequest, filling: str, rows: int) -> None:
    database = request.getfixturevalue(filling)
    wanted = Wanted(
        streams={uuid4(): 0 for _ in range(rows)},
        idempotency=IdempotencyKey("actor", "POST /boxes", str(uuid4()), HASH),
        inbox=[(UPSTREAM, uuid4()) for _ in range(rows)],
    )
    assert not _read_whole(database, load_statement(wanted))


def _read_whole(database: Any, statement: Statement) -> list[str]:
    """The growing tables that this is going to read from end to end."""
    steps = database.rows(Statement(f"EXPLAIN {statement.text}", statement.parameters))
    return [found for (step,) in steps for found in _LARGE.findall(step)]
