"""A long import on the real store: what a part of it costs, and what processes and releases know of each other."""

import tracemalloc
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events.prescribe import RegisterEntryRecorded
from contracts.supply_reports import ROWS_PER_REQUEST_MAX, DirectReportRow
from services.seedwork.calendar import civil_day
from services.seedwork.model import Loaded
from services.seedwork.store.tracking import StateCache, Tracked
from services.seedwork.usecase import Change, Decision, UseCase
from services.shortage.application.import_rows import Sender, read_rows
from services.shortage.application.imports import import_reports
from services.shortage.composition import SERVICE
from services.shortage.domain.reports import REPORTS, ReportReceived, ReportsState, reports_ref
from services.shortage.domain.values import SourceKind
from tests.support.service_on_sqlite import ServiceOnSqlite, found, opened
from tests.unit.shortage.conftest import DRUG, HANGZHOU, XIAN

AT = datetime(2026, 3, 2, 1, tzinfo=UTC)
DAY = reports_ref("H9", civil_day(AT), DRUG)
PARTS, ROWS_IN_ALL = 8, 2_400
BYTES_PER_ROW_MAX = 500
"""A digest and a key of each row stay in the process, in numbers that are bounded; the row itself does not."""


def row(key: str, status: int | None = 3, region: str = HANGZHOU, **changed: Any) -> dict[str, Any]:
    told = {"key": key, "drug_key": DRUG, "region": region, "status": status, "occurred_at": AT.isoformat()}
    return {**told, **changed}


def load(shortage: ServiceOnSqlite, *rows: dict[str, Any]) -> list[tuple[str, str | None]]:
    """What became of each, and what it contradicts."""
    read = read_rows(DirectReportRow, rows)
    outcome = shortage.run(import_reports(SourceKind.DIRECT_REPORT, read, Sender("H9")))
    return [(each["result"], each.get("contradicts")) for each in outcome.body["rows"]]


def prepare(directory: Path) -> None:
    """The store of a shortage that knows the drug."""
    found(SERVICE, directory)
    generic_name, form, strength = DRUG.split("|")
    content = {
        "generic_name": generic_name,
        "english_name": "Cefixime",
        "form": form,
        "strength": strength,
        "atc": "J01DD08",
        "base_unit": "粒",
        "pack_size": 6,
        "dose_unit": "mg",
        "dose_per_base_unit": 100_000,
    }
    with opened(SERVICE, directory) as shortage:
        shortage.react(RegisterEntryRecorded(kind="drug", code="X" * 23, content=content, valid_from=date(2020, 1, 1)))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    prepare(tmp_path)
    return tmp_path


@pytest.fixture
def shortage(store: Path) -> Iterator[ServiceOnSqlite]:
    with opened(SERVICE, store) as running:
        yield running


@pytest.fixture
def neighbour(store: Path) -> Iterator[ServiceOnSqlite]:
    """Another process of it."""
    with opened(SERVICE, store) as running:
        yield running


