"""A read model of the tests' boxes: two tables, a counting amendment, an index and a query."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded, Remove
from tests.support.store import BoxClosed, BoxOpened, ItemAdded

METADATA = sa.MetaData()

boxes = sa.Table(
    "boxes",
    METADATA,
    sa.Column("box", sa.Uuid(), primary_key=True),
    sa.Column("owner", sa.Text, nullable=True),
    sa.Column("items", sa.Integer, nullable=False),
    sa.Column("last", sa.JSON, nullable=True),
    sa.Column("open", sa.Boolean, nullable=False),
    sa.Index("boxes_by_owner", "owner"),
)
shelf = sa.Table("shelf", METADATA, sa.Column("box", sa.Uuid(), primary_key=True))


def project(recorded: Recorded) -> Iterable[Operation]:
    box = recorded.stream_id
    match recorded.event:
        case BoxOpened(owner=owner):
            yield Put(boxes, {"box": box, "owner": owner, "items": 0, "last": None, "open": True})
            yield Put(shelf, {"box": box})
        case ItemAdded(item=item):
            last = {"item": item, "by": recorded.actor, "hash": recorded.hash.hex()}
            yield Amend(boxes, {"box": box}, {"items": boxes.c["items"] + 1, "last": last})
        case BoxClosed():
            yield Amend(boxes, {"box": box}, {"open": False})
            yield Remove(shelf, {"box": box})


PROJECTION = Projection(
    "boxes",
    (boxes, shelf),
    project,
    {"open_boxes": sa.select(boxes.c.box, boxes.c["items"]).where(boxes.c.open == sa.bindparam("open"))},
)
