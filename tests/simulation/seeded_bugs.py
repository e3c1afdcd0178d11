"""Faults that a simulation worth its time must find: each takes one mechanism of the kernel or one rule away.

Only tests apply them. `python -m tests.simulation.seeded_bugs` says after how many seeds each is found.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest import mock

from rxflow.simulation import seeds
from rxflow.simulation.broker import Message
from rxflow.simulation.consuming import Consuming
from rxflow.simulation.mishaps import Mishap
from services.dispatch.application import timers as dispatch_timers
from services.dispatch.composition import SERVICE as DISPATCH
from services.dispatch.domain.fulfilment import holds
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.dispatch.domain.policy import Policy
from services.insurance.domain import adjudication, line_parts, payers
from services.seedwork.logs import configure_logging
from services.seedwork.messaging.errors import PublishFailedError
from services.seedwork.projector import Projector
from services.seedwork.relay import Relay
from services.seedwork.store import executor, sqlite
from services.seedwork.store.batch import Batch, Found
from services.seedwork.store.desk import Desk
from services.seedwork.store.requests import LoadStreams, Save
from services.seedwork.store.sqlite import SqliteDatabase
from services.seedwork.store.work import Gate, Incoming, Outcome, Work
from tests.simulation.broken_books import BROKEN_BOOKS
from tests.simulation.broken_goods import BROKEN_GOODS
from tests.simulation.broken_rules import BROKEN_RULES

SEEDS_MAX = 200


@contextmanager
def ack_before_commit() -> Iterator[None]:
    """A message is acknowledged when it is taken, not when it is handled."""

    async def handle(self: Consuming, unsettled: list[Message]) -> None:
        messages = list(unsettled)
        self._settle(unsettled, messages)
        await self._call(messages)

    with mock.patch.object(Consuming, "_handle", handle):
        yield


@contextmanager
def missing_inbox_gate() -> Iterator[None]:
    """Whatever arrives is decided, also what was handled before."""

    def pass_gates(connection: Any, batch: Batch) -> None:
        for gate in batch.gates:
            values = (gate.upstream, gate.stream_id.hex, gate.public_seq, gate.hash)
            connection.execute(
                "INSERT OR REPLACE INTO inbox (upstream, stream_id, public_seq, hash) VALUES (?,?,?,?)", values
            )

    with (
        mock.patch.object(Incoming, "gate", return_value=Gate.NEXT),
        mock.patch.object(sqlite, "_pass_gates", pass_gates),
    ):
        yield


@contextmanager
def publish_without_confirm() -> Iterator[None]:
    """The relay's cursor moves on whether or not the broker has confirmed."""
    publish = Relay._publish

    def carelessly(self: Relay, envelopes: Sequence[Any]) -> None:
        try:
            publish(self, envelopes)
        except PublishFailedError:
            return

    with mock.patch.object(Relay, "_publish", carelessly):
        yield


@contextmanager
def hold_without_version_check() -> Iterator[None]:
    """What was decided on an older version of a fulfilment is saved behind the newer one."""
    save = SqliteDatabase.save

    def behind(self: SqliteDatabase, batch: Batch) -> list[int]:
        with self._connection() as connection:
            for stream_id in {row.stream_id for row in batch.events if row.topic in TOPICS}:
                version, told = (
                    connection.execute(
                        f"SELECT max({column}) FROM {table} WHERE stream_id = ?", (stream_id.hex,)
                    ).fetchone()[0]
                    for column, table in (("version", "events"), ("public_seq", "public"))
                )
                first = min(row.version for row in batch.events if row.stream_id == stream_id)
                late = (version or 0) + 1 - first
                if late > 0:
                    _move(batch, stream_id, late, told or 0)
        return save(self, batch)

    with mock.patch.object(SqliteDatabase, "save", behind):
        yield


TOPICS = {event.TOPIC for event in FULFILMENTS.events}


def _move(batch: Batch, stream_id: Any, late: int, told: int) -> None:
    events = [row._replace(version=row.version + late) if row.stream_id == stream_id else row for row in batch.events]
    number = told
    public = []
    for row in batch.public:
        if row.stream_id == stream_id:
            number += 1
            row = row._replace(version=row.version + late, public_seq=number)  # noqa: PLW2901
        public.append(row)
    object.__setattr__(batch, "events", events)
    object.__setattr__(batch, "public", public)


