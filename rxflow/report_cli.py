"""`rxflow load direct_reports` and its like: what others know of supply, with progress and a report row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from contracts.supply_reports import REGISTERS, RegisterMapping
from contracts.topology import PORTS
from rxflow.bulk_cli import SHOWN_MAX
from rxflow.client import Addresses, Administrator, Connection, Session
from rxflow.load_cli import NOT_LOADABLE, SOME_NOT_TAKEN, administrator_token
from rxflow.loading import Unloadable
from rxflow.report_files import ROWS_MAX, read_file
from rxflow.report_loading import SUFFICES, ReportReport, Send, load_reports, read_mapping
from rxflow.running import settings_or_exit

UNSENT = {"drug_lists"}
"""Kinds that nobody tells as a reporter."""
Following = Callable[[float], None]


def load_file_of_reports(
    console: Console,
    errors: Console,
    kind: str,
    file: Path,
    *,
    reporter: str | None,
    trust: str,
    mapping: Path | None,
    quiet: bool,
) -> int:
    """The exit status: 0 all rows are in, 1 some were not taken, 2 the file cannot be loaded."""
    try:
        meant = read_mapping(mapping) if mapping else RegisterMapping()
    except Unloadable as error:
        errors.print(str(error), style="red", markup=False)
        return NOT_LOADABLE
    settings = settings_or_exit(errors)
    about: dict[str, Any] = {} if kind in UNSENT else {"reporter": reporter, "trust": trust}
    if kind in REGISTERS:
        about["mapping"] = meant.model_dump(mode="json")
    with Connection(Addresses({service: settings.peer(service) for service in PORTS})) as connection:
        administrator = Administrator(Session(connection, administrator_token(settings, errors)))

        def send(kind: str, rows: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
            return administrator.import_reports(kind, rows, about)

        return follow(console, errors, kind, file, send, quiet=quiet)


def follow(console: Console, errors: Console, kind: str, file: Path, send: Send, *, quiet: bool) -> int:
    """Loads the file by `send` and shows how far it is; exit status as above."""
    counts: Counter[str] = Counter()
    columns = (TextColumn("{task.completed:.0%} of the file"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=console, disable=quiet) as progress:
            task = progress.add_task("file", total=1.0)
            rows = read_file(file, SUFFICES[kind], lambda share: progress.update(task, completed=share))
            for report in load_reports(kind, rows, send):
                counts[report.result] += 1
                counts["contradictory"] += report.contradicts is not None
                if report.problem is not None and counts["refused"] <= SHOWN_MAX:
                    errors.print(_told(report), style="red", markup=False)
    except Unloadable as error:
        errors.print(str(error), style="red", markup=False)
        return NOT_LOADABLE
    total = sum(counts[result] for result in ("recorded", "unchanged", "refused"))
    shown = ", ".join(f"{counts[name]} {name}" for name in ("recorded", "unchanged", "refused", "contradictory"))
    console.print(f"{total} rows: {shown}")
    if total > ROWS_MAX:
        errors.print(f"{file} has more than {ROWS_MAX} rows; the others were not read", style="red", markup=False)
    return SOME_NOT_TAKEN if counts["refused"] or not total or total > ROWS_MAX else 0


def _told(report: ReportReport) -> str:
    return f"row {report.number}: {report.key + ': ' if report.key else ''}{report.problem}"
