"""Transfers that were proposed to a pharmacy, as giver or as taker; the newest first."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from services.dispatch.domain.transfer import TransferOffered
from services.dispatch.projections import METADATA
from services.seedwork.projection import Operation, Projection, Put, Recorded

TRANSFERS = sa.Table(
    "transfers",
    METADATA,
    sa.Column("transfer_id", sa.Uuid, primary_key=True),
    sa.Column("pharmacy", sa.Text, primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Index("transfers_in_order", "pharmacy", "position"),
)


def project(recorded: Recorded) -> Iterator[Operation]:
    """The list names them; what has come of each is read from its stream."""
    match recorded.event:
        case TransferOffered() as offer:
            for pharmacy in (offer.from_pharmacy, offer.to_pharmacy):
                row = {"transfer_id": recorded.stream_id, "pharmacy": pharmacy, "position": recorded.log_index}
                yield Put(TRANSFERS, row)


PROJECTION = Projection(
    name="transfers",
    tables=(TRANSFERS,),
    project=project,
    queries={
        "transfers_of": sa.select(TRANSFERS)
        .where(
            TRANSFERS.c.pharmacy == sa.bindparam("pharmacy", type_=sa.Text),
            TRANSFERS.c.position < sa.bindparam("before", type_=sa.BigInteger),
        )
        .order_by(TRANSFERS.c.position.desc())
        .limit(sa.bindparam("limit", type_=sa.Integer))
    },
)
