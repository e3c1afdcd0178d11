"""What patients paid through a payment provider and got back: our side of the provider's day, ascending by number.

A payment counts on the day on which it was known to be paid, under its own id; the giving back of it, or of a part of
it, under `Source.refund_number` with the negation. What was carried over to another claim moves nothing there.
`status`: sent (asked for, or ordered back, and not answered), booked, or refused (declined, or asked for no more).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID

import sqlalchemy as sa

from services.insurance.domain.payment_events import (
    PaymentCarriedOver,
    PaymentCovered,
    PaymentExpired,
    PaymentFailed,
    PaymentPaid,
    PaymentRefunded,
    PaymentRequested,
    RefundNotConfirmed,
    Source,
)
from services.insurance.projections import METADATA
from services.insurance.projections.day_queries import OurSide
from services.seedwork.calendar import civil_day
from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded, Remove

PROVIDER_PAYMENTS = sa.Table(
    "provider_payments",
    METADATA,
    sa.Column("payment_id", sa.Uuid, primary_key=True),
    sa.Column("claim_id", sa.Uuid, nullable=False),
    sa.Column("pharmacy", sa.Text),
    sa.Column("item", sa.Text, nullable=False),
    sa.Column("channel", sa.Text),
)

PROVIDER_ITEMS = sa.Table(
    "provider_items",
    METADATA,
    sa.Column("message_id", sa.Uuid, primary_key=True),
    sa.Column("payment_id", sa.Uuid, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("day", sa.Text),
    sa.Index("provider_items_of_day", "day", "message_id"),
)

SENT, BOOKED, REFUSED = "sent", "booked", "refused"


def project(recorded: Recorded) -> Iterator[Operation]:
    event = recorded.event
    match event:
        case PaymentRequested():
            named = event.model_dump(include={"payment_id", "claim_id", "pharmacy", "item"})
            yield Put(PROVIDER_PAYMENTS, {**named, "channel": None})
            yield _item(recorded, event.payment_id, event.payment_id, event.amount, SENT)
        case PaymentCovered(left=0):
            yield Remove(PROVIDER_ITEMS, {"message_id": recorded.stream_id})
        case PaymentCovered():
            yield Amend(PROVIDER_ITEMS, {"message_id": recorded.stream_id}, {"amount": event.left})
        case PaymentPaid():
            yield Amend(PROVIDER_PAYMENTS, {"payment_id": recorded.stream_id}, {"channel": event.channel})
            yield _became(recorded, BOOKED, civil_day(recorded.recorded_at).isoformat())
        case PaymentFailed() | PaymentExpired():
            yield _became(recorded, REFUSED)
        case RefundNotConfirmed():
            yield from _back(recorded, event.parts, SENT)
        case PaymentRefunded() | PaymentCarriedOver():
            yield from _back(recorded, event.parts, BOOKED)


def _became(recorded: Recorded, status: str, day: str | None = None) -> Operation:
    return Amend(PROVIDER_ITEMS, {"message_id": recorded.stream_id}, {"status": status, "day": day})


def _back(recorded: Recorded, parts: Iterable[Source], status: str) -> Iterator[Operation]:
    for part in parts:
        yield _item(recorded, part.refund_number(recorded.stream_id), part.payment_id, -part.amount, status)


def _item(recorded: Recorded, message_id: UUID, payment_id: UUID, amount: int, status: str) -> Operation:
    day = civil_day(recorded.recorded_at).isoformat() if status == BOOKED else None
    named = {"message_id": message_id, "payment_id": payment_id}
    return Put(PROVIDER_ITEMS, {**named, "amount": amount, "status": status, "day": day})


_NOTHING: sa.ColumnElement[int] = sa.literal_column("0", sa.BigInteger)
_OURS = OurSide(
    items=PROVIDER_ITEMS,
    about=PROVIDER_PAYMENTS,
    joined_by="payment_id",
    whose=PROVIDER_PAYMENTS.c.channel,
    sums={"total": PROVIDER_ITEMS.c.amount, "fund": _NOTHING, "account": _NOTHING},
    apart=PROVIDER_PAYMENTS.c.item,
)
"""A payment has one sum, which is the total."""

PROJECTION = Projection(
    name="provider_items",
    tables=(PROVIDER_PAYMENTS, PROVIDER_ITEMS),
    project=project,
    queries=_OURS.queries("provider"),
)
