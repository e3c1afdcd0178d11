"""Turns: greenlets give way only where they wait, so a long loop lets the others of its process run in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

TURN_SECONDS = 0.0015
"""Short, because a greenlet waits for the turns of all others that are busy."""
_give_way: list[Callable[[], None]] = []
_last = 0.0
"""When somebody last gave way: loops that follow one another share one turn."""


def give_way_by(yielding: Callable[[], None]) -> None:
    """How others get their turn in this process; where threads are native nobody has to ask."""
    _give_way[:] = [yielding]


def in_turns(items: Iterable[T]) -> Iterator[T]:
    """The items; in a green process whoever waits for it has a turn after every few milliseconds of work on them."""
    if not _give_way:
        yield from items
        return
    global _last  # noqa: PLW0603 - one hub per process
    for item in items:
        yield item
        if time.monotonic() - _last > TURN_SECONDS:
            _give_way[0]()
            _last = time.monotonic()
