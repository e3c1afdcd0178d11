"""What a pharmacy is told, so that it need not ask for each: who nominated it, what became of what it holds, and what
else it must know (`pharmacy_notices`).

A row per subject with where it stands; `position` is the log index of its last change. Who has followed up to a
position and asks from there gets every row that has changed since, once, as it is now. Nothing here is about a
patient: what a pharmacy may know of one it reads from the record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from services.dispatch.domain.fulfilment import events as told
from services.dispatch.domain.fulfilment.nomination import PharmacyNominated
from services.dispatch.domain.fulfilment.return_events import SupplyUndone
from services.dispatch.domain.fulfilment.wishes import SubstitutionDeclined
from services.dispatch.domain.prescription_content import StopUseKnown
from services.dispatch.projections import METADATA
from services.dispatch.projections.pharmacy_notices import EVERYBODY, NODE_DIGITS, Row, everybody_in, notices
from services.seedwork.clock import to_micros
from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded

FED = sa.Table(
    "pharmacy_feed",
    METADATA,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("subject_id", sa.Uuid, primary_key=True, comment="the hold; of a nomination, the fulfilment"),
    sa.Column("pharmacy", sa.Text, primary_key=True),
    sa.Column("fulfilment_id", sa.Uuid, index=True),
    sa.Column("supply_id", sa.Uuid, index=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("claim", sa.Text),
    sa.Column("due_at", sa.BigInteger),
    sa.Column("notice", sa.Text, comment="the last word on lines of the prescription: blocked, answered"),
    sa.Column("facts", sa.JSON, comment="of what is no hold: codes and figures"),
    sa.Column("position", sa.BigInteger, nullable=False, comment="log index of the last change"),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.Index("pharmacy_feed_in_order", "pharmacy", "position", "subject_id"),
)
HOLD, NOMINATION = "hold", "nomination"
NOMINATED, WITHDRAWN, OVER = "nominated", "withdrawn", "over"
RECEIVED = "received"
NODES = ("province", "city", "county")
NOWHERE = "-"


def project(recorded: Recorded) -> Iterator[Operation]:
    match recorded.event:
        case told.FulfilmentOpened(nominated_pharmacy=str(pharmacy)):
            yield _nominated(recorded, pharmacy)
        case PharmacyNominated(pharmacy=pharmacy):
            standing = {"kind": NOMINATION, "subject_id": recorded.stream_id, "status": NOMINATED}
            yield _amended(recorded, standing, status=WITHDRAWN)
            if pharmacy is not None:
                yield _nominated(recorded, pharmacy)
        case told.RemainderLapsed() | told.FulfilmentClosed():
            standing = {"kind": NOMINATION, "subject_id": recorded.stream_id, "status": NOMINATED}
            yield _amended(recorded, standing, status=OVER)
        case told.QuantityHeld() as event:
            yield Put(FED, _row(recorded, HOLD, event.hold_id, event.pharmacy, "held", event.expires_at))
        case told.LinesBlocked():
            yield _amended(recorded, {"kind": HOLD, "fulfilment_id": recorded.stream_id}, notice="blocked")
        case told.LinesUnblocked():
            yield _amended(recorded, {"kind": HOLD, "fulfilment_id": recorded.stream_id}, notice="answered")
        case StopUseKnown(fulfilments=fulfilments):
            for fulfilment in fulfilments:
                given = {"kind": HOLD, "fulfilment_id": fulfilment, "status": RECEIVED}
                yield _amended(recorded, given, notice="stop_use")
        case _:
            yield from _of_hold(recorded)
            yield from (_noted(recorded, row) for row in notices(recorded))


def _of_hold(recorded: Recorded) -> Iterator[Operation]:
    match recorded.event:
        case told.HoldAccepted(hold_id=hold, expires_at=due):
            yield _hold(recorded, hold, status="accepted", due_at=to_micros(due))
        case SubstitutionDeclined(hold_id=hold):
            yield _hold(recorded, hold, notice="substitution_declined")
        case told.HoldEnded(hold_id=hold, goes_on=True):
            yield _hold(recorded, hold)
        case told.HoldEnded(hold_id=hold, how=how, reason=reason) if how != "rest_freed":
            yield _hold(recorded, hold, status=how, reason=reason, due_at=None)
        case told.SupplyPrepared(hold_id=hold, supply_id=supply):
            yield _hold(recorded, hold, status="prepared", supply_id=supply)
        case told.SupplyUnprepared(supply_id=supply):
            yield _supply(recorded, supply, status="accepted")
        case told.SupplyDispensed(hold_id=hold, supply_id=supply, collect_by=due):
            yield _hold(recorded, hold, status="dispensed", supply_id=supply, due_at=to_micros(due))
        case told.ClaimNoted(supply_id=supply, status=claim, how=how):
            yield _supply(recorded, supply, claim="credit" if how == "credit" else claim)
        case told.SupplyHandedToCourier(supply_id=supply):
            yield _supply(recorded, supply, status="with_courier", due_at=None)
        case told.SupplyReceived(supply_id=supply):
            yield _supply(recorded, supply, status=RECEIVED, due_at=None)
        case SupplyUndone(supply_id=supply, why=why):
            yield _supply(recorded, supply, status="undone", reason=why, due_at=None)


def _noted(recorded: Recorded, row: Row) -> Operation:
    """A notice as it stands; of one that was given before, what has changed of it."""
    values = {**row.values, **_when(recorded)}
    if row.pharmacy is None:
        return Amend(FED, {"kind": row.kind, "subject_id": row.subject_id}, values)
    return Put(FED, {"kind": row.kind, "subject_id": row.subject_id, "pharmacy": row.pharmacy, **values})


def _nominated(recorded: Recorded, pharmacy: str) -> Operation:
    return Put(FED, _row(recorded, NOMINATION, recorded.stream_id, pharmacy, NOMINATED))


def _row(recorded: Recorded, kind: str, subject_id: Any, pharmacy: str, status: str, due: Any = None) -> dict[str, Any]:
    about = {"kind": kind, "subject_id": subject_id, "pharmacy": pharmacy, "fulfilment_id": recorded.stream_id}
    return {**about, "status": status, "due_at": due and to_micros(due), **_when(recorded)}


def _when(recorded: Recorded) -> dict[str, int]:
    return {"position": recorded.log_index, "changed_at": to_micros(recorded.recorded_at)}


def _hold(recorded: Recorded, hold_id: Any, **values: Any) -> Operation:
    return _amended(recorded, {"kind": HOLD, "subject_id": hold_id}, **values)


def _supply(recorded: Recorded, supply_id: Any, **values: Any) -> Operation:
    return _amended(recorded, {"kind": HOLD, "supply_id": supply_id}, **values)


def _amended(recorded: Recorded, where: Mapping[str, Any], **values: Any) -> Operation:
    return Amend(FED, where, {**values, **_when(recorded)})


def _newest(whose: sa.ColumnElement[bool]) -> sa.Subquery:
    position, subject = sa.bindparam("position", type_=sa.BigInteger), sa.bindparam("subject_id", type_=sa.Uuid)
    later = sa.tuple_(FED.c.position, FED.c.subject_id) > sa.tuple_(position, subject)
    rows = sa.select(FED).where(whose, later).order_by(FED.c.position, FED.c.subject_id)
    return rows.limit(sa.bindparam("limit", type_=sa.Integer)).subquery()


def _fed() -> sa.Select[Any]:
    """The pharmacy's own, everybody's and its region nodes', each by its index, and of all of them the first."""
    whose = [EVERYBODY, *(sa.bindparam(name, type_=sa.Text) for name in ("pharmacy", *NODES))]
    parts = [sa.select(_newest(FED.c.pharmacy == each)) for each in whose]
    told_here = sa.union_all(*parts).subquery()
    in_order = sa.select(told_here).order_by(told_here.c.position, told_here.c.subject_id)
    return in_order.limit(sa.bindparam("limit", type_=sa.Integer))


def addressed(pharmacy: str, region: str | None) -> dict[str, str]:
    """What the query is asked with for a pharmacy in a division (GB/T 2260, six digits); None: the register does not
    know it, and nothing is told to its region.
    """
    nodes = (everybody_in((region or NOWHERE)[:digits]) for digits in NODE_DIGITS)
    return {"pharmacy": pharmacy, **dict(zip(NODES, nodes, strict=True))}


PROJECTION = Projection(
    name="pharmacy_feed", tables=(FED,), project=project, queries={"fed_to_pharmacy": _fed()}, version=4
)
"""One event may block several holds of a pharmacy, so its cursor names the subject as well."""
