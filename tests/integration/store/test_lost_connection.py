"""The connection breaks at the commit: whether it was saved is found by the key, and if not even that, it is said."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import psycopg
import pytest

from services.seedwork.failures import OutcomeUnknown, Overloaded
from services.seedwork.model import derived_id
from services.seedwork.store.batch import Batch
from services.seedwork.store.executor import Gate
from tests.support.proxy import Proxy, proxy
from tests.support.stands import do, stand
from tests.support.store import add_item, arriving, events_of, new_key, new_store, opened, work
from tests.support.waiting import eventually

pytestmark = pytest.mark.postgres


@dataclass
class Line:
    """A process whose connections to the store run through a proxy, and a look into the store beside it."""

    desk: Any
    between: Proxy
    database: Any
    url: str

    def before_the_next_save(self, act: Callable[[], None]) -> None:
        """Once; the save itself then goes out as ever."""
        there = self.desk.driver.database
        original = there.save

        def save(batch: Batch) -> Any:
            there.save = original
            act()
            return original(batch)

        there.save = save

    def cut_after_the_commit_of(self, box: UUID) -> None:
        """The answer is swallowed, and the line cut once the events stand in the store."""
        self.between.swallow_answers.set()
        before = len(events_of(self.database, box))

        def cut() -> None:
            eventually(lambda: len(events_of(self.database, box)) > before)
            self.between.swallow_answers.clear()
            self.between.cut()

        threading.Thread(target=cut, daemon=True).start()


@pytest.fixture(scope="module")
def store_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with new_store("postgresql", tmp_path_factory.mktemp("store")) as url:
        yield url


@pytest.fixture(params=["script", "api"])
def line(request: pytest.FixtureRequest, store_url: str) -> Iterator[Line]:
    with laid(request.param, store_url) as made:
        yield made


@contextmanager
def laid(kind: str, url: str) -> Iterator[Line]:
    parts = urlsplit(url)
    with proxy(parts.port or 5432) as between:
        netloc = f"{parts.username}@127.0.0.1:{between.port}"
        with stand(kind, urlunsplit(parts._replace(netloc=netloc))) as desk, opened(url) as database:
            for prepared in ({}, {"key": new_key()}, {"incoming": arriving(uuid4(), 1)}):
                do(desk, work(add_item(uuid4()), **prepared))  # type: ignore[arg-type]  # else preparing hangs
            yield Line(desk, between, database, url)


def test_a_save_whose_answer_was_lost_is_found_by_its_key(line: Line) -> None:
    box = uuid4()
    line.before_the_next_save(lambda: line.cut_after_the_commit_of(box))

    outcome = do(line.desk, work(add_item(box), new_key()))

    assert (outcome.status, outcome.body, outcome.replayed) == (201, {"item": "aspirin", "place": 1}, True)
    assert len(events_of(line.database, box)) == 1


def test_without_a_key_it_is_not_tried_again(line: Line) -> None:
    """Nothing to look it up by, as at a deadline: whoever asked for it looks whether it still stands."""
    box = uuid4()
    line.before_the_next_save(lambda: line.cut_after_the_commit_of(box))

    with pytest.raises(OutcomeUnknown):
        do(line.desk, work(add_item(box)))

    assert len(events_of(line.database, box)) == 1


def test_a_reaction_whose_answer_was_lost_is_found_by_its_inbox(line: Line) -> None:
    box = uuid4()
    line.before_the_next_save(lambda: line.cut_after_the_commit_of(box))

    outcome = do(line.desk, work(add_item(box), incoming=arriving(uuid4(), 1)))

    assert outcome.gate is Gate.DONE
    assert len(events_of(line.database, box)) == 1


def test_a_save_that_never_arrived_is_made_again(line: Line) -> None:
    box = uuid4()
    line.before_the_next_save(line.between.cut)

    outcome = do(line.desk, work(add_item(box), new_key()))

    assert (outcome.status, outcome.replayed) == (201, False)
    assert len(events_of(line.database, box)) == 1


def test_a_server_process_that_is_ended_during_the_save_leaves_one_effect(line: Line) -> None:
    box = uuid4()

    def end_while_it_waits() -> None:
        with psycopg.connect(line.url, autocommit=True) as watcher, psycopg.connect(line.url) as blocker:
            row = (box, 1, "t", b"{}", b"h", 1)
            blocker.execute(
                "INSERT INTO events (stream_id, version, topic, state, hash, recorded_at)"
                " VALUES (%s, %s, %s, %s, %s, %s)",
                row,
            )
            blocking.set()
            waiting = "SELECT pid FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
            (pid,) = eventually(lambda: watcher.execute(waiting, (blocker.info.backend_pid,)).fetchone())
            watcher.execute("SELECT pg_terminate_backend(%s)", (pid,))
            blocker.rollback()

    blocking = threading.Event()

    def start() -> None:
        threading.Thread(target=end_while_it_waits, daemon=True).start()
        assert blocking.wait(10)

    line.before_the_next_save(start)

    assert do(line.desk, work(add_item(box), new_key())).status == 201
    assert len(events_of(line.database, box)) == 1


@pytest.mark.parametrize("kind", ["script", "api"])
def test_an_outcome_nobody_can_find_out_is_said_to_be_unknown(store_url: str, kind: str) -> None:
    box, key = uuid4(), new_key()
    with laid(kind, store_url) as line:

        def for_good() -> None:
            line.between.refuse()
            line.cut_after_the_commit_of(box)

        line.before_the_next_save(for_good)
        with pytest.raises(OutcomeUnknown):
            do(line.desk, work(add_item(box), key))

    with stand(kind, store_url) as later:
        assert do(later, work(add_item(box), key)).replayed, "a repeat learns it"


@pytest.mark.parametrize("kind", ["script", "api"])
def test_a_store_out_of_reach_is_too_busy_and_nothing_happened(store_url: str, kind: str) -> None:
    box = uuid4()
    with laid(kind, store_url) as line:
        line.between.refuse()
        line.between.cut()
        with pytest.raises((Overloaded, OutcomeUnknown)):
            do(line.desk, work(add_item(box), new_key()))
        with pytest.raises(Overloaded):
            do(line.desk, work(add_item(box), new_key()))
        assert events_of(line.database, box) == []


def test_a_command_after_the_outage_goes_through(line: Line) -> None:
    line.between.cut()

    assert do(line.desk, work(add_item(derived_id("box", uuid4())), new_key())).status == 201
