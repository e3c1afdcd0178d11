"""The relay against publishing alone: the same messages, to the same queues, by the same publisher, already made."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from benchmarks.databases import database_with_tables
from benchmarks.measuring import Figure, interleaved
from contracts.envelope import GENESIS, public_hash
from services.seedwork.families import families_of
from services.seedwork.messaging.publisher import BatchPublisher, Outgoing
from services.seedwork.relay import BATCH, Relay
from services.seedwork.store.batch import Batch, EventRow, PublicRow
from services.seedwork.store.postgres import PostgresDatabase
from services.seedwork.store.sealer import seal
from tests.support import servers

EVENTS = 2000
"""In one slice."""
PER_SAVE = 100
SLICES = 7
GATE = 0.6
PRODUCER, TYPE = "prescribe", "prescribe.prescription_issued.v1"
EXAMPLE = Path(__file__).parents[1] / "contracts" / "examples" / f"{TYPE}.json"


def _body() -> bytes:
    """A body as it is stored: the golden example with its frame."""
    moment = "2026-01-05T08:00:00.000000+00:00"
    frame = {"occurred_at": moment, "recorded_at": moment, "actor": "bench", "correlation_id": "c"}
    return orjson.dumps({**frame, "causation_id": "c", "traceparent": None, "data": orjson.loads(EXAMPLE.read_bytes())})


def _save(database: PostgresDatabase, body: bytes, count: int) -> None:
    """So many events of streams of their own, each told to the public, sealed."""
    for _ in range(count // PER_SAVE):
        streams = [uuid.uuid4() for _ in range(PER_SAVE)]
        told = [
            PublicRow(stream, 1, 1, TYPE, body, GENESIS, public_hash(GENESIS, stream, 1, TYPE, body))
            for stream in streams
        ]
        database.save(Batch([EventRow(stream, 1, "bench", b"{}", GENESIS, 1) for stream in streams], told))
    while seal(database):
        pass


def _pieces(body: bytes, count: int) -> list[Sequence[Outgoing]]:
    messages = [Outgoing("prescription", str(uuid.uuid4()), body, {"type": TYPE}) for _ in range(count)]
    return [messages[first : first + BATCH] for first in range(0, count, BATCH)]


def figures() -> Iterator[Figure]:
    """Relayed per published, each second."""
    body = _body()
    with database_with_tables() as url, servers.virtual_host("rxflow_bench") as broker_url:
        database = PostgresDatabase(url, pool_size=2)
        database.open()
        alone, publisher = BatchPublisher(broker_url), BatchPublisher(broker_url)
        relay = Relay(PRODUCER, families_of(PRODUCER), database, publisher)

        def relayed() -> float:
            _save(database, body, EVENTS)
            started = time.perf_counter()
            while relay.step():
                pass
            return EVENTS / (time.perf_counter() - started)

        def published() -> float:
            pieces = _pieces(body, EVENTS)
            started = time.perf_counter()
            for piece in pieces:
                alone.publish(piece)
            return EVENTS / (time.perf_counter() - started)

        try:
            rates = interleaved({"relay": relayed, "publish": published}, SLICES)
        finally:
            alone.close()
            publisher.close()
            database.close()
    yield Figure("relay / publish only", rates.ratio("relay", "publish"), GATE, note=rates.note("relay", "publish"))
