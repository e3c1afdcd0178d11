"""Closing a payer's day: how memory and time grow with the number of its claims, the payer's file on disk included."""

from __future__ import annotations

import csv
import random
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from uuid import UUID

from benchmarks.measuring import Figure
from rxflow.payer_file import SortedFile, read_rows
from services.insurance.domain.payer_items import Comparison, Figures, Item
from services.insurance.domain.reconciliation import RECONCILIATION, ReconciliationState
from services.insurance.domain.reconciliation_decisions import (
    PART_ROWS_MAX,
    compare_part,
    compare_totals,
    difference,
    differing,
    record_part,
)
from services.seedwork.model import DomainEvent

DAY, TODAY = date(2026, 3, 1), date(2026, 3, 2)
SEED = 20260301
SMALL, LARGE, WHOLE = 10_000, 100_000, 1_000_000
RUN_ROWS = 5_000
"""Below the smallest day, so that each is sorted on disk."""
LOST = 97
"""Of each tenth of the day this booking is not in the payer's file."""


def items(count: int) -> Iterator[Item]:
    """A day's bookings in ascending order, from a seed; nothing is kept."""
    made = random.Random(SEED)
    step = 2**127 // count
    for number in range(count):
        fund = made.randrange(1, 50_000)
        yield Item(UUID(int=number * step + made.randrange(step)), fund + 1_000, fund, 0)


def written(path: Path, count: int) -> int:
    """The payer's file; answers how many bookings it lacks."""
    lost = 0
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("msgid", "refd_setl_flag", "medfee_sumamt", "fund_pay_sumamt", "acct_pay"))
        for number, item in enumerate(items(count)):
            if number % (count // 10) == LOST:
                lost += 1
                continue
            yuan = (f"{amount // 100}.{amount % 100:02}" for amount in item[1:])
            rows.writerow((str(item.key), "0", *yuan))
    return lost


def close(path: Path, count: int, runs: Path) -> ReconciliationState:
    """As the command and the service do it together, without the wire and the store between them."""
    theirs = SortedFile.of(read_rows(path), runs, RUN_ROWS)
    ours = Figures()
    for item in items(count):
        ours = _added(ours, item)
    state = _done(
        RECONCILIATION.initial,
        compare_totals(
            RECONCILIATION.initial,
            insurer="I310100",
            day=DAY,
            ours=ours,
            theirs=Figures(**theirs.totals),
            person="officer",
            today=TODAY,
        ),
    )
    own, following = items(count), None
    for rows, last in theirs.parts(PART_ROWS_MAX):
        upto = None if last else rows[-1].key
        stretch, following = _stretch(own, following, upto)
        part = [Item(row.key, row.total, row.fund, row.account) for row in rows]
        comparison = compare_part(state, stretch, part)
        assert isinstance(comparison, Comparison)
        pairs = differing(comparison, len(state.found))
        assert isinstance(pairs, list)
        found = [difference(pair, None, DAY) for pair in pairs]
        state = _done(state, record_part(state, comparison, found, upto))
    return state


def _added(ours: Figures, item: Item) -> Figures:
    return Figures.model_construct(
        count=ours.count + 1, total=ours.total + item.total, fund=ours.fund + item.fund, account=0
    )


def _stretch(own: Iterator[Item], following: Item | None, upto: UUID | None) -> tuple[list[Item], Item | None]:
    found = [] if following is None else [following]
    for item in own:
        if upto is not None and item.key > upto:
            return found, item
        found.append(item)
    return found, None


def _done(state: ReconciliationState, outcome: object) -> ReconciliationState:
    assert isinstance(outcome, list), outcome
    events: list[DomainEvent] = outcome
    return RECONCILIATION.fold(events, state)


def _peak(count: int, directory: Path) -> tuple[int, int, int]:
    """Bytes at the highest, differences found and put in."""
    path = directory / f"{count}.csv"
    lost = written(path, count)
    tracemalloc.start()
    try:
        state = close(path, count, directory)
        return tracemalloc.get_traced_memory()[1], len(state.differences), lost
    finally:
        tracemalloc.stop()


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="rxflow-bench-") as name:
        directory = Path(name)
        small, large = _peak(SMALL, directory), _peak(LARGE, directory)
        for _bytes, found, put_in in (small, large):
            assert found == put_in, f"{found} differences found of {put_in}"
        yield Figure(
            "reconciliation: memory of ten times the day",
            large[0] / small[0],
            gate=1.5,
            at_least=False,
            note=f"{small[0] / 1e6:.1f} MB at {SMALL}, {large[0] / 1e6:.1f} MB at {LARGE} bookings",
        )
        path = directory / "whole.csv"
        put_in = written(path, WHOLE)
        started = time.perf_counter()
        state = close(path, WHOLE, directory)
        seconds = time.perf_counter() - started
        assert len(state.differences) == put_in
        yield Figure(
            f"reconciliation: a day of {WHOLE} bookings",
            seconds,
            unit="s",
            note=f"{WHOLE / seconds:.0f} bookings/s, {put_in} differences",
        )
