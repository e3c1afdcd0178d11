"""A rebuild happens in the shadow: readers see the rows of before until they see all of the new ones."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from services.seedwork import projector as projecting
from services.seedwork.projection import Operation, Projection, Recorded
from services.seedwork.projector import NewerTables, ask_for_rebuild
from services.seedwork.shadow import Shadow
from services.seedwork.store.batch import Statement
from services.seedwork.store.freshness import freshness_query
from services.seedwork.store.rendering import Prepared
from tests.integration.store.conftest import DATABASES
from tests.integration.store.test_projector import World, whole
from tests.support.boxes_projection import METADATA, PROJECTION, boxes, project, shelf
from tests.support.store import add_item, close_box, driving, new_store, open_box

RAISED = replace(PROJECTION, version=2)
_SHOWN = Prepared(lambda _i: sa.select(boxes).order_by(boxes.c.box))
_SPOIL = Prepared(lambda _i: sa.update(boxes).values(items=99))
BATCHES = 6


@pytest.fixture(params=DATABASES)
def world(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[World]:
    with new_store(request.param, tmp_path, METADATA) as url, driving(url) as driver:
        yield World(url, driver)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projecting, "BATCH", 2)


@pytest.fixture
def ids(world: World) -> list[UUID]:
    """Boxes that were opened and filled, projected, and then spoilt: so old rows can be told from new ones."""
    ids = sorted(uuid4() for _ in range(BATCHES))
    for box in ids:
        world.happens(open_box(box), add_item(box))
    whole(world.projector())
    world.driver.database.write([_SPOIL.bind(world.driver.database)])
    return ids


def items(world: World) -> list[int]:
    return [row["items"] for row in world.shown()]


@pytest.mark.parametrize("asked", ["raised", "again"])
def test_readers_see_the_old_rows_until_they_see_the_new_ones(world: World, ids: list[UUID], asked: str) -> None:
    projection = RAISED if asked == "raised" else PROJECTION
    projector = world.projector(projection)
    if asked == "again":
        ask_for_rebuild(world.driver.database, projection)
    old, new, seen = [99] * len(ids), [1] * len(ids), []

    while items(world) == old:
        assert projector.step()
        assert len(world.on_the_shelf()) == len(ids)
        seen.append(items(world))

    assert seen == [*[old] * (len(seen) - 1), new]
    assert len(seen) > BATCHES, "it took its time"
    assert world.reached(projection) == 2 * len(ids)


def test_readers_at_full_rate_never_see_a_gap(world: World, ids: list[UUID]) -> None:
    stop, seen, failed = threading.Event(), set[tuple[int, ...]](), list[Exception]()

    def read() -> None:
        with driving(world.url) as other:
            try:
                while not stop.is_set():
                    seen.add(tuple(row["items"] for row in _SHOWN.read(other.database)))
            except Exception as error:  # noqa: BLE001 - the test looks at it
                failed.append(error)

    readers = [threading.Thread(target=read, daemon=True) for _ in range(2)]
    for reader in readers:
        reader.start()
    projector = world.projector()
    for _ in range(5):
        ask_for_rebuild(world.driver.database, PROJECTION)
        whole(projector)
    stop.set()
    for reader in readers:
        reader.join(30)

    assert failed == []
    assert seen <= {(99,) * len(ids), (1,) * len(ids)}


def test_what_happens_meanwhile_is_in_the_new_rows(world: World, ids: list[UUID]) -> None:
    projector = world.projector(RAISED)
    for _ in range(3):
        projector.step()
    world.happens(add_item(ids[0]), close_box(ids[1]))

    whole(projector)

    assert items(world) == [2, *[1] * (len(ids) - 1)]
    assert sorted(world.on_the_shelf()) == [ids[0], *ids[2:]]
    world.happens(add_item(ids[0]))
    whole(projector)
    assert items(world)[0] == 3, "from here on as ever"


def test_a_rebuild_that_is_interrupted_goes_on_where_it_was(world: World, ids: list[UUID]) -> None:
    called: list[int] = []

    def counting(recorded: Recorded) -> Iterable[Operation]:
        called.append(recorded.log_index)
        return project(recorded)

    counted = replace(RAISED, project=counting)
    for _ in range(2 * BATCHES):  # each step by a process of its own
        world.projector(counted).step()

    assert items(world) == [1] * len(ids)
    assert called == list(range(1, 2 * len(ids) + 1)), "every event once"


def test_a_crash_while_the_shadows_take_the_place_changes_nothing(
    world: World, ids: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    take_place = Shadow.take_place

    def crashing(shadow: Shadow) -> list[Statement]:
        return [*take_place(shadow), Statement("INSERT INTO nowhere VALUES (1)")]

    with monkeypatch.context() as crash:
        crash.setattr(Shadow, "take_place", crashing)
        with pytest.raises(Exception, match="nowhere"):
            whole(world.projector(RAISED))
        assert items(world) == [99] * len(ids)
        assert (world.reached(PROJECTION), world.reached(RAISED)) == (2 * len(ids), 0)

    whole(world.projector(RAISED))

    assert items(world) == [1] * len(ids)


def test_a_rebuild_for_a_version_that_is_raised_once_more_starts_again(world: World, ids: list[UUID]) -> None:
    for _ in range(3):
        world.projector(RAISED).step()
    third = replace(PROJECTION, version=3)

    whole(world.projector(third))

    assert items(world) == [1] * len(ids)
    assert world.reached(third) == 2 * len(ids)
    assert _left_over(world) == [f"projection:boxes:{third.version}"]


def _left_over(world: World) -> list[str]:
    return [name for (name,) in world.driver.database.rows(Statement("SELECT name FROM cursor"))]


def test_older_code_leaves_newer_tables_alone(world: World, ids: list[UUID]) -> None:
    whole(world.projector(RAISED))
    world.happens(add_item(ids[0]))

    with pytest.raises(NewerTables):
        world.projector(PROJECTION).step()

    assert items(world) == [1] * len(ids)


def test_two_leaders_rebuild_once(world: World, ids: list[UUID]) -> None:
    """The second does a step of its own in the middle of each of the first's."""
    busy: list[int] = []

    def slow(recorded: Recorded) -> Iterable[Operation]:
        if not busy:
            busy.append(1)
            world.projector(RAISED).step()
            busy.clear()
        return project(recorded)

    slowed = replace(RAISED, project=slow)
    for _ in range(4 * BATCHES):
        world.projector(slowed).step()

    assert items(world) == [1] * len(ids)


