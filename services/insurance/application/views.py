"""Claims as their parties see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.insurance.application.translation import claim_amounts, claim_identity
from services.insurance.domain.claim import ClaimState
from services.insurance.domain.claim_events import ClaimOpened
from services.insurance.domain.ledger import account_kind
from services.insurance.domain.payment import fee_of, payment_of
from services.insurance.domain.receipt import receipt


def claim_view(state: ClaimState) -> Mapping[str, Any]:
    """The whole claim: what for, who pays what by which rule, how it stands, what it has booked."""
    opened = state.opened
    if opened is None:
        return {}
    return {
        **claim_identity(state),
        **(claim_amounts(state, state.adjudication) if state.adjudication else {}),
        "state": state.state,
        "cleared": state.cleared,
        "credit": None if state.credit is None else {"given_by": state.credit.given_by, "reason": state.credit.reason},
        "dispute": _dispute(state),
        "decide_until": opened.decide_until.isoformat() if opened.decide_until else None,
        "reasons": list(state.refusals),
        "audit": None if state.audit is None else state.audit.model_dump(mode="json"),
        "replaced_by": state.replaced_by,
        "payment_id": payment_of(opened.claim_id).stream_id if state.postings and state.patient_share else None,
        "delivery_fee": fee_view(opened),
        "claimed": [line.model_dump() for line in opened.lines],
        "postings": [posting.model_dump() for posting in state.postings],
    }


def fee_view(opened: ClaimOpened) -> Mapping[str, Any] | None:
    """What bringing the supply costs, apart from the claim: its amount, the tariff, and its payment."""
    if opened.delivery_fee is None:
        return None
    return {**opened.delivery_fee.model_dump(), "payment_id": fee_of(opened.supply.supply_id).stream_id}


def _dispute(state: ClaimState) -> Mapping[str, Any] | None:
    """What is disputed, and how it was decided: by whom, who bears it, why."""
    if state.dispute is None:
        return None
    decided = (
        state.decided.model_dump(include={"decision", "bearer", "decided_by", "reason"}) if state.decided else None
    )
    return {"about": state.dispute.about, "reasons": list(state.dispute.reasons), "decided": decided}


def balanced(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """A trial balance: debits, credits and balance of every account in fen, pending and posted together and apart."""
    accounts = [
        {
            **row,
            "kind": account_kind(row["account"]),
            "pending": row["pending_debit"] - row["pending_credit"],
            "posted": row["posted_debit"] - row["posted_credit"],
            "balance": row["debit"] - row["credit"],
        }
        for row in rows
    ]
    return {"accounts": accounts} | {
        name: sum(account[name] for account in accounts) for name in ("balance", "pending", "posted")
    }


def receipt_view(state: ClaimState) -> Mapping[str, Any]:
    """The receipt, its digest, and whether it still stands: a reversed claim's does not."""
    return {
        **receipt(state, state.adjudication, state.insurer),
        "delivery_fee": fee_view(state.opened) if state.opened else None,
        "sha256": state.receipt_sha256,
        "state": state.state,
        "replaced_by": state.replaced_by,
    }
