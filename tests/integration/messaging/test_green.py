"""A worker process is green, or does not start."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support.process import ROOT


def python(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_process_that_is_made_green_first_passes_the_self_test_without_a_warning() -> None:
    done = python("from services.seedwork import green; green.self_test(); print(green.is_green())")
    assert done.stdout == "True\n", done.stderr
    assert not done.stderr


def test_a_process_that_imported_its_libraries_too_early_is_refused() -> None:
    done = python("import kombu; from services.seedwork import green; green.self_test()")
    assert done.returncode == 1
    assert "imported before services.seedwork.green: kombu" in done.stderr


def test_a_process_whose_database_driver_waits_in_c_is_refused() -> None:
    code = (
        "from services.seedwork import green\n"
        "import psycopg.waiting as waiting\n"
        "waiting.wait = waiting.wait_c\n"
        "green.self_test()"
    )
    done = python(code)
    assert done.returncode == 1
    assert "not by wait_selector" in done.stderr


def test_a_process_in_which_waiting_stops_the_other_greenlets_is_refused() -> None:
    code = (
        "from services.seedwork import green\n"
        "import psycopg.waiting as waiting\n"
        "waiting.wait = waiting.wait_selector = waiting.wait_c\n"
        "green.self_test()"
    )
    done = python(code)
    assert done.returncode == 1
    assert "stops the other greenlets" in done.stderr
