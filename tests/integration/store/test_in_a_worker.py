"""The executor's suite once more, inside an eventlet process, where it runs as a worker runs it."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.support.process import ROOT

SUITES = ("tests/integration/store/test_executor.py", "tests/integration/store/test_conflict_storm.py")


def test_the_suites_hold_in_a_worker() -> None:
    """On both databases; where there is no PostgreSQL, on SQLite."""
    command = [sys.executable, "-m", "tests.support.green_pytest", *SUITES]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=250, check=False)

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed
    assert int(passed[1]) >= 40
