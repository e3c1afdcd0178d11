"""A store that came back from a backup: the consumer heals by itself, the producer is compared first."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from services.seedwork import dead_letters, feeds, restoring
from services.seedwork.consumer import Consumer
from services.seedwork.families import families_of
from services.seedwork.feeds import CatchUp
from services.seedwork.messaging.errors import TryLaterError
from services.seedwork.store import reading
from services.seedwork.store.batch import Batch, InboxGate, Wanted
from services.seedwork.store.errors import Conflict
from services.seedwork.store.incoming import heard_of_epoch
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import blocked, inbox
from tests.integration.consumer.world import Pair, StoreFeeds, new_case, pair
from tests.support.store import core_of, driving

_BLOCK = Prepared(lambda insert: insert(blocked))
_INBOX = Prepared(lambda _i: sa.select(inbox.c.stream_id, inbox.c.public_seq, inbox.c.hash))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    with pair(request.param, tmp_path) as sides:
        yield sides


def handled_of(both: Pair) -> Any:
    def handled(consumer: str, epoch: int) -> Iterator[Mapping[str, Any]]:
        if consumer == "prescribe":
            database = both.consumer_driver.database
            database.write(heard_of_epoch(database, "review", epoch))
            for row in _INBOX.read(database):
                yield {**row, "hash": bytes(row["hash"]).hex()}

    return handled


def test_a_restored_consumer_gets_again_what_it_forgot(tmp_path: Path) -> None:
    with pair("sqlite", tmp_path) as both:
        # given: a backup of the consumer after the first event; then it has handled two more
        case = new_case()
        both.close_case(case, times=3)
        told = both.told()
        both.consumer.handle(told[:1])
        backup = tmp_path / "backup.sqlite"
        with closing(sqlite3.connect(both.consumer_driver.database.path)) as store:  # type: ignore[attr-defined]
            store.execute("VACUUM INTO ?", (str(backup),))
        both.consumer.handle(told[1:])

        # when: it comes back from the backup and starts
        with driving(f"sqlite:///{backup}") as driver:
            restored = replace(both, consumer_driver=driver)
            consumer = Consumer(core_of("sqlite:///", both.service), driver)
            assert restored.heard(case) == (1,)
            CatchUp("prescribe", consumer, driver.database, StoreFeeds(both.producer)).step()  # type: ignore[arg-type]

            # then
            assert restored.heard(case) == (1, 2, 3)


def test_a_restored_producer_sets_aside_the_streams_its_consumers_are_ahead_of(both: Pair, tmp_path: Path) -> None:
    # given: the consumer has handled two events of a case and one of another
    case, other = new_case(), new_case()
    both.close_case(case, times=2)
    both.close_case(other)
    for envelope in both.told():
        both.consumer.handle([envelope])

    # and: the producer comes back from a backup in which the case had happened once only
    kind = "postgresql" if both.producer.database.is_postgresql else "sqlite"
    with pair(kind, tmp_path) as restored:
        for envelope_case in (case, other):
            restored.close_case(envelope_case)
        epoch = restoring.declare_restored(restored.producer.database)

        # when
        ahead = restoring.check(restored.producer.database, "review", handled_of(both))

        # then: other content or a greater number is found (times differ, so the first events differ too)
        assert epoch == 2
        assert {(each.consumer, each.stream_id) for each in ahead} == {("prescribe", case), ("prescribe", other)}
        restored.close_case(case)
        assert restored.told() == []


def test_an_unharmed_restored_producer_goes_on_with_a_new_epoch(both: Pair) -> None:
    case = new_case()
    both.close_case(case)
    for envelope in both.told():
        both.consumer.handle([envelope])

    restoring.declare_restored(both.producer.database)
    ahead = restoring.check(both.producer.database, "review", handled_of(both))
    both.close_case(case)
    (second,) = both.told()
    both.consumer.handle([second])

    assert ahead == []
    assert second.store_epoch == 2
    assert both.heard(case) == (1, 2)
    assert dead_letters.waiting(both.consumer_driver.database) == []


def test_nothing_is_decided_while_a_consumer_does_not_answer(both: Pair) -> None:
    def silent(_consumer: str, _epoch: int) -> Iterator[Mapping[str, Any]]:
        raise ConnectionError("no answer")

    restoring.declare_restored(both.producer.database)

    with pytest.raises(ConnectionError):
        restoring.check(both.producer.database, "review", silent)
    with pytest.raises(ConnectionError):
        restoring.check(both.producer.database, "review", silent)


def test_a_restored_store_tells_nothing_and_hears_nothing_before_it_was_compared(both: Pair) -> None:
    # given: an event to tell, and one that was told before
    first, second = new_case(), new_case()
    both.close_case(first)
    (told,) = both.told()
    both.close_case(second)

    # when
    restoring.declare_restored(both.producer.database)
    restoring.declare_restored(both.consumer_driver.database)

    # then
    assert both.told() == []
    with pytest.raises(TryLaterError):
        both.consumer.handle([told])
    assert both.heard(first) == ()


def test_a_feed_is_read_from_its_start_again_once_its_producer_was_restored(tmp_path: Path) -> None:
    # given: a consumer that has read the feed up to number five of the log
    with pair("sqlite", tmp_path) as both:
        known = new_case()
        both.close_case(known, times=5)
        both.told()
        both.catch_up.step()

        # when: the producer comes back from a backup in which nothing had happened, and gives the same numbers again
        with pair("sqlite", tmp_path) as restored:
            restoring.declare_restored(restored.producer.database)
            new = new_case()
            restored.close_case(new)
            restored.told()
            feeds = StoreFeeds(restored.producer)
            CatchUp("prescribe", both.consumer, both.consumer_driver.database, feeds).step()  # type: ignore[arg-type]

        # then
        assert both.heard(new) == (1,)


def test_a_feed_does_not_tell_what_its_producer_has_set_aside(tmp_path: Path) -> None:
    with pair("sqlite", tmp_path) as both:
        aside, other = new_case(), new_case()
        both.close_case(aside)
        both.close_case(other)
        both.told()
        row = {"upstream": "review", "stream_id": aside, "reason": "restored", "blocked_at": 1}
        database = both.producer.database
        database.write([_BLOCK.bind(database, **row)])

        types = tuple(sorted(name for name, family in families_of("review").items() if family == "case"))
        fed = reading.feed_query(types, "review").read(database, after=0, page=10)
        alone = reading.stream_query("review").read(database, stream_id=aside, after=0, page=10)

        assert [each["stream_id"] for each in fed] == [other]
        assert alone == []


def test_a_stream_that_was_set_aside_goes_on_when_a_person_releases_it(both: Pair) -> None:
    # given: a stream the producer holds back, whose events the consumer has not got
    case = new_case()
    both.close_case(case, times=2)
    held_back = {"upstream": "review", "stream_id": case, "reason": "test", "blocked_at": 1}
    insert = Prepared(lambda dialect_insert: dialect_insert(blocked))
    both.producer.database.write([insert.bind(both.producer.database, **held_back)])
    assert both.told() == []

    # when
    released = restoring.release(both.producer.database, "review", case)
    for envelope in both.told():
        both.consumer.handle([envelope])

    # then
    assert released
    assert both.heard(case) == (1, 2)
    assert not restoring.release(both.producer.database, "review", case)


@pytest.fixture
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is parked is asked for at once."""
    monkeypatch.setattr(feeds, "PARKED_SECONDS", -1.0)


