"""Two ways to run the same system: `rxflow up` on this machine's files, and ten processes on real servers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

from rxflow.client import Connection
from rxflow.installation import Installation
from rxflow.play.cast import Cast
from rxflow.play.stage import Stage
from rxflow.supervisor import Supervisor
from rxflow.tokens import tokens_of
from rxflow.world import build_world
from services.seedwork.calendar import ZONE
from tests.support import servers

READY_SECONDS = 120.0
STOP_SECONDS = 40.0


@dataclass(frozen=True)
class System:
    """A running installation with the demo world's registers loaded."""

    installation: Installation
    stage: Stage
    connection: Connection


@contextmanager
def on_stage(installation: Installation) -> Iterator[System]:
    """The demo world in a running installation."""
    world = build_world(as_of=datetime.now(ZONE).date())
    with Connection(installation.addresses) as connection:
        stage = Stage(Cast(world, connection, tokens_of(installation)))
        stage.load_registers()
        yield System(installation, stage, connection)


@contextmanager
def rxflow_up(directory: Path) -> Iterator[tuple[Installation, subprocess.Popen[str]]]:
    """`rxflow up` on free ports; stopped by SIGTERM, as an operator would."""
    installation = Installation.in_directory(directory)
    command = [sys.executable, "-m", "rxflow.cli", "up", "--world", "--logs", str(directory / "logs")]
    output = directory / "up.log"
    with output.open("w") as written:
        process = subprocess.Popen(command, env=_environment(installation), stdout=written, stderr=written, text=True)
    try:
        installation.wait_until_ready(seconds=READY_SECONDS)
        yield installation, process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_SECONDS)


@contextmanager
def ten_processes(directory: Path) -> Iterator[Installation]:
    """An api and a worker per service, each by `rxflow serve`, on PostgreSQL and RabbitMQ."""
    with _own_databases() as database_url, servers.virtual_host() as broker_url:
        embedded = Installation.in_directory(directory)
        settings = {**embedded.settings, "database_url": database_url, "broker_url": broker_url, "pool_size": 2}
        installation = Installation(settings, directory / "logs")
        migrate = [sys.executable, "-m", "rxflow.cli", "migrate"]
        subprocess.run(migrate, env=_environment(installation), check=True, capture_output=True, timeout=120)
        supervisor = Supervisor(installation.separate_children(), lambda _occurrence: None)
        thread = threading.Thread(target=supervisor.run)
        thread.start()
        try:
            installation.wait_until_ready(seconds=READY_SECONDS)
            yield installation
        finally:
            supervisor.ask_to_stop()
            thread.join()


def rxflow(installation: Installation, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line, beside a running installation."""
    command = [sys.executable, "-m", "rxflow.cli", *arguments]
    return subprocess.run(
        command, env=_environment(installation), capture_output=True, text=True, timeout=60, check=False
    )


def as_json(path: Path, entries: object) -> Path:
    path.write_text(json.dumps(entries), encoding="utf-8")
    return path


def _environment(installation: Installation) -> dict[str, str]:
    merged: dict[str, str | None] = {**os.environ, **installation.environment, "COLUMNS": "200"}
    return {name: value for name, value in merged.items() if value is not None}


@contextmanager
def _own_databases() -> Iterator[str]:
    """A prefix of the test's own; the databases under it are dropped afterwards."""
    import psycopg  # noqa: PLC0415

    prefix = f"rxflow_test_{uuid4().hex[:12]}"
    try:
        yield urlunsplit(urlsplit(servers.DATABASE_URL)._replace(path=f"/{prefix}"))
    finally:
        with psycopg.connect(servers.DATABASE_URL, autocommit=True) as connection:
            names = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", (f"{prefix}%",))
            for (name,) in names.fetchall():
                connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        servers.drop_roles(prefix)
