"""`rxflow demo`: the main job, played in an installation of its own that nobody else needs to start."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from rxflow.client import Connection, NoAnswer, Problem, TimedOut
from rxflow.installation import Installation
from rxflow.play.cast import Cast
from rxflow.play.script import EXPECTED, Play, Report, Scene, scenes
from rxflow.play.stage import Stage, StageNotSet
from rxflow.running import running
from rxflow.tokens import tokens_of
from rxflow.world import build_world
from services.seedwork.calendar import ZONE

DIRECTORY = Path("var/demo")
ID_LENGTH = 26


def run_demo(console: Console, keep: Path | None) -> int:
    """The exit status: 0 when all ended as written."""
    directory = keep or DIRECTORY
    if keep is None:
        shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True, exist_ok=True)
    installation = Installation.in_directory(directory)
    started = time.monotonic()
    console.print(f"Starting the five services in {directory} …")
    try:
        with running(installation, installation.embedded_children()):
            console.print(f"Ready after {time.monotonic() - started:.1f} s")
            report = _play(console, installation)
    except (TimedOut, Problem, NoAnswer, StageNotSet) as error:
        console.print(f"The demo failed: {error}", style="red", markup=False)
        console.print(f"The processes' logs are in {installation.logs}")
        return 1
    _show(console, report, time.monotonic() - started)
    if not report.as_written:
        console.print(f"The processes' logs are in {installation.logs}")
        return 1
    return 0


def _play(console: Console, installation: Installation) -> Report:
    world = build_world(as_of=datetime.now(ZONE).date())
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        Connection(installation.addresses) as connection,
        Progress(*columns, TimeElapsedColumn(), console=console) as progress,
    ):
        stage = Stage(Cast(world, connection, tokens_of(installation)))
        registers = progress.add_task("loading the demo world", total=8)
        stage.load_registers(lambda kind, count: _loaded(progress, registers, f"{count} x {kind}"))
        stage.load_lists()
        written = scenes(stage)
        task = progress.add_task("playing prescriptions", total=len(written))

        def told(scene: Scene, what: str) -> None:
            progress.update(task, description=f"prescription {scene.number} ({scene.story}): {what}")
            if what in EXPECTED or what.startswith("failed"):
                progress.advance(task)

        return Play(stage, told).run(written)


def _loaded(progress: Progress, task: TaskID, what: str) -> None:
    progress.update(task, description=f"loaded {what}", advance=1)


def _in_short(summary: Mapping[str, Any]) -> str:
    """What an event says about itself, without identifiers and lists."""
    plain = {name: value for name, value in summary.items() if isinstance(value, (str, int)) and not _is_id(value)}
    return ", ".join(f"{name} {value}" for name, value in plain.items())


def _is_id(value: object) -> bool:
    return isinstance(value, str) and len(value) >= ID_LENGTH


def _show(console: Console, report: Report, seconds: float) -> None:
    trace = Table("when", "service", "event", "by", "what", title=f"What happened to prescription {report.traced}")
    for event in report.trace:
        when = event["occurred_at"][11:19]
        trace.add_row(when, event["service"], event["type"].split(".")[1], event["actor"], _in_short(event["summary"]))
    for failure in report.failures:
        console.print(f"failed: {failure}", style="red", markup=False)
    if report.shortage is not None:
        case = report.shortage
        console.print(f"Shortage case: {case['drug_key']} in {case['region']}, {case['state']}, grade {case['grade']}")
    counts = Table("ended", "prescriptions", "expected", title=f"30 prescriptions in {seconds:.1f} s")
    for ended, expected in EXPECTED.items():
        found = report.ended[ended]
        counts.add_row(ended, str(found), str(expected), style=None if found == expected else "red")
    console.print(trace)
    console.print(counts)
