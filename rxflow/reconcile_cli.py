"""`rxflow reconcile`: closes a payer's day against the payer's own file, or against what it answers itself; a payment
provider's against its file.
"""

from __future__ import annotations

import os
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

console = Console(soft_wrap=True)
errors = Console(stderr=True, soft_wrap=True)
PART_ROWS = 1_500
"""Below the service's limit of a part, so that repetitions of one id fit in, too."""
CLOSED, DIFFERS, NOT_COMPARED = 0, 1, 2

PayerFile = Annotated[
    Path | None,
    typer.Argument(
        help="The payer's items: CSV or tabs (3202). Without it an insurer is asked, where messages reach it.",
        exists=True,
        dir_okay=False,
    ),
]
Day = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The day that is closed.")]
Insurer = Annotated[str | None, typer.Option(help="The payer's code; your token must be of it.")]
Provider = Annotated[str | None, typer.Option(help="Instead: the payment provider's channel; so must your token.")]


def reconcile(file: PayerFile = None, *, insurer: Insurer = None, provider: Provider = None, day: Day) -> None:
    """Compare a payer's day: totals first, items only where they differ. Prints the differences that want an answer.

    Exit status: 0 the day is closed, 1 there are differences, 2 it could not be compared.
    The token is taken from RXFLOW_TOKEN, or made by the development issuer.
    """
    from contracts.roles import Role  # noqa: PLC0415
    from contracts.topology import PORTS  # noqa: PLC0415
    from rxflow.client import Addresses, Connection, Insurer, Session  # noqa: PLC0415
    from rxflow.client.failures import NoAnswer, Problem  # noqa: PLC0415
    from rxflow.loading import Unloadable  # noqa: PLC0415
    from rxflow.payer_file import PAYERS, PROVIDERS  # noqa: PLC0415
    from rxflow.running import settings_or_exit  # noqa: PLC0415
    from rxflow.tokens import issuer_or_exit  # noqa: PLC0415

    whose = insurer or provider
    if whose is None or (insurer and provider):
        errors.print("--insurer or --provider says whose day it is", style="red", markup=False)
        raise typer.Exit(NOT_COMPARED)
    settings = settings_or_exit(errors)
    token = os.environ.get("RXFLOW_TOKEN") or issuer_or_exit(settings, errors).issue_token(
        f"officer-{whose}", Role.INSURANCE_OFFICER, organisation=whose
    )
    with Connection(Addresses({service: settings.peer(service) for service in PORTS})) as connection:
        try:
            officer = Insurer(Session(connection, token))
            shown = _closed(officer, file, day.date().isoformat(), PROVIDERS if provider else PAYERS)
        except (Unloadable, Problem, NoAnswer) as error:
            errors.print(str(error), style="red", markup=False)
            raise typer.Exit(NOT_COMPARED) from None
    console.print(told(shown), markup=False)
    raise typer.Exit(CLOSED if shown["state"] == "closed" else DIFFERS)


def _closed(officer: Any, file: Path | None, day: str, form: Any) -> dict[str, Any]:
    if file is not None:
        return close_day(officer, file, day, form)
    officer.ask_day(day)
    found: dict[str, Any] = officer.reconciliation(day)
    return found


def close_day(officer: Any, file: Path, day: str, form: Any = None) -> dict[str, Any]:
    """Tells the day's totals and, where they differ, its items; the day as it stands then.

    `officer` is a `rxflow.client.Insurer`, `form` a `rxflow.payer_file.Form`, None an insurer's. Memory does not grow
    with the file. Raises Unloadable, Problem and NoAnswer.
    """
    from rxflow.payer_file import PAYERS, SortedFile, read_rows  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="rxflow-reconcile-") as directory:
        theirs = SortedFile.of(read_rows(file, form or PAYERS), Path(directory))
        stands: dict[str, Any] = officer.tell_totals(day, theirs.totals)
        if stands["state"] != "closed":
            for rows, last in theirs.parts(PART_ROWS):
                items = [dict(zip(("msgid", "total", "fund", "account"), row[1:], strict=True)) for row in rows]
                officer.tell_items(day, items, last=last)
    found: dict[str, Any] = officer.reconciliation(day)
    return found


def told(day: dict[str, Any]) -> str:
    """The day and each open difference, a line each; amounts in fen."""
    head = f"{day['day']} {day['insurer']}: {day['state']}{' at ' + day['how'] if day['how'] else ''}"
    lines = [f"{head}; {day['ours']['count']} here, {day['theirs']['count']} there, {day['open']} open"]
    for item in day["items"]:
        if item["answered"] is None:
            missing = item["missing"]
            lines.append(
                f"  {item['message_id']} {item['kind']}, owner {item['owner']}, {item['age_days']} days: "
                f"total {missing['total']}, fund {missing['fund']}, account {missing['account']}"
            )
    return "\n".join(lines)