def test_a_part_of_an_import_reads_nothing_of_the_parts_before_it(
    shortage: ServiceOnSqlite, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    from_the_store = shortage.database.load

    def counted(wanted: Any) -> Any:
        answer = from_the_store(wanted)
        read.append(sum(map(len, answer.events.values())))
        return answer

    monkeypatch.setattr(shortage.database, "load", counted)
    per_part = []
    for part in range(PARTS):
        read.clear()
        told = load(shortage, *(row(f"R-{part}-{n}") for n in range(ROWS_PER_REQUEST_MAX)))
        assert told == [("recorded", None)] * ROWS_PER_REQUEST_MAX
        per_part.append(sum(read))

    assert per_part[1:] == [0] * (PARTS - 1), "events that were read, by part"
    (day,) = shortage.load(DAY)
    assert day.state.count == PARTS * ROWS_PER_REQUEST_MAX, "all of them about one drug and day"


def test_many_rows_go_through_in_one_pass_and_flat_memory(shortage: ServiceOnSqlite) -> None:
    """Of one reporter over many days, as a register's file is; what is kept of days that are past is bounded."""

    def rows() -> Iterator[dict[str, Any]]:
        for n in range(ROWS_IN_ALL):
            yield row(f"R-{n}", occurred_at=(AT - timedelta(hours=n % 4000)).isoformat())

    told, remaining, grown = Counter[str](), rows(), []
    tracemalloc.start()
    while part := list(islice(remaining, ROWS_PER_REQUEST_MAX)):
        told.update(result for result, _ in load(shortage, *part))
        if told.total() >= ROWS_IN_ALL // 2 and not grown:
            grown.append(tracemalloc.get_traced_memory()[0])
    grown.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()

    assert told == {"recorded": ROWS_IN_ALL}
    assert (grown[1] - grown[0]) / (ROWS_IN_ALL // 2) < BYTES_PER_ROW_MAX


def test_what_another_process_has_taken_is_known_and_contradicted(
    shortage: ServiceOnSqlite, neighbour: ServiceOnSqlite
) -> None:
    load(shortage, row("W-1", 4))
    assert load(neighbour, row("W-1", 4), row("W-2", 3)) == [("unchanged", None), ("recorded", None)]
    assert load(neighbour, row("W-1", 1, XIAN)) == [("recorded", None)]

    assert load(shortage, row("W-2", 3), row("W-1", 4)) == [("unchanged", None), ("recorded", None)]
    assert load(shortage, row("W-3", 1), row("W-4", None)) == [("recorded", "W-1"), ("recorded", None)]


def as_stored(key: str, status: int | None, digest: str) -> dict[str, Any]:
    """The event as releases before wrote it."""
    report = {
        "source": "direct_report",
        "key": key,
        "reporter": "H9",
        "trust": "official",
        "drug_key": DRUG,
        "region": HANGZHOU,
        "status": status,
        "occurred_at": "2026-03-02T01:00:00Z",
        "on_hand": None,
        "note": "",
    }
    return {"report": report, "digest": digest, "reported_at": "2026-03-02T01:00:00Z", "contradicts": None}


def test_the_same_rows_again_change_nothing_of_what_an_older_release_has_stored(shortage: ServiceOnSqlite) -> None:
    older = [
        as_stored("W-1", 3, "b94b02d962f2d5f69ac4d6682a927c8ddb9504a70143f0e8cdd5ae89cc0bc261"),
        as_stored("W-2", None, "871943f7d0f977dcc9fbf3677140a57f9d51333bbe1f05ab1529d1569cf90a9b"),
    ]
    events = tuple(ReportReceived.model_validate(each) for each in older)

    def stored_then(_moment: Any, day: Loaded[ReportsState]) -> Decision:
        return Decision((Change(day, events),))

    shortage.run(UseCase((DAY,), stored_then))
    assert load(shortage, row("W-1"), row("W-2", None)) == [("unchanged", None)] * 2
    assert load(shortage, row("W-1", on_hand=4), row("W-3", 1)) == [("recorded", None), ("recorded", "W-1")]


ROWS = st.lists(
    st.tuples(st.sampled_from("ABC"), st.sampled_from([1, 3, None]), st.sampled_from([HANGZHOU, XIAN])), max_size=5
)
IMPORTS = st.lists(st.tuples(st.booleans(), ROWS.filter(bool)), max_size=6)


class Oracle:
    """Slow and obviously right: everything that was ever recorded, looked through for each row."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int | None, str]] = []

    def take(self, told: tuple[str, int | None, str]) -> tuple[str, str | None]:
        key, status, region = told
        if [each for each in self.told if each[0] == key][-1:] == [told]:
            return "unchanged", None
        said: dict[str, bool] = {}
        for other, how, where in self.told:
            if where == region and how is not None:
                said[other] = how >= 3
        self.told.append(told)
        against = [other for other, short in said.items() if other != key and short is not (status == 3)]
        return "recorded", against[0] if against and status is not None else None


@given(imports=IMPORTS)
@settings(max_examples=20, deadline=None)
def test_each_row_counts_once_whichever_process_takes_it(
    imports: Sequence[tuple[bool, Sequence[tuple[str, int | None, str]]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("shortage")
    prepare(directory)
    oracle = Oracle()
    with opened(SERVICE, directory) as one, opened(SERVICE, directory) as other:
        for by_other, rows in imports:
            expected = [oracle.take(each) for each in rows]
            assert load(other if by_other else one, *(row(*each) for each in rows)) == expected


def heavy(stream: int, reports: int) -> Tracked:
    digests = {"direct_report": {str(n): b"" for n in range(reports)}}
    return Tracked(REPORTS.ref(UUID(int=stream)), 1, ReportsState(digests), b"", 0, b"")


def kept(cache: StateCache, stream: int) -> bool:
    return cache.start(REPORTS.ref(UUID(int=stream))).version > 0


def test_states_with_many_reports_are_kept_in_smaller_numbers() -> None:
    """20,000 ordinary states are kept, and ten reports are as one: 39 states of 5,000 and no more."""
    cache = StateCache()
    for stream in range(40):
        cache.keep(heavy(stream, 10))
        for _ in range(3):  # it has grown, and counts once
            cache.keep(heavy(stream, 5000))

    assert [kept(cache, stream) for stream in range(40)] == [False, *[True] * 39]
