"""An answer is kept for three days: after them the key is free, whether or not the row has been removed yet."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from services.seedwork.failures import KeyReused
from services.seedwork.store.desk import ANSWER_KEPT_MICROS
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import idempotency, meta
from services.seedwork.usecase import Answer, Decision, Load, UseCase
from tests.support.stands import do
from tests.support.store import BOX, ItemAdded, add_item, events_of, new_key, work

KEPT = timedelta(microseconds=ANSWER_KEPT_MICROS)
_OFFSET = Prepared(lambda insert: insert(meta).values(name="clock_offset_us", value=sa.bindparam("offset")))
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

    outcomes = desk.race([work(_in_a_new_box(boxes), key) for _ in range(8)])

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