@pytest.mark.usefixtures("_soon")
def test_what_waits_for_a_history_that_its_producer_lost_is_set_aside(both: Pair, tmp_path: Path) -> None:
    # given: a second event that came before the first, and then its producer came back from an older backup
    lost, other = new_case(), new_case()
    both.close_case(lost, times=2)
    both.close_case(other, times=2)
    told = {(each.stream, each.public_seq): each for each in both.told()}
    for case in (lost, other):
        both.consumer.handle([told[case, 2]])
    kind = "postgresql" if both.producer.database.is_postgresql else "sqlite"
    with pair(kind, tmp_path) as restored:
        catch_up = CatchUp("prescribe", both.consumer, both.consumer_driver.database, StoreFeeds(restored.producer))  # type: ignore[arg-type]
        restored.close_case(other, times=2)
        restored.told()
        _hold_back(restored, other)

        # when
        catch_up.step()

        # then: a person is asked about the one; the other may still come
        waiting = dead_letters.waiting(both.consumer_driver.database)
        assert [(each.stream_id, each.public_seq, each.reason) for each in waiting] == [
            (lost, 2, "its producer knows the stream up to number 0")
        ]
        assert [each.stream_id for each in both.consumer.tables.parked_longer_than(-1)] == [other]


@pytest.mark.usefixtures("_soon")
def test_what_is_still_on_its_way_when_its_producer_has_lost_it_is_set_aside(both: Pair, tmp_path: Path) -> None:
    # given: an event is on its way when its producer comes back from a backup without it, and is compared
    lost = new_case()
    both.close_case(lost)
    (late,) = both.told()
    kind = "postgresql" if both.producer.database.is_postgresql else "sqlite"
    with pair(kind, tmp_path) as restored:
        restoring.declare_restored(restored.producer.database)
        assert restoring.check(restored.producer.database, "review", handled_of(both)) == []

        # when: it arrives
        both.consumer.handle([late])
        CatchUp("prescribe", both.consumer, both.consumer_driver.database, StoreFeeds(restored.producer)).step()  # type: ignore[arg-type]

    # then: it has no effect, and a person is asked
    assert both.heard(lost) == ()
    waiting = dead_letters.waiting(both.consumer_driver.database)
    assert [(each.stream_id, each.public_seq, each.reason) for each in waiting] == [
        (lost, 1, "its producer knows the stream up to number 0")
    ]


