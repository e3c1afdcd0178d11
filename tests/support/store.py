"""A service of the tests' own for the event store, and stores of every kind to run it on.

The service keeps boxes of medicines: small enough to see through, with all that the store must carry: personal fields,
public events, deadlines, an upcast event, a cached aggregate and final and passing refusals.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar
from uuid import UUID, uuid4

import psycopg
import sqlalchemy as sa

from contracts.envelope import GENESIS, IntegrationEvent
from contracts.errors import CATALOGUE, Problem
from services.seedwork.composition import Happened, Service
from services.seedwork.model import Aggregate, DomainEvent, Personal, PersonalClass, Refusal
from services.seedwork.store.batch import Batch, EventRow, IdempotencyKey
from services.seedwork.store.drivers import Driver
from services.seedwork.store.executor import Context, Incoming, StoreCore, Work
from services.seedwork.store.keyring import Keyring
from services.seedwork.store.mapper import event_hash
from services.seedwork.store.opening import TimeOrderedIds, blocking_database, is_sqlite
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.schema import create_tables
from services.seedwork.store.tables import events, public
from services.seedwork.usecase import Actor, Answer, Decision, Moment, UseCase
from tests.support import servers

MASTER_KEY = bytes(range(32))
SHELF_LIFE = timedelta(hours=1)


class BoxOpened(DomainEvent):
    TOPIC: ClassVar[str] = "box.opened"
    patient_ref: UUID
    owner: Annotated[str | None, Personal(PersonalClass.IDENTITY)]
    closes_at: datetime


class ItemAdded(DomainEvent):
    """Version 1 said `amount` and knew no unit."""

    TOPIC: ClassVar[str] = "box.item_added"
    class_version: ClassVar[int] = 2
    item: str
    quantity: int
    unit: str

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        state["quantity"] = state.pop("amount")
        state["unit"] = "piece"


class BoxClosed(DomainEvent):
    TOPIC: ClassVar[str] = "box.closed"


class BoxOpenedPublic(IntegrationEvent):
    TYPE: ClassVar[str] = "boxes.box_opened.v1"
    FAMILY: ClassVar[str] = "box"
    patient_ref: UUID
    owner: Annotated[str | None, Personal(PersonalClass.IDENTITY)]


class ItemAddedPublic(IntegrationEvent):
    TYPE: ClassVar[str] = "boxes.item_added.v1"
    FAMILY: ClassVar[str] = "box"
    item: str
    quantity: int


@dataclass(frozen=True)
class BoxState:
    owner: str | None = None
    items: tuple[str, ...] = ()
    quantity: int = 0
    units: tuple[str, ...] = ()
    closes_at: datetime | None = None
    closed: bool = False


def evolve_box(state: BoxState, event: DomainEvent) -> BoxState:
    match event:
        case BoxOpened(owner=owner, closes_at=closes_at):
            return replace(state, owner=owner, closes_at=closes_at)
        case ItemAdded(item=item, quantity=quantity, unit=unit):
            return replace(
                state, items=(*state.items, item), quantity=state.quantity + quantity, units=(*state.units, unit)
            )
        case _:
            return replace(state, closed=True, closes_at=None)


def due_of_box(state: BoxState) -> dict[str, datetime]:
    return {} if state.closes_at is None else {"close": state.closes_at}


BOX = Aggregate("box", (BoxOpened, ItemAdded, BoxClosed), BoxState(), evolve_box, due_of_box)


class PriceSet(DomainEvent):
    TOPIC: ClassVar[str] = "price.set"
    fen: int


def evolve_price(_state: int, event: PriceSet) -> int:
    return event.fen


PRICE = Aggregate("price", (PriceSet,), 0, evolve_price, cached=True)


def tell_opened(happened: Happened) -> list[IntegrationEvent]:
    event: Any = happened.event
    return [BoxOpenedPublic(patient_ref=event.patient_ref, owner=event.owner)]


def tell_added(happened: Happened) -> list[IntegrationEvent]:
    """Two public events for one: the second about the sum, so that numbers and events differ."""
    event: Any = happened.event
    return [
        ItemAddedPublic(item=event.item, quantity=event.quantity),
        ItemAddedPublic(item="sum", quantity=happened.after.quantity),
    ]


def close_when_due(box: UUID) -> UseCase:
    def decide(moment: Moment, loaded: Any) -> Decision:
        if loaded.state.closes_at is None or moment.now < loaded.state.closes_at:
            return Decision.nothing()
        return Decision.on(loaded, [BoxClosed()])

    return UseCase((BOX.ref(box),), decide)


BOXES = Service(
    name="boxes",
    port=0,
    aggregates=(BOX, PRICE),
    translate={BoxOpened: tell_opened, ItemAdded: tell_added},
    timers={("box", "close"): close_when_due},
    rights=frozenset({PersonalClass.IDENTITY}),
)

FINAL, PASSING = "box.full", "box.busy"
CATALOGUE_OF_BOXES = {
    FINAL: Problem(FINAL, 409, "Box full", "It holds what it can."),
    PASSING: Problem(PASSING, 429, "Box busy", "Later it may not be.", final=False),
}


@contextmanager
def problems_of_boxes() -> Iterator[None]:
    """The service's refusals stand in the catalogue."""
    CATALOGUE.update(CATALOGUE_OF_BOXES)
    try:
        yield
    finally:
        for code in CATALOGUE_OF_BOXES:
            del CATALOGUE[code]


