"""The entries of a service's own registers as a list by code, as they stand now."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import sqlalchemy as sa

from services.seedwork.projection import Operation, Projection, Put, Recorded
from services.seedwork.reference import EntryRecorded


def register_entries(metadata: sa.MetaData, kinds: Collection[str]) -> Projection:
    """The projection and its query `register_entries(kind, after, limit)`; copies of others' kinds are not listed."""
    table = sa.Table(
        "register_entries",
        metadata,
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("code", sa.Text, primary_key=True),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("valid_from", sa.Text, nullable=False),
        sa.Column("valid_until", sa.Text),
        sa.Column("suspended", sa.Boolean, nullable=False),
    )

    def project(recorded: Recorded) -> Iterator[Operation]:
        event = recorded.event
        if isinstance(event, EntryRecorded) and event.kind in kinds:
            yield Put(table, event.model_dump(mode="json"))

    by_code = (
        sa.select(table)
        .where(
            table.c.kind == sa.bindparam("kind", type_=sa.Text),
            table.c.code > sa.bindparam("after", type_=sa.Text),
        )
        .order_by(table.c.code)
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )
    return Projection("registers", (table,), project, {"register_entries": by_code})
