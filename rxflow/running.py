"""Brings an installation up and keeps it up: migrations, supervised processes, a clean stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import typer
from pydantic import ValidationError
from rich.console import Console

from rxflow.installation import Installation
from rxflow.supervisor import Child, Occurrence, Supervisor
from services.seedwork.settings import Settings
from services.seedwork.store.migrating import STORES, migrate, store


def settings_or_exit(errors: Console) -> Settings:
    """The settings of RXFLOW_*; otherwise says what is wrong with them and ends the command."""
    try:
        return Settings()
    except ValidationError as error:
        for each in error.errors():
            errors.print(f"{'.'.join(map(str, each['loc']))}: {each['msg']}", style="red", markup=False)
        raise typer.Exit(2) from None


def migrate_all(settings: Settings) -> Iterator[tuple[str, list[str]]]:
    """Brings every store to head; its name and revisions as each is done."""
    for name in STORES:
        yield name, migrate(store(name, settings))


@contextmanager
def running(
    installation: Installation,
    children: Iterable[Child],
    report: Callable[[Occurrence], None] = lambda _occurrence: None,
) -> Iterator[Supervisor]:
    """The installation, migrated and up while the block runs; supervised by a thread."""
    for _ in migrate_all(Settings(**installation.settings)):
        pass
    supervisor = Supervisor(children, report)
    thread = threading.Thread(target=supervisor.run, name="supervisor")
    thread.start()
    try:
        installation.wait_until_ready()
        yield supervisor
    finally:
        supervisor.ask_to_stop()
        thread.join()
