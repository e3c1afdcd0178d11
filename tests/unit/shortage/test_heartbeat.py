"""A heartbeat goes the whole way of a shortage, is seen in a report, ends, and is told to nobody."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.shortage.application.heartbeat import HEARTBEAT, beat_steps, see_beat
from services.shortage.application.reports import SETTLED
from services.shortage.composition import SERVICE
from services.shortage.domain.case import case_id, case_ref
from services.shortage.domain.heartbeat import case_nodes, heartbeat_key
from services.shortage.domain.policy import POLICIES
from services.shortage.domain.watch import FACTS, WATCH, watch_ref
from tests.support.store_in_memory import StoreInMemory
from tests.unit.shortage.conftest import NOW, spread
from tests.unit.shortage.responses import Shortage
from tests.unit.shortage.test_reports import Desk

POLICY = POLICIES.of("cn").versions[-1]
TICK = timedelta(seconds=POLICY.tick_seconds)
KEY = heartbeat_key(NOW)


def beat(store: StoreInMemory) -> None:
    assert store.time == NOW
    for step in beat_steps(NOW, store.jurisdiction):
        store.run(step)
    spread(store)


def ticks(store: StoreInMemory) -> None:
    """The detectors look, every node has its turn, and the instant has settled."""
    store.rows("case_changes", after=0, limit=1)  # the read models have what was told
    store.move_clock(TICK)
    for _ in range(3):
        store.move_clock(timedelta(seconds=1))
    store.rows("case_changes", after=0, limit=1)
    store.time += SETTLED + timedelta(seconds=1)


def seen(store: StoreInMemory) -> bool:
    return bool(store.run(see_beat(NOW)).body["seen"])


def case(store: StoreInMemory, node: str) -> Any:
    return store.state(case_ref(case_id(KEY, node, 1)))


@pytest.fixture
def store() -> StoreInMemory:
    return StoreInMemory(SERVICE, NOW)


def test_a_beat_is_seen_once_a_report_shows_its_case_and_then_it_is_over(store: StoreInMemory) -> None:
    beat(store)
    assert case(store, "00").status != "suspected", "one pharmacy opens no case: it takes a detector"
    assert not seen(store)

    ticks(store)
    assert [case(store, node).status for node in case_nodes(POLICY)] == ["suspected", "suspected"]
    assert seen(store)
    assert [case(store, node).status for node in case_nodes(POLICY)] == ["dismissed", "dismissed"]
    assert seen(store), "who looks again sees it again, and nothing is left to end"
    assert store.state(watch_ref(KEY)).facts_at is None, "nobody looks at it again"
    store.move_clock(timedelta(days=2))
    assert case_id(KEY, "00", 2) not in store.streams


@pytest.mark.parametrize("jurisdiction", sorted(POLICIES.names))
def test_a_beat_suffices_for_the_detectors_of_every_jurisdiction(jurisdiction: str) -> None:
    store = StoreInMemory(SERVICE, NOW, jurisdiction=jurisdiction)
    beat(store)
    ticks(store)
    assert seen(store)


def test_without_the_clock_the_detectors_or_the_read_models_no_beat_is_seen() -> None:
    timers = {key: command for key, command in SERVICE.timers.items() if key != (WATCH.name, FACTS)}
    nothing = replace(SERVICE, timers={**timers, (WATCH.name, FACTS): lambda _id: see_beat(NOW)})
    deaf = StoreInMemory(nothing, NOW)
    beat(deaf)
    ticks(deaf)
    assert not seen(deaf)

    lagging = StoreInMemory(SERVICE, NOW)
    beat(lagging)
    ticks(lagging)
    lagging.lists_lag = True
    lagging.rebuild()
    with lagging.engine.begin() as connection:
        for table in next(p for p in SERVICE.projections if p.name == "history").tables:
            connection.execute(table.delete())
    assert not seen(lagging)


def test_nobody_is_told_of_it(tmp_path: Path) -> None:
    world = Shortage()
    desk = Desk(world, tmp_path)
    store = world.store
    beat(store)
    ticks(store)
    assert desk.get("nation", "/shortages").json()["items"] == []
    nation = desk.get("nation", "/shortage-reports", kind="weekly", region="000000").json()
    assert (nation["cases"], nation["drugs"], nation["completeness"]["inputs"]["told"]) == ([], [], 0)
    assert {row["name"]: row["value"] for row in nation["figures"]}["suspected"] == 0
    assert seen(store)
    assert desk.get("nation", "/shortage-changes").json()["items"] == []
    later = desk.get("nation", "/shortage-reports", kind="weekly", region="000000").json()
    assert {row["name"]: row["value"] for row in later["figures"]}["dismissed_in_period"] == 0
    assert store.told == []


def test_the_cadence_is_policy() -> None:
    every = HEARTBEAT.cadence("cn", NOW)
    assert (every.every, every.limit) == (timedelta(hours=1), timedelta(minutes=10))
    assert every.limit > TICK + SETTLED, "or no beat could come through"