@pytest.mark.usefixtures("_soon")
def test_what_is_still_on_its_way_when_its_producer_was_restored_and_knows_it_takes_effect_once(both: Pair) -> None:
    # given
    case = new_case()
    both.close_case(case, times=2)
    late = both.told()
    restoring.declare_restored(both.producer.database)
    restoring.check(both.producer.database, "review", handled_of(both))

    # when: they arrive, before and after their producer gives them out again
    both.consumer.handle(late)
    assert both.heard(case) == ()
    both.catch_up.step()
    both.consumer.handle(late)

    # then
    assert both.heard(case) == (1, 2)
    assert dead_letters.waiting(both.consumer_driver.database) == []
    assert not both.consumer.tables.something_parked()


@pytest.mark.usefixtures("_soon")
def test_what_a_restored_producer_says_otherwise_than_before_is_a_fork(both: Pair, tmp_path: Path) -> None:
    # given: on its way is what the producer, restored, has said again with another content
    case = new_case()
    both.close_case(case)
    (late,) = both.told()
    kind = "postgresql" if both.producer.database.is_postgresql else "sqlite"
    with pair(kind, tmp_path) as restored:
        restoring.declare_restored(restored.producer.database)
        restoring.check(restored.producer.database, "review", handled_of(both))
        restored.close_case(case)
        restored.told()

        # when
        both.consumer.handle([late])
        CatchUp("prescribe", both.consumer, both.consumer_driver.database, StoreFeeds(restored.producer)).step()  # type: ignore[arg-type]

    # then: its own word counts, and a person is told of the other
    assert both.heard(case) == (1,)
    assert [each.reason for each in dead_letters.waiting(both.consumer_driver.database)] == ["fork"]


def test_a_save_that_was_decided_before_the_restore_was_heard_of_does_not_pass(both: Pair) -> None:
    database = both.consumer_driver.database
    gate = InboxGate("review", new_case(), 0, 1, bytes(32), 1)
    database.write(heard_of_epoch(database, "review", 2))
    database.write(heard_of_epoch(database, "review", 1))  # said again by somebody who is late: nothing

    with pytest.raises(Conflict):
        database.save(Batch(gates=[gate]))

    assert both.inbox_of(gate.stream_id) == 0
    database.save(Batch(gates=[replace(gate, store_epoch=2)]))
    database.save(Batch(gates=[replace(gate, upstream="insurance")]))


@pytest.mark.servers
def test_a_restore_is_heard_of_after_the_saves_under_way(tmp_path: Path) -> None:
    with pair("postgresql", tmp_path) as both:
        database = both.consumer_driver.database
        heard = threading.Thread(target=lambda: database.write(heard_of_epoch(database, "review", 2)))
        with psycopg.connect(database.url) as saving:  # type: ignore[attr-defined]
            saving.execute("INSERT INTO inbox VALUES ('review', %s, 1, %s)", (new_case(), bytes(32)))
            heard.start()
            heard.join(0.5)
            assert heard.is_alive()
        heard.join(10)

        assert not heard.is_alive()
        assert database.load(Wanted(inbox=(("review", new_case()),))).epochs == {"review": 2}


def _hold_back(side: Pair, case: Any) -> None:
    database = side.producer.database
    row = {"upstream": "review", "stream_id": case, "reason": "restored", "blocked_at": 1}
    database.write([_BLOCK.bind(database, **row)])
