"""What holds an incoming event back: its turn, a person its stream waits for, a store that came back from a backup."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa

from contracts.envelope import Envelope, public_hash
from services.seedwork import dead_letters, restoring
from services.seedwork.consumer import ATTEMPTS_MAX
from services.seedwork.feeds import FeedPage
from services.seedwork.messaging.errors import TryLaterError
from services.seedwork.store import reading
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import attempts, blocked, meta, parked
from tests.integration.consumer.world import Pair, StoreFeeds, new_case, pair

_PARKED = Prepared(lambda _i: sa.select(parked.c.public_seq).order_by(parked.c.public_seq))
_ATTEMPTS = Prepared(lambda _i: sa.select(attempts.c.message_id))
_BLOCKED = Prepared(lambda _i: sa.select(blocked.c.stream_id))
_COMPARED = Prepared(lambda _i: sa.delete(meta).where(meta.c.name == "restoring"))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    with pair(request.param, tmp_path) as sides:
        yield sides


def rewritten(envelope: Envelope, **changes: str) -> Envelope:
    """Told like this by its producer: the hash belongs to it."""
    told = replace(envelope, **changes)  # type: ignore[arg-type]
    return replace(told, hash=public_hash(told.prev_hash, told.stream, told.public_seq, told.type, told.body.encode()))


def altered(envelope: Envelope) -> Envelope:
    """On its way: the hash belongs to what it was."""
    return replace(envelope, body=envelope.body.replace("lapsed", "withdrawn"))


def unreadable(both: Pair, kind: str) -> tuple[Envelope, Envelope]:
    """The first two events of a case; this service cannot read the second."""
    case = new_case()
    both.close_case(case, times=2)
    first, second = both.told()
    if kind == "type":
        return first, rewritten(second, type="review.case_closed.v2")
    if kind == "body":
        return first, rewritten(second, body=orjson.dumps({"data": {}}).decode())
    fields = orjson.loads(second.body)
    return first, rewritten(second, body=orjson.dumps({**fields, "data": {"case_id": "none"}}).decode())


def parked_of(both: Pair) -> list[int]:
    return [row["public_seq"] for row in _PARKED.read(both.consumer_driver.database)]


def letters(both: Pair) -> list[dead_letters.DeadLetter]:
    return dead_letters.waiting(both.consumer_driver.database)


def attempts_counted(both: Pair) -> int:
    return len(_ATTEMPTS.read(both.consumer_driver.database))


def waiting_case(both: Pair, times: int) -> list[Envelope]:
    """The events of a case whose first one is a dead letter; its stream waits for a person."""
    case = new_case()
    both.close_case(case, times=times)
    told = both.told()
    both.trouble.failing.add((case, 1))
    until_set_aside(both, told[0])
    return told


def until_set_aside(both: Pair, envelope: Envelope) -> None:
    for _ in range(ATTEMPTS_MAX):
        with suppress(RuntimeError):
            both.consumer.handle([envelope])


@pytest.mark.parametrize("kind", ["type", "body", "data"])
def test_an_early_event_that_cannot_be_read_is_parked_and_not_counted_as_an_attempt(both: Pair, kind: str) -> None:
    first, second = unreadable(both, kind)

    # when: early, as often as it likes
    for _ in range(ATTEMPTS_MAX + 1):
        both.consumer.handle([second])

    # then: not judged
    assert (parked_of(both), attempts_counted(both), letters(both)) == ([2], 0, [])

    # when: its turn has come
    both.consumer.handle([first])
    for _ in range(ATTEMPTS_MAX):
        both.consumer.sweep()

    # then: now it is
    assert both.heard(first.stream) == (1,)
    assert [letter.envelope for letter in letters(both)] == [second]
    assert parked_of(both) == []


@pytest.mark.parametrize("kind", ["type", "body", "data"])
def test_an_event_that_cannot_be_read_of_a_stream_that_waits_is_parked(both: Pair, kind: str) -> None:
    first, second = unreadable(both, kind)
    both.trouble.failing.add((first.stream, 1))
    until_set_aside(both, first)

    for _ in range(ATTEMPTS_MAX + 1):
        both.consumer.handle([second])

    assert [letter.envelope for letter in letters(both)] == [first]
    assert parked_of(both) == [2]


def test_what_is_parked_of_a_stream_that_waits_stays_until_a_person_has_decided(both: Pair) -> None:
    # given: the first event is a dead letter; it comes once more, and two others behind it
    first, second, third = waiting_case(both, 3)
    calls = both.trouble.calls
    for envelope in (third, first, second, second):
        both.consumer.handle([envelope])

    # when
    for _ in range(2):
        both.consumer.drain(first.producer, first.stream)
        both.consumer.sweep()

    # then: all are kept, none was tried
    assert parked_of(both) == [1, 2, 3]
    assert both.trouble.calls == calls
    assert both.heard(first.stream) == ()

    # when: mended and replayed
    both.trouble.failing.clear()
    dead_letters.replay(both.consumer_driver.database, letters(both)[0].id, "a person")
    both.consumer.sweep()

    # then
    assert both.heard(first.stream) == (1, 2, 3)
    assert parked_of(both) == []


def test_of_one_batch_what_waits_is_parked_and_the_rest_has_its_effect(both: Pair) -> None:
    waiting = waiting_case(both, 3)
    other = new_case()
    both.close_case(other, times=2)
    others = both.told()

    both.consumer.handle([waiting[1], others[0], waiting[0], waiting[2], others[1], waiting[0]])

    assert parked_of(both) == [1, 2, 3]
    assert both.heard(other) == (1, 2)
    assert len(letters(both)) == 1


def test_a_fork_of_a_stream_that_waits_is_told_once_the_stream_goes_on(both: Pair) -> None:
    # given: the second event is a dead letter, and the first comes again with another content
    case = new_case()
    both.close_case(case, times=2)
    first, second = both.told()
    both.consumer.handle([first])
    both.trouble.failing.add((case, 2))
    until_set_aside(both, second)
    fork = rewritten(first, body=first.body.replace("lapsed", "withdrawn"))
    for _ in range(2):
        both.consumer.handle([fork])
    (letter,) = letters(both)
    assert letter.envelope == second

    # when
    both.trouble.failing.clear()
    dead_letters.replay(both.consumer_driver.database, letter.id, "a person")
    both.consumer.sweep()

    # then: what was replayed waits behind the fork
    assert [(each.reason, each.envelope) for each in letters(both)] == [("fork", fork)]
    assert both.heard(case) == (1,)
    assert parked_of(both) == [2]


def test_an_altered_event_is_kept_once_however_often_it_comes(both: Pair) -> None:
    # given: an altered event in one batch with one that fails, which brings all of them again
    case, failing, other = new_case(), new_case(), new_case()
    for each in (case, failing, other):
        both.close_case(each)
    told = both.told()
    both.trouble.failing.add((failing, 1))
    batch = [altered(told[0]), *told[1:]]

    # when: the batch, then one by one, then the altered one again, as after an acknowledgement that was lost
    for deliveries in (batch, batch[:1], batch[1:2], batch[2:], batch[:1], batch[:1]):
        with suppress(RuntimeError):
            both.consumer.handle(deliveries)

    # then
    assert both.heard(other) == (1,)
    assert [letter.envelope for letter in letters(both)] == batch[:1]


@pytest.mark.parametrize("company", [False, True])
def test_a_restored_store_sets_nothing_aside_before_it_was_compared(both: Pair, *, company: bool) -> None:
    case, other = new_case(), new_case()
    both.close_case(case)
    both.close_case(other)
    told = both.told()
    deliveries = [altered(told[0]), *(told[1:] if company else [])]
    database = both.consumer_driver.database
    restoring.declare_restored(database)

    # when: the broker's side tries the same batch again and again
    for _ in range(3):
        with pytest.raises(TryLaterError):
            both.consumer.handle(deliveries)

    # then
    assert letters(both) == []
    assert _BLOCKED.read(database) == []
    assert both.heard(other) == ()

    # when: compared
    database.write([_COMPARED.bind(database)])
    both.consumer.handle(deliveries)

    # then
    assert [letter.envelope for letter in letters(both)] == deliveries[:1]
    assert both.heard(other) == ((1,) if company else ())


@pytest.mark.parametrize("kind", ["type", "body", "data"])
def test_while_a_store_is_restored_nothing_is_counted_as_an_attempt(both: Pair, kind: str) -> None:
    first, second = unreadable(both, kind)
    both.consumer.handle([first])
    restoring.declare_restored(both.consumer_driver.database)

    with pytest.raises(TryLaterError):
        both.consumer.handle([second])

    assert attempts_counted(both) == 0


def test_the_low_water_mark_passes_what_waits_only_once_it_is_kept(both: Pair) -> None:
    # given: a stream that waits, of which nothing else came by the broker, while the store is not compared yet
    first, *_ = waiting_case(both, 3)
    database = both.consumer_driver.database
    restoring.declare_restored(database)
    with pytest.raises(TryLaterError):
        both.catch_up.step()
    assert reading.cursor_of(database, "feed:review:case") == 0

    # when
    database.write([_COMPARED.bind(database)])
    both.catch_up.step()

    # then
    assert reading.cursor_of(database, "feed:review:case") == 3
    assert parked_of(both) == [1, 2, 3]
    both.trouble.failing.clear()
    dead_letters.replay(database, letters(both)[0].id, "a person")
    both.consumer.sweep()
    assert both.heard(first.stream) == (1, 2, 3)


def test_a_body_that_cannot_be_read_does_not_stop_the_catch_up(both: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    # given: a feed that brings an unreadable event, long after the start
    both.catch_up.step()
    first, broken = unreadable(both, "body")
    both.consumer.handle([first])
    page = FeedPage([broken], broken.log_index)
    monkeypatch.setattr(StoreFeeds, "family", lambda _feeds, family, _after: [page] if family.name == "case" else [])

    # when
    for _ in range(ATTEMPTS_MAX):
        with suppress(ValueError):
            both.catch_up.step()

    # then: it is set aside like one that the broker brings
    assert [letter.envelope for letter in letters(both)] == [broken]
