"""Projections: a batch and its cursor in one transaction, counted once whoever leads, rebuilt to the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from services.seedwork.projection import Operation, Projection, Put, Recorded
from services.seedwork.projector import Projector, ask_for_rebuild, cursor_name
from services.seedwork.store import reading
from services.seedwork.store.batch import Statement
from services.seedwork.store.drivers import Driver
from services.seedwork.store.executor import find, perform
from services.seedwork.store.keyring import Reached
from services.seedwork.store.rendering import Prepared, render
from services.seedwork.store.sealer import seal
from tests.integration.store.conftest import DATABASES
from tests.support.boxes_projection import METADATA, PROJECTION, boxes, project, shelf
from tests.support.store import (
    BOXES,
    add_item,
    close_box,
    core_of,
    driving,
    events_of,
    new_store,
    open_box,
    work,
)


@dataclass
class World:
    """A store with its driver, and what its projections show."""

    url: str
    driver: Driver

    def __post_init__(self) -> None:
        self.core = core_of(self.url, replace(BOXES, projections=(PROJECTION,), metadata=METADATA))

    def happens(self, *use_cases: Any) -> None:
        for use_case in use_cases:
            self.driver.run(perform(self.core, work(use_case)))
        seal(self.driver.database)

    def projector(self, projection: Projection = PROJECTION) -> Projector:
        return Projector(self.core, self.driver, [projection])

    def shown(self) -> list[dict[str, Any]]:
        return Prepared(lambda _i: sa.select(boxes).order_by(boxes.c.box)).read(self.driver.database)

    def on_the_shelf(self) -> list[UUID]:
        return [row["box"] for row in Prepared(lambda _i: sa.select(shelf)).read(self.driver.database)]

    def reached(self, projection: Projection = PROJECTION) -> int:
        """0: its rows are not what readers see."""
        following = reading.next_events(self.driver.database, cursor_name(projection), 1)
        return following[0].after if following else 0


@pytest.fixture(params=DATABASES)
def world(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[World]:
    with new_store(request.param, tmp_path, METADATA) as url, driving(url) as driver:
        yield World(url, driver)


def whole(projector: Projector) -> None:
    while projector.step():
        pass
    projector.step()


def test_a_projection_shows_what_is_sealed(world: World) -> None:
    box, other = sorted([uuid4(), uuid4()])
    world.happens(open_box(box), open_box(other), add_item(box, "a"), add_item(box, "b"), close_box(other))
    world.driver.run(perform(world.core, work(add_item(box, "unsealed"))))

    world.projector().step()

    last = {"item": "b", "by": "nurse", "hash": events_of(world.driver.database, box)[2].hash.hex()}
    assert world.shown() == [
        {"box": box, "owner": "李雷", "items": 2, "last": last, "open": True},
        {"box": other, "owner": "李雷", "items": 0, "last": None, "open": False},
    ]
    assert world.on_the_shelf() == [box]
    assert world.reached() == 5


def test_a_registered_query_reads_the_projection(world: World) -> None:
    box = uuid4()
    world.happens(open_box(box), add_item(box))
    world.projector().step()
    is_postgresql = world.driver.database.is_postgresql
    queries = {name: render(query, is_postgresql=is_postgresql) for name, query in PROJECTION.queries.items()}
    world.core.queries.update(queries)

    assert world.driver.run(find(world.core, "open_boxes", {"open": True})) == [{"box": box, "items": 1}]
    assert world.driver.run(find(world.core, "open_boxes", {"open": False})) == []


def test_lag_counts_what_is_sealed_and_not_shown(world: World) -> None:
    box = uuid4()
    projector = world.projector()
    world.happens(open_box(box), add_item(box))
    assert projector.lag() == 2

    projector.step()

    assert projector.lag() == 0


def test_a_batch_that_fails_leaves_neither_rows_nor_cursor(world: World) -> None:
    box = uuid4()
    world.happens(open_box(box), add_item(box))

    def broken(recorded: Recorded) -> Iterable[Operation]:
        yield from project(recorded)
        if recorded.version == 2:
            yield Put(boxes, {"box": uuid4(), "owner": None, "items": None, "last": None, "open": True})

    failing = replace(PROJECTION, project=broken)
    with pytest.raises(Exception, match=r"(?i)not.null"):
        world.projector(failing).step()
    assert (world.shown(), world.reached()) == ([], 0)

    world.projector().step()
    assert [row["items"] for row in world.shown()] == [1]


def overlapping(world: World) -> list[int]:
    """Two leaders project the same batch: the second does all of it while the first is at it."""
    box = uuid4()
    world.happens(open_box(box))
    whole(world.projector())
    world.happens(add_item(box), add_item(box))
    called: list[int] = []

    def slow(recorded: Recorded) -> Iterable[Operation]:
        if not called:
            called.append(1)
            whole(world.projector())
        return project(recorded)

    whole(world.projector(replace(PROJECTION, project=slow)))
    return [row["items"] for row in world.shown()]


def test_overlapping_leaders_count_twice_where_the_cursor_is_not_checked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Switched off: a batch that does not care whether the cursor was where it had found it."""
    advance: Callable[..., Statement] = reading.advance
    monkeypatch.setattr(reading, "advance", lambda *place: replace(advance(*place), expect=None))

    assert overlapping(world) == [4]


def test_overlapping_leaders_count_once(world: World) -> None:
    assert overlapping(world) == [2]


def test_a_forgotten_patients_fields_are_gone_after_a_rebuild(world: World) -> None:
    box, patient = uuid4(), uuid4()
    world.happens(open_box(box, patient=patient))
    whole(world.projector())
    assert world.shown()[0]["owner"] == "李雷"

    world.driver.run(world.core.keyring.destroy([patient], "boxes", Reached(1, 1)))
    ask_for_rebuild(world.driver.database, PROJECTION)
    whole(world.projector())

    assert world.shown()[0]["owner"] is None
