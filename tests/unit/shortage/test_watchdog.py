"""The watchdog over a real store: the clock of its beats, its alarm, and what readiness says."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from services.seedwork.composition import Cadence, Heartbeat
from services.seedwork.store.batch import Wanted
from services.seedwork.store.condition import assess, condition_query
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import CLOCK_OFFSET, HEARTBEAT_DUE, meta
from services.seedwork.timers import Timers
from services.seedwork.usecase import Answer, Decision, UseCase
from services.seedwork.watchdog import Watchdog
from services.shortage.composition import SERVICE
from services.shortage.domain.policy import POLICIES
from tests.support.service_on_sqlite import ServiceOnSqlite, service_on_sqlite

EVERY, LIMIT = timedelta(hours=1), timedelta(minutes=10)
_ROWS = Prepared(lambda _i: sa.select(meta))


class House:
    """A watchdog whose real clock the test moves, by moving the deadline the other way."""

    def __init__(self, shortage: ServiceOnSqlite) -> None:
        self.shortage, self.came_through, self.beats = shortage, False, 0
        self.heartbeat = Heartbeat(lambda _place, _now: Cadence(EVERY, LIMIT), self.steps, self.seen)
        self.watchdog = self.anew()

    def anew(self) -> Watchdog:
        return Watchdog(self.shortage.core, self.shortage.driver, self.heartbeat)

    def steps(self, _beat: Any, _jurisdiction: str) -> list[UseCase]:
        self.beats += 1
        return []

    def seen(self, _beat: Any) -> UseCase:
        return UseCase((), lambda _moment: Decision.nothing(Answer(200, {"seen": self.came_through})))

    def due(self) -> int | None:
        rows = {row["name"]: row["value"] for row in _ROWS.read(self.shortage.database)}
        return rows.get(HEARTBEAT_DUE)

    def set(self, name: str, value: int) -> None:
        upsert = sa.text(f"INSERT OR REPLACE INTO meta (name, value) VALUES ('{name}', {value})")
        self.shortage.database.write([Prepared(lambda _i: upsert).bind(self.shortage.database)])

    def pass_by(self, span: timedelta) -> None:
        due = self.due()
        assert due is not None
        self.set(HEARTBEAT_DUE, due - span // timedelta(microseconds=1))

    def alerting(self) -> Any:
        database = self.shortage.database
        (row,) = condition_query(SERVICE).read(database)
        (check,) = [each for each in assess(row, database_now(database)) if each.name == "alerting"]
        return check


def database_now(database: Any) -> int:
    return int(database.load(Wanted()).now)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with service_on_sqlite(SERVICE, tmp_path) as shortage:
        yield House(shortage)


def test_a_beat_each_hour_and_the_deadline_moves_on_once_it_was_seen(house: House) -> None:
    assert house.alerting().ok, "before the first is due nothing is known against it"
    house.watchdog.step()
    first = house.due()
    house.watchdog.step()
    assert (house.beats, house.due()) == (0, first)

    house.pass_by(EVERY)
    house.watchdog.step()
    house.watchdog.step()
    assert house.beats == 1, "one beat is under way at a time"
    assert house.alerting().ok
    house.came_through = True
    house.watchdog.step()
    assert house.due() > first - EVERY // timedelta(microseconds=1)  # type: ignore[operator]
    house.watchdog.step()
    assert house.beats == 1, "the next is due in an hour"


def test_a_beat_that_does_not_come_through_raises_an_alarm_and_the_service_is_not_ready(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.watchdog.step()
    house.pass_by(EVERY)
    house.watchdog.step()
    house.pass_by(LIMIT + timedelta(seconds=5))
    with caplog.at_level(logging.ERROR):
        house.watchdog.step()
        house.watchdog.step()
    told = [record.message for record in caplog.records]
    assert len(told) == 1, "once in each limit, not every few seconds"
    assert told[0].startswith("alarm: no heartbeat has come through")
    check = house.alerting()
    assert not check.ok
    assert "overdue" in check.detail

    # a restart hides nothing, and the next beat that comes through ends it
    house.watchdog = house.anew()
    assert not house.alerting().ok
    house.watchdog.step()
    assert house.beats == 2
    house.came_through = True
    house.watchdog.step()
    assert house.alerting().ok


def test_a_lost_beat_is_followed_by_another(house: House) -> None:
    house.watchdog.step()
    house.pass_by(EVERY)
    house.watchdog.step()
    house.watchdog._beat -= LIMIT + timedelta(seconds=1)  # type: ignore[operator] # as if it had begun then
    house.watchdog.step()
    assert house.beats == 2


def test_the_clock_of_development_mode_counts_in_no_deadline(house: House) -> None:
    house.watchdog.step()
    before = house.due()
    house.set(CLOCK_OFFSET, 40 * 86_400_000_000)
    assert house.alerting().ok
    house.watchdog.step()
    assert (house.beats, house.due()) == (0, before)


def test_a_clock_set_back_does_not_silence_it(house: House) -> None:
    house.watchdog.step()
    house.pass_by(-10 * EVERY)
    house.watchdog.step()
    assert house.due() < database_now(house.shortage.database) + 2 * EVERY // timedelta(microseconds=1)  # type: ignore[operator]


def test_the_heartbeat_of_shortage_comes_through_its_real_store(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Timers, projections and the sealed log are the real ones; only the waits are shortened."""
    assert SERVICE.heartbeat is not None
    (policy,) = POLICIES.of("cn").versions[-1:]
    monkeypatch.setattr(type(policy), "tick", timedelta(0))
    monkeypatch.setattr("services.shortage.application.heartbeat.SETTLED", timedelta(0))
    shortage = house.shortage
    house.heartbeat = SERVICE.heartbeat
    watchdog, timers = house.anew(), Timers(shortage.core, shortage.driver)
    watchdog.step()
    house.pass_by(EVERY)
    before = house.due()
    watchdog.step()
    watchdog.step()
    assert house.due() == before

    for _ in range(4):
        shortage.find("case_changes", after=0, limit=1)
        timers.step()
    shortage.find("case_changes", after=0, limit=1)
    watchdog.step()
    assert house.due() > before  # type: ignore[operator]
