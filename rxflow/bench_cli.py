"""`rxflow bench`: what measurements need."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, TaskID, TimeElapsedColumn

app = typer.Typer(no_args_is_help=True, help="What measurements need.")
console = Console(soft_wrap=True)
errors = Console(stderr=True)

FAILED = 1
TOLD_EVERY_SECONDS = 10.0
"""Where there is no terminal to show progress on."""

Prescriptions = Annotated[int, typer.Option(help="Released and waiting for a pharmacy.", min=1, max=2_000_000)]
Pharmacies = Annotated[int, typer.Option(help="With people, agreements and shelves.", min=40, max=20_000)]
Products = Annotated[int, typer.Option(help="On the shelves of each pharmacy.", min=1, max=60)]


@app.callback()
def bench() -> None:
    """What measurements need."""


@app.command()
def seed(*, prescriptions: Prescriptions = 100_000, pharmacies: Pharmacies = 2_000, products: Products = 20) -> None:
    """Fill an empty installation on PostgreSQL with pharmacies, stock and prescriptions in circulation.

    Every event is decided by the services' own rules, chained and sealed by their own writers, and read models are
    made by their own projections; the rows travel by COPY. Afterwards the services go on from there: each prescription
    can be held, dispensed and settled, until its validity ends in the evening of the day after tomorrow.

    Takes RXFLOW_DATABASE_URL (its databases are made), RXFLOW_KEY_DIRECTORY and RXFLOW_DEVELOPMENT=1 as the services
    do. The installation must be empty and stopped. When it is interrupted, drop the databases and begin again.

    Exit status: 0 filled, 1 not: it says why, 2 wrong use.
    """
    import psycopg  # noqa: PLC0415

    from rxflow.running import settings_or_exit  # noqa: PLC0415
    from rxflow.seeding.offices import SeedingFailed  # noqa: PLC0415
    from rxflow.seeding.running import Amounts  # noqa: PLC0415
    from rxflow.seeding.running import seed as fill  # noqa: PLC0415
    from services.seedwork.failures import ConfigurationError  # noqa: PLC0415
    from services.seedwork.logs import configure_logging  # noqa: PLC0415

    settings = settings_or_exit(errors)
    configure_logging("error")
    started = time.monotonic()
    with Progress(*Progress.get_default_columns(), TimeElapsedColumn(), console=console) as progress:
        shown = _Shown(progress)
        try:
            fill(settings, Amounts(prescriptions, pharmacies, products), shown.told)
        except (SeedingFailed, ConfigurationError, psycopg.Error) as error:
            progress.stop()
            errors.print(str(error).strip(), style="red", markup=False)
            raise typer.Exit(FAILED) from None
    seconds = time.monotonic() - started
    console.print(f"{prescriptions} prescriptions and {pharmacies} pharmacies in {seconds:.0f} s")


class _Shown:
    """A bar for each step, or a line every some seconds."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}
        self._last = 0.0

    def told(self, step: str, done: int, of: int) -> None:
        if step not in self._tasks:
            self._tasks[step] = self._progress.add_task(step, total=of)
        self._progress.update(self._tasks[step], completed=done)
        now = time.monotonic()
        if not console.is_terminal and (done >= of or now - self._last > TOLD_EVERY_SECONDS):
            self._last = now
            console.print(f"{step}: {done} of {of}")
