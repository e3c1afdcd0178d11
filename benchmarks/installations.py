"""An installation of some services on the real servers: its databases, virtual host and processes, all its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from rxflow.client import Addresses, Connection
from rxflow.play.cast import Cast
from rxflow.world import build_world
from services.seedwork.identity import development_issuer
from services.seedwork.settings import KEYRING, Settings
from services.seedwork.store.migrating import migrate, store
from tests.support import servers

STARTED_SECONDS = 30.0
STOPPED_SECONDS = 8.0


@dataclass(frozen=True)
class Installation:
    """Settings of an installation whose stores are at head."""

    settings: Settings

    @property
    def environment(self) -> dict[str, str]:
        settings = self.settings
        mine = {
            "RXFLOW_DATABASE_URL": settings.database_url,
            "RXFLOW_BROKER_URL": settings.broker_url,
            "RXFLOW_KEY_DIRECTORY": str(settings.key_directory),
            "RXFLOW_DEVELOPMENT": "1",
            "RXFLOW_LOG_LEVEL": "warning",
        }
        return {**{name: value for name, value in os.environ.items() if not name.startswith("RXFLOW_")}, **mine}

    @contextmanager
    def cast(self, ports: dict[str, int]) -> Iterator[Cast]:
        """The people of the demo world as users of these processes."""
        world = build_world(as_of=date.today())  # noqa: DTZ011 - the world's registers hold from today on
        with Connection(Addresses.local(ports)) as connection:
            yield Cast(world, connection, development_issuer(self.settings).issue_token)


@contextmanager
def installation(services: Sequence[str], broker_url: str = "inproc://localhost//") -> Iterator[Installation]:
    """Databases of these services and the keyring, migrated; dropped afterwards."""
    prefix = f"rxflow_bench_{uuid.uuid4().hex[:8]}"
    url = urlunsplit(urlsplit(servers.DATABASE_URL)._replace(path=f"/{prefix}"))
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(
            database_url=url,
            broker_url=broker_url,
            development=True,
            key_directory=Path(directory),
            log_level="warning",
        )
        names = (*services, KEYRING)
        try:
            for name in names:
                migrate(store(name, settings))
            yield Installation(settings)
        finally:
            with psycopg.connect(servers.DATABASE_URL, autocommit=True) as connection:
                for name in names:
                    database = sql.Identifier(f"{prefix}_{name}")
                    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(database))
            servers.drop_roles(prefix)


@contextmanager
def process(arguments: Sequence[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process of ours, ended afterwards; what it has to say goes where ours goes."""
    with subprocess.Popen([sys.executable, *arguments], env=environment, stdout=sys.stderr) as child:
        try:
            yield child
        finally:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(STOPPED_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()


@dataclass(frozen=True)
class Served:
    """An api process that answers: where, who it is, and how the names of its databases begin."""

    port: int
    pid: int
    databases: str

    def cpu_seconds(self) -> float:
        """What the process and its connections' backends have used so far. Reads /proc, so on Linux only."""
        with psycopg.connect(servers.DATABASE_URL) as connection:
            backends = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE starts_with(datname, %s)", [self.databases]
            ).fetchall()
        return sum(_cpu_seconds(pid) for pid in (self.pid, *(pid for (pid,) in backends)))


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:  # a backend that has gone since
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def api(each: Installation, service: str, module: str | None = None) -> Iterator[Served]:
    """The api process of one service as it is in production, or as another module starts it, once it answers."""
    port = servers.free_port()
    environment = {**each.environment, "RXFLOW_PORTS": f'{{"{service}": {port}}}'}
    with process(["-m", module or f"services.{service}", "api"], environment) as child:
        until_it_answers(f"http://127.0.0.1:{port}/health/live")
        yield Served(port, child.pid, urlsplit(each.settings.database_url).path.lstrip("/"))


@contextmanager
def workers(each: Installation, *services: str) -> Iterator[None]:
    """A worker process for each of these services."""
    with ExitStack() as running:
        for service in services:
            running.enter_context(process(["-m", f"services.{service}", "worker"], each.environment))
        yield


def until_it_answers(url: str) -> None:
    """Waits until something answers there, whatever it says."""
    end = time.monotonic() + STARTED_SECONDS
    while True:
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
