"""The patient's receipt of a claim: what it says, and the digest by which it is known."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from services.insurance.domain.amounts import Adjudication
from services.insurance.domain.claim import ClaimState

SINCE_THEN: dict[str, Any] = {
    "restricted_use_met": None,
    "prescribed_quantity": None,
    "lots": [],
    "dispensed": [],
    "counter": "",
    "at_home": [],
    "insutype": "",
    "delivery_fee": None,
}
"""Fields that receipts did not have at first, and what they are where they say nothing: then they are left out, so
that a receipt of that time still has its digest."""
NOT_SAID = {"decide_until", "patient_consent"}
"""Fields of a claim that say nothing of who paid what."""


def receipt(state: ClaimState, amounts: Adjudication | None, insurer: str | None) -> dict[str, Any]:
    """The claim, its supply, and who paid what by which rule."""
    return {
        "claim": _stated(state.opened.model_dump(mode="json", exclude=NOT_SAID)) if state.opened else None,
        "insurer": insurer,
        "amounts": _stated(amounts.model_dump(mode="json")) if amounts else None,
    }


def _stated(content: dict[str, Any]) -> dict[str, Any]:
    said = {name: value for name, value in content.items() if name not in SINCE_THEN or value != SINCE_THEN[name]}
    return {**said, "lines": [_stated(line) for line in said["lines"]]} if "lines" in said else said


def receipt_sha256(state: ClaimState, amounts: Adjudication | None, insurer: str | None) -> str:
    """The digest of the receipt as canonical JSON."""
    text = json.dumps(receipt(state, amounts, insurer), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
