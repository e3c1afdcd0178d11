"""A PostgreSQL server that is frozen: nobody waits for it longer than the limit, and all goes on when it is back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from services.seedwork.failures import OutcomeUnknown, Overloaded
from services.seedwork.store import postgres
from services.seedwork.store.batch import Statement
from services.seedwork.store.errors import ConnectionLost, StoreError
from services.seedwork.store.opening import leadership
from services.seedwork.store.watch import Watch
from tests.integration.store.conftest import KINDS
from tests.support.private_servers import PrivatePostgres, private_postgres
from tests.support.stands import do, stand
from tests.support.store import add_item, events_of, make_tables, new_key, opened, work
from tests.support.waiting import eventually

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]

LIMIT_SECONDS = 1.0
HELD_SECONDS_MAX = 10.0
"""The limit, a wait for another connection, and what a busy machine adds; without the limit it is for ever."""


@pytest.fixture(scope="module")
def server() -> Iterator[PrivatePostgres]:
    with private_postgres() as made:
        make_tables(made.url)
        yield made


@pytest.fixture(autouse=True)
def _thawed(server: PrivatePostgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(postgres, "ANSWER_SECONDS", LIMIT_SECONDS)
    yield
    server.thaw()


def seconds_of(action: Callable[[], Any]) -> float:
    started = time.monotonic()
    action()
    return time.monotonic() - started


@pytest.mark.parametrize("kind", KINDS)
def test_a_command_is_answered_though_the_server_is_frozen(server: PrivatePostgres, kind: str) -> None:
    box, key = uuid4(), new_key()
    with stand(kind, server.url) as desk:
        do(desk, work(add_item(uuid4()), new_key()))
        there = desk.driver.database
        original = there.save

        def save(batch: Any) -> Any:
            there.save = original
            server.freeze()
            return original(batch)

        there.save = save

        def attempt() -> None:
            with pytest.raises((OutcomeUnknown, Overloaded)):
                do(desk, work(add_item(box), key))

        assert seconds_of(attempt) < HELD_SECONDS_MAX
        assert seconds_of(attempt) < HELD_SECONDS_MAX, "and so is who comes next"

        server.thaw()

        def repeated() -> Any:
            try:
                return do(desk, work(add_item(box), key)).body
            except (OutcomeUnknown, Overloaded):
                return None

        assert eventually(repeated) == {"item": "aspirin", "place": 1}
        with opened(server.url) as database:
            assert len(events_of(database, box)) == 1


def test_a_transaction_of_a_step_ends_though_the_server_is_frozen(server: PrivatePostgres) -> None:
    with opened(server.url) as database:
        database.write([Statement("SELECT 1")])
        server.freeze()

        def attempt() -> None:
            with pytest.raises(ConnectionLost):
                database.write([Statement("SELECT 1"), Statement("SELECT 2")])

        assert seconds_of(attempt) < HELD_SECONDS_MAX


def test_a_long_transaction_of_short_statements_is_no_frozen_server(server: PrivatePostgres) -> None:
    with opened(server.url) as database:
        short = Statement(f"SELECT pg_sleep({LIMIT_SECONDS / 3})")
        assert len(database.write([short] * 6)) == 6


def test_a_leader_steps_back_though_the_server_is_frozen(server: PrivatePostgres) -> None:
    with opened(server.url) as database:
        lead = leadership(database, "frozen")
        assert lead.held()
        server.freeze()

        assert seconds_of(lead.held) < HELD_SECONDS_MAX
        assert seconds_of(lead.held) < HELD_SECONDS_MAX, "connecting has a limit of its own"

        server.thaw()
        eventually(lead.held, describe="it to lead again")
        lead.resign()


def test_without_the_watch_a_frozen_server_holds_whoever_asks(
    server: PrivatePostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Switched off: it hangs until the server is back."""
    monkeypatch.setattr(Watch, "look", lambda _watch: None)
    with opened(server.url) as database:
        database.rows(Statement("SELECT 1"))
        server.freeze()

        def ask() -> bool:
            try:
                return bool(database.rows(Statement("SELECT 1")))
            except StoreError:
                return False

        answered: list[bool] = []
        asking = threading.Thread(target=lambda: answered.append(ask()), daemon=True)
        asking.start()
        asking.join(3 * LIMIT_SECONDS)
        assert answered == []
        server.thaw()
        assert eventually(lambda: answered) == [True]
