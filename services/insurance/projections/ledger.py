"""The ledger's accounts: every posting of every claim, and the trial balance over an insurer's claims."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from services.insurance.domain.claim_events import ClaimAuthorised, ClaimCleared, ClaimSettled, ClaimVoided
from services.insurance.projections import METADATA
from services.seedwork.projection import Operation, Projection, Put, Recorded

LEDGER_CLAIMS = sa.Table(
    "ledger_claims",
    METADATA,
    sa.Column("claim_id", sa.Uuid, primary_key=True),
    sa.Column("insurer", sa.Text),
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


def project(recorded: Recorded) -> Iterator[Operation]:
    event = recorded.event
    if isinstance(event, ClaimAuthorised):
        yield Put(LEDGER_CLAIMS, {"claim_id": recorded.stream_id, "insurer": event.insurer})
    if isinstance(event, ClaimAuthorised | ClaimCleared | ClaimSettled | ClaimVoided):
        for number, posting in enumerate(event.postings):
            yield Put(
                POSTINGS,
                {
                    "position": recorded.log_index,
                    "number": number,
                    "claim_id": recorded.stream_id,
                    "account": posting.account,
                    "debit": max(0, posting.amount),
                    "credit": max(0, -posting.amount),
                },
            )


def _sum(column: sa.Column[int], name: str) -> sa.Label[int]:
    # PostgreSQL sums bigints to numeric; fen are whole numbers everywhere.
    return sa.cast(sa.func.sum(column), sa.BigInteger).label(name)


PROJECTION = Projection(
    name="ledger",
    tables=(LEDGER_CLAIMS, POSTINGS),
    project=project,
    queries={
        "trial_balance": sa.select(
            POSTINGS.c.account, _sum(POSTINGS.c.debit, "debit"), _sum(POSTINGS.c.credit, "credit")
        )
        .join(LEDGER_CLAIMS, LEDGER_CLAIMS.c.claim_id == POSTINGS.c.claim_id)
        .where(LEDGER_CLAIMS.c.insurer == sa.bindparam("insurer", type_=sa.Text))
        .group_by(POSTINGS.c.account)
        .order_by(POSTINGS.c.account),
    },
)
