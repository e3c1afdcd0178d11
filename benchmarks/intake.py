"""What shortage takes in: rows of a file, a file with broken rows, an hour of order lines, each in one pass; and what a
signal costs in a batch against a row of one batched insert.

Memory is that of the process, looked at after a tenth of the pass and at its end.
"""

from __future__ import annotations

import csv
import os
import random
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.databases import database_with_tables
from benchmarks.intake_cost import DRUGS, LINES_PER_BATCH, NOW, costs, envelope, run, spread
from benchmarks.measuring import Figure
from contracts.events.dispatch_stock import OrderLineChanged
from contracts.events.prescribe import RegisterEntryRecorded as DrugRecorded
from contracts.supply_reports import ROWS
from rxflow.report_files import read_file
from rxflow.report_loading import load_reports
from services.seedwork.consumer import Consumer
from services.seedwork.settings import Settings
from services.seedwork.store.drivers import Driver
from services.seedwork.store.executor import StoreCore
from services.seedwork.store.opening import blocking_database, store_core
from services.shortage.application.import_rows import Sender, read_rows
from services.shortage.application.imports import import_reports
from services.shortage.application.national_register import on_entry_recorded
from services.shortage.composition import SERVICE
from services.shortage.domain.values import SourceKind
from services.shortage.projections import METADATA

SHARE = float(os.environ.get("RXFLOW_BENCH_INTAKE_SHARE", "1"))
"""Of the whole sizes, for a try."""
ROWS_WHOLE, FILE_BYTES_WHOLE, LINES_WHOLE = 100_000, 50_000_000, 150_000
PHARMACIES_WHOLE = 100_000
BROKEN_EVERY = 97
GROWTH_MB_MAX, LINES_SECONDS_MAX = 32.0, 3600.0
PROGRESS_STEPS_MIN = 100 * SHARE
"""Steps in which the progress of a file moves at least."""
SEED = 20260301
DRUG = {
    "english_name": "",
    "form": "片剂",
    "strength": "1mg",
    "atc": "J01DD08",
    "base_unit": "片",
    "pack_size": 6,
    "dose_unit": "mg",
    "dose_per_base_unit": 1_000,
}
PAGE = os.sysconf("SC_PAGE_SIZE")


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="rxflow-bench-") as name:
        yield from _imported(Path(name))
        yield from _broken(Path(name))
    with intake() as (core, driver, url):
        yield from _lines(core, driver)
        yield from costs(core, driver, url)


class Pass:
    """One pass: its time, and how much the process has grown since a tenth of it."""

    def __init__(self, count: int) -> None:
        self._count, self._done, self._begun, self._at_first = count, 0, time.perf_counter(), 0.0

    def over(self, things: Iterator[Any]) -> Iterator[Any]:
        for each in things:
            self._done += 1
            if self._done == max(1, self._count // 10):
                self._at_first = memory_mb()
            yield each

    def figures(self, what: str, seconds_max: float | None = None) -> Iterator[Figure]:
        seconds, grown = time.perf_counter() - self._begun, memory_mb() - self._at_first
        each = f"{self._done / seconds:.0f}/s"
        yield Figure(f"intake: {what}", seconds, gate=seconds_max, at_least=False, unit="s", note=each)
        note = f"from {self._at_first:.0f} MB at a tenth of {self._done}"
        yield Figure(f"intake: memory, {what}", grown, gate=GROWTH_MB_MAX, at_least=False, unit="MB", note=note)


@dataclass
class Progress:
    """How far a file is read, as it is told; never less than before."""

    share: float = 0.0
    steps: int = 0

    def told(self, share: float) -> None:
        assert share >= self.share, f"{share} after {self.share}"
        self.steps += share > self.share
        self.share = share


def memory_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 1e6


@contextmanager
def intake() -> Iterator[tuple[StoreCore, Driver, str]]:
    """Shortage over a store of its own, which knows the drugs."""
    with (
        database_with_tables() as url,
        tempfile.TemporaryDirectory(prefix="rxflow-bench-") as keys,
        ExitStack() as open_,
    ):
        _read_models(url)
        settings = Settings(database_url=url, development=True, key_directory=Path(keys))
        driver = Driver(blocking_database(url, 2), blocking_database(url, 2))
        for each in (driver.database, driver.keyring):
            each.open()
            open_.callback(each.close)
        core = store_core(SERVICE, settings)
        for number in range(DRUGS):
            content = {**DRUG, "generic_name": f"药{number}"}
            entry = DrugRecorded(kind="drug", code=f"X{number}", content=content, valid_from=NOW.date())
            run(core, driver, on_entry_recorded(entry, envelope(entry, number)))
        yield core, driver, url


def _read_models(url: str) -> None:
    """Their tables: who says that there is enough is asked of the open cases."""
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=sa.NullPool)
    METADATA.create_all(engine)
    engine.dispose()


