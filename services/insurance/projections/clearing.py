"""What is to be cleared between insurers and pharmacies, in the order of the sealed log, and the batches.

An entry is a claim that was settled or a settled claim that was taken back, or what a pharmacy bears of an answered
difference. The claims' lines stand beside it as they were authorised, or as a dispute was decided; they do not change
once the claim is settled. Where `insurer` is a payment provider's channel, it is what that has of a share, or of a
delivery fee, for what the pharmacy has earned, or has given back to the patient (`paid_back`): `held_before` the event,
and `amount` since; a fee stands under the id of its payment.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from services.insurance.domain.amounts import Adjudication
from services.insurance.domain.claim_events import (
    ClaimAuthorised,
    ClaimOpened,
    ClaimReversed,
    ClaimSettled,
    DisputeDecided,
    RefundOrdered,
)
from services.insurance.domain.clearing import BatchPrepared, BatchRemitted, BatchWithdrawn
from services.insurance.domain.ledger import BooksHoldings, Posting, pharmacy_of
from services.insurance.domain.payment_events import FeeEarned, PaymentPaid, PaymentRefunded, PaymentRequested
from services.insurance.domain.reconciliation import DifferenceAnswered
from services.insurance.projections import METADATA, microseconds
from services.seedwork.calendar import civil_day
from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded

OF_NO_ATTEMPT = 0
"""A delivery fee is the supply's, whatever attempts follow."""

