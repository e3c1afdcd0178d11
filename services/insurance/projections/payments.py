"""Payments by claim; the fee of a delivery stands with the claim it was asked for with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from services.insurance.domain.payment import CARRIED_OVER, EXPIRED, FAILED, PAID, REFUNDED, REQUESTED
from services.insurance.domain.payment_events import (
    PaymentCarriedOver,
    PaymentCovered,
    PaymentExpired,
    PaymentFailed,
    PaymentPaid,
    PaymentRefunded,
    PaymentRequested,
)
from services.insurance.projections import METADATA, NOBODY, microseconds
from services.seedwork.forgotten import PatientForgotten
from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded

PAYMENTS = sa.Table(
    "payments",
    METADATA,
    sa.Column("payment_id", sa.Uuid, primary_key=True),
    sa.Column("claim_id", sa.Uuid, nullable=False, index=True),
    sa.Column("supply_id", sa.Uuid, nullable=False),
    sa.Column("prescription_id", sa.Uuid, nullable=False),
    sa.Column("fulfilment_id", sa.Uuid, nullable=False),
    sa.Column("patient_ref", sa.Uuid, nullable=False, index=True),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("item", sa.Text, nullable=False, server_default="share"),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("channel", sa.Text),
    sa.Column("reference", sa.Text),
    sa.Column("refund_reference", sa.Text),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
)

ASKED = {
    "payment_id",
    "claim_id",
    "supply_id",
    "prescription_id",
    "fulfilment_id",
    "patient_ref",
    "amount",
    "item",
}


def project(recorded: Recorded) -> Iterator[Operation]:
    event, at = recorded.event, microseconds(recorded.recorded_at)
    match event:
        case PatientForgotten():
            yield Amend(PAYMENTS, {"patient_ref": event.patient_ref}, {"patient_ref": NOBODY})
        case PaymentRequested():
            asked = event.model_dump(include=ASKED)
            yield Put(PAYMENTS, {**asked, "status": REQUESTED, "changed_at": at})
        case PaymentPaid():
            yield _amended(recorded, PAID, channel=event.channel, reference=event.reference)
        case PaymentFailed():
            named = {"channel": event.channel, "reference": event.reference} if event.reason != "not_owed" else {}
            yield _amended(recorded, FAILED, **named)
        case PaymentCarriedOver():
            yield _amended(recorded, CARRIED_OVER, refund_reference=event.reference)
        case PaymentCovered(left=0):
            yield _amended(recorded, PAID, channel=event.channel, reference=event.reference)
        case PaymentExpired():
            yield _amended(recorded, EXPIRED)
        case PaymentRefunded():
            yield _amended(recorded, CARRIED_OVER if event.rest else REFUNDED, refund_reference=event.reference)


def _amended(recorded: Recorded, status: str, **more: Any) -> Operation:
    values = {"status": status, "changed_at": microseconds(recorded.recorded_at), **more}
    return Amend(PAYMENTS, {"payment_id": recorded.stream_id}, values)


PROJECTION = Projection(
    name="payments",
    tables=(PAYMENTS,),
    project=project,
    queries={
        "payments_of_claim": sa.select(PAYMENTS).where(PAYMENTS.c.claim_id == sa.bindparam("claim_id", type_=sa.Uuid)),
    },
)
