"""Claims as their parties see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.insurance.application.translation import claim_amounts, claim_identity
from services.insurance.domain.claim import ClaimState
from services.insurance.domain.payment import payment_of


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
        "reasons": list(state.refusals),
        "replaced_by": state.replaced_by,
        "payment_id": payment_of(opened.claim_id).stream_id if state.postings and state.patient_share else None,
        "claimed": [line.model_dump() for line in opened.lines],
        "postings": [posting.model_dump() for posting in state.postings],
    }
