"""Statements have shapes (no, a few or many rows of a kind, one gate or several): each must say the same."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from services.seedwork.store import reading
from services.seedwork.store.batch import Batch, EventRow, InboxGate, PublicRow, TimerRow, Wanted
from services.seedwork.store.errors import Conflict
from services.seedwork.store.postgres_rows import FEW
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.sealer import seal
from services.seedwork.store.tables import blocked, meta
from tests.support.store import events_of, opened, public_of

HASH = b"h" * 32
NUMBERS = (0, 1, FEW, FEW + 1)
_BLOCK = Prepared(lambda insert: insert(blocked))
_RESTORED = Prepared(lambda insert: insert(meta).values(name="restoring", value=2))


def event(stream: UUID, version: int = 1) -> EventRow:
    return EventRow(stream, version, "t", b"{}", HASH, 1)


def said(stream: UUID, seq: int, version: int = 1) -> PublicRow:
    return PublicRow(stream, seq, version, "t", b"{}", HASH, HASH)


@pytest.mark.parametrize("gated", [0, 1, 2, FEW + 1])
@pytest.mark.parametrize("rows", NUMBERS)
def test_a_save_and_a_load_of_any_shape_lose_no_row(database: Any, rows: int, gated: int) -> None:
    # given: so many streams with an event, two public ones and a deadline that is over; so many gates
    streams, upstreams = [uuid4() for _ in range(rows)], [uuid4() for _ in range(gated)]
    known = dict.fromkeys((uuid4() for _ in range(rows)), 0)
    batch = Batch(
        events=[event(stream) for stream in streams],
        public=[said(stream, seq) for stream in streams for seq in (1, 2)],
        timers=[TimerRow(stream, "box/close", None) for stream in streams],
        gates=[InboxGate("upstream", each, 0, 1, HASH, 1) for each in upstreams],
        asserted=known,
    )

    # when
    database.save(batch)
    asked = [("upstream", each) for each in upstreams]
    found = database.load(Wanted(streams=dict.fromkeys(streams, 0), inbox=asked))

    # then
    assert {stream: list(rows) for stream, rows in found.events.items()} == {each: [event(each)] for each in streams}
    assert {place: (seq, bytes(digest)) for place, (seq, digest) in found.inbox.items()} == dict.fromkeys(
        asked, (1, HASH)
    )
    assert all(len(public_of(database, stream)) == 2 for stream in streams)

    # when: one gate, or one stream that was only read, is not where it was
    again = Batch(events=[event(uuid4())], gates=batch.gates)
    moved = Batch(events=[event(uuid4())], asserted={**known, **dict.fromkeys(streams, 0)})

    # then
    for late in [again] * bool(gated) + [moved] * bool(rows):
        with pytest.raises(Conflict):
            database.save(late)
        assert events_of(database, late.events[0].stream_id) == []


@pytest.mark.parametrize("asked", [1, 2, FEW + 1])
def test_a_load_tells_of_each_stream_asked_for_whether_it_waits(own_url: str, asked: int) -> None:
    with opened(own_url, 2) as database:
        places = [("upstream", uuid4()) for _ in range(asked)]
        waits = set(places[::2])
        for upstream, stream in (*waits, ("another", places[1 % asked][1]), ("upstream", uuid4())):
            row = {"upstream": upstream, "stream_id": stream, "reason": "test", "blocked_at": 1}
            database.write([_BLOCK.bind(database, **row)])

        found = database.load(Wanted(inbox=places))
        assert (set(found.waiting), found.restoring) == (waits, False)

        database.write([_RESTORED.bind(database)])
        assert database.load(Wanted(inbox=places)).restoring
        assert not database.load(Wanted()).restoring, "who hears nothing is not held back by it"


@pytest.mark.parametrize("batch", [1, 2, 3, 5, 6])
def test_a_piece_of_any_size_ends_between_entries_and_holds_all_that_each_told(own_url: str, batch: int) -> None:
    # given: what told three, what is set aside, what told nothing, and at the end what is set aside again
    loud, aside, quiet = uuid4(), uuid4(), uuid4()
    with opened(own_url, 2) as database:
        for stream, version, numbers in (
            (loud, 1, (1, 2, 3)),
            (aside, 1, (1, 2)),
            (quiet, 1, ()),
            (loud, 2, (4,)),
            (aside, 2, (3,)),
        ):
            told = [said(stream, seq, version) for seq in numbers]
            database.save(Batch(events=[event(stream, version)], public=told))
            seal(database)
        row = {"upstream": "boxes", "stream_id": aside, "reason": "test", "blocked_at": 1}
        database.write([_BLOCK.bind(database, **row)])
        assert reading.next_events(database, "reader", batch) is None
        reading.cursor_of(database, "reader")

        # when
        relayed, projected = [], []
        while True:
            piece, envelopes = reading.next_envelopes(database, "boxes", {"t": "box"}, batch)
            relayed += [(each.log_index, each.stream, each.public_seq) for each in envelopes]
            following = reading.next_events(database, "reader", batch)
            assert following is not None
            projected += [(index, row.stream_id) for index, row in following[1]]
            assert following[0] == piece, "both readers have come as far"
            if piece.empty:
                break
            for name in (reading.RELAY, "reader"):
                database.write([reading.advance(database, name, piece)])

        # then
        assert relayed == [(1, loud, 1), (1, loud, 2), (1, loud, 3), (4, loud, 4)]
        assert projected == list(enumerate([loud, aside, quiet, loud, aside], start=1))
        assert piece.after == 5
