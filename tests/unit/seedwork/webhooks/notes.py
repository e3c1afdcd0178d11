"""The smallest service with something to tell: notes, of which each is written on again and again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa

from services.seedwork.clock import from_micros, to_micros
from services.seedwork.composition import Service
from services.seedwork.model import Aggregate, DomainEvent, Loaded
from services.seedwork.projection import Operation, Projection, Put, Recorded
from services.seedwork.store.opening import Surroundings
from services.seedwork.usecase import Actor, Decision, UseCase
from services.seedwork.webhooks.endpoint import ENDPOINT
from services.seedwork.webhooks.feed import Subscription, Told, WebhookFeed
from services.seedwork.webhooks.lanes import Key
from services.seedwork.webhooks.post import Answer, Letter, Post
from services.seedwork.webhooks.projection import webhooks
from services.seedwork.webhooks.sender import Rim, Sender
from services.seedwork.webhooks.signing import endpoint_secret
from services.seedwork.webhooks.use_cases import Wish, open_endpoint
from tests.support.service_on_sqlite import ServiceOnSqlite, opened

METADATA = sa.MetaData()
OWNER = Actor("owner-1", "insurance_officer", organisation="I1")
NOTES = sa.Table(
    "notes",
    METADATA,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("note_id", sa.Uuid, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
)


class Written(DomainEvent):
    TOPIC: ClassVar[str] = "notes.written"

    kind: str
    text: str


NOTE: Aggregate[int] = Aggregate("note", (Written,), 0, lambda count, _event: count + 1)


def _project(recorded: Recorded) -> Iterator[Operation]:
    if isinstance(recorded.event, Written):
        row = {"position": recorded.log_index, "note_id": recorded.stream_id, "at": to_micros(recorded.recorded_at)}
        yield Put(NOTES, {**row, **recorded.event.model_dump()})


NOTES_LIST = Projection(
    "notes",
    (NOTES,),
    _project,
    {
        "notes_after": sa.select(NOTES)
        .where(NOTES.c.position > sa.bindparam("after", type_=sa.BigInteger))
        .order_by(NOTES.c.position)
        .limit(sa.bindparam("limit", type_=sa.Integer))
    },
)


def _tell(row: Any, note: Loaded[Any] | None, subscription: Subscription) -> Told | None:
    assert note is not None
    assert note.exists
    words = subscription.filters.get("words")
    if words and row["text"] not in words:
        return None
    return Told(f"note.{row['kind']}", from_micros(row["at"]), {"text": row["text"], "note_id": row["note_id"]})


FEED = WebhookFeed(
    right="settlement.webhooks",
    path="/note-webhooks",
    kinds={"note.new": "A note.", "note.urgent": "A note that cannot wait."},
    owner=lambda actor: actor.organisation,
    projection="notes",
    query="notes_after",
    parameters=lambda _subscription: {},
    place="position",
    stream="note_id",
    tell=_tell,
    wants=lambda row: NOTE.ref(row["note_id"]),
)
SERVICE = Service(
    name="insurance",
    port=8104,
    aggregates=(NOTE, ENDPOINT),
    projections=(NOTES_LIST, webhooks(METADATA, "notes")),
    webhooks=FEED,
    metadata=METADATA,
)


class InPlace:
    """Calls are made where they are started, one after the other; their answers are there at the next step."""

    def __init__(self) -> None:
        self.back: list[tuple[Key, Answer]] = []

    def start(self, key: Key, call: Callable[[], Answer]) -> None:
        self.back.append((key, call()))

    def finished(self) -> list[tuple[Key, Answer]]:
        back, self.back = self.back, []
        return back


@dataclass
class Clock:
    """The store's: the real one and what the test adds."""

    ahead: timedelta = timedelta(0)

    def __call__(self) -> int:
        return time.time_ns() + round(self.ahead.total_seconds() * 1e9)


class Desk:
    """The service, its clock and its sender."""

    def __init__(self, office: ServiceOnSqlite, clock: Clock) -> None:
        self.office = office
        self.clock = clock
        self.post: Callable[[Letter], Answer] = Post(development=True)
        self.sender = self.new_sender()

    def new_sender(self, lanes: Any = None) -> Sender:
        """As after a restart: it knows nothing but what is written."""
        rim = Rim(self.post, lanes or InPlace(), self.secret, lambda: datetime.now(UTC))
        return Sender(self.office.core, self.office.driver, FEED, rim)

    def secret(self, endpoint_id: UUID, serial: int = 1) -> str:
        return endpoint_secret(self.office.settings, endpoint_id, serial)

    def open(self, url: str, *kinds: str, after: int | None = None, **filters: tuple[str, ...]) -> UUID:
        wish = Wish(url, kinds or tuple(FEED.kinds), filters, after)
        return UUID(str(self.decide(open_endpoint(wish, "I1"))["endpoint_id"]))

    def decide(self, use_case: UseCase) -> dict[str, Any]:
        self.office.catch_up()
        outcome = self.office.run(use_case, OWNER)
        assert outcome.refusal is None, outcome.refusal
        return dict(outcome.body)

    def refused(self, use_case: UseCase) -> str:
        self.office.catch_up()
        outcome = self.office.run(use_case, OWNER)
        assert outcome.refusal is not None
        return outcome.refusal.code

    def write(self, text: str, note: int = 1, kind: str = "new") -> None:
        written = Written(kind=kind, text=text)
        ref = NOTE.ref(UUID(int=note))
        self.office.run(UseCase((ref,), lambda _moment, loaded: Decision.on(loaded, [written])))

    def send(self, times: int = 6) -> None:
        """Until nothing that is due is left, or long enough for what never ends."""
        self.office.catch_up()
        for _ in range(times):
            self.sender.step()
            self.office.catch_up()

    def later(self, **by: float) -> None:
        self.clock.ahead += timedelta(**by)

    def endpoint(self, endpoint_id: UUID) -> dict[str, Any]:
        return self.office.find("webhook_endpoint", endpoint_id=endpoint_id)[0]

    def deliveries(self, endpoint_id: UUID, status: str = "") -> list[dict[str, Any]]:
        """The oldest first."""
        rows = self.office.find("webhook_deliveries", endpoint_id=endpoint_id, status=status, before=2**40, limit=100)
        return rows[::-1]

    def statuses(self, endpoint_id: UUID) -> list[str]:
        return [row["status"] for row in self.deliveries(endpoint_id)]


@contextmanager
def desk_in(directory: Path) -> Iterator[Desk]:
    """The service whose store was founded there."""
    clock = Clock()
    with opened(SERVICE, directory, Surroundings(clock_ns=clock, synchronous="OFF")) as office:
        yield Desk(office, clock)
