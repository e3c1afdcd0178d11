"""The registers dispatch owns, as lists; and, out of its copies of insurance's, the designations of a pharmacy."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from services.dispatch.application.registers import KINDS
from services.dispatch.projections import METADATA
from services.seedwork.projection import Operation, Projection, Put, Recorded
from services.seedwork.reference import EntryRecorded
from services.seedwork.register_projection import register_entries

PROJECTION = register_entries(METADATA, KINDS)

DESIGNATED = sa.Table(
    "designations",
    METADATA,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("pharmacy", sa.Text, nullable=False, index=True),
)


def project(recorded: Recorded) -> Iterator[Operation]:
    match recorded.event:
        case EntryRecorded(kind="designation") as event:
            yield Put(DESIGNATED, {"code": event.code, "pharmacy": event.content["pharmacy"]})


DESIGNATIONS = Projection(
    name="designations",
    tables=(DESIGNATED,),
    project=project,
    queries={
        "designations_of": sa.select(DESIGNATED.c.code)
        .where(DESIGNATED.c.pharmacy == sa.bindparam("pharmacy", type_=sa.Text))
        .order_by(DESIGNATED.c.code)
        .limit(50),
    },
)
