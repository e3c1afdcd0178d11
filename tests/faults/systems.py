"""Installations to mistreat: all processes are supervised as `rxflow up` does it, and can be killed by name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import amqp
import httpx

from rxflow.installation import Installation
from rxflow.running import migrate_all
from rxflow.supervisor import Child, Occurrence, Supervisor
from services.seedwork.messaging import topology
from services.seedwork.settings import Settings
from tests.integration.messaging.conftest import connect
from tests.support.private_servers import PrivatePostgres, PrivateRabbit, private_postgres, private_rabbit
from tests.support.process import Program, program
from tests.support.waiting import eventually

READY_SECONDS = 180.0
"""Ten processes that start together on a machine that has other things to do."""
DATABASES = "rxflow"
CORE = ("prescribe", "review", "dispatch")
"""Those a prescription passes until it can be fetched; on real servers fewer processes start sooner."""


@dataclass
class System:
    """An installation whose processes a supervisor keeps running; `postgres` and `rabbit` where it has its own."""

    installation: Installation
    supervisor: Supervisor
    occurrences: list[Occurrence]
    postgres: PrivatePostgres | None = None
    rabbit: PrivateRabbit | None = None

    @property
    def settings(self) -> Settings:
        return Settings(**self.installation.settings)

    def kill(self, name: str) -> int:
        """As a crash does. The process that died; the supervisor starts another."""
        pid = eventually(lambda: self.supervisor.pids().get(name), within=150, describe=f"{name} to run")
        os.kill(pid, signal.SIGKILL)
        return pid

    def replaced(self, name: str, pid: int) -> bool:
        return self.supervisor.pids().get(name, pid) != pid

    def ready(self, *services: str) -> bool:
        """Whether these services (all, unless named) say so."""
        return all(
            not checks_that_fail(self.installation, each) for each in services or self.installation.addresses.urls
        )

    def wait_until_ready(self, *services: str) -> None:
        eventually(lambda: self.ready(*services), within=READY_SECONDS, describe=f"{services or 'all'} to be ready")

    def heard(self, name: str) -> list[str]:
        """What the supervisor reported of a process."""
        return [each.what for each in self.occurrences if each.child == name]


def checks_that_fail(installation: Installation, service: str) -> dict[str, str]:
    """What a service says is wrong with it, by check; `process` where it does not answer at all."""
    try:
        response = httpx.get(f"{installation.addresses.of(service)}/health/ready", timeout=5, trust_env=False)
    except httpx.TransportError as error:
        return {"process": repr(error)}
    return {check["name"]: check["detail"] for check in response.json()["checks"] if not check["ok"]}


def rxflow(installation: Installation, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line, beside a running installation."""
    command = [sys.executable, "-m", "rxflow.cli", *arguments]
    environment = {**os.environ, **environment_of(installation), "COLUMNS": "200"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def environment_of(installation: Installation) -> dict[str, str]:
    return {name: value for name, value in installation.environment.items() if value is not None}


def process_of(installation: Installation, service: str, kind: str, directory: Path) -> AbstractContextManager[Program]:
    """One process of one service, started by nobody but the test."""
    return program(f"services.{service}", kind, directory=directory, env=environment_of(installation))


@contextmanager
def supervised(installation: Installation, children: Sequence[Child], **servers: Any) -> Iterator[System]:
    """The installation, migrated and started; not yet ready."""
    for _ in migrate_all(Settings(**installation.settings)):
        pass
    occurrences: list[Occurrence] = []
    supervisor = Supervisor(children, occurrences.append)
    thread = threading.Thread(target=supervisor.run, name="supervisor")
    thread.start()
    try:
        yield System(installation, supervisor, occurrences, **servers)
    finally:
        supervisor.ask_to_stop()
        thread.join()


@contextmanager
def embedded_system(directory: Path) -> Iterator[System]:
    """SQLite, the broker in the memory of the worker process: two processes, as `rxflow up` runs them."""
    installation = Installation.in_directory(directory)
    with supervised(installation, installation.embedded_children()) as system:
        system.wait_until_ready()
        yield system


@dataclass(frozen=True)
class Servers:
    """A database cluster and a broker of a test's own."""

    postgres: PrivatePostgres
    rabbit: PrivateRabbit
    prefixes: list[str] = field(default_factory=list)

    def prepare(self) -> None:
        """Both run, and the broker has every queue, each empty.

        RabbitMQ writes down some seconds late that a queue exists; killed before, it comes back with queues that can
        neither be consumed nor deleted. So they are declared once and kept, and the node is restarted in order then.
        """
        if not self.postgres.running():
            self.postgres.start()
        if not self.rabbit.running():
            self.rabbit.start()
        if not self._all_queues_emptied():
            with connect(self.rabbit.url) as connection:
                topology.declare_everything(connection.channel())
            self.rabbit.stop()
            self.rabbit.start()

    def _all_queues_emptied(self) -> bool:
        with connect(self.rabbit.url) as connection:
            for queue in [*topology.consumer_queues(), *topology.NET_QUEUES]:
                try:
                    connection.channel().queue_purge(queue.name)
                except amqp.NotFound:
                    return False
        return True

    def installation(self, directory: Path) -> Installation:
        """An installation on them, with databases of its own."""
        self.prefixes.append(f"{DATABASES}{len(self.prefixes)}")
        embedded = Installation.in_directory(directory)
        url = self.postgres.url.rpartition("/")[0]
        settings = {"database_url": f"{url}/{self.prefixes[-1]}", "broker_url": self.rabbit.url, "pool_size": 2}
        return Installation({**embedded.settings, **settings}, embedded.logs)


@contextmanager
def private_servers() -> Iterator[Servers]:
    with private_postgres() as postgres, private_rabbit() as rabbit:
        yield Servers(postgres, rabbit)


@contextmanager
def real_system(directory: Path, servers: Servers, standbys: Sequence[str] = ()) -> Iterator[System]:
    """Private PostgreSQL and RabbitMQ, an api and a worker per service and a second worker for the `standbys`."""
    installation = servers.installation(directory)
    children = with_standbys(installation.separate_children(), standbys)
    with supervised(installation, children, postgres=servers.postgres, rabbit=servers.rabbit) as system:
        system.wait_until_ready()
        yield system


def with_standbys(children: Sequence[Child], services: Sequence[str]) -> list[Child]:
    """Every process known to the database by its name, and a second worker for some services."""
    named = [
        *children,
        *(
            replace(child, name=f"{child.name}-b")
            for child in children
            if child.name.removesuffix("-worker") in services
        ),
    ]
    return [
        replace(child, environment={**child.environment, "PGAPPNAME": child.name}, log=_log(child)) for child in named
    ]


def leader_of(system: System, service: str) -> str | None:
    """The worker that leads a service's store: who holds the advisory lock, or the only worker there is."""
    if system.postgres is None:
        return "worker"
    import psycopg  # noqa: PLC0415

    held = "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory'"
    with psycopg.connect(system.settings.service_database_url(service), connect_timeout=5) as connection:
        names = [
            name for (name,) in connection.execute(f"{held} AND granted AND datname = current_database()").fetchall()
        ]
    return names[0] if names else None


def only(children: Sequence[Child], wanted: Callable[[str], bool]) -> list[Child]:
    return [child for child in children if wanted(child.name)]


def _log(child: Child) -> Path | None:
    return child.log.with_name(f"{child.name}.log") if child.log else None
