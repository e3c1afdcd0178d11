"""Timers: the leader fires what is due by the store's time; what fails backs off and raises an alarm in the end."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from services.seedwork import timers
from services.seedwork.composition import Service
from services.seedwork.model import Aggregate, DomainEvent
from services.seedwork.store.batch import Wanted
from services.seedwork.store.drivers import Driver
from services.seedwork.store.executor import load, perform
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import meta, timer
from services.seedwork.timers import ALARM_ATTEMPTS, Timers
from services.seedwork.usecase import Decision, UseCase
from tests.support.store import BOX, BOXES, close_box, core_of, driving, events_of, open_box, work

_STREAM = sa.bindparam("stream", type_=sa.Uuid())
_TIMER = Prepared(lambda _i: sa.select(timer.c.due_at, timer.c.attempts).where(timer.c.stream_id == _STREAM))


def _move(insert: Any) -> Any:
    moved = insert(meta).values(name="clock_offset_us", value=sa.bindparam("by", type_=sa.BigInteger))
    offset = meta.c.value + moved.excluded.value
    return moved.on_conflict_do_update(index_elements=[meta.c.name], set_={"value": offset})


_MOVE = Prepared(_move)


@dataclass
class Clockwork:
    """A store whose clock the test moves, and the timers of its leader."""

    url: str
    driver: Driver

    def service(self, service: Service) -> Timers:
        return Timers(core_of(self.url, service), self.driver)

    def move(self, **by: float) -> None:
        micros = timedelta(**by) // timedelta(microseconds=1)
        self.driver.database.write([_MOVE.bind(self.driver.database, by=micros)])

    def do(self, use_case: UseCase) -> None:
        self.driver.run(perform(core_of(self.url), work(use_case)))

    def state(self, box: UUID) -> Any:
        return self.driver.run(load(core_of(self.url), (BOX.ref(box),)))[0].state

    def timer(self, box: UUID) -> tuple[int | None, int]:
        row = _TIMER.read(self.driver.database, stream=box)[0]
        return row["due_at"], row["attempts"]

    def seconds_until(self, box: UUID) -> float:
        due = self.timer(box)[0]
        assert due is not None
        return (due - self.driver.database.load(Wanted()).now) / 1e6


@pytest.fixture
def clockwork(own_url: str) -> Iterator[Clockwork]:
    with driving(own_url) as driver:
        yield Clockwork(own_url, driver)


def failing(_box: UUID) -> UseCase:
    raise LookupError("no such thing")


FAILING = replace(BOXES, timers={("box", "close"): failing})


def test_a_deadline_fires_when_its_time_has_come_and_not_before(clockwork: Clockwork) -> None:
    box = uuid4()
    clockwork.do(open_box(box, after=timedelta(hours=1)))
    fired = clockwork.service(BOXES)

    fired.step()
    assert not clockwork.state(box).closed

    clockwork.move(minutes=61)
    fired.step()
    assert clockwork.state(box).closed
    assert clockwork.timer(box) == (None, 0)


def test_a_deadline_fires_once(clockwork: Clockwork) -> None:
    box = uuid4()
    clockwork.do(open_box(box))
    clockwork.move(hours=2)

    clockwork.service(BOXES).step()
    clockwork.move(hours=2)
    clockwork.service(BOXES).step()

    assert len(events_of(clockwork.driver.database, box)) == 2


class Stepped(DomainEvent):
    TOPIC: ClassVar[str] = "test.job_stepped"

    at: datetime


def last(_state: datetime | None, event: Stepped) -> datetime:
    return event.at


JOB: Aggregate[datetime | None] = Aggregate(
    "job", (Stepped,), None, last, lambda at: {} if at is None else {"step": at}
)


def step(job: UUID) -> UseCase:
    """The next step is due at once."""
    return UseCase((JOB.ref(job),), lambda moment, loaded: Decision.on(loaded, [Stepped(at=moment.now)]))


JOBS = Service(name="jobs", port=1, aggregates=(JOB,), timers={("job", "step"): step})


class FoundBefore:
    """What another leader had found."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def read(self, *_: Any, **__: Any) -> list[dict[str, Any]]:
        return self.rows


