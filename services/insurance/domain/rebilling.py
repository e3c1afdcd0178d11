"""What of a claim's lines stays when only a part is the patient's: the claim that takes its place, and its deadline.

The patient has the supply already, so nothing urges anybody: at the deadline a person decides who bears what nobody has
authorised, and a share that was authorised and not paid is the patient's to bear.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from services.insurance.domain.amounts import ClaimLine
from services.insurance.domain.claim import REBILL_EXPIRY, ClaimState, next_due
from services.insurance.domain.claim_events import ClaimDisputed, ShareLeftOwed
from services.insurance.domain.claim_transitions import AUTHORISED, CLAIM_TRANSITIONS, REBILL_EXPIRED
from services.insurance.domain.claim_values import LineQuantity
from services.insurance.domain.money import portion
from services.seedwork.model import DomainEvent

NOT_AUTHORISED = "rebill.not_authorised"


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


def expire_rebill(state: ClaimState, now: datetime) -> list[DomainEvent]:
    """Its time is over. Not authorised: an officer of the insurer decides who bears it; authorised and not paid: the
    patient, who goes on owing the share, while the rest is settled."""
    due = next_due(state).get(REBILL_EXPIRY)
    if due is None or now < due or not state.in_hands or not CLAIM_TRANSITIONS.allows(state.state, REBILL_EXPIRED):
        return []
    if state.state == AUTHORISED:
        return [ShareLeftOwed(bearer="patient", amount=state.owed)]
    return [ClaimDisputed(about="authorisation", reasons=(NOT_AUTHORISED, *state.refusals))]
