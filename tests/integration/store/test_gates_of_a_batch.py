"""Many gates in one save: batches that overlap, producers that were restored, streams that wait for a person."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.seedwork.store.batch import Batch, EventRow, InboxGate, Wanted
from services.seedwork.store.errors import Conflict
from services.seedwork.store.incoming import IncomingTables, heard_of_epoch
from tests.support.envelopes import envelope
from tests.support.store import opened

GENESIS = bytes(32)


def gates(*streams: UUID, upstream: str = "dispatch") -> list[InboxGate]:
    return [InboxGate(upstream, stream, 0, 1, GENESIS, 1) for stream in streams]


def event(stream: UUID) -> EventRow:
    return EventRow(stream, 1, "effect", b"{}", GENESIS, 1)


def opened_of(database: Any, *streams: UUID) -> set[UUID]:
    found = database.load(Wanted(inbox=[("dispatch", stream) for stream in streams]))
    return {stream for _, stream in found.inbox}


def test_of_batches_that_overlap_one_has_its_effect_and_the_other_none(database: Any) -> None:
    a, b, c = uuid4(), uuid4(), uuid4()
    first, second = uuid4(), uuid4()
    database.save(Batch(events=[event(first)], gates=gates(a, b)))

    with pytest.raises(Conflict):
        database.save(Batch(events=[event(second)], gates=gates(b, c)))

    assert opened_of(database, a, b, c) == {a, b}
    assert set(database.load(Wanted({first: 0, second: 0})).events) == {first}


def test_batches_that_overlap_at_the_same_moment_open_each_gate_once(database: Any) -> None:
    """Each in another order; whoever loses leaves nothing behind."""
    streams = [uuid4() for _ in range(60)]
    effects, won = [uuid4() for _ in range(4)], []
    start = threading.Barrier(len(effects))

    def take(number: int) -> None:
        mine = streams[number * 10 : number * 10 + 30]
        start.wait(20)
        try:
            database.save(Batch(events=[event(effects[number])], gates=gates(*reversed(mine) if number % 2 else mine)))
            won.append(number)
        except Conflict:
            pass

    threads = [threading.Thread(target=take, args=(number,)) for number in range(len(effects))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    taken = {stream for number in won for stream in streams[number * 10 : number * 10 + 30]}
    assert won
    assert opened_of(database, *streams) == taken
    assert len(taken) == 30 * len(won)
    assert set(database.load(Wanted(dict.fromkeys(effects, 0))).events) == {effects[number] for number in won}


@pytest.mark.parametrize("late", [0, 1, 19])
def test_one_event_of_an_older_epoch_holds_back_the_whole_batch(own_url: str, late: int) -> None:
    with opened(own_url) as database:
        database.write(heard_of_epoch(database, "dispatch", 2))
        asked = [replace(gate, store_epoch=2) for gate in gates(*(uuid4() for _ in range(20)))]
        others = gates(*(uuid4() for _ in range(20)), upstream="insurance")
        wrong = [replace(gate, store_epoch=1) if number == late else gate for number, gate in enumerate(asked)]

        with pytest.raises(Conflict):
            database.save(Batch(gates=[*others, *wrong]))

        assert opened_of(database, *(gate.stream_id for gate in asked)) == set()
        database.save(Batch(gates=[*others, *asked]))


def test_only_what_waits_for_a_person_is_held_back(own_url: str) -> None:
    with opened(own_url) as database:
        told = [envelope(number) for number in range(20)]
        asked = Wanted(inbox=[(each.producer, each.stream) for each in told])
        assert database.load(asked).waiting == set()

        IncomingTables("shortage", database).set_aside(told[7], "no")

        assert database.load(asked).waiting == {(told[7].producer, told[7].stream)}
