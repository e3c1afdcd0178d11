"""`rxflow up`: the whole system on this machine, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.console import Console
from rich.table import Table

from contracts.topology import PORTS
from rxflow.client import Connection, NoAnswer, Problem, TimedOut
from rxflow.installation import Installation
from rxflow.play.cast import Cast
from rxflow.play.stage import Stage, StageNotSet
from rxflow.running import migrate_all, settings_or_exit
from rxflow.supervisor import Occurrence, Supervisor
from rxflow.tokens import bearers, token_for, tokens_of
from rxflow.world import build_world
from services.seedwork.calendar import ZONE
from services.seedwork.identity import development_issuer
from services.seedwork.settings import Settings

DEVELOPMENT = "RXFLOW_DEVELOPMENT"
Loader = Callable[[Console, Installation], UUID | None]
"""What is loaded at the start; the reference of a patient that is known then"""


def run_up(console: Console, *, load_world: bool, logs: Path | None) -> int:
    """Migrates, starts and supervises; the exit status when it is told to stop."""
    errors = Console(stderr=True)
    os.environ.setdefault(DEVELOPMENT, "1")
    settings = settings_or_exit(errors)
    installation = Installation(_all_of(settings), logs)
    if taken := installation.ports_in_use():
        errors.print(f"port {', '.join(map(str, taken))} is in use: is rxflow up already?", style="red")
        return 1
    for _ in migrate_all(settings):
        pass
    supervisor = Supervisor(installation.embedded_children(), lambda occurrence: _tell(console, occurrence))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.ask_to_stop())
    known = _load_world if load_world else _load_nothing
    threading.Thread(target=_welcome, args=(console, errors, installation, settings, known), daemon=True).start()
    supervisor.run()
    return 0


def _welcome(console: Console, errors: Console, installation: Installation, settings: Settings, load: Loader) -> None:
    """Once it is ready: where it listens, and a token for each role."""
    try:
        installation.wait_until_ready(told=lambda service, state: console.print(f"{service}: {state}", markup=False))
        patient_ref = load(console, installation)
    except (TimedOut, Problem, NoAnswer, StageNotSet) as error:
        errors.print(str(error), style="red", markup=False)
        return
    table = Table("service", "address", title="rxflow is up; Ctrl-C stops it")
    for service in PORTS:
        table.add_row(service, installation.addresses.of(service))
    console.print(table)
    if settings.development:
        console.print("A token for each role, for 12 hours (`rxflow token` makes others):")
        issuer = development_issuer(settings)
        for bearer in bearers(build_world(), patient_ref):
            console.print(f"{bearer.role.value}: {token_for(issuer, bearer)}", soft_wrap=True, highlight=False)


def _load_nothing(_console: Console, _installation: Installation) -> None:
    """Whoever runs it loads registers of their own (`rxflow load`)."""


def _load_world(console: Console, installation: Installation) -> UUID:
    world = build_world(as_of=datetime.now(ZONE).date())
    with Connection(installation.addresses) as connection:
        stage = Stage(Cast(world, connection, tokens_of(installation)))
        stage.load_registers(lambda kind, count: console.print(f"loaded {count} x {kind}"))
        stage.load_lists()
        return stage.admit(world.patients[0]).patient_ref


def _tell(console: Console, occurrence: Occurrence) -> None:
    console.print(f"{occurrence.child}: {occurrence.what}", style="dim", markup=False)


def _all_of(settings: Settings) -> dict[str, Any]:
    """The settings as the child processes are to see them."""
    return {name: value for name, value in settings.model_dump().items() if value is not None}
