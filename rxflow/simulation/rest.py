"""When a world is at rest: nothing is on its way, in no queue, no log, no projection and no deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import datetime

from rxflow.simulation import effects
from rxflow.simulation.books import Books
from rxflow.simulation.installation import Installation
from services.seedwork.clock import from_micros
from services.seedwork.store import reading
from services.seedwork.store.batch import Wanted

LOOK_SECONDS = 1.0
_PARKED = "SELECT stream_id FROM parked"
_DUE = "SELECT kind FROM timer WHERE due_at <= :now"
LOOKS = 2
"""So often in a row nothing may be under way."""


async def at_rest(installation: Installation, books: Mapping[str, Books], seconds_max: float) -> list[str]:
    """Waits for it; what is still under way after so much time, if anything."""
    clock = asyncio.get_running_loop().time
    until = clock() + seconds_max
    quiet = 0
    while quiet < LOOKS:
        left = list(_under_way(installation, books))
        quiet = 0 if left else quiet + 1
        if left and clock() > until:
            return left
        await asyncio.sleep(LOOK_SECONDS)
    return []


def _under_way(installation: Installation, books: Mapping[str, Books]) -> Iterator[str]:
    if not installation.all_live():
        yield "a process is being started again"
    if not installation.broker.empty:
        yield "messages are on their way"
    yield from effects.arrived(books)
    for_a_person = effects.set_aside(books)
    for name, book in books.items():
        tail = reading.tail(book.database)
        now = book.database.load(Wanted()).now
        behind = [
            f"{reader} at {reached} of {tail}"
            for reader, reached in book.query("SELECT name, log_index FROM cursor")
            if reached != tail and (reader == reading.RELAY or reader.startswith("projection:"))
        ]
        waiting = {
            "unsealed": book.count("fresh"),
            "parked": sum(stream not in for_a_person for (stream,) in book.query(_PARKED)),
            "due": len(book.query(_DUE, now=now)),
        }
        for what, how_many in waiting.items():
            if how_many:
                yield f"{name}: {how_many} {what}"
        for each in behind:
            yield f"{name}: {each}"
        yield from overdue(book, from_micros(now))


def overdue(book: Books, now: datetime) -> Iterator[str]:
    """What the clock decides has been decided: no deadline that an aggregate names is past."""
    for stream in book.streams.values():  # not by the timers alone: one that fails is postponed, and looks not due
        for kind, moment in stream.aggregate.next_due(stream.state).items():
            if moment <= now:
                yield f"{book.name}: {kind} of {stream.aggregate.name} {stream.stream_id} was due at {moment}"
