"""Claims as lists show them, and the settlement feed of the insurers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from services.insurance.domain.amounts import Adjudication
from services.insurance.domain.claim_audit import AuditLifted
from services.insurance.domain.claim_events import (
    AuthorisationNotBooked,
    AuthorisationRequested,
    ClaimAuthorised,
    ClaimCleared,
    ClaimDisputed,
    ClaimOpened,
    ClaimQuoted,
    ClaimRefused,
    ClaimReversed,
    ClaimSettled,
    ClaimVoided,
    ClearanceWithdrawn,
    CreditGiven,
    DisputeDecided,
    ReverseRequested,
    ShareLeftOwed,
    VoidRequested,
)
from services.insurance.domain.claim_transitions import (
    AUTHORISED,
    AUTHORISING,
    CLEARED,
    DISPUTED,
    QUOTED,
    REFUSED,
    REVERSED,
    REVERSING,
    SETTLED,
    SETTLING,
    VOIDED,
    VOIDING,
)
from services.insurance.domain.insurer_events import SettlementRequested
from services.insurance.projections import METADATA, NOBODY, microseconds
from services.seedwork.forgotten import PatientForgotten
from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded

CLAIMS = sa.Table(
    "claims",
    METADATA,
    sa.Column("claim_id", sa.Uuid, primary_key=True),
    sa.Column("supply_id", sa.Uuid, nullable=False, index=True),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("prescription_id", sa.Uuid, nullable=False),
    sa.Column("fulfilment_id", sa.Uuid, nullable=False),
    sa.Column("patient_ref", sa.Uuid, nullable=False, index=True),
    sa.Column("pharmacy", sa.Text, nullable=False),
    sa.Column("insurer", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("credit", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("policy", sa.Text),
    sa.Column("total", sa.BigInteger),
    sa.Column("fund", sa.BigInteger),
    sa.Column("account", sa.BigInteger),
    sa.Column("patient_share", sa.BigInteger),
    sa.Column("payers", sa.JSON),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
)

SETTLEMENTS = sa.Table(
    "settlements",
    METADATA,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("claim_id", sa.Uuid, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("receipt_sha256", sa.Text),
    sa.Column("insurer", sa.Text),
    sa.Column("occurred_at", sa.BigInteger, nullable=False),
    sa.Index("settlements_of_insurer_in_order", "insurer", "position"),
)
"""What insurers are told, in the order of the sealed log: claims settled, claims reversed, authorised claims voided."""


def project(recorded: Recorded) -> Iterator[Operation]:
    event, at = recorded.event, microseconds(recorded.recorded_at)
    match event:
        case PatientForgotten():
            yield Amend(CLAIMS, {"patient_ref": event.patient_ref}, {"patient_ref": NOBODY})
        case ClaimOpened():
            yield Put(CLAIMS, _opened(event, at))
        case ClaimQuoted():
            yield _amended(recorded, QUOTED, event.adjudication, event.insurer)
        case ClaimAuthorised():
            # What was handed out on credit is cleared as soon as it is authorised.
            reached = sa.case((CLAIMS.c.credit, CLEARED), else_=AUTHORISED)
            yield _amended(recorded, reached, event.adjudication, event.insurer)
        case CreditGiven():
            credited = {"credit": True, "state": sa.case((CLAIMS.c.state == AUTHORISED, CLEARED), else_=CLAIMS.c.state)}
            yield Amend(CLAIMS, {"claim_id": recorded.stream_id}, {**credited, "changed_at": at})
        case ClearanceWithdrawn():
            yield Amend(CLAIMS, {"claim_id": recorded.stream_id}, {"credit": False, "changed_at": at})
        case AuthorisationRequested():
            yield _amended(recorded, AUTHORISING)
        case ClaimRefused():
            yield _amended(recorded, REFUSED)
        case ClaimCleared() | ShareLeftOwed():
            yield _amended(recorded, CLEARED)
        case VoidRequested():
            yield _amended(recorded, VOIDING)
        case AuditLifted():
            yield _amended(recorded, QUOTED)
        case SettlementRequested():
            yield _amended(recorded, SETTLING)
        case ClaimSettled():
            yield _amended(recorded, SETTLED)
            yield Put(SETTLEMENTS, _told(recorded, "settled", event.insurer, receipt_sha256=event.receipt_sha256))
        case AuthorisationNotBooked():
            yield _amended(recorded, QUOTED)
        case ReverseRequested():
            yield _amended(recorded, REVERSING)
        case ClaimDisputed():
            yield _amended(recorded, DISPUTED)
        case DisputeDecided():
            yield _amended(recorded, SETTLED, event.adjudication, event.insurer)
            if event.receipt_sha256 is not None:
                yield Put(SETTLEMENTS, _told(recorded, "settled", event.insurer, receipt_sha256=event.receipt_sha256))
        case ClaimReversed():
            yield _amended(recorded, REVERSED)
            yield Put(SETTLEMENTS, _told(recorded, "reversed", event.insurer, reason=event.reason))
        case ClaimVoided():
            yield _amended(recorded, VOIDED)
            if event.postings:
                yield Put(SETTLEMENTS, _told(recorded, "voided", event.insurer, reason=event.reason))


def _opened(event: ClaimOpened, at: int) -> dict[str, Any]:
    return {
        "claim_id": event.claim_id,
        "supply_id": event.supply.supply_id,
        "attempt": event.attempt,
        "prescription_id": event.supply.prescription_id,
        "fulfilment_id": event.supply.fulfilment_id,
        "patient_ref": event.patient_ref,
        "pharmacy": event.supply.pharmacy,
        "state": QUOTED,
        "credit": False,
        "changed_at": at,
    }


def _amended(
    recorded: Recorded, state: Any, amounts: Adjudication | None = None, insurer: str | None = None
) -> Operation:
    values: dict[str, Any] = {"state": state, "changed_at": microseconds(recorded.recorded_at)}
    if amounts is not None:
        values |= {
            "insurer": insurer,
            "policy": amounts.policy,
            "total": amounts.total,
            "fund": amounts.fund,
            "account": amounts.paid_by("acct"),
            "patient_share": amounts.paid_by("patient"),
            "payers": [share.model_dump() for share in amounts.payers],
        }
    return Amend(CLAIMS, {"claim_id": recorded.stream_id}, values)


def _told(recorded: Recorded, kind: str, insurer: str | None, **more: str) -> dict[str, Any]:
    return {
        "position": recorded.log_index,
        "claim_id": recorded.stream_id,
        "kind": kind,
        "reason": None,
        "receipt_sha256": None,
        "insurer": insurer,
        "occurred_at": microseconds(recorded.recorded_at),
        **more,
    }


PROJECTION = Projection(
    name="claims",
    tables=(CLAIMS, SETTLEMENTS),
    project=project,
    version=2,
    queries={
        "claims_of_supply": sa.select(CLAIMS)
        .where(CLAIMS.c.supply_id == sa.bindparam("supply_id", type_=sa.Uuid))
        .order_by(CLAIMS.c.attempt),
        "settlements_of_insurer": sa.select(
            SETTLEMENTS,
            *(CLAIMS.c[name] for name in ("supply_id", "attempt", "prescription_id", "patient_ref", "pharmacy")),
            *(CLAIMS.c[name] for name in ("policy", "total", "fund", "account", "patient_share", "payers")),
        )
        .join(CLAIMS, CLAIMS.c.claim_id == SETTLEMENTS.c.claim_id)
        .where(
            SETTLEMENTS.c.insurer == sa.bindparam("insurer", type_=sa.Text),
            SETTLEMENTS.c.position > sa.bindparam("after", type_=sa.BigInteger),
        )
        .order_by(SETTLEMENTS.c.position)
        .limit(sa.bindparam("limit", type_=sa.Integer)),
    },
)
