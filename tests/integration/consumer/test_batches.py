"""Many use cases in one save, and projections side by side."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from services.seedwork.composition import Service
from services.seedwork.projection import Operation, Projection, Put, Recorded
from services.seedwork.projector import Projector, cursor_name
from services.seedwork.store import reading
from services.seedwork.store.executor import Context, Incoming, Work, perform, perform_all
from services.seedwork.store.sealer import seal
from services.seedwork.usecase import STREAMS_PER_USE_CASE_MAX, Actor, Change, Decision, Load, UseCase
from tests.integration.consumer.world import CASE, Closed
from tests.support.store import core_of, driving, new_store

SERVICE = Service(name="review", port=1, aggregates=(CASE,))
SOMEBODY = Actor("somebody", "service")


def closing_two() -> UseCase:
    """Changes one case that it names and one that it asks for while it decides."""

    def decide(_moment: Any, first: Any) -> Generator[Load, Any, Decision]:
        (second,) = yield Load.of(CASE.ref(uuid4()))
        return Decision(tuple(Change(each, (Closed(number=1),)) for each in (first, second)))

    return UseCase((CASE.ref(uuid4()),), decide)


def incoming(number: int) -> Context:
    return Context(SOMEBODY, "c", "c", incoming=Incoming("upstream", uuid4(), 1, bytes(32), bytes([number]) * 32, 1))


def test_the_limit_of_streams_is_per_use_case_also_for_what_a_batch_asks_for_while_it_decides(tmp_path: Path) -> None:
    with new_store("sqlite", tmp_path) as url, driving(url) as driver:
        works = [Work(closing_two(), incoming(number)) for number in range(STREAMS_PER_USE_CASE_MAX)]

        outcomes = driver.run(perform_all(core_of(url, SERVICE), works))

        assert len(outcomes) == len(works)


def test_one_use_case_may_not_ask_for_more_streams_than_the_limit(tmp_path: Path) -> None:
    refs = tuple(CASE.ref(uuid4()) for _ in range(STREAMS_PER_USE_CASE_MAX + 1))
    with new_store("sqlite", tmp_path) as url, driving(url) as driver, pytest.raises(ValueError, match="too many"):
        driver.run(perform(core_of(url, SERVICE), Work(UseCase(refs, lambda *_: Decision.nothing()), incoming(1))))


METADATA = sa.MetaData()
SEEN = sa.Table("seen", METADATA, sa.Column("log_index", sa.BigInteger, primary_key=True, autoincrement=False))


def note(recorded: Recorded) -> list[Operation]:
    return [Put(SEEN, {"log_index": recorded.log_index})]


def fail(_recorded: Recorded) -> list[Operation]:
    raise RuntimeError("this projection cannot")


def test_a_projection_that_fails_does_not_hold_up_the_others(tmp_path: Path) -> None:
    broken, whole = Projection("broken", (), fail), Projection("whole", (SEEN,), note)
    with new_store("sqlite", tmp_path) as url, driving(url) as driver:
        METADATA.create_all(sa.create_engine(url))
        core = core_of(url, SERVICE)
        driver.run(perform(core, Work(closing_two(), incoming(1))))
        seal(driver.database)

        with pytest.raises(RuntimeError):
            Projector(core, driver, (broken, whole)).step()

        assert reading.cursor_of(driver.database, cursor_name(whole)) == 2
        assert reading.cursor_of(driver.database, cursor_name(broken)) == 0