def test_a_step_that_an_overlapping_leader_has_taken_is_not_followed_by_the_next_in_its_name(
    clockwork: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, database = uuid4(), clockwork.driver.database
    clockwork.driver.run(perform(core_of(clockwork.url, JOBS), work(step(job))))
    rows = Prepared(lambda _i: sa.select(timer)).read(database)

    clockwork.service(JOBS).step()
    set_anew = clockwork.timer(job)
    monkeypatch.setattr(timers, "_DUE", FoundBefore(rows))
    clockwork.service(JOBS).step()

    assert len(events_of(database, job)) == 2
    assert clockwork.timer(job) == set_anew


def test_a_timer_that_fires_too_early_changes_nothing_and_comes_again(clockwork: Clockwork) -> None:
    box = uuid4()
    clockwork.do(open_box(box, after=timedelta(hours=1)))
    early = sa.update(timer).values(due_at=1).where(timer.c.stream_id == box)
    clockwork.driver.database.write([Prepared(lambda _i: early).bind(clockwork.driver.database)])

    clockwork.service(BOXES).step()

    assert not clockwork.state(box).closed
    assert clockwork.timer(box)[1] == 1
    clockwork.move(hours=2)
    clockwork.service(BOXES).step()
    assert clockwork.state(box).closed


def test_a_failing_timer_backs_off_and_holds_nobody_up(clockwork: Clockwork, caplog: pytest.LogCaptureFixture) -> None:
    broken, sound = uuid4(), uuid4()
    clockwork.do(open_box(broken))
    clockwork.do(open_box(sound))
    clockwork.move(hours=2)

    def only_one_fails(box: UUID) -> UseCase:
        return failing(box) if box == broken else close_box(box)

    fired = clockwork.service(replace(BOXES, timers={("box", "close"): only_one_fails}))
    waits = []
    for _ in range(4):
        fired.step()
        waits.append(clockwork.seconds_until(broken))
        fired.step()  # not due: nothing happens
        clockwork.move(seconds=waits[-1] + 0.1)

    assert clockwork.state(sound).closed
    assert clockwork.timer(broken)[1] == 4
    for wait, expected in zip(waits, (1, 2, 4, 8), strict=True):
        assert expected - 1 < wait <= expected


def test_the_pause_between_tries_has_a_limit(clockwork: Clockwork) -> None:
    box = uuid4()
    clockwork.do(open_box(box))
    often = sa.update(timer).values(attempts=5000).where(timer.c.stream_id == box)
    clockwork.driver.database.write([Prepared(lambda _i: often).bind(clockwork.driver.database)])
    clockwork.move(hours=2)

    clockwork.service(FAILING).step()

    assert 290 < clockwork.seconds_until(box) <= 300


def test_an_alarm_is_raised_when_a_timer_does_not_get_done(
    clockwork: Clockwork, caplog: pytest.LogCaptureFixture
) -> None:
    box = uuid4()
    clockwork.do(open_box(box))
    clockwork.move(hours=2)
    fired = clockwork.service(FAILING)
    alarms: list[int] = []

    for _ in range(ALARM_ATTEMPTS):
        caplog.clear()
        fired.step()
        alarms.append(sum(record.levelno == logging.CRITICAL for record in caplog.records))
        clockwork.move(seconds=301)

    assert alarms == [0] * (ALARM_ATTEMPTS - 1) + [1]


def test_a_timer_of_an_unknown_kind_is_no_one_elses_trouble(clockwork: Clockwork) -> None:
    box = uuid4()
    clockwork.do(open_box(box))
    clockwork.move(hours=2)

    clockwork.service(replace(BOXES, timers={})).step()

    assert clockwork.timer(box)[1] == 1


def test_a_deadline_that_was_set_anew_meanwhile_keeps_its_new_time(clockwork: Clockwork) -> None:
    box = uuid4()
    clockwork.do(open_box(box))
    clockwork.move(hours=2)
    later = 4_000_000_000_000_000

    def reopened(each: UUID) -> UseCase:
        def decide(_moment: Any, _loaded: Any) -> Decision:
            anew = sa.update(timer).values(due_at=later, attempts=0).where(timer.c.stream_id == each)
            clockwork.driver.database.write([Prepared(lambda _i: anew).bind(clockwork.driver.database)])
            return Decision.nothing()

        return UseCase((BOX.ref(each),), decide)

    clockwork.service(replace(BOXES, timers={("box", "close"): reopened})).step()

    assert clockwork.timer(box) == (later, 0)


def test_a_full_batch_asks_for_another_round(clockwork: Clockwork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timers, "BATCH", 2)
    ids = [uuid4() for _ in range(3)]
    for box in ids:
        clockwork.do(open_box(box))
    clockwork.move(hours=2)
    fired = clockwork.service(BOXES)

    assert [fired.step(), fired.step()] == [True, False]
    assert all(clockwork.state(box).closed for box in ids)


def test_two_leaders_that_fire_the_same_timer_close_the_box_once(clockwork: Clockwork) -> None:
    box = uuid4()
    clockwork.do(open_box(box))
    clockwork.move(hours=2)
    with driving(clockwork.url) as other:
        second = Timers(core_of(clockwork.url), other)

        def both(each: UUID) -> UseCase:
            second.step()
            return BOXES.timers["box", "close"](each)

        clockwork.service(replace(BOXES, timers={("box", "close"): both})).step()

    assert [row.topic for row in events_of(clockwork.driver.database, box)] == ["box.opened", "box.closed"]
    assert clockwork.timer(box) == (None, 0)
