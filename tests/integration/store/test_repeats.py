"""A repeated request gets the first answer, whatever happened in between; and what happens without each look-up.

The twin acts at the worst moment: while the request under test decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from services.seedwork.model import Refusal
from services.seedwork.store.batch import Found
from services.seedwork.store.drivers import Driver
from services.seedwork.store.executor import Work, perform
from services.seedwork.store.requests import LoadStreams
from services.seedwork.usecase import Answer, Decision, Load, UseCase
from tests.support.stands import do, loaded
from tests.support.store import (
    BOX,
    FINAL,
    ItemAdded,
    Without,
    add_item,
    core_of,
    driving,
    new_key,
    work,
)


@pytest.fixture
def driver(url: str) -> Iterator[Driver]:
    with driving(url) as made:
        yield made


def open_new_box(boxes: list[Any], meanwhile: Callable[[], Any] = lambda: None) -> UseCase:
    """A new id each time: no stream stops a second one, only the key does."""
    calls: list[int] = []

    def decide(
        _moment: Any,
    ) -> Any:
        calls.append(1)
        if len(calls) == 1:
            meanwhile()
        box = uuid4()
        boxes.append(box)
        (found,) = yield Load.of(BOX.ref(box))
        added = [ItemAdded(item="a", quantity=1, unit="tablet")]
        return Decision.on(found, added, Answer(201, {"box": str(box)}))

    return UseCase((), decide)


def existing(neighbour: Any, boxes: list[Any]) -> list[str]:
    return [str(box) for box in boxes if loaded(neighbour, BOX.ref(box)).exists]


def run(driver: Driver, url: str, each: Work) -> Any:
    return driver.run(perform(core_of(url), each))


# -- after a success


def test_without_the_gate_in_the_save_twins_both_succeed(driver: Driver, neighbour: Any, url: str) -> None:
    key, boxes = new_key(), []
    ungated = Driver(Without(driver.database, idempotency=None), driver.keyring)

    run(ungated, url, work(open_new_box(boxes, lambda: do(neighbour, work(open_new_box(boxes), key))), key))

    assert len(existing(neighbour, boxes)) == 2


def test_a_twin_that_succeeded_meanwhile_gives_its_answer(driver: Driver, neighbour: Any, url: str) -> None:
    key, boxes = new_key(), []

    outcome = run(driver, url, work(open_new_box(boxes, lambda: do(neighbour, work(open_new_box(boxes), key))), key))

    assert existing(neighbour, boxes) == [outcome.body["box"]]
    assert outcome.replayed


# -- after a refusal


class BlindToTwins(Driver):
    """Switched off: the look-up after a refusal, which asks for the key and nothing else."""

    def _answer(self, request: Any, held: Any) -> Any:
        answer = super()._answer(request, held)
        if isinstance(request, LoadStreams) and request.wanted.idempotency and not request.wanted.streams:
            return Found(answer.now, answer.events)
        return answer


def hold(box: Any, meanwhile: Callable[[], Any] = lambda: None) -> UseCase:
    """Only the first may; the state is read after `meanwhile`."""

    def decide(_moment: Any, _other: Any) -> Any:
        meanwhile()
        (found,) = yield Load.of(BOX.ref(box))
        if found.exists:
            return Decision.refused(Refusal(FINAL, {"reason": "already held"}))
        return Decision.on(found, [ItemAdded(item="held", quantity=1, unit="tablet")], Answer(201, {"held": True}))

    return UseCase((BOX.ref(uuid4()),), decide)


def test_without_the_look_up_after_a_refusal_the_winner_is_told_that_he_lost(
    driver: Driver, neighbour: Any, url: str
) -> None:
    key, box = new_key(), uuid4()
    blind = BlindToTwins(Without(driver.database, idempotency=None), driver.keyring)

    outcome = run(blind, url, work(hold(box, lambda: do(neighbour, work(hold(box), key))), key))

    assert outcome.refusal == Refusal(FINAL, {"reason": "already held"})


def test_a_refusal_because_of_the_twins_success_is_that_success(driver: Driver, neighbour: Any, url: str) -> None:
    key, box = new_key(), uuid4()

    outcome = run(driver, url, work(hold(box, lambda: do(neighbour, work(hold(box), key))), key))

    assert (outcome.status, outcome.body, outcome.refusal, outcome.replayed) == (201, {"held": True}, None, True)


def test_a_final_refusal_is_the_answer_to_the_repeat_for_good(driver: Driver, neighbour: Any, url: str) -> None:
    key, box = new_key(), uuid4()
    do(neighbour, work(add_item(box, at_most=0), key))

    with_key = run(driver, url, work(add_item(box), key))
    without_key = run(driver, url, work(add_item(box)))

    assert with_key.refusal
    assert without_key.refusal is None, "switched off, the repeat succeeds though the caller was told that it did not"


# -- after a conflict


def test_a_conflict_with_the_twin_gives_the_twins_answer(driver: Driver, neighbour: Any, url: str) -> None:
    key, box = new_key(), uuid4()

    def adding(meanwhile: Callable[[], Any]) -> UseCase:
        calls: list[int] = []

        def decide(_moment: Any, found: Any) -> Decision:
            calls.append(1)
            if len(calls) == 1:
                meanwhile()
            added = [ItemAdded(item="a", quantity=1, unit="tablet")]
            return Decision.on(found, added, Answer(201, {"place": found.version + 1}))

        return UseCase((BOX.ref(box),), decide)

    def twin(each: str | None) -> Callable[[], Any]:
        return lambda: do(neighbour, work(adding(lambda: None), each))

    outcome = run(driver, url, work(adding(twin(key)), key))
    assert (outcome.body, outcome.replayed) == ({"place": 1}, True)
    assert loaded(neighbour, BOX.ref(box)).version == 1

    keyless = run(driver, url, work(adding(twin(None))))
    assert keyless.body == {"place": 3}
    assert loaded(neighbour, BOX.ref(box)).version == 3, "switched off, both have their effect"
