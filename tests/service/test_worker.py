"""One service's worker as a process of its own, beside its api: it leads the store, and ends when it is asked to."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from rxflow.client import wait_until
from rxflow.world import registration_of
from tests.support.servers import free_port
from tests.support.town import Town, copy_of

STOP_SECONDS = 25


@contextmanager
def worker(directory: Path, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m services.<name> worker` on the files of a town."""
    settings = {
        "RXFLOW_DEVELOPMENT": "1",
        "RXFLOW_DATABASE_URL": f"sqlite:///{directory}",
        "RXFLOW_KEY_DIRECTORY": str(directory / "keys"),
        "RXFLOW_PORTS": f'{{"review": {free_port()}}}',  # nobody there: the peers are away
    }
    command = [sys.executable, "-m", f"services.{name}", "worker"]
    process = subprocess.Popen(
        command, env={**os.environ, **settings}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=STOP_SECONDS)


@pytest.fixture
def lonely(founded: Path, tmp_path: Path) -> Iterator[Town]:
    """A town in which nobody does what a worker does."""
    with copy_of(founded, tmp_path) as town:
        town.follows = False
        yield town


def test_a_worker_seals_relays_and_projects_while_its_peers_are_away(lonely: Town, tmp_path: Path) -> None:
    office = lonely.offices["prescribe"]
    with worker(tmp_path, "prescribe") as process:
        for patient in lonely.world.patients[:3]:
            lonely.cast.administrator().register_patient(registration_of(patient))

        wait_until(lambda: office.count("fresh") == 0, "everything to be sealed")
        wait_until(lambda: office.count("log") == office.count("events"), "a log without gaps")
        wait_until(lambda: _behind(lonely) == 0, "relay and projections at the tail")
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0


def test_a_worker_that_is_killed_leaves_a_store_the_next_one_leads(lonely: Town, tmp_path: Path) -> None:
    office = lonely.offices["prescribe"]
    with worker(tmp_path, "prescribe"):
        lonely.cast.administrator().register_patient(registration_of(lonely.world.patients[0]))
        wait_until(lambda: office.count("fresh") == 0, "the first worker to lead")
    lonely.cast.administrator().register_patient(registration_of(lonely.world.patients[1]))
    assert office.count("fresh") == 1

    with worker(tmp_path, "prescribe"):
        wait_until(lambda: office.count("fresh") == 0, "the second worker to lead")
        numbers = [row[0] for row in office.query("SELECT log_index FROM log ORDER BY log_index")]
        assert numbers == list(range(1, len(numbers) + 1))


def test_a_worker_destroys_the_keys_of_a_patient_who_is_forgotten(lonely: Town, tmp_path: Path) -> None:
    administrator = lonely.cast.administrator()
    patient_ref = administrator.register_patient(registration_of(lonely.world.patients[0]))
    lonely.offices["prescribe"].work()  # the lists know of nothing that must be kept
    administrator.forget_patient(patient_ref)
    keyring = lonely.settings.keyring_database_url.removeprefix("sqlite:///")

    def keys() -> int:
        with closing(sqlite3.connect(keyring)) as connection:
            return int(connection.execute("SELECT count(wrapped_dek) FROM key").fetchone()[0])

    assert keys() == 3
    lonely.move_clock(timedelta(hours=25))
    with worker(tmp_path, "prescribe"):
        wait_until(lambda: keys() == 0, "the keys to be destroyed")


def _behind(town: Town) -> int:
    """How many events the slowest reader of the log has not read."""
    office = town.offices["prescribe"]
    (slowest,) = office.query("SELECT min(log_index) FROM cursor WHERE name = 'relay' OR name LIKE 'projection:%'")[0]
    return office.count("log") - int(slowest)
