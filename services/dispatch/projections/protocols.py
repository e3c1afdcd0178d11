"""Substitution protocols by the drug that is short."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from services.dispatch.domain.protocol import ProtocolKnown
from services.dispatch.projections import METADATA
from services.seedwork.projection import Operation, Projection, Put, Recorded

PROTOCOLS = sa.Table(
    "substitution_protocols",
    METADATA,
    sa.Column("protocol_id", sa.Uuid, primary_key=True),
    sa.Column("from_drug_key", sa.Text, nullable=False, index=True),
    sa.Column("to_drug_key", sa.Text, nullable=False),
)


def project(recorded: Recorded) -> Iterator[Operation]:
    match recorded.event:
        case ProtocolKnown(protocol=protocol):
            keys = {"from_drug_key": protocol.from_drug_key, "to_drug_key": protocol.to_drug_key}
            yield Put(PROTOCOLS, {"protocol_id": protocol.protocol_id, **keys})


PROJECTION = Projection(
    name="substitution_protocols",
    tables=(PROTOCOLS,),
    project=project,
    queries={
        "protocols_for": sa.select(PROTOCOLS.c.protocol_id)
        .where(PROTOCOLS.c.from_drug_key == sa.bindparam("drug_key", type_=sa.Text))
        .order_by(PROTOCOLS.c.protocol_id)
        .limit(50),
    },
)
"""Found by the drug; whether one holds is decided with its record."""
