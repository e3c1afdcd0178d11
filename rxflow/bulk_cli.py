"""`rxflow load` of kinds in bulk (stock, orders, members, assistance, filings): out of a CSV file, with progress and a
report row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from contracts.topology import PORTS
from rxflow.bulk_loading import BULK_KINDS, ROWS_MAX, LineReport, load_lines, read_lines
from rxflow.client import Addresses, Administrator, Connection, Session
from rxflow.load_cli import NOT_LOADABLE, SOME_NOT_TAKEN, administrator_token
from rxflow.loading import Unloadable
from rxflow.running import settings_or_exit

SHOWN_MAX = 1_000
"""Refused rows that are shown one by one; the others are counted."""


def load_file_in_bulk(
    console: Console, errors: Console, kind: str, file: Path, pharmacy: str | None, *, quiet: bool
) -> int:
    """The exit status: 0 all rows are in, 1 some were not taken, 2 the file cannot be loaded."""
    try:
        total = sum(1 for _ in read_lines(file, kind, pharmacy))
    except Unloadable as error:
        errors.print(str(error), style="red", markup=False)
        return NOT_LOADABLE
    if not 0 < total <= ROWS_MAX:
        errors.print(f"{file} has {'more' if total else 'no'} rows; at most {ROWS_MAX}", style="red", markup=False)
        return NOT_LOADABLE
    settings = settings_or_exit(errors)
    with Connection(Addresses({service: settings.peer(service) for service in PORTS})) as connection:
        administrator = Administrator(Session(connection, administrator_token(settings, errors)))

        def send(kind: str, whose: str, rows: Sequence[Mapping[str, str]]) -> Sequence[Mapping[str, Any]]:
            if BULK_KINDS[kind].whose is None:
                return administrator.import_insured(kind, rows)
            return administrator.import_goods(kind, whose, rows)

        counts = _follow(console, errors, load_lines(kind, read_lines(file, kind, pharmacy), send), total, quiet=quiet)
    shown = ", ".join(f"{counts[result]} {result}" for result in ("booked", "unchanged", "refused"))
    console.print(f"{total} rows: {shown}")
    return SOME_NOT_TAKEN if counts["refused"] else 0


def _follow(console: Console, errors: Console, reports: Any, total: int, *, quiet: bool) -> Counter[str]:
    counts: Counter[str] = Counter()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=quiet) as progress:
        task = progress.add_task("rows", total=total)
        for report in reports:
            counts[report.result] += 1
            progress.advance(task)
            if report.problem is not None and counts["refused"] <= SHOWN_MAX:
                errors.print(_told(report), style="red", markup=False)
    return counts


def _told(report: LineReport) -> str:
    return f"line {report.number}: {report.key + ': ' if report.key else ''}{report.problem}"