def _imported(directory: Path) -> Iterator[Figure]:
    """Direct reports of pharmacies, as `rxflow load` sends them and the service keeps them."""
    count = int(ROWS_WHOLE * SHARE)
    path = directory / "reports.csv"
    _written(path, count, broken_every=None)
    with intake() as (core, driver, _url):

        def send(kind: str, rows: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
            read = read_rows(ROWS[kind], rows)
            outcome = run(core, driver, import_reports(SourceKind.DIRECT_REPORT, read, Sender("I1", "own")))
            answers: Sequence[Mapping[str, Any]] = outcome.body["rows"]
            return answers

        whole, progress, kept = Pass(count), Progress(), 0
        rows = read_file(path, done=progress.told)
        for report in whole.over(load_reports("direct_reports", rows, send)):
            kept += report.result == "recorded"
        assert kept == count, "every row is kept"
        assert progress.steps >= PROGRESS_STEPS_MIN, "how far it is was told all along"
        assert progress.share == 1.0
        yield from whole.figures(f"{count} rows of a file")


def _broken(directory: Path) -> Iterator[Figure]:
    """A large file with broken rows, read and checked row by row; what is kept of it is measured above."""
    size = int(FILE_BYTES_WHOLE * SHARE)
    path = directory / "broken.csv"
    count, broken = _written(path, size // 75, broken_every=BROKEN_EVERY)

    def send(kind: str, rows: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        return [
            {"key": each.key, "result": "refused" if each.errors else "recorded", "errors": list(each.errors)}
            for each in read_rows(ROWS[kind], rows)
        ]

    whole, refused = Pass(count), 0
    for report in whole.over(load_reports("direct_reports", read_file(path), send)):
        refused += report.result == "refused"
    assert refused == broken, f"{refused} refused of {broken} that are broken"
    yield from whole.figures(f"a file of {path.stat().st_size / 1e6:.0f} MB with {broken} broken rows")


def _written(path: Path, count: int, broken_every: int | None) -> tuple[int, int]:
    """How many rows, and how many of them are broken."""
    chance, broken = random.Random(SEED), 0
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("key", "drug_key", "region", "status", "occurred_at", "note"))
        for number in range(count):
            drug = f"药{chance.randrange(DRUGS)}|片剂|1mg"
            row = [f"R-{number}", drug, "330102", chance.randrange(1, 5), NOW.isoformat(), "月报"]
            if broken_every and number % broken_every == 0:
                broken += 1
                row = row[:3] if number % 2 else [*row[:3], "nine", *row[4:]]
            rows.writerow(row)
    return count, broken


def _lines(core: StoreCore, driver: Driver) -> Iterator[Figure]:
    """Order lines of an hour, each of another pharmacy or nearly so, as a worker takes them."""
    count = int(LINES_WHOLE * SHARE)
    consumer, whole = Consumer(core, driver), Pass(count)
    made = whole.over(envelope(event, number) for number, event in enumerate(_order_lines(count)))
    while batch := list(islice(made, LINES_PER_BATCH)):
        consumer.handle(batch)
    yield from whole.figures(f"{count} order lines", seconds_max=LINES_SECONDS_MAX)
    begun = time.perf_counter()
    turns = spread(core, driver)
    seconds = time.perf_counter() - begun
    yield Figure(f"intake: what {count} order lines bring about", seconds, unit="s", note=f"{turns} turns of the clock")


def _order_lines(count: int) -> Iterator[OrderLineChanged]:
    chance, pharmacies = random.Random(SEED), max(1, int(PHARMACIES_WHOLE * SHARE))
    for number in range(count):
        short = chance.random() < 0.03
        yield OrderLineChanged(
            order_id=uuid.UUID(int=number + 1),
            line=1,
            pharmacy=f"P{chance.randrange(pharmacies)}",
            region=f"3301{chance.randrange(2, 6):02}",
            supplier="W1",
            product="X0",
            drug_key=f"药{chance.randrange(DRUGS)}|片剂|1mg",
            change="short" if short else "delivered",
            requested=10,
            filled=0 if short else 10,
            open=0,
            back_ordered=0,
            short=10 if short else 0,
            cancelled=0,
            promised_at=None,
            occurred_at=NOW,
        )
