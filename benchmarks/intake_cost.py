"""What a signal costs: a batch of them, from their bytes to the commit, against one insert of as many rows of the same
bytes, and against one that inserts what remembers them, too (ADR 19); and what it brings about at the clock's turns.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

import psycopg
import sqlalchemy as sa

from benchmarks.measuring import SLICES, Figure, interleaved
from contracts.envelope import GENESIS, Body, Envelope, IntegrationEvent, public_hash
from contracts.events.dispatch_stock import LineUnfilled
from services.seedwork.consumer import Consumer
from services.seedwork.store.batch import Batch, EventRow, InboxGate
from services.seedwork.store.drivers import Driver
from services.seedwork.store.executor import Context, StoreCore, Work, perform
from services.seedwork.store.rendering import render
from services.seedwork.store.tables import timer
from services.seedwork.usecase import Actor
from services.shortage.application.lots import spread_lot
from services.shortage.domain.lots import LOT, SPREAD

LINES_PER_BATCH = 100
"""As many as a worker takes from its queue at once."""
BATCHES = 12
"""In one slice."""
LOT_BYTES = 20_000
"""As many as a hundred signals take in one event."""
DRUGS = 60
COST_MAX = 1.5
PLAIN_TABLES = """
CREATE TABLE IF NOT EXISTS plain_signals (id uuid PRIMARY KEY, body bytea NOT NULL);
CREATE TABLE IF NOT EXISTS plain_handled (
    upstream text, stream_id uuid, public_seq bigint NOT NULL, hash bytea NOT NULL, PRIMARY KEY (upstream, stream_id)
)
"""
INSERT = "INSERT INTO plain_signals SELECT * FROM unnest(%b::uuid[], %b::bytea[])"
INSERT_ONCE = f"""
WITH handled AS (
    INSERT INTO plain_handled SELECT * FROM unnest(%b::text[], %b::uuid[], %b::bigint[], %b::bytea[])
)
{INSERT}
"""
NOW = datetime.now(UTC) - timedelta(hours=2)


def costs(core: StoreCore, driver: Driver, url: str) -> Iterator[Figure]:
    consumer, numbers = Consumer(core, driver), iter(range(10_000_000, 2**31))

    def rate_of(work: Callable[[list[Envelope]], None]) -> float:
        batches = [[_signal(number) for number in islice(numbers, LINES_PER_BATCH)] for _ in range(BATCHES)]
        begun = time.perf_counter()
        for batch in batches:
            work(batch)
        return BATCHES * LINES_PER_BATCH / (time.perf_counter() - begun)

    with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://", 1), autocommit=True) as plain:
        plain.execute(PLAIN_TABLES)

        def taken(batch: list[Envelope]) -> None:
            consumer.handle(batch)

        def inserted(batch: list[Envelope]) -> None:
            plain.execute(INSERT, ([each.message_id for each in batch], [each.body.encode() for each in batch]))

        def inserted_once(batch: list[Envelope]) -> None:
            plain.execute(
                INSERT_ONCE,
                (
                    [each.producer for each in batch],
                    [each.stream for each in batch],
                    [each.public_seq for each in batch],
                    [each.hash for each in batch],
                    [each.message_id for each in batch],
                    [each.body.encode() for each in batch],
                ),
            )

        def gated(batch: list[Envelope]) -> None:
            """What remembers what was handled: the gates and one event, nothing read, checked or decided."""
            gates = [InboxGate(each.producer, each.stream, 0, 1, each.hash, each.store_epoch) for each in batch]
            row = EventRow(uuid.uuid4(), 1, "plain", bytes(LOT_BYTES), GENESIS, 1)
            driver.database.save(Batch(events=[row], gates=gates))

        works = {"insert": inserted, "once": inserted_once, "signal": taken, "gate": gated}
        rates = interleaved({name: partial(rate_of, work) for name, work in works.items()})
    yield Figure(
        "intake: a signal of a batch, in rows of one batched insert",
        rates.ratio("insert", "signal"),
        gate=COST_MAX,
        at_least=False,
        note=rates.note("insert", "signal"),
    )
    yield Figure(
        "intake: the same, in rows of one batched insert of it and of what remembers it",
        rates.ratio("once", "signal"),
        note=rates.note("once", "signal"),
    )
    yield Figure(
        "intake: its gate and one event for all, written alone",
        rates.ratio("insert", "gate"),
        note=rates.note("insert", "gate"),
    )
    begun = time.perf_counter()
    turns = spread(core, driver)
    each = (time.perf_counter() - begun) / (LINES_PER_BATCH * BATCHES * (SLICES + 1))
    note = f"{each * 1e6:.0f} us a signal, {turns} turns of the clock"
    yield Figure("intake: what it brings about afterwards, in such rows", each * rates.median("insert"), note=note)


def spread(core: StoreCore, driver: Driver) -> int:
    """Every lot has its effect on reporters, detectors and cases; how many commands of the clock that took."""
    turns = 0
    kind = sa.bindparam("kind", type_=sa.Text)
    due = sa.select(timer.c.stream_id).where(timer.c.kind == kind, timer.c.due_at.is_not(None)).limit(1000)
    rendered = render(due, is_postgresql=True)
    while lots := driver.database.rows(rendered.bind({"kind": f"{LOT.name}/{SPREAD}"})):
        for (lot,) in lots:
            run(core, driver, spread_lot(lot))
            turns += 1
    return turns


def run(core: StoreCore, driver: Driver, use_case: Any) -> Any:
    context = Context(Actor.service("shortage"), "bench", "bench")
    return driver.run(perform(core, Work(use_case, context)))


def _signal(number: int) -> Envelope:
    event = LineUnfilled(
        drug_key=f"药{number % DRUGS}|片剂|1mg",
        product="X0",
        pharmacy=f"P{number}",
        region="330102",
        quantity=10,
        reason="out_of_stock",
        on_hand_known=True,
        on_hand=0,
        demand_key=f"{number:064x}",
    )
    return envelope(event, number)


def envelope(event: IntegrationEvent, number: int) -> Envelope:
    """The event as it arrives, the first of a stream of its own."""
    stream, moment = uuid.uuid5(uuid.NAMESPACE_OID, f"{event.TYPE}/{number}"), NOW
    body = Body(
        occurred_at=moment,
        recorded_at=moment,
        actor="bench",
        correlation_id="bench",
        causation_id="bench",
        data=event.model_dump(mode="json"),
    ).model_dump_json()
    digest = public_hash(GENESIS, stream, 1, event.TYPE, body.encode())
    return Envelope("dispatch", event.FAMILY, event.TYPE, stream, 1, GENESIS, digest, 1, number, body)
