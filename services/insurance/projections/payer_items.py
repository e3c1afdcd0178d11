"""Messages sent to payers and what each has booked: our side of a day's reconciliation, ascending by message id.

An authorisation counts with its claim's amounts on the day on which it was known to be booked, the taking back of one
with the negation. `status`: sent, booked, refused, or cancelled (taken back although it was never known to be booked).
An insurer in two steps books on settlement: until then its message is reserving, reserved, or freeing what it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from services.insurance.domain.amounts import Adjudication
from services.insurance.domain.claim_events import (
    AuthorisationNotBooked,
    AuthorisationRequested,
    ClaimAuthorised,
    ClaimOpened,
    ClaimRefused,
    ClaimReversed,
    ClaimSettled,
    ClaimVoided,
    DisputeDecided,
    ReverseRequested,
    VoidRequested,
)
from services.insurance.projections import METADATA
from services.insurance.projections.day_queries import TOTALS, OurSide
from services.seedwork.calendar import civil_day
from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded

PAYER_CLAIMS = sa.Table(
    "payer_claims",
    METADATA,
    sa.Column("claim_id", sa.Uuid, primary_key=True),
    sa.Column("pharmacy", sa.Text, nullable=False),
    sa.Column("total", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.Column("fund", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.Column("account", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.Column("insutype", sa.Text, nullable=False, server_default=""),
)

PAYER_ITEMS = sa.Table(
    "payer_items",
    METADATA,
    sa.Column("message_id", sa.Uuid, primary_key=True),
    sa.Column("claim_id", sa.Uuid, nullable=False, index=True),
    sa.Column("sign", sa.Integer, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("insurer", sa.Text),
    sa.Column("day", sa.Text),
    sa.Index("payer_items_of_day", "insurer", "day", "message_id"),
)

SENT, BOOKED, REFUSED, CANCELLED = "sent", "booked", "refused", "cancelled"
RESERVING, RESERVED, FREEING = "reserving", "reserved", "freeing"
FORTH, BACK = 1, -1


def project(recorded: Recorded) -> Iterator[Operation]:
    event = recorded.event
    match event:
        case ClaimOpened():
            known = {"claim_id": event.claim_id, "pharmacy": event.supply.pharmacy}
            yield Put(PAYER_CLAIMS, {**known, "total": 0, "fund": 0, "account": 0, "insutype": ""})
        case AuthorisationRequested():
            yield _sent(recorded, event.message_id, FORTH, RESERVING if event.steps == "two_step" else SENT)
        case VoidRequested() | ReverseRequested():
            yield _sent(recorded, event.message_id, BACK, FREEING if event.steps == "two_step" else SENT)
        case ClaimRefused() | AuthorisationNotBooked():
            yield from _became(recorded, FORTH, REFUSED, {SENT, RESERVING})
        case ClaimAuthorised(insurer=str(insurer)):
            yield _amounts(recorded, event.adjudication)
            yield from _became(recorded, FORTH, BOOKED, {SENT}, insurer)
            yield from _became(recorded, FORTH, RESERVED, {RESERVING}, insurer)
        case ClaimSettled(insurer=str(insurer)):
            yield from _became(recorded, FORTH, BOOKED, {RESERVED}, insurer)
        case DisputeDecided(
            adjudication=Adjudication() as amounts, decision="accepted_by_insurer", insurer=str(insurer)
        ):
            yield _amounts(recorded, amounts)
            yield from _became(recorded, FORTH, BOOKED, {SENT, RESERVING, RESERVED}, insurer)
        case ClaimVoided(insurer=str(insurer)) | ClaimReversed(insurer=str(insurer)):
            if event.postings:
                yield from _became(recorded, BACK, BOOKED, {SENT}, insurer)
            else:
                yield from _became(recorded, FORTH, CANCELLED, {SENT})
                yield from _became(recorded, BACK, CANCELLED, {SENT})
            yield from _became(recorded, FORTH, CANCELLED, {RESERVING, RESERVED})
            yield from _became(recorded, BACK, CANCELLED, {FREEING})


def _sent(recorded: Recorded, message_id: Any, sign: int, status: str) -> Operation:
    named = {"message_id": message_id, "claim_id": recorded.stream_id, "sign": sign}
    return Put(PAYER_ITEMS, {**named, "status": status, "insurer": None, "day": None})


def _became(
    recorded: Recorded, sign: int, status: str, open_: set[str], insurer: str | None = None
) -> Iterator[Operation]:
    """Of the message that is open: those before it, which the insurer does not know, stay refused."""
    day = civil_day(recorded.recorded_at).isoformat() if status == BOOKED else None
    for before in sorted(open_):
        yield Amend(
            PAYER_ITEMS,
            {"claim_id": recorded.stream_id, "sign": sign, "status": before},
            {"status": status, "insurer": insurer, "day": day},
        )


def _amounts(recorded: Recorded, amounts: Adjudication) -> Operation:
    sums = {"total": amounts.total, "fund": amounts.fund, "account": amounts.paid_by("acct")}
    return Amend(PAYER_CLAIMS, {"claim_id": recorded.stream_id}, {**sums, "insutype": amounts.insutype})


_OURS = OurSide(
    items=PAYER_ITEMS,
    about=PAYER_CLAIMS,
    joined_by="claim_id",
    whose=PAYER_ITEMS.c.insurer,
    sums={name: PAYER_ITEMS.c.sign * PAYER_CLAIMS.c[name] for name in TOTALS},
    apart=PAYER_CLAIMS.c.insutype,
)

PROJECTION = Projection(
    name="payer_items",
    tables=(PAYER_CLAIMS, PAYER_ITEMS),
    project=project,
    queries=_OURS.queries("payer"),
)
