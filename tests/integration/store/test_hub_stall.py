"""Another process holds the write lock of an embedded store: the worker's other greenlets go on."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.process import ROOT
from tests.support.store import events_of, new_store, opened

HELD_SECONDS = 1.0


@pytest.fixture
def store_url(tmp_path: Path) -> Iterator[str]:
    with new_store("sqlite", tmp_path) as url:
        yield url


def stood_still(url: str, mode: str) -> float:
    """How long the hub of a green process stood still while we held the lock and it saved."""
    box = uuid4()
    command = [sys.executable, "-m", "tests.integration.store.hub_process", url, str(box), mode]
    with opened(url) as database:
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout
                assert process.stdout.readline() == "ready\n"
                with database.transaction():
                    process.stdin.write("go\n")  # type: ignore[union-attr]
                    process.stdin.flush()  # type: ignore[union-attr]
                    threading.Event().wait(HELD_SECONDS)
                said = process.stdout.readline()
                assert process.wait(20) == 0
            finally:
                process.kill()
        assert len(events_of(database, box)) == 1
    return float(said.removeprefix("stood still "))


def test_a_save_outside_the_thread_pool_stops_the_whole_worker(store_url: str) -> None:
    assert stood_still(store_url, "direct") > HELD_SECONDS / 2


def test_a_save_in_the_thread_pool_stops_nobody(store_url: str) -> None:
    assert stood_still(store_url, "tpool") < HELD_SECONDS / 2
