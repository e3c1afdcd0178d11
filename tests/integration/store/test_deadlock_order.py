"""Saves over the same streams in opposite order: sorted they queue up, unsorted they block each other."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg import errors

from services.seedwork.store import postgres_save
from services.seedwork.store.batch import Batch, EventRow
from services.seedwork.store.errors import Conflict
from tests.support.store import dawdling_store, opened

pytestmark = pytest.mark.postgres

ORDER_BY = " ORDER BY event_row.stream_id, event_row.version"


@pytest.fixture
def postgres() -> Iterator[Any]:
    with dawdling_store(seconds=0.02, deadlock_ms=100) as url, opened(url) as database:
        yield database


def opposite_saves(database: Any) -> list[BaseException | None]:
    """What became of two saves over the same four streams, one given in the opposite order."""
    streams = sorted((uuid4() for _ in range(4)), key=lambda each: each.hex)
    start = threading.Barrier(2)
    ends: list[BaseException | None] = [None, None]

    def save(place: int, order: list[UUID]) -> None:
        start.wait()
        try:
            database.save(Batch(events=[EventRow(stream, 1, "t", b"{}", b"h", 1) for stream in order]))
        except Conflict as error:
            ends[place] = error.__cause__

    threads = [
        threading.Thread(target=save, args=(0, streams)),
        threading.Thread(target=save, args=(1, streams[::-1])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return ends


def test_in_the_callers_order_they_deadlock(postgres: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sorted_text = postgres_save.save_text

    def unsorted_text(**shape: bool) -> str:
        text, count = re.subn(ORDER_BY, "", sorted_text(**shape))
        assert count == 1
        return text

    monkeypatch.setattr(postgres_save, "save_text", unsorted_text)

    assert any(isinstance(end, errors.DeadlockDetected) for end in opposite_saves(postgres))


def test_sorted_by_stream_one_is_first_and_the_other_loses_at_once(postgres: Any) -> None:
    ends = opposite_saves(postgres)

    assert [type(end) for end in ends if end] == [errors.UniqueViolation]
