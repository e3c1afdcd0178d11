"""The sender: the leader's step that tells subscribers, at least once and of each stream in order.

A message is sent, and what became of it is written when its answer is there; a crash in between sends it again under
the same id. Of a stream the next one is sent once the one before is delivered or skipped, so that none overtakes.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa

from services.seedwork.clock import from_micros
from services.seedwork.store.batch import Statement, Wanted
from services.seedwork.store.drivers import Driver
from services.seedwork.store.executor import Context, StoreCore, Work, perform
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import webhook_delivery as delivery
from services.seedwork.store.tables import webhook_progress as progress
from services.seedwork.usecase import Actor, UseCase
from services.seedwork.webhooks.deliveries import Deliveries
from services.seedwork.webhooks.endpoint import FAILING, GONE
from services.seedwork.webhooks.feed import PING, Told, WebhookFeed
from services.seedwork.webhooks.lanes import Lanes
from services.seedwork.webhooks.policy import WEBHOOKS, WebhookPolicy, asked_to_wait
from services.seedwork.webhooks.post import Answer, Letter, Post
from services.seedwork.webhooks.signing import signed
from services.seedwork.webhooks.use_cases import pause_by_itself

LANES_MAX = 32
"""Calls at once, of one service."""
LANES_PER_ENDPOINT_MAX = 4
LANES_WHEN_FAILING = 1
FAILING_AT = 3
"""Failures in a row after which an endpoint has one lane, and with all others like it half of them: those that hang
must not take the lanes of those that answer."""
HTTP_GONE = 410

_HOUR_MICROS = 3_600_000_000
_E, _P = sa.bindparam("endpoint", type_=sa.Uuid), sa.bindparam("at", type_=sa.BigInteger)
_NOW = sa.bindparam("now", type_=sa.BigInteger)
_STATUS, _DUE = sa.bindparam("how", type_=sa.Text), sa.bindparam("due", type_=sa.BigInteger)
_TRIED: dict[str, Any] = {
    "status": _STATUS,
    "due_at": _DUE,
    "attempts": delivery.c.attempts + 1,
    "answer": sa.bindparam("answered", type_=sa.Integer),
    "error": sa.bindparam("wrong", type_=sa.Text),
    "tried_at": _NOW,
}
_HERE = (delivery.c.endpoint_id == _E, delivery.c.place == _P, delivery.c.status == "pending")
_DELIVERED = Prepared(lambda _i: sa.update(delivery).values(**_TRIED).where(*_HERE))
_FAILED = Prepared(
    lambda _i: (
        sa.update(delivery)
        .values(**_TRIED)
        .where(*_HERE, delivery.c.attempts == sa.bindparam("seen", type_=sa.Integer))
    )
)
_ANSWERS = Prepared(
    lambda _i: (
        sa.update(progress).values(failures=0, failing_since=None, answered_at=_NOW).where(progress.c.endpoint_id == _E)
    )
)
_FAILS = Prepared(
    lambda _i: (
        sa.update(progress)
        .values(failures=progress.c.failures + 1, failing_since=sa.func.coalesce(progress.c.failing_since, _NOW))
        .where(progress.c.endpoint_id == _E)
    )
)

logger = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Rim:
    """What the sender needs of the outside. `clock` is the real one: receivers refuse what is minutes old."""

    post: Callable[[Letter], Answer] | Post
    lanes: Lanes
    secret: Callable[[UUID, int], str]
    clock: Callable[[], datetime] = _now
    wake_up: Any = None
    """Set when a call has come back."""


class Sender:
    """Tells the subscribers of one service. Only the leader runs it."""

    def __init__(self, core: StoreCore, driver: Driver, feed: WebhookFeed, rim: Rim) -> None:
        self._core = core
        self._driver = driver
        self._database = driver.database
        self._deliveries = Deliveries(core, driver, feed)
        self._rim = rim
        self._under_way: dict[tuple[UUID, UUID], dict[str, Any]] = {}

    def step(self) -> bool:
        """Writes what has come back, follows the feed and starts what is due; whether there may be more."""
        settled = self._settle()
        more = self._deliveries.follow()
        self._start()
        return settled or more

    def _settle(self) -> bool:
        # all at once off the list: what cannot be written now is sent again, and must not be waited for
        back = [(self._under_way.pop((key[0], key[1])), answer) for key, answer in self._rim.lanes.finished()]
        for row, answer in back:
            self._came_back(row, answer)
        if back:
            self._deliveries.look_again()
        return bool(back)

    def _start(self) -> None:
        """As many as there are lanes, those of endpoints that answer first."""
        room = LANES_MAX - len(self._under_way)
        if room <= 0:
            return
        now = self._database.load(Wanted()).now
        due = self._deliveries.find("webhook_due", now=now, each=2 * LANES_PER_ENDPOINT_MAX, limit=4 * LANES_MAX)
        busy = Counter(endpoint for endpoint, _ in self._under_way)
        hanging = sum(1 for row in self._under_way.values() if row["failures"] >= FAILING_AT)
        for row in due:
            key, failing = (row["endpoint_id"], row["stream_id"]), row["failures"] >= FAILING_AT
            lanes = LANES_WHEN_FAILING if failing else LANES_PER_ENDPOINT_MAX
            crowded = failing and hanging >= LANES_MAX // 2
            if key in self._under_way or busy[key[0]] >= lanes or crowded:
                continue
            self._send(key, row, now)
            busy[key[0]] += 1
            hanging += failing
            if len(self._under_way) >= LANES_MAX:
                return

    def _send(self, key: tuple[UUID, UUID], row: dict[str, Any], now: int) -> None:
        told = _ping(row) if row["kind"] == PING else self._deliveries.message(row)
        if told is None:
            self._write(row, "withdrawn", Answer(None), now, due=None)
            return
        letter = self._letter(row, told, now)
        self._under_way[key] = row
        self._rim.lanes.start(key, lambda: self._rim.post(letter))

    def _letter(self, row: dict[str, Any], told: Told, now: int) -> Letter:
        content = {"type": told.kind, "timestamp": told.occurred_at, "data": dict(told.data)}
        body = orjson.dumps(content, option=orjson.OPT_UTC_Z, default=str)
        serials = [row["serial"]]
        if row["previous_until"] is not None and now < row["previous_until"]:
            serials.append(row["serial"] - 1)
        secrets = [self._rim.secret(row["endpoint_id"], serial) for serial in serials]
        headers = signed(row["message_id"], self._rim.clock(), body, secrets)
        return Letter(row["url"], body, headers, self._policy(now).deadline_seconds)

    def _came_back(self, row: dict[str, Any], answer: Answer) -> None:
        now = self._database.load(Wanted()).now
        if answer.is_good:
            self._write(row, "delivered", answer, now, due=None)
            return
        policy, attempts = self._policy(now), row["attempts"] + 1
        if row["kind"] == PING:
            self._write(row, "failed", answer, now, due=None)
        elif attempts >= policy.attempts_max or answer.error == "too_large":
            self._write(row, "dead", answer, now, due=None)
            logger.error("dead letter %s of webhook endpoint %s", row["place"], row["endpoint_id"])
        else:
            asked = asked_to_wait(answer.retry_after, self._rim.clock())
            seconds = policy.wait_after(attempts, self._core.random.random(), asked)
            self._write(row, "pending", answer, now, due=now + round(seconds * 1_000_000))
        self._judge(row, answer, policy, now)

    def _judge(self, row: dict[str, Any], answer: Answer, policy: WebhookPolicy, now: int) -> None:
        """Whether the endpoint is to be left alone until somebody has looked at it."""
        since = row["failing_since"]
        long = since is not None and now - since >= policy.pause_after_hours * _HOUR_MICROS
        failing = long and row["failures"] + 1 >= policy.pause_after_failures
        if answer.status == HTTP_GONE:
            self._run(pause_by_itself(row["endpoint_id"], GONE), row)
        elif failing:
            self._run(pause_by_itself(row["endpoint_id"], FAILING), row)

    def _run(self, use_case: UseCase, row: dict[str, Any]) -> None:
        logger.critical("webhook endpoint %s is paused: somebody has to look at it", row["endpoint_id"])
        context = Context(Actor.service(self._core.service.name), str(row["endpoint_id"]), row["message_id"])
        self._driver.run(perform(self._core, Work(use_case, context)))

    def _write(self, row: dict[str, Any], status: str, answer: Answer, now: int, *, due: int | None) -> None:
        """What became of an attempt. One that failed is not written over what was decided since it began."""
        place = {"endpoint": row["endpoint_id"], "at": row["place"]}
        tried = {**place, "how": status, "due": due, "answered": answer.status, "wrong": answer.error, "now": now}
        endpoint = {"endpoint": row["endpoint_id"], "now": now}
        statements: list[Statement]
        if status == "delivered":
            statements = [_DELIVERED.bind(self._database, **tried), _ANSWERS.bind(self._database, **endpoint)]
        else:
            statements = [_FAILED.bind(self._database, **tried, seen=row["attempts"])]
            if status != "withdrawn":
                statements.append(_FAILS.bind(self._database, **endpoint))
        self._database.write(statements)

    def _policy(self, now: int) -> WebhookPolicy:
        return WEBHOOKS.on(from_micros(now).date(), self._core.jurisdiction)


def _ping(row: dict[str, Any]) -> Told:
    return Told(PING, from_micros(row["made_at"]), {"endpoint_id": str(row["endpoint_id"])})
