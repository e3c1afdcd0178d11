"""Waiting in tests: for a condition, with a deadline; never for a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.02
PATIENCE = 4
"""Machines are shared, and what is waited for here has no deadline of its own: one that does is measured, not waited
for."""


def eventually(condition: Callable[[], T], *, within: float = 10.0, describe: str = "") -> T:
    """The condition's first true value; fails when there was none in time."""
    within *= PATIENCE
    end = time.monotonic() + within
    pause = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {within:.0f} s: {describe or condition}")
        pause.wait(POLL_SECONDS)
