"""Evidence becomes an open case within one batch of the consumer and one tick of the clock, on both databases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest

from contracts.envelope import GENESIS, Body, Envelope, IntegrationEvent, public_hash
from contracts.events.dispatch_stock import LineUnfilled
from services.seedwork.consumer import Consumer
from services.seedwork.projector import Projector
from services.seedwork.store.drivers import Driver
from services.seedwork.store.executor import load
from services.seedwork.store.opening import is_sqlite
from services.seedwork.store.rendering import render
from services.seedwork.store.sealer import seal
from services.seedwork.store.tables import events
from services.seedwork.timers import Timers
from services.shortage.composition import SERVICE
from services.shortage.domain.case import CaseState, case_id, case_ref
from services.shortage.domain.policy import POLICIES
from services.shortage.domain.values import SourceKind
from tests.integration.store.conftest import DATABASES
from tests.support.reader import DrivenReader
from tests.support.store import core_of, driving, new_store
from tests.unit.shortage.conftest import HANGZHOU, NINGBO
from tests.unit.shortage.test_live_detection import told

TICK = POLICIES.of("cn").versions[-1].tick
BATCH = 100
"""As many as a worker takes from its queue at once."""
STEPS_MAX = 60
"""A leader looks for what is due four times a second."""


class Watch(DrivenReader):
    """Shortage on a real store: its consumer, and its leader's steps."""

    def __init__(self, url: str, driver: Driver) -> None:
        super().__init__(core_of(url, SERVICE), driver)
        for projection in SERVICE.projections:
            for name, query in projection.queries.items():
                self.core.queries[name] = render(query, is_postgresql=not is_sqlite(url))
        self._consumer = Consumer(self.core, driver)
        self._projector = Projector(self.core, driver, SERVICE.projections)
        self._timers = Timers(self.core, driver)

    def take(self, told: Sequence[IntegrationEvent]) -> None:
        """One batch of the consumer; each event is the first of its stream."""
        self._consumer.handle([self.envelope(event) for event in told])
        self.project()

    def tick(self) -> None:
        """What a leader does until nothing is due any more, first at once and then a tick later."""
        self.turns()
        self.move_clock(TICK)
        self.turns()

    def turns(self) -> None:
        for _ in range(STEPS_MAX):
            self._timers.step()
            self.project()

    def project(self) -> None:
        while seal(self.driver.database):
            pass
        while self._projector.step():
            pass

    def envelope(self, event: IntegrationEvent) -> Envelope:
        at = self.time.isoformat()
        written = {
            "occurred_at": at,
            "recorded_at": at,
            "actor": "P",
            "correlation_id": "c",
            "causation_id": "c",
            "data": event.model_dump(mode="json"),
        }
        body, stream = Body.model_validate(written).model_dump_json(), uuid4()
        digest = public_hash(GENESIS, stream, 1, event.TYPE, body.encode())
        return Envelope("dispatch", event.FAMILY, event.TYPE, stream, 1, GENESIS, digest, 1, 1, body)

    def case(self, drug: str, region: str = "33") -> CaseState:
        (loaded,) = self.driver.run(load(self.core, [case_ref(case_id(drug, region, 1))]))
        state: CaseState = loaded.state
        return state

    def stored(self) -> int:
        """How many events."""
        import sqlalchemy as sa  # noqa: PLC0415

        count = render(sa.select(sa.func.count()).select_from(events), is_postgresql=self.driver.database.is_postgresql)
        return int(self.driver.database.rows(count.bind())[0][0])


@pytest.fixture(params=DATABASES)
def watch(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Watch]:
    assert SERVICE.metadata is not None
    with new_store(request.param, tmp_path, SERVICE.metadata) as url, driving(url) as driver:
        yield Watch(url, driver)


def drug(number: int) -> str:
    return f"药{number}|片剂|1mg"


def unfilled(number: int, drug_key: str, region: str = HANGZHOU, pharmacy: str | None = None) -> LineUnfilled:
    return LineUnfilled(
        drug_key=drug_key,
        product="X0",
        pharmacy=pharmacy or f"P{number}",
        region=region,
        quantity=12,
        reason="out_of_stock",
        on_hand_known=True,
        on_hand=0,
        demand_key=f"{number:064x}",
    )


def test_three_pharmacies_in_one_batch_are_a_confirmed_case_a_tick_later(watch: Watch) -> None:
    """A whole batch over many drugs; each of them is short at three pharmacies at least."""
    drugs = [drug(number) for number in range(30)]
    watch.take([unfilled(number, drugs[number % len(drugs)]) for number in range(BATCH)])

    assert watch.stored() == 1, "one event for a batch, whatever is in it"
    assert watch.case(drugs[0]).suspected is None

    watch.tick()

    assert {watch.case(each).status for each in drugs} == {"confirmed"}
    case = watch.case(drugs[0])
    assert case.evidence is not None
    assert (case.evidence.pharmacies, case.sources.keys()) == (4, {SourceKind.UNFILLED})
    assert len(case.events) == 4, "the very events"
    assert all(UUID(each.split("/")[0]) for each in case.events)


def test_lines_that_came_short_in_one_batch_are_a_suspicion_a_tick_later(watch: Watch) -> None:
    at = watch.time
    lines = [told(f"P{number}", at - timedelta(minutes=number), drug_key=drug(1)) for number in range(12)]
    others = [
        told(f"Q{number}", at, drug_key=drug(2), short=False, order_id=uuid5(UUID(int=9), str(number)))
        for number in range(BATCH - 12)
    ]
    watch.take([*lines, *others])
    assert watch.stored() == 1

    watch.tick()

    assert watch.case(drug(1)).status == "suspected"
    assert watch.case(drug(1), "").status == "suspected", "of the nation"
    assert watch.case(drug(1)).sources.keys() == {SourceKind.ORDER_LINES}
    assert watch.case(drug(2)).suspected is None


def test_cases_of_many_provinces_become_one_of_the_nation_in_the_same_tick(watch: Watch) -> None:
    places = [HANGZHOU, NINGBO, "610103", "110101", "320102", "440103"]
    watch.take([unfilled(number, drug(1), places[number % len(places)]) for number in range(36)])

    watch.tick()

    nation = watch.case(drug(1), "")
    assert nation.status == "confirmed"
    assert set(nation.children.values()) == {"33", "61", "11", "32", "44"}


def test_a_batch_that_comes_again_counts_once(watch: Watch) -> None:
    batch = [watch.envelope(unfilled(number, drug(1), pharmacy=f"P{number % 2}")) for number in range(10)]
    watch._consumer.handle(batch)
    watch._consumer.handle([*batch[5:], *batch[:5]])
    watch.project()
    watch.tick()

    case = watch.case(drug(1))
    assert case.status == "suspected"
    assert case.evidence is not None
    assert (case.evidence.pharmacies, case.evidence.demands) == (2, 10)
