"""`rxflow load`: posts a file to the owner of its kind and reports row by row."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from contracts.roles import Role
from contracts.topology import PORTS
from rxflow.client import Addresses, Administrator, Connection, Session
from rxflow.loading import Unloadable, load, read_rows
from rxflow.running import settings_or_exit
from rxflow.tokens import issuer_or_exit
from services.seedwork.calendar import ZONE
from services.seedwork.settings import Settings

SOME_NOT_TAKEN = 1
NOT_LOADABLE = 2


def load_file(console: Console, errors: Console, kind: str, file: Path, *, quiet: bool) -> int:
    """The exit status: 0 all rows are in, 1 some were not taken, 2 the file cannot be loaded.

    Rows that name no day hold from today on, as the services count days.
    """
    try:
        rows = read_rows(file, kind)
    except Unloadable as error:
        errors.print(str(error), style="red", markup=False)
        return NOT_LOADABLE
    settings = settings_or_exit(errors)
    table = Table("row", "code", "result", title=f"{file.name}: {kind}")
    taken = 0
    with Connection(Addresses({service: settings.peer(service) for service in PORTS})) as connection:
        administrator = Administrator(Session(connection, administrator_token(settings, errors)))

        def record(service: Any, kind: str, entries: Sequence[Mapping[str, Any]]) -> Sequence[str | None]:
            return administrator.record(service, kind, entries)

        for report in load(kind, rows, record, valid_from=datetime.now(ZONE).date()):
            taken += report.problem is None
            if report.problem is not None or not quiet:
                style = "red" if report.problem else None
                table.add_row(str(report.number), report.code, report.problem or "in", style=style)
    if table.row_count:
        console.print(table)
    console.print(f"{taken} of {len(rows)} rows are in")
    return 0 if taken == len(rows) else SOME_NOT_TAKEN


def administrator_token(settings: Settings, errors: Console) -> str:
    """RXFLOW_TOKEN, or one of the development issuer."""
    given = os.environ.get("RXFLOW_TOKEN")
    return given or issuer_or_exit(settings, errors).issue_token("administrator", Role.SYSTEM_ADMIN)