@contextmanager
def ledger_rounding() -> Iterator[None]:
    """Shares are cut off instead of divided."""

    def cut(total: int, weights: Sequence[int]) -> list[int]:
        whole = sum(weights)
        return [total * weight // whole if whole else 0 for weight in weights]

    with ExitStack() as patched:
        for user in (adjudication, line_parts, payers):
            patched.enter_context(mock.patch.object(user, "divide", cut))
        yield


@contextmanager
def expiry_race() -> Iterator[None]:
    """The clock's word counts, whatever has happened to a hold since its deadline was set."""

    def expire(state: FulfilmentState, now: datetime, policy: Policy) -> Any:
        del now, policy
        return holds.expire_holds(state, datetime.max.replace(tzinfo=datetime.now().astimezone().tzinfo))

    place = (FULFILMENTS.name, "hold_expiry")
    with mock.patch.dict(DISPATCH.timers, {place: dispatch_timers._on_time(expire)}):
        yield


@contextmanager
def deadline_that_fails() -> Iterator[None]:
    """The clock is never heard: what it should decide about a hold raises, and is tried again later."""

    def fail(state: FulfilmentState, now: datetime, policy: Policy) -> Any:
        del state, now, policy
        raise ValueError("not today")

    place = (FULFILMENTS.name, "hold_expiry")
    with mock.patch.dict(DISPATCH.timers, {place: dispatch_timers._on_time(fail)}):
        yield


@contextmanager
def projection_skip() -> Iterator[None]:
    """The last event of a batch is not shown."""
    recorded = Projector._recorded

    def all_but_the_last(self: Projector, rows: Any) -> Any:
        found = recorded(self, rows)
        return found[:-1] if len(found) > 1 else found

    with mock.patch.object(Projector, "_recorded", all_but_the_last):
        yield


@contextmanager
def idempotency_without_second_look_up() -> Iterator[None]:
    """A refusal is answered at once: nobody asks whether a twin has succeeded meanwhile, by look-up or by gate."""
    attempt = executor._attempt

    def once(core: Any, works: Any) -> Any:
        logic, answer, looked, refused = attempt(core, works), None, False, False
        while True:
            try:
                request = logic.send(answer)
            except StopIteration as stop:
                return stop.value
            asks = isinstance(request, LoadStreams) and request.wanted.idempotency
            if asks and looked:
                answer, refused = Found(0, {}, None, {}, set(), False), True
                continue
            if refused and isinstance(request, Save):
                answer = []
                continue
            looked = looked or bool(asks)
            answer = yield request

    with mock.patch.object(executor, "_attempt", once):
        yield


@contextmanager
def decide_before_gate() -> Iterator[None]:
    """What arrives early is decided before anybody looks whether it is early."""
    passed, settle = Desk.passed, Desk.settle
    early: list[Incoming] = []

    def let_in(self: Desk, incoming: Incoming | None) -> Gate:
        gate = passed(self, incoming)
        if gate is Gate.EARLY and incoming and not self.core.service.together:
            early.append(incoming)
            return Gate.NEXT
        return gate

    def hasty(self: Desk, work: Work) -> Any:
        if not any(work.context.incoming is each for each in early):
            return (yield from settle(self, work))
        early[:] = [each for each in early if each is not work.context.incoming]
        decision = yield from self._decide(work)
        gate = Gate.DONE if decision.refusal else Gate.EARLY
        return Outcome(status=200, gate=gate, refusal=decision.refusal)

    with mock.patch.object(Desk, "passed", let_in), mock.patch.object(Desk, "settle", hasty):
        yield


@contextmanager
def key_reuse() -> Iterator[None]:
    """Another command under a key that is taken gets the first one's answer."""

    def replay(core: Any, key: Any, kept: Any) -> Any:
        return (yield from core.open_answer(key, kept))

    with mock.patch.object(executor, "_replay", replay):
        yield


SIMULATED: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "ack before commit": ack_before_commit,
    "missing inbox gate": missing_inbox_gate,
    "publish without confirm": publish_without_confirm,
    "hold without version check": hold_without_version_check,
    "ledger rounding": ledger_rounding,
    "expiry race": expiry_race,
    "deadline that fails": deadline_that_fails,
    "projection skip": projection_skip,
    "idempotency without second look-up": idempotency_without_second_look_up,
    "decide before gate": decide_before_gate,
    "key reuse": key_reuse,
    **BROKEN_RULES,
    **BROKEN_BOOKS,
    **BROKEN_GOODS,
}
"""Those that show on an embedded store. One writer at a time has neither late commits nor deadlocks: `cursor by
position` and `unsorted multi-stream insert` show on PostgreSQL only."""


FIRST_FOUND = {
    "expiry race": 4,
    "idempotency without second look-up": 8,
    "decide before gate": 2,
    "lease not checked": 6,
    "licence not checked": 2,
    "own prescription reviewed": 25,
    "window never closes": 3,
    "lapse not followed": 3,
    "return released": 2,
    "second line kept": 26,
    "instalment opened too early": 3,
    "queue keeps what was returned": 2,
    "supplier's word not added up": 5,
    "delivery not shelved": 4,
    "part counts as whole": 5,
    "another drug given": 2,
    "count not among the movements": 11,
}
"""Where it takes several seeds: the one that finds it, to begin with. Any change of what people do may move it; then it
is looked for from seed 1."""


@dataclass(frozen=True)
class Finding:
    """When a fault was found, and by what."""

    seeds: int
    violation: str


def find(
    bug: str, founded: Path, most: int = SEEDS_MAX, first: int = 1, without: Collection[Mishap] = ()
) -> Finding | None:
    """The first of so many seeds that something does not hold in."""
    with SIMULATED[bug]():
        for number in range(most):
            result = seeds.run(first + number, of=founded, without=without)
            if result.violations:
                return Finding(number + 1, result.violations[0])
    return None


def find_again(bug: str, founded: Path) -> Finding | None:
    """The same, beginning with the seed that found it last time."""
    return find(bug, founded, 1, FIRST_FOUND.get(bug, 1)) or find(bug, founded)


def main() -> int:
    """A table for docs/simulation.md."""
    configure_logging("error")
    missed = 0
    sys.stdout.write("| fault | found after seeds | by |\n|---|---|---|\n")
    with seeds.founded() as founded:
        for bug in sys.argv[1:] or SIMULATED:
            found = find(bug, founded)
            missed += found is None
            told = f"{found.seeds} | {found.violation[:100]}" if found else f"not within {SEEDS_MAX} |"
            sys.stdout.write(f"| {bug} | {told} |\n")
            sys.stdout.flush()
    return missed


if __name__ == "__main__":
    sys.exit(main())
