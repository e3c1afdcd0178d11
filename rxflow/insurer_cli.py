"""`rxflow simulate insurer`: a simulated insurer of the national form, as a process of its own."""

from __future__ import annotations

import ipaddress
from datetime import datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

errors = Console(stderr=True)
WRONG_USE = 2
PORT = 8190

Insurer = Annotated[str, typer.Argument(help="The insurer's code in the register, e.g. I310100: its place is in it.")]
Journal = Annotated[Path, typer.Option(help="Where its books are kept; killed and started again it has them again.")]
Mode = Annotated[str, typer.Option(help="What always goes wrong; none: nothing.")]
Chance = Annotated[
    list[str] | None, typer.Option(help="What sometimes goes wrong: mode=chance, e.g. delay=0.1. May be repeated.")
]


def insurer(
    insurer: Insurer,
    *,
    journal: Journal = Path("var/insurer.journal"),
    host: Annotated[str, typer.Option(help="A loopback address.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="TCP port.", min=1, max=65535)] = PORT,
    mode: Mode = "none",
    chance: Chance = None,
    seed: Annotated[int, typer.Option(help="The same seed and messages: the same goes wrong.")] = 0,
    late_seconds: Annotated[float, typer.Option(help="How long `delay` keeps an answer back.", min=0.1, max=60)] = 8.0,
) -> None:
    """Answer the messages 2101, 2102, 2103, 2601, 3201 and 3202 (RXFLOW_DEVELOPMENT=1), with books of its own.

    Load the insurer with interface `national` and this process's address as its url; then its claims go here. Modes:
    refuse, fail, unknown, delay, duplicate, bad_signature, miscount; PUT /control/mishaps changes them while it runs.
    """
    import uvicorn  # noqa: PLC0415

    from rxflow.lifeline import hold_on  # noqa: PLC0415
    from rxflow.running import settings_or_exit  # noqa: PLC0415
    from services.insurance.adapters.national.keys import development_keys  # noqa: PLC0415
    from services.insurance.adapters.simulated_insurer import app, desk  # noqa: PLC0415
    from services.insurance.adapters.simulated_insurer import journal as journals  # noqa: PLC0415
    from services.insurance.adapters.simulated_insurer.insurer import Insurer as Simulated  # noqa: PLC0415
    from services.insurance.adapters.simulated_insurer.mishaps import Mishaps  # noqa: PLC0415
    from services.seedwork.failures import ConfigurationError  # noqa: PLC0415

    hold_on()
    if not _is_loopback(host):
        _fail(f"{host} is not a loopback address")
    try:
        mishaps = Mishaps.of(_chances(chance)) if chance else Mishaps.always(mode)
        keys = development_keys(settings_or_exit(errors), insurer, "platform")
    except (ValueError, ConfigurationError) as error:
        _fail(str(error))
    with journals.Journal(journal) as kept:
        books = kept.books
        counter = desk.Desk(Simulated(insurer.removeprefix("I"), books, kept.keep), keys, mishaps, seed)
        served = app.insurer_app(counter, books, control=True, late_seconds=late_seconds)
        uvicorn.run(served, host=host, port=port, log_level="warning", timeout_graceful_shutdown=5)


def insurer_file(
    *,
    day: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Whose bookings.")],
    out: Annotated[Path, typer.Option(help="Where to write it: CSV, as `rxflow reconcile` reads it.", dir_okay=False)],
    journal: Journal = Path("var/insurer.journal"),
) -> None:
    """What the simulated insurer booked and took back on a day, from its own journal alone.

    It may run meanwhile. Exit status: 0 written, 2 there is no journal.
    """
    from services.insurance.adapters.simulated_insurer.journal import write_day  # noqa: PLC0415

    if not journal.exists():
        _fail(f"{journal} does not exist")
    typer.echo(f"{out}: {write_day(journal, day.date(), out)} bookings")


def _chances(said: list[str]) -> dict[str, float]:
    """Raises ValueError."""
    parts = [each.partition("=") for each in said]
    return {name: float(value) for name, _, value in parts}


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _fail(text: str) -> NoReturn:
    errors.print(text, style="red", markup=False)
    raise typer.Exit(WRONG_USE)
