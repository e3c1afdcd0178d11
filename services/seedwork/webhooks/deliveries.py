"""From the feed to what is on its way, and what is written about it. Only the leader writes here.

The content of a message is not kept: it is read again from the feed at each attempt, so nothing of a patient who is
forgotten in between is left here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.seedwork.model import Loaded, derived_id
from services.seedwork.store import reading
from services.seedwork.store.batch import Statement, Wanted
from services.seedwork.store.drivers import Driver
from services.seedwork.store.executor import StoreCore, find, load
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import webhook_delivery as delivery
from services.seedwork.store.tables import webhook_progress as progress
from services.seedwork.webhooks.feed import PING, Row, Subscription, Told, WebhookFeed

PAGE = 100
OPEN_PER_ENDPOINT_MAX = 1000
"""Pending and dead; more of the feed waits where it is. A stream that waits behind a dead letter counts with all it
has, so an endpoint with so many of them waits for a person altogether."""
ENDPOINTS_MAX = 1000
DECIDED = "webhooks:decided"
"""The cursor over what people decided."""

_E, _P = sa.bindparam("endpoint", type_=sa.Uuid), sa.bindparam("at", type_=sa.BigInteger)
_NOW = sa.bindparam("now", type_=sa.BigInteger)
_OPEN = sa.or_(delivery.c.status == "pending", delivery.c.status == "dead")
_HERE = (delivery.c.endpoint_id == _E, delivery.c.place == _P)

_BEGIN = Prepared(lambda insert: insert(progress).values(endpoint_id=_E, told_upto=_P).on_conflict_do_nothing())
_TOLD = Prepared(
    lambda _i: (
        sa.update(progress)
        .values(told_upto=_P)
        .where(progress.c.endpoint_id == _E, progress.c.told_upto == sa.bindparam("before", type_=sa.BigInteger))
    )
)
_MADE = ("endpoint_id", "place", "stream_id", "kind", "message_id", "status", "attempts", "due_at", "made_at")
_MAKE = Prepared(
    lambda insert: (
        insert(delivery)
        .values({name: sa.bindparam(name, type_=delivery.c[name].type) for name in _MADE})
        .on_conflict_do_nothing()
    )
)
_AGAIN = {"status": "pending", "attempts": 0, "due_at": _NOW}
_REPLAY = Prepared(lambda _i: sa.update(delivery).values(**_AGAIN).where(*_HERE, delivery.c.status == "dead"))
_SKIP = Prepared(lambda _i: sa.update(delivery).values(status="skipped", due_at=None).where(*_HERE, _OPEN))
_RESUME = Prepared(
    lambda _i: sa.update(delivery).values(**_AGAIN).where(delivery.c.endpoint_id == _E, delivery.c.status == "pending")
)
_HOPE = Prepared(
    lambda _i: sa.update(progress).values(failures=0, failing_since=None).where(progress.c.endpoint_id == _E)
)
_WITHDRAW = Prepared(
    lambda _i: sa.update(delivery).values(status="withdrawn", due_at=None).where(delivery.c.endpoint_id == _E, _OPEN)
)


class Deliveries:
    """What one service has to tell its subscribers."""

    def __init__(self, core: StoreCore, driver: Driver, feed: WebhookFeed) -> None:
        self._core = core
        self._driver = driver
        self._database = driver.database
        self._feed = feed
        self._followed: tuple[int, int] | None = None

    def follow(self) -> bool:
        """What people decided and what has happened since; whether there may be more."""
        shown = self.find("webhook_shown")[0]
        place = (int(shown["feed"]), int(shown["own"]))
        if place == self._followed:
            return False
        more = self._decided()
        for endpoint in self.find("webhook_active", after=UUID(int=0), limit=ENDPOINTS_MAX):
            more = self._make(endpoint) or more
        self._followed = None if more else place
        return more

    def look_again(self) -> None:
        """Something has left: there may be room for more."""
        self._followed = None

    def message(self, row: Row) -> Told | None:
        """What a delivery tells, as its feed has it now; None: nothing any more."""
        subscription = subscription_of(row)
        query = {**self._feed.parameters(subscription), "after": row["place"] - 1, "limit": 1}
        found = [each for each in self.find(self._feed.query, **query) if each[self._feed.place] == row["place"]]
        told = self._told(found, subscription)
        return told[0][1] if told else None

    def find(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._driver.run(find(self._core, query, parameters))
        return rows

    def _decided(self) -> bool:
        """One page of decisions, in their order."""
        after = reading.cursor_of(self._database, DECIDED)
        rows = self.find("webhook_decided", after=after, limit=PAGE)
        if not rows:
            return False
        now = self._database.load(Wanted()).now
        done = [statement for row in rows for statement in self._done(row, now)]
        piece = reading.Range(after, int(rows[-1]["log_index"]))
        self._database.write([reading.advance(self._database, DECIDED, piece), *done])
        return len(rows) == PAGE

    def _done(self, row: Row, now: int) -> list[Statement]:
        endpoint, place, database = row["endpoint_id"], row["place"], self._database
        match row["what"]:
            case "opened":
                return [_BEGIN.bind(database, endpoint=endpoint, at=place)]
            case "pinged":
                return [self._made(endpoint, place, derived_id(PING, endpoint, place), PING, now)]
            case "resumed":
                return [
                    _RESUME.bind(database, endpoint=endpoint, now=now),
                    _HOPE.bind(database, endpoint=endpoint),
                ]
            case "replayed":
                return [_REPLAY.bind(database, endpoint=endpoint, at=place, now=now)]
            case "skipped":
                return [_SKIP.bind(database, endpoint=endpoint, at=place)]
        return [_WITHDRAW.bind(database, endpoint=endpoint)]

    def _make(self, endpoint: Row) -> bool:
        """One page of the feed becomes deliveries, in the transaction that says so; whether there may be more."""
        before, room = endpoint["told_upto"], OPEN_PER_ENDPOINT_MAX - int(endpoint["waiting"] + endpoint["dead"])
        if before is None or room <= 0:
            return False
        subscription = subscription_of(endpoint)
        limit = min(PAGE, room)
        query = {**self._feed.parameters(subscription), "after": before, "limit": limit}
        rows = self.find(self._feed.query, **query)
        if not rows:
            return False
        now, own = self._database.load(Wanted()).now, endpoint["endpoint_id"]
        made = [
            self._made(own, row[self._feed.place], self._feed.stream_of(row), told.kind, now)
            for row, told in self._told(rows, subscription)
            if told.kind in subscription.kinds
        ]
        moved = _TOLD.bind(self._database, endpoint=own, before=before, at=rows[-1][self._feed.place])
        self._database.write([replace(moved, expect=1), *made])
        return len(rows) == limit

    def _told(self, rows: Sequence[Row], subscription: Subscription) -> list[tuple[Row, Told]]:
        wanted = {ref.stream_id: ref for row in rows if (ref := self._feed.wants(row)) is not None}
        loaded: Mapping[UUID, Loaded[Any]] = {
            each.stream_id: each for each in self._driver.run(load(self._core, tuple(wanted.values()))) if wanted
        }
        told = []
        for row in rows:
            ref = self._feed.wants(row)
            said = self._feed.tell(row, None if ref is None else loaded[ref.stream_id], subscription)
            if said is not None:
                told.append((row, said))
        return told

    def _made(self, endpoint: UUID, place: int, stream: UUID, kind: str, now: int) -> Statement:
        epoch = reading.store_epoch(self._database)
        return _MAKE.bind(
            self._database,
            endpoint_id=endpoint,
            place=place,
            stream_id=stream,
            kind=kind,
            message_id=message_id(endpoint, epoch, place),
            status="pending",
            attempts=0,
            due_at=now,
            made_at=now,
        )


def message_id(endpoint: UUID, epoch: int, place: int) -> str:
    """One per endpoint and log index. After a restore log indexes are given again, so the epoch belongs to it."""
    return "msg_" + hashlib.sha256(f"{endpoint}|{epoch}|{place}".encode()).hexdigest()[:32]


def subscription_of(row: Row) -> Subscription:
    filters = {name: tuple(values) for name, values in row["filters"].items()}
    return Subscription(row["owner"], frozenset(row["kinds"]), filters)
