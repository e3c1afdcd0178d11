"""What has become of a supply, as dispatch told it, in whatever order: how much of it may be billed.

Facts are added up and each counts once, by the message that brought it; so any order with repetitions comes to the
same. Received and undone of the same quantity is undone: it came back after it was handed over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from services.insurance.domain.amounts import ClaimLine
from services.insurance.domain.claim_values import FactKind, LineQuantity
from services.insurance.domain.delivery_fee import FeeEnd

Quantities = Mapping[int, int]
"""Base units by prescription line; a line that is not there has none."""


@dataclass(frozen=True)
class Facts:
    """Sums by line of what was received, rejected at the door, undone before and taken back after possession."""

    known: Mapping[FactKind, Quantities] = field(default_factory=dict)
    seen: frozenset[tuple[FactKind, UUID]] = frozenset()
    at_counter: bool = False
    """Some of it was handed out in the pharmacy."""
    roads: frozenset[FeeEnd] = frozenset()
    """Why parcels with it did not arrive."""

    def of(self, kind: FactKind) -> Quantities:
        return self.known.get(kind, {})

    def has(self, kind: FactKind) -> bool:
        """Whether anything of this kind was told, be it nothing at all."""
        return kind in self.known

    def heard(self, kind: FactKind, message_id: UUID | None) -> bool:
        """Whether this message has counted. What has no message's name counts once per kind."""
        return self.has(kind) if message_id is None else (kind, message_id) in self.seen

    def adding(self, kind: FactKind, quantities: Iterable[LineQuantity], message_id: UUID | None = None) -> Facts:
        known = {**self.known, kind: Counter(self.of(kind)) + by_line(quantities)}
        seen = self.seen if message_id is None else self.seen | {(kind, message_id)}
        return replace(self, known=known, seen=seen)


def by_line(quantities: Iterable[LineQuantity | ClaimLine]) -> Counter[int]:
    """Quantities of one prescription line together, in prescribed units."""
    sums: Counter[int] = Counter()
    for found in quantities:
        sums[found.line] += found.counted if isinstance(found, ClaimLine) else found.quantity
    return sums


def billable(dispensed: Quantities, facts: Facts) -> Quantities | None:
    """What of a dispensed supply the patient has for good; None: it is not known of all of it yet.

    Nothing is billed beyond what was handed over and did not come back.
    """
    received, undone = facts.of("received"), facts.of("undone")
    back = {line: max(undone.get(line, 0), facts.of("rejected").get(line, 0)) for line in dispensed}
    if any(received.get(line, 0) + back[line] < quantity for line, quantity in dispensed.items()):
        return None
    taken = facts.of("taken_back")
    kept = {
        line: min(received.get(line, 0) - taken.get(line, 0), quantity - undone.get(line, 0))
        for line, quantity in dispensed.items()
    }
    return {line: quantity for line, quantity in kept.items() if quantity > 0}


def at_most(claimed: Quantities, allowed: Quantities) -> bool:
    return all(quantity <= allowed.get(line, 0) for line, quantity in claimed.items())
