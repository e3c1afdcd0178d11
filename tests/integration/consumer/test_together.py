"""What is decided together with the others of its batch: each gate for itself, one decision, one save."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import pytest

from contracts.envelope import GENESIS, Body, Envelope, IntegrationEvent, public_hash
from contracts.events.dispatch_stock import LineUnfilled
from contracts.events.review import CaseClosed
from services.seedwork import dead_letters
from services.seedwork.composition import Service
from services.seedwork.consumer import ATTEMPTS_MAX, Consumer
from services.seedwork.model import Aggregate, DomainEvent
from services.seedwork.store.batch import Wanted
from services.seedwork.store.drivers import Driver
from services.seedwork.store.executor import load
from services.seedwork.usecase import Change, Decision, UseCase
from tests.integration.consumer.world import HEARD, Heard, new_case
from tests.support.store import core_of, driving, new_store


class Taken(DomainEvent):
    TOPIC: ClassVar[str] = "test.taken"

    revisions: tuple[int, ...]


def keep(state: tuple[tuple[int, ...], ...], event: Taken) -> tuple[tuple[int, ...], ...]:
    return (*state, event.revisions)


LOTS: Aggregate[tuple[tuple[int, ...], ...]] = Aggregate(name="lots", events=(Taken,), initial=(), evolve=keep)
ALL = UUID(int=77)


@dataclass
class Ward:
    """A service that takes cases together and hears what is unfilled one by one."""

    driver: Driver
    failing: set[int] = field(default_factory=set)
    decided: int = 0

    def __post_init__(self) -> None:
        service = Service(
            name="prescribe",
            port=2,
            aggregates=(HEARD, LOTS),
            react={CaseClosed: lambda event, envelope: self.together([(event, envelope)]), LineUnfilled: self.alone},
            together={CaseClosed: self.together},
        )
        self.core = core_of("" if self.driver.database.is_postgresql else "sqlite:///", service)
        self.consumer = Consumer(self.core, self.driver)

    def together(self, told: Sequence[tuple[CaseClosed, Envelope]]) -> UseCase:
        revisions = tuple(event.revision for event, _ in told)
        if self.failing & set(revisions):
            raise RuntimeError("the handler fails")

        def decide(_moment: Any, lots: Any) -> Decision:
            self.decided += 1
            return Decision(changes=(Change(lots, (Taken(revisions=revisions),)),))

        return UseCase((LOTS.ref(ALL),), decide)

    def alone(self, _event: LineUnfilled, envelope: Envelope) -> UseCase:
        def decide(_moment: Any, heard: Any) -> Decision:
            return Decision(changes=(Change(heard, (Heard(revision=envelope.public_seq),)),))

        return UseCase((HEARD.ref(envelope.stream),), decide)

    @property
    def lots(self) -> list[list[int]]:
        (loaded,) = self.driver.run(load(self.core, [LOTS.ref(ALL)]))
        return [list(each) for each in loaded.state]

    def heard(self, stream: UUID) -> list[int]:
        (loaded,) = self.driver.run(load(self.core, [HEARD.ref(stream)]))
        return list(loaded.state)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def ward(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ward]:
    with new_store(request.param, tmp_path) as url, driving(url) as driver:
        yield Ward(driver)


class Stream:
    """What somebody tells in one stream, in order."""

    def __init__(self) -> None:
        self.id, self.told, self._tail = new_case(), 0, GENESIS

    def closed(self, revision: int) -> Envelope:
        closed = CaseClosed(
            case_id=self.id,
            prescription_id=self.id,
            patient_ref=self.id,
            revision=revision,
            confirmation_no=0,
            signed_sha256="0" * 64,
            closed_as="lapsed",
        )
        return self._next(closed)

    def unfilled(self) -> Envelope:
        return self._next(
            LineUnfilled(
                drug_key="a|b|c",
                product="X",
                pharmacy="P",
                region="330102",
                quantity=1,
                reason="out_of_stock",
                on_hand_known=False,
                on_hand=0,
                demand_key="d",
            )
        )

    def _next(self, event: IntegrationEvent) -> Envelope:
        self.told += 1
        at = "2026-03-02T01:00:00+00:00"
        body = Body.model_validate(
            {
                "occurred_at": at,
                "recorded_at": at,
                "actor": "somebody",
                "correlation_id": "c",
                "causation_id": "c",
                "data": event.model_dump(mode="json"),
            }
        ).model_dump_json()
        digest = public_hash(self._tail, self.id, self.told, event.TYPE, body.encode())
        envelope = Envelope("review", event.FAMILY, event.TYPE, self.id, self.told, self._tail, digest, 1, 1, body)
        self._tail = digest
        return envelope


def test_a_batch_is_decided_once_and_again_changes_nothing(ward: Ward) -> None:
    batch = [Stream().closed(number) for number in range(1, 21)]

    ward.consumer.handle([*batch, batch[3]])
    ward.consumer.handle(batch)

    assert ward.lots == [list(range(1, 21))]
    assert ward.decided == 1


def test_only_what_is_next_is_decided_and_what_came_early_follows(ward: Ward) -> None:
    mine, other = Stream(), Stream()
    first, second, third = mine.closed(1), mine.closed(2), mine.closed(3)

    ward.consumer.handle([third, other.closed(10), first])
    assert ward.lots == [[10, 1]], "the third waits for the second"

    ward.consumer.handle([second])
    assert ward.lots == [[10, 1], [2], [3]]
    assert ward.consumer.tables.parked_streams() == []


def test_a_stream_that_is_partly_taken_one_by_one_keeps_its_order(ward: Ward) -> None:
    stream = Stream()
    batch = [stream.closed(1), stream.unfilled(), stream.closed(2), stream.unfilled()]

    ward.consumer.handle(batch)

    assert ward.lots == [[1, 2]]
    assert ward.heard(stream.id) == [2, 4]
    assert ward.consumer.tables.parked_streams() == [], "nothing had to wait"


def test_poison_among_them_is_found_one_by_one_and_blocks_its_stream_only(ward: Ward) -> None:
    bad, good = Stream(), Stream()
    poison, wholesome = bad.closed(66), good.closed(1)
    ward.failing.add(66)

    with pytest.raises(RuntimeError):
        ward.consumer.handle([poison, wholesome])
    assert ward.lots == [], "all of a batch or nothing"
    ward.consumer.handle([wholesome])
    for _ in range(ATTEMPTS_MAX - 1):
        with pytest.raises(RuntimeError):
            ward.consumer.handle([poison])
    ward.consumer.handle([poison])

    assert ward.lots == [[1]]
    assert [letter.stream_id for letter in dead_letters.waiting(ward.driver.database)] == [bad.id]


def test_early_poison_is_not_to_blame_yet(ward: Ward) -> None:
    stream = Stream()
    first, poison = stream.closed(1), stream.closed(66)
    ward.failing.add(66)

    ward.consumer.handle([poison, Stream().closed(2)])

    assert ward.lots == [[2]]
    assert dead_letters.waiting(ward.driver.database) == []
    ward.failing.clear()
    ward.consumer.handle([first])
    assert ward.lots == [[2], [1], [66]]


def test_another_content_under_a_known_number_is_a_fork_whoever_stands_beside_it(ward: Ward) -> None:
    stream = Stream()
    told = stream.closed(1)
    ward.consumer.handle([told])
    forged = Stream()
    forged.id = stream.id
    another = forged.closed(5)

    ward.consumer.handle([another, Stream().closed(2)])

    assert ward.lots == [[1], [2]]
    assert [letter.reason for letter in dead_letters.waiting(ward.driver.database)] == ["fork"]


def test_the_first_of_them_is_named_as_the_cause(ward: Ward) -> None:
    first, second = Stream().closed(1), Stream().closed(2)

    ward.consumer.handle([first, second])

    ((row,),) = ward.driver.database.load(Wanted({ALL: 0})).events.values()
    assert str(first.message_id) in row.state.decode()
