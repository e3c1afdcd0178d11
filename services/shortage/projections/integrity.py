"""The board of integrity alarms, the newest first."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from services.seedwork.clock import to_micros
from services.seedwork.projection import Operation, Projection, Put, Recorded
from services.shortage.domain.integrity import IntegrityAlarmRaised
from services.shortage.projections import METADATA

ALARMS = sa.Table(
    "integrity_alarms",
    METADATA,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("code_sha256", sa.Text, nullable=False),
    sa.Column("product", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("found", sa.Text, nullable=False),
    sa.Column("first", sa.JSON, nullable=False),
    sa.Column("second", sa.JSON, nullable=False),
    sa.Column("first_region", sa.Text, nullable=False),
    sa.Column("second_region", sa.Text, nullable=False),
    sa.Column("raised_at", sa.BigInteger, nullable=False),
)
_within = sa.bindparam("within", type_=sa.Text)


def project(recorded: Recorded) -> Iterator[Operation]:
    match recorded.event:
        case IntegrityAlarmRaised() as event:
            regions = {"first_region": event.first.region, "second_region": event.second.region}
            placed = {"position": recorded.log_index, "raised_at": to_micros(recorded.recorded_at)}
            yield Put(ALARMS, {**event.model_dump(mode="json"), **regions, **placed})


PROJECTION = Projection(
    name="integrity_alarms",
    tables=(ALARMS,),
    project=project,
    queries={
        "integrity_alarms": sa.select(ALARMS)
        .where(
            sa.or_(ALARMS.c.first_region.like(_within.concat("%")), ALARMS.c.second_region.like(_within.concat("%"))),
            ALARMS.c.position < sa.bindparam("before", type_=sa.BigInteger),
        )
        .order_by(ALARMS.c.position.desc())
        .limit(sa.bindparam("limit", type_=sa.Integer)),
    },
)
"""`within`: the node of the authority that asks; an alarm is shown where the code was sold and where it turned up."""
