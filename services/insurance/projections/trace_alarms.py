"""Repeated trace codes, the newest first, by the insurer of the first sale."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from services.insurance.domain.trace_alarm import RepeatNoted
from services.insurance.projections import METADATA, microseconds
from services.seedwork.projection import Operation, Projection, Put, Recorded

ALARMS = sa.Table(
    "trace_alarms",
    METADATA,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("code_sha256", sa.Text, nullable=False),
    sa.Column("product", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("found", sa.Text, nullable=False),
    sa.Column("first", sa.JSON, nullable=False),
    sa.Column("second", sa.JSON, nullable=False),
    sa.Column("claim_id", sa.Uuid),
    sa.Column("insurer", sa.Text),
    sa.Column("recorded_at", sa.BigInteger, nullable=False),
    sa.Index("trace_alarms_of_insurer", "insurer", "position"),
)


def project(recorded: Recorded) -> Iterator[Operation]:
    match recorded.event:
        case RepeatNoted() as event:
            row = event.model_dump(mode="json", exclude={"claim_id"})
            placed = {"position": recorded.log_index, "recorded_at": microseconds(recorded.recorded_at)}
            yield Put(ALARMS, {**row, **placed, "claim_id": event.claim_id})


PROJECTION = Projection(
    name="trace_alarms",
    tables=(ALARMS,),
    project=project,
    queries={
        "trace_alarms_of_insurer": sa.select(ALARMS)
        .where(
            ALARMS.c.insurer == sa.bindparam("insurer", type_=sa.Text),
            ALARMS.c.position < sa.bindparam("before", type_=sa.BigInteger),
        )
        .order_by(ALARMS.c.position.desc())
        .limit(sa.bindparam("limit", type_=sa.Integer)),
    },
)
