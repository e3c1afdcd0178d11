"""An answer is kept for three days: after them the key is free, whether or not the row has been removed yet."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import sqlalchemy as sa

from services.seedwork.failures import KeyReused
from services.seedwork.retention import prune
from services.seedwork.store.batch import Batch, IdempotencyGate, IdempotencyKey, TimerRow, Wanted
from services.seedwork.store.desk import ANSWER_KEPT_MICROS
from services.seedwork.store.postgres_save import save_statement
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import idempotency, meta, timer
from services.seedwork.usecase import Answer, Decision, Load, UseCase
from tests.support.stands import do, race_until_answered
from tests.support.store import BOX, ItemAdded, add_item, events_of, new_key, new_store, opened, work
from tests.support.waiting import eventually

KEPT = timedelta(microseconds=ANSWER_KEPT_MICROS)
_OFFSET = Prepared(lambda insert: insert(meta).values(name="clock_offset_us", value=sa.bindparam("offset")))
_TIMERS = Prepared(lambda _i: sa.select(timer.c.due_at))
_WAITING = Prepared(
    lambda _i: (
        sa.select(sa.column("pid"))
        .select_from(sa.table("pg_stat_activity"))
        .where(sa.column("datname") == sa.literal_column("current_database()"), sa.column("wait_event_type") == "Lock")
    )
)
"""Who waits for a lock in this database."""
_KEPT = Prepared(lambda _i: sa.select(idempotency.c.key, idempotency.c.status))


def pass_time(database: Any, time: timedelta) -> None:
    database.write([_OFFSET.bind(database, offset=time // timedelta(microseconds=1))])


def test_before_it_expires_the_first_answer_is_given_again(own_desk: Any) -> None:
    desk, database = own_desk
    box, key = uuid4(), new_key()
    first = do(desk, work(add_item(box), key))
    pass_time(database, KEPT - timedelta(minutes=1))

    again = do(desk, work(add_item(box), key))

    assert (again.replayed, again.body, again.position) == (True, first.body, first.position)


def test_an_expired_answer_is_given_no_more_and_the_key_serves_a_new_intent(own_desk: Any) -> None:
    desk, database = own_desk
    box, key = uuid4(), new_key()
    do(desk, work(add_item(box), key))
    pass_time(database, KEPT)

    anew = do(desk, work(add_item(box, "another"), key, body=b"another body"))

    assert (anew.replayed, anew.body) == (False, {"item": "another", "place": 2})
    assert len(_KEPT.read(database)) == 1
    again = do(desk, work(add_item(box, "another"), key, body=b"another body"))
    assert (again.replayed, again.body, again.position) == (True, anew.body, anew.position)
    with pytest.raises(KeyReused):
        do(desk, work(add_item(box), key))
    assert len(events_of(database, box)) == 2


def test_an_expired_refusal_is_decided_again(own_desk: Any) -> None:
    desk, database = own_desk
    box, key = uuid4(), new_key()
    assert do(desk, work(add_item(box, at_most=0), key)).refusal
    pass_time(database, KEPT)

    assert do(desk, work(add_item(box), key)).refusal is None


def test_twins_under_an_expired_key_have_one_effect(own_desk: Any) -> None:
    desk, database = own_desk
    key, boxes = new_key(), [uuid4()]
    do(desk, work(add_item(boxes[0]), key))
    pass_time(database, KEPT)

    outcomes = race_until_answered(desk, [work(_in_a_new_box(boxes), key) for _ in range(8)])

    assert sorted(outcome.replayed for outcome in outcomes) == [False, *[True] * 7]
    assert len({outcome.body["box"] for outcome in outcomes}) == 1
    assert sum(len(events_of(database, box)) for box in boxes) == 2


def _in_a_new_box(boxes: list[UUID]) -> UseCase:
    """No stream stops a second one, only the key does."""

    def decide(_moment: Any) -> Any:
        box = uuid4()
        boxes.append(box)
        (found,) = yield Load.of(BOX.ref(box))
        added = ItemAdded(item="a", quantity=1, unit="tablet")
        return Decision.on(found, [added], Answer(201, {"box": str(box)}))

    return UseCase((), decide)


@pytest.mark.postgres
def test_what_serves_anew_while_it_is_being_removed_stays(tmp_path: Path) -> None:
    with new_store("postgresql", tmp_path) as url, opened(url) as database, psycopg.connect(url) as using:
        # given: an expired answer and an ended deadline, both taken into use again by commands not yet committed
        box, now = uuid4(), database.load(Wanted()).now
        expired, ended = answered(now - 10, now - 1), Batch(timers=[TimerRow(box, "box/close", None)])
        for batch in (expired, ended):
            database.save(batch)
        for batch in (answered(now, now + ANSWER_KEPT_MICROS), Batch(timers=[TimerRow(box, "box/close", now)])):
            statement = save_statement(batch)
            using.execute(statement.text, statement.parameters, binary=True)

        # when: they commit while the rows are being removed
        removing = threading.Thread(target=prune, args=(database,))
        removing.start()
        eventually(lambda: _WAITING.read(database) != [])
        using.commit()
        removing.join()

        # then
        assert [row["key"] for row in _KEPT.read(database)] == ["key"]
        assert [row["due_at"] for row in _TIMERS.read(database)] == [now]


def answered(now: int, expires_at: int) -> Batch:
    """An answer to be kept under one key."""
    return Batch(idempotency=IdempotencyGate(IdempotencyKey("nurse", "POST /", "key", b""), 200, b"", now, expires_at))
