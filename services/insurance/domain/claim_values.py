"""What the events of a claim speak of: quantities, facts, and the words for how it ended and who bears it."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from services.seedwork.model import Immutable

ClearedHow = Literal["insured", "mixed", "self_pay", "credit"]
VoidReason = Literal["supply_undone", "payment_failed", "part_accepted", "self_pay_chosen"]
ReverseReason = Literal["supply_undone", "taken_back", "ordered", "decided"]
FactKind = Literal["received", "rejected", "undone", "taken_back"]
DisputeAbout = Literal["authorisation", "reversal"]
Decision = Literal["accepted_by_insurer", "pharmacy_bears", "patient_billed", "reversed", "stands"]
Bearer = Literal["insurer", "pharmacy", "patient"]
Consent = Literal["credential", "standing_authorisation"]


class LineQuantity(Immutable):
    """Base units of one prescription line."""

    line: int
    quantity: int


class FactNoted(Immutable):
    """A fact that an attempt before this one had noted, with the messages that brought it."""

    kind: FactKind
    quantities: tuple[LineQuantity, ...]
    messages: tuple[UUID, ...]
