"""Alerts about reporters: silent until they are heard of again, or contradicting themselves."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from services.seedwork.clock import to_micros
from services.seedwork.projection import Operation, Projection, Put, Recorded, Remove
from services.shortage.domain.reporter import ReporterAlerted, ReporterHeard
from services.shortage.projections import METADATA

ALERTS = sa.Table(
    "reporter_alerts",
    METADATA,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("reporter", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("since", sa.Text, nullable=False),
    sa.Column("against", sa.Text),
    sa.Column("raised_at", sa.BigInteger, nullable=False),
    sa.Index("reporter_alerts_of", "reporter", "kind"),
)
_within = sa.bindparam("within", type_=sa.Text)
LISTED = (
    sa.select(ALERTS)
    .where(ALERTS.c.region.like(_within.concat("%")), ALERTS.c.position < sa.bindparam("before", type_=sa.BigInteger))
    .order_by(ALERTS.c.position.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


def project(recorded: Recorded) -> Iterator[Operation]:
    match recorded.event:
        case ReporterAlerted() as alert:
            yield Put(
                ALERTS,
                {
                    **alert.model_dump(include={"reporter", "region", "kind", "against"}),
                    "position": recorded.log_index,
                    "since": alert.since.isoformat(),
                    "raised_at": to_micros(alert.raised_at),
                },
            )
        case ReporterHeard() as told:
            yield Remove(ALERTS, {"reporter": told.reporter, "kind": "silent"})


PROJECTION = Projection(name="reporter_alerts", tables=(ALERTS,), project=project, queries={"reporter_alerts": LISTED})
