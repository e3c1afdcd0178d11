"""What the events of a claim speak of: quantities, facts, and the words for how it ended and who bears it."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from services.seedwork.model import Immutable

ClearedHow = Literal["insured", "mixed", "self_pay", "credit"]
VoidReason = Literal["supply_undone", "payment_failed", "payment_expired", "part_accepted", "self_pay_chosen"]
ReverseReason = Literal["supply_undone", "taken_back", "ordered", "decided"]
FactKind = Literal["received", "rejected", "undone", "taken_back"]
DisputeAbout = Literal["authorisation", "settlement", "reversal"]
Decision = Literal["accepted_by_insurer", "pharmacy_bears", "patient_billed", "reversed", "stands"]
Bearer = Literal["insurer", "pharmacy", "patient"]
Consent = Literal["credential", "standing_authorisation"]
InterfaceKind = Literal["in_house", "national"]
Steps = Literal["one_step", "two_step"]


class InsurerInterface(Immutable):
    """How a claim's insurer is reached, fixed when the claim is quoted.

    `one_step`: it books when it authorises, and settling is our own posting (2102). `two_step`: it reserves when it
    authorises and books when the supply was received.
    """

    kind: InterfaceKind = "in_house"
    steps: Steps = "one_step"

    @property
    def at_once(self) -> bool:
        """Whether it answers in the same instant. Any other is asked after the request is saved, never before."""
        return self.kind == "in_house"


IN_HOUSE = InsurerInterface()


class LineQuantity(Immutable):
    """Base units of one prescription line."""

    line: int
    quantity: int


class FactNoted(Immutable):
    """A fact that an attempt before this one had noted, with the messages that brought it."""

    kind: FactKind
    quantities: tuple[LineQuantity, ...]
    messages: tuple[UUID, ...]