# -- use cases


def open_box(
    box: UUID, *, owner: str | None = "李雷", patient: UUID | None = None, after: timedelta = SHELF_LIFE
) -> UseCase:
    def decide(moment: Moment, loaded: Any) -> Decision:
        if loaded.exists:
            return Decision.refused(Refusal(FINAL, {"box": str(box)}))
        event = BoxOpened(patient_ref=patient or uuid4(), owner=owner, closes_at=moment.now + after)
        return Decision.on(loaded, [event], Answer(201, {"box": str(box)}))

    return UseCase((BOX.ref(box),), decide)


def add_item(box: UUID, item: str = "aspirin", *, at_most: int = 10**9, quantity: int = 1) -> UseCase:
    """Refused for good once the box holds `at_most` items."""

    def decide(_moment: Moment, loaded: Any) -> Decision:
        if len(loaded.state.items) >= at_most:
            return Decision.refused(Refusal(FINAL, {"items": list(loaded.state.items)}))
        added = ItemAdded(item=item, quantity=quantity, unit="tablet")
        return Decision.on(loaded, [added], Answer(201, {"item": item, "place": len(loaded.state.items) + 1}))

    return UseCase((BOX.ref(box),), decide)


def close_box(box: UUID) -> UseCase:
    return UseCase((BOX.ref(box),), lambda _moment, loaded: Decision.on(loaded, [BoxClosed()]))


def move_item(source: UUID, target: UUID, item: str) -> UseCase:
    """Writes to two streams in one save."""

    def decide(_moment: Moment, first: Any, second: Any) -> Decision:
        out = ItemAdded(item=f"-{item}", quantity=-1, unit="tablet")
        into = ItemAdded(item=item, quantity=1, unit="tablet")
        return Decision.on(first, [out]).and_also(second, [into])

    return UseCase((BOX.ref(source), BOX.ref(target)), decide)


def set_price(drug: UUID, fen: int) -> UseCase:
    return UseCase((PRICE.ref(drug),), lambda _moment, loaded: Decision.on(loaded, [PriceSet(fen=fen)]))


# -- contexts

ACTOR = Actor("nurse", "pharmacist")


def work(use_case: UseCase, key: str | None = None, incoming: Incoming | None = None, body: bytes = b"body") -> Work:
    kept = IdempotencyKey("nurse", "POST /boxes", key, body.ljust(32, b"\0")) if key else None
    return Work(use_case, Context(ACTOR, "correlation", "causation", None, kept, incoming))


def new_key() -> str:
    return secrets.token_hex(8)


