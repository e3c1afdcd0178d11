"""What of a claim's lines stays when only a part is the patient's: the lines of the claim that takes its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from services.insurance.domain.amounts import ClaimLine
from services.insurance.domain.claim_values import LineQuantity
from services.insurance.domain.money import portion


def accepted_lines(lines: Iterable[ClaimLine], accepted: Iterable[LineQuantity]) -> tuple[ClaimLine, ...]:
    """The lines with these quantities, in base units of the prescription's lines (a substitute's in prescribed units).

    A line's amount is its part by quantity, rounded HALF_UP; whole packs divide exactly. Where one prescription
    line was filled by several products, the first of them is taken first.
    """
    left: Counter[int] = Counter()
    for found in accepted:
        left[found.line] += found.quantity
    kept = []
    for line in lines:
        counted = min(line.counted, left[line.line])
        left[line.line] -= counted
        quantity = portion(line.quantity, counted, line.counted)
        if quantity:
            prescribed = None if line.prescribed_quantity is None else counted
            amount = portion(line.amount, counted, line.counted)
            changed = {"quantity": quantity, "amount": amount, "prescribed_quantity": prescribed}
            kept.append(line.model_copy(update=changed))
    return tuple(kept)
