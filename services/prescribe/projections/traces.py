"""Every event of the services that know a prescription, as prescribe recorded them."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from services.prescribe.domain.prescription import PRESCRIPTION
from services.prescribe.domain.trace import TraceRecorded, summary_of
from services.prescribe.projections import METADATA
from services.prescribe.projections.moments import microseconds
from services.seedwork.projection import Operation, Projection, Put, Recorded

TRACE_LINES_MAX = 2000
_OWN = frozenset(PRESCRIPTION.events)

trace = sa.Table(
    "trace",
    METADATA,
    sa.Column("log_index", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("prescription_id", sa.Uuid, nullable=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("stream", sa.Uuid, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("message_id", sa.Text),
    sa.Column("causation_id", sa.Text),
    sa.Column("occurred_at", sa.BigInteger, nullable=False),
    sa.Column("known_at", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("summary", sa.JSON, nullable=False),
    sa.Index("trace_by_prescription", "prescription_id"),
)


def project(recorded: Recorded) -> Iterable[Operation]:
    """Own events by version in their own stream; the others' by number in the producer's public stream."""
    event = recorded.event
    known_at = microseconds(recorded.recorded_at)
    row = {"log_index": recorded.log_index, "known_at": known_at}
    if isinstance(event, TraceRecorded):
        yield Put(
            trace,
            row
            | {
                "prescription_id": event.prescription_id,
                "service": event.producer,
                "type": event.type,
                "stream": event.stream,
                "seq": event.public_seq,
                "hash": event.hash,
                "message_id": str(event.message_id),
                "causation_id": event.causation_id,
                "occurred_at": microseconds(event.occurred_at),
                "actor": event.actor,
                "summary": event.summary,
            },
        )
    elif type(event) in _OWN:
        yield Put(
            trace,
            row
            | {
                "prescription_id": recorded.stream_id,
                "service": "prescribe",
                "type": event.TOPIC,
                "stream": recorded.stream_id,
                "seq": recorded.version,
                "hash": recorded.hash.hex(),
                "message_id": None,
                "causation_id": None,
                "occurred_at": known_at,
                "actor": recorded.actor,
                "summary": summary_of(event),
            },
        )


TRACES = Projection(
    name="traces",
    tables=(trace,),
    project=project,
    queries={
        "trace_of": sa.select(trace)
        .where(trace.c.prescription_id == sa.bindparam("prescription_id", type_=sa.Uuid))
        .order_by(trace.c.log_index)
        .limit(TRACE_LINES_MAX)
    },
)
