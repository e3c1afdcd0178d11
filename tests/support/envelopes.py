"""Envelopes for tests of the transport: real ones, about nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from contracts.envelope import GENESIS, Body, Envelope, public_hash

NAMESPACE = UUID("6f0b7a52-4a53-4b53-9a55-3a8a2d3b8f10")
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def envelope(number: int = 1, family: str = "case", **data: Any) -> Envelope:
    """The first event of stream `number`; `data` is its content."""
    stream = uuid5(NAMESPACE, f"{family}/{number}")
    body = Body(
        occurred_at=NOON,
        recorded_at=NOON,
        actor="test",
        correlation_id=str(number),
        causation_id=str(number),
        data={"number": number, **data},
    ).model_dump_json()
    event_type = f"test.{family}_happened.v1"
    return Envelope(
        producer="test",
        family=family,
        type=event_type,
        stream=stream,
        public_seq=1,
        prev_hash=GENESIS,
        hash=public_hash(GENESIS, stream, 1, event_type, body.encode()),
        store_epoch=1,
        log_index=number,
        body=body,
    )
