"""The `eventsourcing` library's own recorder test cases, on our saves and both databases.

Left out: `test_performance` and `test_concurrent_throughput` print timings and check nothing; the cases for
non-interleaving ids ask for ids without gaps and `optional_test_insert_subscribe` for following them, which would need
a lock around every save: our readers follow the sealed log (`tests/integration/store/test_sealed_log.py`).
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest
from eventsourcing.persistence import IntegrityError, ProgrammingError, StoredEvent

from services.seedwork.store.recorder import CursorRecorder, EventRecorder, LogRecorder, ProcessRecorder
from tests.support.store import chain_holds, events_of, new_store, opened

# The library's test module also tests its AES cipher; the package behind that is not ours and not needed here.
_cipher = ModuleType("eventsourcing.cipher")
_cipher.AESCipher = object  # type: ignore[attr-defined]
with patch.dict(sys.modules, {"eventsourcing.cipher": _cipher}):
    from eventsourcing.tests import persistence as library

CASES = {
    library.AggregateRecorderTestCase: EventRecorder,
    library.ApplicationRecorderTestCase: LogRecorder,
    library.TrackingRecorderTestCase: CursorRecorder,
    library.ProcessRecorderTestCase: ProcessRecorder,
}
TIMING_ONLY = ("test_performance", "test_concurrent_throughput")


def bound(case: type, recorder: type, database: str) -> type:
    """The library's case with recorders on empty stores of this database."""

    def create_recorder(self: Any) -> Any:
        stack = ExitStack()
        self.addCleanup(stack.close)
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(new_store(database, directory))
        return recorder(stack.enter_context(opened(url)))

    left_out = dict.fromkeys(TIMING_ONLY)
    made: type = type(f"{case.__name__}On{database.title()}", (case,), {"create_recorder": create_recorder, **left_out})
    return pytest.mark.postgres(made) if database == "postgresql" else made


globals().update(
    {
        made.__name__: made
        for case, recorder_class in CASES.items()
        for made in (bound(case, recorder_class, database) for database in ("sqlite", "postgresql"))
    }
)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def recorder(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    with new_store(request.param, tmp_path) as url, opened(url) as database:
        yield ProcessRecorder(database)


def test_recorded_events_continue_the_hash_chain_of_their_stream(recorder: Any) -> None:
    box = uuid4()
    recorder.insert_events([StoredEvent(box, 1, "opened", b"a"), StoredEvent(box, 2, "filled", b"b")])
    recorder.insert_events([StoredEvent(box, 3, "closed", b"c")])

    assert chain_holds(events_of(recorder.database, box))


def test_positions_are_told_in_the_order_the_events_were_given(recorder: Any) -> None:
    low, high = sorted([uuid4(), uuid4()], key=lambda each: each.hex)

    positions = recorder.insert_events([StoredEvent(high, 1, "t", b""), StoredEvent(low, 1, "t", b"")])

    told = {n.id: n.originator_id for n in recorder.select_notifications(None, 10)}
    assert [told[position] for position in positions] == [high, low]


def test_a_conflict_takes_the_cursor_back_with_the_events(recorder: Any) -> None:
    box = uuid4()
    recorder.insert_events([StoredEvent(box, 1, "t", b"")], tracking=library.Tracking("app", 1))

    with pytest.raises(IntegrityError):
        recorder.insert_events([StoredEvent(box, 1, "t", b"")], tracking=library.Tracking("app", 2))

    assert recorder.max_tracking_id("app") == 1


def test_positions_cannot_be_followed(recorder: Any) -> None:
    with pytest.raises(ProgrammingError, match="sealed log"):
        recorder.subscribe()
