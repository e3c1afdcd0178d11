"""Owed quantities whose patients want to be told: waiting, or arrived when the pharmacy has more of the drug again.

It has when goods are received, when packs of an undone supply are back on the shelf or packs that were set apart are
released to it, and when a correction or a count finds more good ones than the books had: the stock of a pharmacy that
keeps its books in a system of its own may come in by counts alone. Nothing of a recalled lot counts, and to nobody what
comes back of their own supply. A wish ends with its fulfilment. Whichever brand comes in counts: it is the same drug.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import sqlalchemy as sa

from services.dispatch.domain.fulfilment.events import FulfilmentClosed, RemainderLapsed
from services.dispatch.domain.fulfilment.wishes import NoticeWanted
from services.dispatch.domain.stock.events import (
    QuarantineReleased,
    StockAdjusted,
    StockCounted,
    StockReceived,
    StockReturned,
)
from services.dispatch.projections import METADATA
from services.seedwork.calendar import civil_day
from services.seedwork.clock import to_micros
from services.seedwork.forgotten import PatientForgotten
from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded, Remove

OWED = sa.Table(
    "owed_quantities",
    METADATA,
    sa.Column("wish_id", sa.Uuid, primary_key=True),
    sa.Column("fulfilment_id", sa.Uuid, nullable=False, index=True),
    sa.Column("supply_id", sa.Uuid, nullable=False),
    sa.Column("patient_ref", sa.Uuid, nullable=False, index=True),
    sa.Column("pharmacy", sa.Text, nullable=False),
    sa.Column("drug_key", sa.Text, nullable=False),
    sa.Column("product", sa.Text, nullable=False),
    sa.Column("line", sa.Integer, nullable=False),
    sa.Column("quantity", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("asked_at", sa.BigInteger, nullable=False),
    sa.Column("arrived_at", sa.BigInteger),
    sa.Column("arrival", sa.BigInteger, comment="log index of the goods that came in"),
    sa.Index("owed_quantities_by_drug", "pharmacy", "drug_key", "state"),
)


def project(recorded: Recorded) -> Iterator[Operation]:
    match recorded.event:
        case NoticeWanted() as event:
            names = ("wish_id", "supply_id", "patient_ref", "pharmacy", "drug_key", "product", "line", "quantity")
            about = {"fulfilment_id": recorded.stream_id, "state": "waiting", "arrived_at": None, "arrival": None}
            asked = {"asked_at": to_micros(recorded.recorded_at)}
            yield Put(OWED, {**{name: getattr(event, name) for name in names}, **about, **asked})
        case StockReceived(pharmacy=pharmacy, drug_key=drug_key):
            yield _arrived(recorded, pharmacy, drug_key)
        case StockReturned(pharmacy=str(pharmacy), drug_key=str(drug_key), quarantined=False, fulfilment_id=whose):
            yield _arrived(recorded, pharmacy, drug_key, whose)
        case QuarantineReleased(pharmacy=str(pharmacy), drug_key=str(drug_key)):
            yield _arrived(recorded, pharmacy, drug_key)
        case StockCounted() | StockAdjusted() as found:
            yield from _found(recorded, found)
        case FulfilmentClosed() | RemainderLapsed():
            yield Remove(OWED, {"fulfilment_id": recorded.stream_id})
        case PatientForgotten() as forgotten:
            yield Remove(OWED, {"patient_ref": forgotten.patient_ref})


def _found(recorded: Recorded, found: StockCounted | StockAdjusted) -> Iterator[Operation]:
    """More than the books had, and fit to be given out."""
    more = found.change if isinstance(found, StockAdjusted) else found.after - found.before
    fit = not found.recalled and found.expiry >= civil_day(recorded.recorded_at)
    if more > 0 and fit and found.pharmacy and found.drug_key:
        yield _arrived(recorded, found.pharmacy, found.drug_key)


def _arrived(recorded: Recorded, pharmacy: str, drug_key: str, whose: UUID | None = None) -> Operation:
    """`whose`: the fulfilment that the goods come back of, which waits on."""
    waiting = {"pharmacy": pharmacy, "drug_key": drug_key, "state": "waiting"}
    arrived = {"state": "arrived", "arrived_at": to_micros(recorded.recorded_at), "arrival": recorded.log_index}
    if whose is None:
        return Amend(OWED, waiting, arrived)
    own = OWED.c.fulfilment_id == whose
    return Amend(OWED, waiting, {name: sa.case((own, OWED.c[name]), else_=said) for name, said in arrived.items()})


def _after() -> sa.ColumnElement[bool]:
    arrival, wish = sa.bindparam("arrival", type_=sa.BigInteger), sa.bindparam("wish_id", type_=sa.Uuid)
    return sa.tuple_(OWED.c.arrival, OWED.c.wish_id) > sa.tuple_(arrival, wish)


_ARRIVED = (
    sa.select(OWED)
    .where(OWED.c.state == "arrived", _after())
    .order_by(OWED.c.arrival, OWED.c.wish_id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)

PROJECTION = Projection(
    name="owed_quantities",
    tables=(OWED,),
    project=project,
    queries={
        "arrived_at_pharmacy": _ARRIVED.where(OWED.c.pharmacy == sa.bindparam("pharmacy", type_=sa.Text)),
        "arrived_for_patient": _ARRIVED.where(OWED.c.patient_ref == sa.bindparam("patient_ref", type_=sa.Uuid)),
    },
)
"""In the order in which goods came in; one delivery may answer several wishes, so the cursor names the wish as well."""