def test_a_list_is_as_old_as_its_old_rows_while_the_new_ones_are_made(world: World, ids: list[UUID]) -> None:
    projector = world.projector(RAISED)
    projector.step()
    world.happens(add_item(ids[0]))
    projector.step()

    (row,) = freshness_query("boxes").read(world.driver.database, position=None)
    assert (row["reached"], row["unprojected"] is None) == (2 * len(ids), False)
    assert projector.lag() == 1
    whole(projector)
    (row,) = freshness_query("boxes").read(world.driver.database, position=None)
    assert (row["reached"], row["unprojected"]) == (2 * len(ids) + 1, None)


def test_the_tables_are_as_their_definitions_say_after_any_number_of_rebuilds(world: World, ids: list[UUID]) -> None:
    before = _structure(world)
    for version in (2, 3):
        whole(world.projector(replace(PROJECTION, version=version)))

    assert ids
    assert _structure(world) == before


def _structure(world: World) -> Any:
    engine = sa.create_engine(world.url.replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        found = sa.inspect(engine)
        names = sorted(name for name in found.get_table_names() if name.startswith((boxes.name, shelf.name)))
        return [
            (
                name,
                [(column["name"], str(column["type"]), column["nullable"]) for column in found.get_columns(name)],
                found.get_pk_constraint(name),
                found.get_indexes(name),
            )
            for name in names
        ]
    finally:
        engine.dispose()


def test_a_table_with_more_constraints_than_its_key_is_not_taken() -> None:
    metadata = sa.MetaData()
    table = sa.Table(
        "odd", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("code", sa.Text, unique=True)
    )
    with pytest.raises(ValueError, match="odd"):
        Shadow(Projection("odd", (table,), lambda _recorded: ()), is_postgresql=True)
