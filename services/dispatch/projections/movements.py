"""When what happened to the goods of a supply: checked, sent, received, back, looked at. Feeds the EPCIS export."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.dispatch.domain.delivery import events as d
from services.dispatch.domain.fulfilment import events as f
from services.dispatch.domain.fulfilment.return_events import SupplyUndone
from services.dispatch.projections import METADATA
from services.seedwork.clock import to_micros
from services.seedwork.projection import Operation, Projection, Put, Recorded

MOVEMENTS = sa.Table(
    "goods_movements",
    METADATA,
    sa.Column("log_index", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("subject", sa.Uuid, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Column("recorded_at", sa.BigInteger, nullable=False),
    sa.Index("goods_movements_of_subject", "subject", "log_index"),
)
"""`subject`: the supply, or the delivery that carries it."""


def project(recorded: Recorded) -> Iterator[Operation]:
    match recorded.event:
        case f.SupplyDispensed(supply_id=supply_id):
            yield _row(recorded, supply_id, "dispensed")
        case f.SupplyReceived(supply_id=supply_id, accepted=accepted, rejected=rejected):
            lines = {"accepted": [row.line for row in accepted], "rejected": [row.line for row in rejected]}
            yield _row(recorded, supply_id, "received", lines)
        case SupplyUndone(supply_id=supply_id, packs=packs):
            rows = [{"trace_code": pack.trace_code, "disposition": pack.disposition, **_lot(pack)} for pack in packs]
            yield _row(recorded, supply_id, "undone", {"packs": rows})
        case d.DeliveryPacked():
            yield _row(recorded, recorded.stream_id, "packed")
        case d.DeliveryHandedOver():
            yield _row(recorded, recorded.stream_id, "handed_over")
        case d.DeliveryReturnArrived(packs=numbers) | d.DeliveryFound(packs=numbers):
            yield _row(recorded, recorded.stream_id, "back", {"packs": list(numbers)})
        case d.QuarantineDecided(packs=numbers, to=to):
            yield _row(recorded, recorded.stream_id, "decided", {"packs": list(numbers), "to": to})


def _lot(pack: Any) -> dict[str, Any]:
    return {"product": pack.product, "lot": pack.lot, "quantity": pack.quantity}


def _row(recorded: Recorded, subject: UUID, kind: str, content: dict[str, Any] | None = None) -> Operation:
    row = {
        "log_index": recorded.log_index,
        "subject": subject,
        "kind": kind,
        "content": content or {},
        "recorded_at": to_micros(recorded.recorded_at),
    }
    return Put(MOVEMENTS, row)


PROJECTION = Projection(
    name="goods_movements",
    tables=(MOVEMENTS,),
    project=project,
    queries={
        "goods_movements_of": sa.select(MOVEMENTS)
        .where(
            MOVEMENTS.c.subject.in_(
                (sa.bindparam("supply_id", type_=sa.Uuid), sa.bindparam("delivery_id", type_=sa.Uuid))
            )
        )
        .order_by(MOVEMENTS.c.log_index)
        .limit(sa.bindparam("limit", type_=sa.Integer)),
    },
)
