"""A producer that tells about cases and a consumer that counts what it hears, each with a store of its own.

The events and names are the real contracts' (review tells `case_closed` to prescribe), the aggregates are the test's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID, uuid4

from contracts.envelope import Envelope
from contracts.events.review import CaseClosed
from contracts.topology import Family
from services.seedwork.composition import Happened, Service
from services.seedwork.consumer import Consumer
from services.seedwork.families import families_of
from services.seedwork.feeds import CatchUp, FeedPage, StreamPage
from services.seedwork.messaging.publisher import Outgoing
from services.seedwork.model import Aggregate, DomainEvent
from services.seedwork.relay import Relay
from services.seedwork.store import reading
from services.seedwork.store.batch import Wanted
from services.seedwork.store.drivers import Driver
from services.seedwork.store.executor import Context, Work, load, perform
from services.seedwork.store.sealer import seal
from services.seedwork.usecase import Actor, Change, Decision, UseCase
from tests.support.store import core_of, driving, new_store


class Closed(DomainEvent):
    TOPIC: ClassVar[str] = "test.case_closed"

    number: int


class Heard(DomainEvent):
    TOPIC: ClassVar[str] = "test.heard"

    revision: int


def count(state: int, _event: DomainEvent) -> int:
    return state + 1


def gather(state: tuple[int, ...], event: Heard) -> tuple[int, ...]:
    return (*state, event.revision)


CASE: Aggregate[int] = Aggregate(name="case", events=(Closed,), initial=0, evolve=count)
HEARD: Aggregate[tuple[int, ...]] = Aggregate(name="heard", events=(Heard,), initial=(), evolve=gather)


def tell(happened: Happened) -> Sequence[CaseClosed]:
    return [
        CaseClosed(
            case_id=happened.stream_id,
            prescription_id=happened.stream_id,
            patient_ref=happened.stream_id,
            revision=happened.event.number,  # type: ignore[attr-defined]
            confirmation_no=0,
            signed_sha256="0" * 64,
            closed_as="lapsed",
        )
    ]


PRODUCER = Service(name="review", port=1, aggregates=(CASE,), translate={Closed: tell})


@dataclass
class Trouble:
    """Which events the consumer's handler fails on, by (case, revision)."""

    failing: set[tuple[UUID, int]] = field(default_factory=set)
    calls: int = 0


def consumer_service(trouble: Trouble) -> Service:
    def hear(event: CaseClosed, _envelope: Envelope) -> UseCase:
        def decide(_moment: Any, heard: Any) -> Decision:
            trouble.calls += 1
            if (event.case_id, event.revision) in trouble.failing:
                raise RuntimeError("the handler fails")
            return Decision(changes=(Change(heard, (Heard(revision=event.revision),)),))

        return UseCase((HEARD.ref(event.case_id),), decide)

    return Service(name="prescribe", port=2, aggregates=(HEARD,), react={CaseClosed: hear})


class StoreFeeds:
    """The producer's feeds, read from its store instead of over HTTP."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def epoch(self, producer: str) -> int:
        return reading.store_epoch(self._driver.database) if producer == PRODUCER.name else 1

    def family(self, family: Family, after: int) -> Iterator[FeedPage]:
        if family.producer == PRODUCER.name:
            database, families = self._driver.database, families_of("review")
            types = tuple(sorted(name for name, of in families.items() if of == family.name))
            sealed = reading.tail(database)
            rows = reading.feed_query(types, PRODUCER.name).read(database, after=after, page=1000)
            page = list(reading.envelopes(rows, PRODUCER.name, families, reading.store_epoch(database)))
            yield FeedPage(page, max(sealed, after))

    def stream(self, producer: str, family: str, stream: UUID, after: int) -> StreamPage:
        del family
        database = self._driver.database
        rows = reading.stream_query(producer).read(database, stream_id=stream, after=after, page=500)
        told = list(reading.envelopes(rows, producer, families_of("review"), reading.store_epoch(database)))
        return StreamPage(told, reading.STREAM_TAIL.read(database, stream_id=stream)[0]["tail"])


class Outbox:
    """A publisher that keeps what was published, for the test to deliver as it likes."""

    def __init__(self) -> None:
        self.published: list[Outgoing] = []

    def publish(self, batch: Sequence[Outgoing]) -> None:
        self.published.extend(batch)

    def close(self) -> None: ...


@dataclass
class Pair:
    """Both sides."""

    producer: Driver
    consumer_driver: Driver
    consumer: Consumer
    catch_up: CatchUp
    trouble: Trouble
    outbox: Outbox
    relay: Relay
    service: Service

    def close_case(self, case: UUID, times: int = 1) -> None:
        """So many more public events of this case."""
        core = core_of("sqlite:///" if not self.producer.database.is_postgresql else "postgresql:", PRODUCER)

        def decide(_moment: Any, loaded: Any) -> Decision:
            return Decision(changes=(Change(loaded, (Closed(number=loaded.state + 1),)),))

        context = Context(Actor("somebody", "reviewer"), "correlation", "causation")
        for _ in range(times):
            self.producer.run(perform(core, Work(UseCase((CASE.ref(case),), decide), context)))

    def told(self) -> list[Envelope]:
        """Seals and relays; what was published by it."""
        while seal(self.producer.database):
            pass
        before = len(self.outbox.published)
        while self.relay.step():
            pass
        return [Envelope.from_wire(each.body) for each in self.outbox.published[before:]]

    def heard(self, case: UUID) -> tuple[int, ...]:
        """The revisions that took effect, in order."""
        core = core_of("sqlite:///" if not self.producer.database.is_postgresql else "postgresql:", self.service)
        state: tuple[int, ...] = self.consumer_driver.run(load(core, [HEARD.ref(case)]))[0].state
        return state

    def inbox_of(self, case: UUID) -> int:
        place = (PRODUCER.name, case)
        return self.consumer_driver.database.load(Wanted(inbox=(place,))).inbox.get(place, (0, b""))[0]


@contextmanager
def pair(kind: str, directory: Path) -> Iterator[Pair]:
    """A producer and a consumer on stores of this kind."""
    with (
        new_store(kind, directory) as producer_url,
        new_store(kind, directory) as consumer_url,
        driving(producer_url) as producer,
        driving(consumer_url) as consumer_driver,
    ):
        trouble, outbox = Trouble(), Outbox()
        service = consumer_service(trouble)
        core = core_of(consumer_url, service)
        consumer = Consumer(core, consumer_driver)
        catch_up = CatchUp("prescribe", consumer, consumer_driver.database, StoreFeeds(producer))  # type: ignore[arg-type]
        relay = Relay("review", families_of("review"), producer.database, outbox)
        yield Pair(producer, consumer_driver, consumer, catch_up, trouble, outbox, relay, service)


def new_case() -> UUID:
    return uuid4()
