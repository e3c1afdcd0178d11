"""Competing consumers of one stream, streams that were only read, and the uniqueness of versions; each also without."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from services.seedwork.failures import PersistentConflict
from services.seedwork.store.drivers import Driver
from services.seedwork.store.executor import Gate, perform
from services.seedwork.usecase import Decision, UseCase
from tests.support.stands import do, loaded
from tests.support.store import (
    BOX,
    ItemAdded,
    Without,
    add_item,
    arriving,
    chain_holds,
    core_of,
    driving,
    events_of,
    new_store,
    opened,
    work,
)

MESSAGES = 15
CONSUMERS = 4


def compete(url: str, box: UUID, messages: int = MESSAGES, **left_out: Any) -> None:
    """Four processes get every message of one upstream stream, each in its own time; an early one comes again."""
    upstream = uuid4()
    start = threading.Barrier(CONSUMERS)
    failures: list[BaseException] = []

    def consume(driver: Driver) -> None:
        core = core_of(url)
        start.wait()
        for seq in range(1, messages + 1):
            incoming = arriving(upstream, seq)
            for _ in range(200):
                outcome = driver.run(perform(core, work(add_item(box, str(seq)), incoming=incoming)))
                if outcome.gate is not Gate.EARLY:
                    break

    def guarded() -> None:
        try:
            with driving(url, 2) as driver:
                consume(Driver(Without(driver.database, **left_out), driver.keyring))
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=guarded) for _ in range(CONSUMERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures


def test_without_the_gate_competing_consumers_repeat_effects(url: str, neighbour: Any) -> None:
    box = uuid4()

    compete(url, box, 1, gates=())

    assert loaded(neighbour, BOX.ref(box)).state.items == ("1",) * CONSUMERS


def test_competing_consumers_have_each_effect_once_and_in_order(url: str, neighbour: Any, database: Any) -> None:
    box = uuid4()

    compete(url, box)

    assert loaded(neighbour, BOX.ref(box)).state.items == tuple(str(seq) for seq in range(1, MESSAGES + 1))
    assert chain_holds(events_of(database, box))


# -- streams that were only read


def on_call(rule: UUID, box: UUID, neighbour: Any) -> UseCase:
    """Fills the box while the rule is untouched; the neighbour touches it at the worst moment."""
    calls: list[int] = []

    def decide(_moment: Any, ruling: Any, filling: Any) -> Decision:
        calls.append(1)
        if len(calls) == 1:
            do(neighbour, work(add_item(rule)))
        if ruling.exists:
            return Decision.nothing()
        return Decision.on(filling, [ItemAdded(item="a", quantity=1, unit="tablet")])

    return UseCase((BOX.ref(rule), BOX.ref(box)), decide)


def test_without_the_assertion_a_decision_stands_on_what_is_no_longer_so(url: str, neighbour: Any) -> None:
    rule, box = uuid4(), uuid4()
    with driving(url) as driver:
        careless = Driver(Without(driver.database, asserted={}), driver.keyring)
        careless.run(perform(core_of(url), work(on_call(rule, box, neighbour))))

    assert loaded(neighbour, BOX.ref(box)).exists


def test_a_decision_stands_only_on_what_is_still_so(url: str, neighbour: Any) -> None:
    rule, box = uuid4(), uuid4()
    with driving(url) as driver:
        driver.run(perform(core_of(url), work(on_call(rule, box, neighbour))))

    assert not loaded(neighbour, BOX.ref(box)).exists


# -- versions


def race_of_two(url: str) -> Any:
    """Two processes add to one box, the second while the first decides; the box's events afterwards."""
    box = uuid4()
    with driving(url) as first, driving(url) as second, opened(url) as database:
        calls: list[int] = []

        def decide(_moment: Any, found: Any) -> Decision:
            calls.append(1)
            if len(calls) == 1:
                second.run(perform(core_of(url), work(add_item(box))))
            return Decision.on(found, [ItemAdded(item="a", quantity=1, unit="tablet")])

        first.run(perform(core_of(url), work(UseCase((BOX.ref(box),), decide))))
        return events_of(database, box)


@pytest.mark.postgres
def test_without_unique_versions_one_of_two_racers_writes_over_the_other(tmp_path: Any) -> None:
    with new_store("postgresql", tmp_path) as url:
        with psycopg.connect(url) as connection:
            connection.execute("ALTER TABLE events DROP CONSTRAINT events_stream_version")
            connection.execute("ALTER TABLE public DROP CONSTRAINT public_pkey")

        rows = race_of_two(url)

    assert [row.version for row in rows] == [1, 1]
    assert not chain_holds(rows)


def test_the_slower_of_two_racers_decides_again(url: str) -> None:
    rows = race_of_two(url)

    assert [row.version for row in rows] == [1, 2]
    assert chain_holds(rows)


def test_who_loses_every_race_is_told_to_come_again(url: str, neighbour: Any) -> None:
    box = uuid4()

    def decide(_moment: Any, found: Any) -> Decision:
        do(neighbour, work(add_item(box)))
        return Decision.on(found, [ItemAdded(item="never", quantity=1, unit="tablet")])

    with driving(url) as driver, pytest.raises(PersistentConflict):
        driver.run(perform(core_of(url), work(UseCase((BOX.ref(box),), decide))))

    items = loaded(neighbour, BOX.ref(box)).state.items
    assert "never" not in items
    assert len(items) == 8, "one for each try"
