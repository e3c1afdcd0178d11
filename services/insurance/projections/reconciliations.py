"""The days of each payer's reconciliation, the newest first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from services.insurance.domain.reconciliation import (
    CLOSED,
    DIFFERING,
    OPEN,
    DayClosed,
    DifferenceAnswered,
    DifferencesFound,
    TotalsCompared,
)
from services.insurance.projections import METADATA, microseconds
from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded

RECONCILIATION_DAYS = sa.Table(
    "reconciliation_days",
    METADATA,
    sa.Column("reconciliation_id", sa.Uuid, primary_key=True),
    sa.Column("insurer", sa.Text, nullable=False),
    sa.Column("day", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("how", sa.Text),
    sa.Column("differences", sa.Integer, nullable=False),
    sa.Column("open", sa.Integer, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.Index("reconciliation_days_of_insurer", "insurer", "day"),
)


def project(recorded: Recorded) -> Iterator[Operation]:
    event = recorded.event
    match event:
        case TotalsCompared():
            named = {"reconciliation_id": recorded.stream_id, "insurer": event.insurer, "day": event.day.isoformat()}
            counted = {"differences": 0, "open": 0, "changed_at": microseconds(recorded.recorded_at)}
            yield Put(RECONCILIATION_DAYS, {**named, "state": DIFFERING, "how": None, **counted})
        case DifferencesFound():
            found = len(event.differences)
            yield _amended(recorded, state=OPEN, differences=found, open=found)
        case DifferenceAnswered():
            yield _amended(recorded, open=RECONCILIATION_DAYS.c.open - 1)
        case DayClosed():
            yield _amended(recorded, state=CLOSED, how=event.how)


def _amended(recorded: Recorded, **values: Any) -> Operation:
    changed = {**values, "changed_at": microseconds(recorded.recorded_at)}
    return Amend(RECONCILIATION_DAYS, {"reconciliation_id": recorded.stream_id}, changed)


PROJECTION = Projection(
    name="reconciliations",
    tables=(RECONCILIATION_DAYS,),
    project=project,
    queries={
        "reconciliations_of_insurer": sa.select(RECONCILIATION_DAYS)
        .where(
            RECONCILIATION_DAYS.c.insurer == sa.bindparam("insurer", type_=sa.Text),
            RECONCILIATION_DAYS.c.day < sa.bindparam("before", type_=sa.Text),
        )
        .order_by(RECONCILIATION_DAYS.c.day.desc())
        .limit(sa.bindparam("limit", type_=sa.Integer)),
    },
)
