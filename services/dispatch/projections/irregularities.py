"""What was handed out, delivered, brought back or said although a rule was broken: each waits for its organisation's
word, which stands in its own stream (`irregularity_ref`)."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import sqlalchemy as sa

from services.dispatch.domain.delivery.events import DeliveryIrregular
from services.dispatch.domain.fulfilment.events import SupplyReceived
from services.dispatch.domain.irregularity import irregularity_ref
from services.dispatch.projections import METADATA
from services.seedwork.clock import to_micros
from services.seedwork.projection import Operation, Projection, Put, Recorded

IRREGULAR = sa.Table(
    "irregular_supplies",
    METADATA,
    sa.Column("log_index", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("organisation", sa.Text, nullable=False),
    sa.Column("fulfilment_id", sa.Uuid, nullable=False),
    sa.Column("supply_id", sa.Uuid, nullable=False),
    sa.Column("irregularities", sa.JSON, nullable=False),
    sa.Column("handed_out_by", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.BigInteger, nullable=False),
    sa.Column("irregularity_id", sa.Uuid),
    sa.Index("irregular_supplies_by_id", "irregularity_id"),
    sa.Index("irregular_supplies_of_organisation", "organisation", "log_index"),
)


def project(recorded: Recorded) -> Iterator[Operation]:
    match recorded.event:
        case SupplyReceived(exception=True) as event:
            yield _row(recorded, event, recorded.stream_id, event.handed_out_by)
        case DeliveryIrregular() as event:
            yield _row(recorded, event, event.fulfilment_id, event.recorded_by)


def _row(recorded: Recorded, event: SupplyReceived | DeliveryIrregular, fulfilment_id: UUID, by: str) -> Operation:
    row = {
        "log_index": recorded.log_index,
        "irregularity_id": irregularity_ref(recorded.stream_id, recorded.version).stream_id,
        "organisation": event.organisation,
        "fulfilment_id": fulfilment_id,
        "supply_id": event.supply_id,
        "irregularities": list(event.irregularities),
        "handed_out_by": by,
        "recorded_at": to_micros(recorded.recorded_at),
    }
    return Put(IRREGULAR, row)


PROJECTION = Projection(
    name="irregularities",
    tables=(IRREGULAR,),
    project=project,
    queries={
        "irregularity": sa.select(IRREGULAR.c.organisation, IRREGULAR.c.fulfilment_id)
        .where(IRREGULAR.c.irregularity_id == sa.bindparam("irregularity_id", type_=sa.Uuid))
        .limit(1),
        "irregularities_of": sa.select(IRREGULAR)
        .where(
            IRREGULAR.c.organisation == sa.bindparam("organisation", type_=sa.Text),
            IRREGULAR.c.log_index < sa.bindparam("before", type_=sa.BigInteger),
        )
        .order_by(IRREGULAR.c.log_index.desc())
        .limit(sa.bindparam("limit", type_=sa.Integer)),
    },
    version=2,
)
