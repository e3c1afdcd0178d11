"""Waiting for what travels by event: on a condition, with a deadline, never for a fixed time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from rxflow.client.failures import TimedOut

T = TypeVar("T")

DEADLINE_SECONDS = 20.0
PAUSE_SECONDS = 0.02
PAUSE_SECONDS_MAX = 0.25


def wait_until(
    condition: Callable[[], T | None],
    what: str,
    *,
    seconds: float = DEADLINE_SECONDS,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """The first truthy value of `condition`. Raises TimedOut, naming what was waited for and what there was instead."""
    deadline = clock() + seconds
    pause = PAUSE_SECONDS
    while True:
        found = condition()
        if found:
            return found
        if clock() >= deadline:
            raise TimedOut(f"{what}: not within {seconds:g} s (last: {found!r})")
        sleep(pause)
        pause = min(pause * 1.5, PAUSE_SECONDS_MAX)