CLEARING_CLAIMS = sa.Table(
    "clearing_claims",
    METADATA,
    sa.Column("claim_id", sa.Uuid, primary_key=True),
    sa.Column("supply_id", sa.Uuid, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("lines", sa.JSON),
)

CLEARING_ENTRIES = sa.Table(
    "clearing_entries",
    METADATA,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("insurer", sa.Text, primary_key=True),
    sa.Column("pharmacy", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("claim_id", sa.Uuid, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("held_before", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("day", sa.Text, nullable=False),
    sa.Index("clearing_entries_in_order", "insurer", "pharmacy", "position"),
)

SETTLEMENT_BATCHES = sa.Table(
    "settlement_batches",
    METADATA,
    sa.Column("clearing_id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("insurer", sa.Text, nullable=False),
    sa.Column("pharmacy", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("until", sa.Text, nullable=False),
    sa.Column("claims", sa.Integer, nullable=False),
    sa.Column("transferred", sa.BigInteger, nullable=False),
    sa.Column("reference", sa.Text),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.Index("settlement_batches_of_insurer", "insurer", "position"),
    sa.Index("settlement_batches_of_pharmacy", "pharmacy", "position"),
)


def project(recorded: Recorded) -> Iterator[Operation]:
    event = recorded.event
    if isinstance(event, BooksHoldings):
        yield from _held(recorded, event)
    match event:
        case ClaimOpened():
            named = {"claim_id": event.claim_id, "supply_id": event.supply.supply_id, "attempt": event.attempt}
            yield Put(CLEARING_CLAIMS, {**named, "lines": None})
        case PaymentRequested(item="delivery_fee"):
            named = {"claim_id": event.payment_id, "supply_id": event.supply_id, "attempt": OF_NO_ATTEMPT}
            yield Put(CLEARING_CLAIMS, {**named, "lines": None})
        case ClaimAuthorised():
            yield _lines(recorded, event.adjudication)
        case DisputeDecided(adjudication=Adjudication() as amounts):
            yield _lines(recorded, amounts)
            yield from _entry(recorded, "settled", event.insurer, event.postings)
        case ClaimSettled():
            yield from _entry(recorded, "settled", event.insurer, event.postings)
        case ClaimReversed():
            yield from _entry(recorded, "reversed", event.insurer, event.postings)
        case DifferenceAnswered():
            yield from _recovered(recorded, event)
        case _:
            yield from _batches(recorded)


def _lines(recorded: Recorded, amounts: Adjudication) -> Operation:
    lines = [line.model_dump(mode="json") for line in amounts.lines]
    return Amend(CLEARING_CLAIMS, {"claim_id": recorded.stream_id}, {"lines": lines})


def _held(recorded: Recorded, event: BooksHoldings) -> Iterator[Operation]:
    kind = "delivery_fee" if isinstance(event, PaymentPaid | PaymentRefunded | FeeEarned) else "share"
    kind = "paid_back" if isinstance(event, RefundOrdered) else kind
    for held in event.holdings:
        row = _row(recorded, kind, held.channel, held.pharmacy, recorded.stream_id, held.after)
        yield Put(CLEARING_ENTRIES, {**row, "held_before": held.before})


def _entry(recorded: Recorded, kind: str, insurer: str | None, postings: tuple[Posting, ...]) -> Iterator[Operation]:
    """What no insurer pays, or what books nothing on a pharmacy, has nothing to clear."""
    if insurer is not None and (pharmacy := pharmacy_of(postings)):
        yield Put(CLEARING_ENTRIES, _row(recorded, kind, insurer, pharmacy, recorded.stream_id, 0))


def _recovered(recorded: Recorded, event: DifferenceAnswered) -> Iterator[Operation]:
    borne = sum(posting.amount for posting in event.postings if posting.account.startswith("borne."))
    if borne and event.pharmacy is not None:
        yield Put(CLEARING_ENTRIES, _row(recorded, "recovered", event.insurer, event.pharmacy, event.claim_id, borne))


def _row(recorded: Recorded, kind: str, insurer: str, pharmacy: str, claim_id: Any, amount: int) -> dict[str, Any]:
    return {
        "position": recorded.log_index,
        "insurer": insurer,
        "pharmacy": pharmacy,
        "kind": kind,
        "claim_id": claim_id,
        "amount": amount,
        "held_before": 0,
        "day": civil_day(recorded.recorded_at).isoformat(),
    }


def _batches(recorded: Recorded) -> Iterator[Operation]:
    event, at = recorded.event, microseconds(recorded.recorded_at)
    match event:
        case BatchPrepared(batch=batch):
            row = {
                "clearing_id": recorded.stream_id,
                "position": recorded.log_index,
                "insurer": event.insurer,
                "pharmacy": event.pharmacy,
                "state": "prepared",
                "until": batch.until.isoformat(),
                **batch.model_dump(include={"number", "claims", "transferred"}),
            }
            yield Put(SETTLEMENT_BATCHES, {**row, "reference": None, "changed_at": at})
        case BatchWithdrawn():
            yield _became(recorded, event.number, state="withdrawn", changed_at=at)
        case BatchRemitted():
            yield _became(recorded, event.number, state="remitted", reference=event.reference, changed_at=at)


def _became(recorded: Recorded, number: int, **values: Any) -> Operation:
    return Amend(SETTLEMENT_BATCHES, {"clearing_id": recorded.stream_id, "number": number}, values)


def _batches_of(column: sa.Column[str]) -> sa.Select[Any]:
    return (
        sa.select(SETTLEMENT_BATCHES)
        .where(
            column == sa.bindparam("own", type_=sa.Text),
            SETTLEMENT_BATCHES.c.position < sa.bindparam("before", type_=sa.BigInteger),
        )
        .order_by(SETTLEMENT_BATCHES.c.position.desc())
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )


PROJECTION = Projection(
    name="clearing",
    version=2,
    tables=(CLEARING_CLAIMS, CLEARING_ENTRIES, SETTLEMENT_BATCHES),
    project=project,
    queries={
        "clearing_entries": sa.select(
            CLEARING_ENTRIES, *(CLEARING_CLAIMS.c[name] for name in ("supply_id", "attempt", "lines"))
        )
        .join(CLEARING_CLAIMS, CLEARING_CLAIMS.c.claim_id == CLEARING_ENTRIES.c.claim_id)
        .where(
            CLEARING_ENTRIES.c.insurer == sa.bindparam("insurer", type_=sa.Text),
            CLEARING_ENTRIES.c.pharmacy == sa.bindparam("pharmacy", type_=sa.Text),
            CLEARING_ENTRIES.c.position > sa.bindparam("after", type_=sa.BigInteger),
            CLEARING_ENTRIES.c.position <= sa.bindparam("upto", type_=sa.BigInteger),
        )
        .order_by(CLEARING_ENTRIES.c.position)
        .limit(sa.bindparam("limit", type_=sa.Integer)),
        "settlement_batches_of_insurer": _batches_of(SETTLEMENT_BATCHES.c.insurer),
        "settlement_batches_of_pharmacy": _batches_of(SETTLEMENT_BATCHES.c.pharmacy),
    },
)
