"""Turns: greenlets give way only where they wait, so a long loop lets the others of its process run in between."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

TURN_SECONDS = 0.003


def in_turns(items: Iterable[T]) -> Iterator[T]:
    """The items; after every few milliseconds of work on them whoever waits for the process has a turn."""
    since = time.monotonic()
    for item in items:
        yield item
        if time.monotonic() - since > TURN_SECONDS:
            time.sleep(0)
            since = time.monotonic()
