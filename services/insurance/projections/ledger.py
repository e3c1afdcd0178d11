"""The ledger's accounts: every posting of every claim, and the trial balance over an insurer's claims or a pharmacy's.

What a claim has booked is pending until it is settled, and posted from then on, its reversal too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from services.insurance.domain.claim_events import (
    ClaimAuthorised,
    ClaimCleared,
    ClaimOpened,
    ClaimReversed,
    ClaimSettled,
    ClaimVoided,
    DisputeDecided,
    RefundAwaited,
    RefundOrdered,
    ShareCollected,
)
from services.insurance.domain.clearing import BatchRemitted
from services.insurance.domain.payment_events import (
    FeeEarned,
    PaymentExpired,
    PaymentFailed,
    PaymentPaid,
    PaymentRefunded,
    PaymentRequested,
)
from services.insurance.domain.reconciliation import DifferenceAnswered
from services.insurance.projections import METADATA
from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded

LEDGER_CLAIMS = sa.Table(
    "ledger_claims",
    METADATA,
    sa.Column("claim_id", sa.Uuid, primary_key=True),
    sa.Column("insurer", sa.Text),
    sa.Column("pharmacy", sa.Text, index=True),
    sa.Column("posted", sa.Boolean, nullable=False, server_default=sa.false()),
)

POSTINGS = sa.Table(
    "postings",
    METADATA,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("claim_id", sa.Uuid, nullable=False, index=True),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("debit", sa.BigInteger, nullable=False),
    sa.Column("credit", sa.BigInteger, nullable=False),
)


BOOKING = (
    ClaimAuthorised,
    ClaimCleared,
    ShareCollected,
    ClaimSettled,
    ClaimVoided,
    ClaimReversed,
    RefundAwaited,
    RefundOrdered,
    DisputeDecided,
    DifferenceAnswered,
    BatchRemitted,
    PaymentRequested,
    PaymentPaid,
    PaymentFailed,
    PaymentRefunded,
    PaymentExpired,
    FeeEarned,
)
"""An answered difference books on the claim that it is about; a batch that was paid books on its own account, and so
does a delivery fee, which no insurer has to do with: pending until it is earned. A share's payment books nothing."""


def project(recorded: Recorded) -> Iterator[Operation]:
    event, claim_id = recorded.event, recorded.stream_id
    if isinstance(event, ClaimOpened):
        yield Put(
            LEDGER_CLAIMS,
            {"claim_id": claim_id, "insurer": None, "pharmacy": event.supply.pharmacy, "posted": False},
        )
    if isinstance(event, ClaimAuthorised):
        yield Amend(LEDGER_CLAIMS, {"claim_id": claim_id}, {"insurer": event.insurer})
    if isinstance(event, ClaimSettled | DisputeDecided):
        yield Amend(LEDGER_CLAIMS, {"claim_id": claim_id}, {"insurer": event.insurer, "posted": True})
    if isinstance(event, DifferenceAnswered) and event.claim_id is not None:
        claim_id = event.claim_id
    if isinstance(event, BatchRemitted):
        own = {"insurer": event.insurer, "pharmacy": event.pharmacy, "posted": True}
        yield Put(LEDGER_CLAIMS, {"claim_id": claim_id, **own})
    if isinstance(event, PaymentRequested) and event.item == "delivery_fee":
        own = {"insurer": None, "pharmacy": event.pharmacy, "posted": False}
        yield Put(LEDGER_CLAIMS, {"claim_id": claim_id, **own})
    if isinstance(event, FeeEarned):
        yield Amend(LEDGER_CLAIMS, {"claim_id": claim_id}, {"posted": True})
    if isinstance(event, BOOKING):
        for number, posting in enumerate(event.postings):
            yield Put(
                POSTINGS,
                {
                    "position": recorded.log_index,
                    "number": number,
                    "claim_id": claim_id,
                    "account": posting.account,
                    "debit": max(0, posting.amount),
                    "credit": max(0, -posting.amount),
                },
            )


def _sum(column: sa.Column[int], name: str, *, posted: bool | None = None) -> sa.Label[int]:
    # PostgreSQL sums bigints to numeric; fen are whole numbers everywhere.
    counted: Any = column
    if posted is not None:
        counted = sa.case((LEDGER_CLAIMS.c.posted == sa.literal(posted), column), else_=0)
    return sa.cast(sa.func.sum(counted), sa.BigInteger).label(name)


def _balance(about: sa.Column[Any], name: str) -> sa.Select[Any]:
    return (
        sa.select(
            POSTINGS.c.account,
            _sum(POSTINGS.c.debit, "debit"),
            _sum(POSTINGS.c.credit, "credit"),
            _sum(POSTINGS.c.debit, "pending_debit", posted=False),
            _sum(POSTINGS.c.credit, "pending_credit", posted=False),
            _sum(POSTINGS.c.debit, "posted_debit", posted=True),
            _sum(POSTINGS.c.credit, "posted_credit", posted=True),
        )
        .join(LEDGER_CLAIMS, LEDGER_CLAIMS.c.claim_id == POSTINGS.c.claim_id)
        .where(about == sa.bindparam(name, type_=sa.Text))
        .group_by(POSTINGS.c.account)
        .order_by(POSTINGS.c.account)
    )


PROJECTION = Projection(
    name="ledger",
    tables=(LEDGER_CLAIMS, POSTINGS),
    project=project,
    queries={
        "trial_balance": _balance(LEDGER_CLAIMS.c.insurer, "insurer"),
        "trial_balance_of_pharmacy": _balance(LEDGER_CLAIMS.c.pharmacy, "pharmacy"),
    },
)