def arriving(stream: UUID, seq: int, content: str = "") -> Incoming:
    """The event `seq` of an upstream stream, whose chain is told by its content."""
    return Incoming("upstream", stream, seq, link(seq - 1), link(seq, content), 1)


def link(seq: int, content: str = "") -> bytes:
    return f"{seq}{content}".encode().rjust(32, b"-") if seq else GENESIS


# -- stores


def core_of(url: str, service: Service = BOXES) -> StoreCore:
    keyring = Keyring(MASTER_KEY, service.rights, is_postgresql=not is_sqlite(url))
    return StoreCore(service, keyring, MASTER_KEY, TimeOrderedIds())


def make_tables(url: str, *extra: sa.MetaData) -> None:
    """All of the kernel's tables and the keyring's, in one database."""
    if is_sqlite(url):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        create_tables(engine, extra, keyring=True)
    finally:
        engine.dispose()


@contextmanager
def new_store(kind: str, directory: Path, *extra: sa.MetaData) -> Iterator[str]:
    """The URL of an empty store of this kind of database: `sqlite` or `postgresql`."""
    if kind == "sqlite":
        url = f"sqlite:///{directory}/{uuid4().hex}/store.sqlite"
        make_tables(url, *extra)
        yield url
        return
    with servers.emptied_database() as url:
        make_tables(url, *extra)
        yield url


@contextmanager
def opened(url: str, pool_size: int = 8) -> Iterator[Any]:
    """A blocking database on this store."""
    database = blocking_database(url, pool_size)
    database.open()
    try:
        yield database
    finally:
        database.close()


@contextmanager
def driving(url: str, pool_size: int = 8) -> Iterator[Driver]:
    """A synchronous driver of its own, as another process would have it; store and keyring share the database."""
    with opened(url, pool_size) as database:
        yield Driver(database, database)


class Without:
    """A database whose saves leave something out: how a mechanism looks when it is switched off."""

    def __init__(self, database: Any, **left_out: Any) -> None:
        self._database = database
        self._left_out = left_out

    def save(self, batch: Batch) -> Any:
        return self._database.save(replace(batch, **self._left_out))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)


# -- what is in a store

_EVENTS = Prepared(
    lambda _i: (
        sa.select(*[events.c[name] for name in EventRow._fields])
        .where(events.c.stream_id == sa.bindparam("stream", type_=sa.Uuid()))
        .order_by(events.c.version)
    )
)
_PUBLIC = Prepared(
    lambda _i: (
        sa.select(public)
        .where(public.c.stream_id == sa.bindparam("stream", type_=sa.Uuid()))
        .order_by(public.c.public_seq)
    )
)


def events_of(database: Any, stream: UUID) -> list[EventRow]:
    return [EventRow(**row) for row in _EVENTS.read(database, stream=stream)]


def public_of(database: Any, stream: UUID) -> list[dict[str, Any]]:
    return _PUBLIC.read(database, stream=stream)


def chain_holds(rows: list[EventRow]) -> bool:
    """Versions are contiguous from 1 and each hash follows from the one before."""
    previous = GENESIS
    for version, row in enumerate(rows, start=1):
        if row.version != version or event_hash(previous, row) != row.hash:
            return False
        previous = row.hash
    return True


@contextmanager
def dawdling_store(*, seconds: float, deadlock_ms: int) -> Iterator[str]:
    """An empty PostgreSQL store in which each inserted event takes a moment, so that saves overlap, and deadlocks
    are noticed soon."""
    with servers.emptied_database() as url:
        make_tables(url)
        name = url.rpartition("/")[2]
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE \"{name}\" SET deadlock_timeout = '{deadlock_ms}ms'")
            connection.execute(
                "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS"
                f" $$ BEGIN PERFORM pg_sleep({seconds}); RETURN NEW; END $$"
            )
            for when in ("BEFORE", "AFTER"):
                connection.execute(
                    f"CREATE TRIGGER dawdle_{when.lower()} {when} INSERT ON events"
                    " FOR EACH ROW EXECUTE FUNCTION dawdle()"
                )
        try:
            yield url
        finally:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(f'ALTER DATABASE "{name}" RESET ALL')
