"""`rxflow simulate`: the whole world in a seed."""

from __future__ import annotations

import shlex
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from rxflow import insurer_cli

if TYPE_CHECKING:
    from rxflow.simulation.mishaps import Mishap
    from rxflow.simulation.seeds import Result

app = typer.Typer(no_args_is_help=True, help="Deterministic simulation of the whole system; a simulated insurer.")
app.command()(insurer_cli.insurer)
app.command("insurer-file")(insurer_cli.insurer_file)
console = Console(soft_wrap=True)

VIOLATED = 1
WRONG_USE = 2
EXPLAINED_MAX = 3
VIOLATIONS_SHOWN_MAX = 10
HOURS = 48
TOLD_EVERY = 50
"""Where there is no terminal to show progress on."""

Seed = Annotated[int | None, typer.Option(help="One seed. Default: many fresh ones.", min=0)]
Seeds = Annotated[int, typer.Option(help="How many, from --first on.", min=1)]
First = Annotated[
    int | None, typer.Option(help="The first of many. Default: by the clock, so that they are fresh.", min=0)
]
Hours = Annotated[int, typer.Option(help="How many hours the people's lives last.", min=1, max=10_000)]
Without = Annotated[str, typer.Option(help="Mishaps to leave out, comma-separated; `all`: nothing goes wrong.")]
Jobs = Annotated[int | None, typer.Option(help="Processes at once. Default: one per processor.", min=1)]


@app.callback()
def simulate() -> None:
    """Deterministic simulation of the whole system."""


@app.command()
def world(
    *,
    seed: Seed = None,
    seeds: Seeds = 1000,
    first: First = None,
    hours: Hours = HOURS,
    without: Without = "",
    jobs: Jobs = None,
) -> None:
    """Live one world, or many: five services, their people, and everything that can go wrong with them.

    The same seed does the same again, to the byte. After each commit, at rest and at the end everything must hold that
    docs/simulation.md lists. Exit status: 0 all held, 1 something did not; then with its history and how to repeat it.
    """
    from rxflow.simulation import seeds as running  # noqa: PLC0415
    from services.seedwork.logs import configure_logging  # noqa: PLC0415

    left_out = _mishaps(without)
    configure_logging("error")
    wanted = [seed] if seed is not None else _fresh(seeds, first)
    with running.founded() as founded:
        if seed is not None:
            results = [running.run(seed, of=founded, hours=hours, without=left_out)]
        else:
            console.print(f"seeds {wanted[0]} to {wanted[-1]}")
            every = running.run_all(wanted, of=founded, hours=hours, without=left_out, jobs=jobs)
            with closing(every):  # whoever is interrupted waits for no process
                results = _watched(every, len(wanted))
        failed = sorted((each for each in results if each.violations), key=lambda each: each.seed)
        for result in failed[:EXPLAINED_MAX]:
            console.print(f"seed {result.seed}: looking for what it takes", style="dim")
            short, also_without = running.shortened(result, of=founded, hours=hours, without=left_out)
            _explain(short, hours, also_without)
    _sum_up(results)
    if failed:
        console.print(f"violated by {len(failed)} of {len(results)}: {' '.join(str(each.seed) for each in failed)}")
        raise typer.Exit(VIOLATED)


@app.command()
def supply(
    *,
    seed: Annotated[int, typer.Option(help="Of the first world.", min=0)] = 1,
    worlds: Annotated[int, typer.Option(help="How many, of consecutive seeds.", min=1, max=1000)] = 1,
    drugs: Annotated[int, typer.Option(help="Drugs in each world.", min=1, max=1000)] = 60,
    pharmacies: Annotated[int, typer.Option(help="Pharmacies in each world.", min=1, max=10_000)] = 300,
    report: Annotated[Path, typer.Option(help="Where the page is written, every time.")] = Path("docs/supply.md"),
) -> None:
    """Live a year of supply with shortages that are known, and judge the product's own detectors by it.

    Prints delay, probability of detection, predictive value and false alarms per drug-year, beside those of days of
    supply, empty shelves and unfilled demands alone. The same seeds give the same report. It is always written too:
    to the page of the documentation, unless another place is named; so name one for a try.
    """
    from rxflow.supply.report import supply_page  # noqa: PLC0415
    from rxflow.supply.running import run  # noqa: PLC0415
    from rxflow.supply.setting import Setting  # noqa: PLC0415
    from services.shortage.domain.policy import POLICIES  # noqa: PLC0415

    setting = Setting(pharmacies=pharmacies, drugs=drugs, carried_by=min(pharmacies, Setting.carried_by))
    with Progress(*Progress.get_default_columns(), TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("drugs", total=None)

        def told(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)
            if not console.is_terminal and done % TOLD_EVERY == 0:
                console.print(f"{done} of {total}")

        result = run(POLICIES.of("cn").versions[-1], setting, seed, worlds, told)
    text = supply_page(result)
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(text, encoding="utf-8")
    console.print(text, markup=False, highlight=False)
    console.print(f"written: {report}")


def _fresh(count: int, first: int | None) -> list[int]:
    begin = int(time.time()) if first is None else first
    return list(range(begin, begin + count))


def _mishaps(text: str) -> list[Mishap]:
    from rxflow.simulation.mishaps import EVERY, Mishap  # noqa: PLC0415

    if text == "all":
        return sorted(EVERY)
    try:
        return [Mishap(name.strip()) for name in text.split(",") if name.strip()]
    except ValueError as error:
        console.print(f"{error}; there are {', '.join(sorted(EVERY))}", style="red")
        raise typer.Exit(WRONG_USE) from None


def _watched(results: Iterator[Result], total: int) -> list[Result]:
    """With progress: how many are done and how many of them are violated."""
    gathered: list[Result] = []
    columns = (*Progress.get_default_columns(), TimeElapsedColumn(), TextColumn("{task.fields[violated]} violated"))
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("worlds", total=total, violated=0)
        for result in results:
            gathered.append(result)
            if not console.is_terminal and len(gathered) % TOLD_EVERY == 0:
                console.print(f"{len(gathered)} of {total}")
            progress.update(task, advance=1, violated=sum(bool(each.violations) for each in gathered))
            if result.violations:
                progress.console.print(f"seed {result.seed}: {result.violations[0]}", markup=False, style="red")
    return gathered


def _explain(result: Result, hours: int, left_out: Collection[Mishap]) -> None:
    for line in result.history:
        console.print(line, markup=False, highlight=False)
    for error in result.errors[:1]:
        console.print(error, markup=False, highlight=False)
    for violation in result.violations[:VIOLATIONS_SHOWN_MAX]:
        console.print(violation, style="red", markup=False)
    command = ["rxflow", "simulate", "world", "--seed", str(result.seed), "--hours", str(hours)]
    if left_out:
        command += ["--without", ",".join(left_out)]
    console.print(f"again: {shlex.join(command)}", markup=False)


def _sum_up(results: Sequence[Result]) -> None:
    mishaps: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    for each in results:
        mishaps += each.mishaps
        statuses += each.statuses
    for result in results if len(results) == 1 else ():
        console.print(f"seed {result.seed}: digest {result.digest}")
    console.print(
        f"{sum(each.accepted for each in results)} commands accepted, {sum(each.refused for each in results)} refused;"
        f" prescriptions: {_told(statuses)}; gone wrong: {_told(mishaps)};"
        f" {sum(each.virtual_seconds for each in results) / 3600:.1f} h of machines in"
        f" {sum(each.real_seconds for each in results) / 60:.1f} min of processor",
        markup=False,
    )


def _told(counted: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counted.items())) or "none"
