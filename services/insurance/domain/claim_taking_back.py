"""How a claim is taken back: voided before it is settled, reversed after; the insurer is asked first.

What takes its place, where a part stays the patient's, is the next attempt.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from services.insurance.domain.claim import ClaimState
from services.insurance.domain.claim_decisions import OUTCOME_TRIGGER, bills, exceeds, is_undone, wrong_state
from services.insurance.domain.claim_disputes import patient_consent
from services.insurance.domain.claim_events import (
    ClaimDisputed,
    ClaimOpened,
    ClaimReversed,
    ClaimVoided,
    RefundAwaited,
    RefundOrdered,
    ReverseNotConfirmed,
    ReverseRequested,
    VoidNotConfirmed,
    VoidRequested,
)
from services.insurance.domain.claim_facts import by_line
from services.insurance.domain.claim_transitions import (
    ACCEPTED,
    AUTHORISING,
    CLAIM_TRANSITIONS,
    ORDER_REVERSAL,
    PART,
    REFUND_AWAITED,
    REFUND_ORDERED,
    SETTLED,
    TAKEN_BACK,
    UNDONE,
)
from services.insurance.domain.claim_values import LineQuantity, ReverseReason, VoidReason
from services.insurance.domain.gateway import GatewayOutcome, OutcomeKind
from services.insurance.domain.ledger import (
    REFUND,
    Posting,
    balances,
    booking,
    given_back_postings,
    negated,
    refund_awaited_postings,
)
from services.insurance.domain.rebilling import accepted_lines
from services.seedwork.model import DomainEvent, Outcome, derived_id


@dataclass(frozen=True)
class Order:
    """Who of the insurer ordered a reversal, and why."""

    by: str
    reason: str


OUTSIDE_WINDOW = "reversal.outside_window"


def void_reason(state: ClaimState) -> VoidReason | None:
    """Why the claim must be voided now, by what became of its supply; None: it need not."""
    if is_undone(state) and CLAIM_TRANSITIONS.allows(state.state, UNDONE) and state.state != SETTLED:
        return "supply_undone"
    return "part_accepted" if exceeds(state) and CLAIM_TRANSITIONS.allows(state.state, PART) else None


def reverse_reason(state: ClaimState) -> ReverseReason | None:
    """Why the settled claim must be reversed now; None: it need not. A reversal happens once."""
    if not exceeds(state) or not CLAIM_TRANSITIONS.allows(state.state, TAKEN_BACK) or state.reverse or state.dispute:
        return None
    return "taken_back" if state.facts.has("taken_back") else "supply_undone"


def request_void(
    state: ClaimState,
    reason: VoidReason,
    replaced_by: int | None,
    now: datetime | None = None,
    consent: str | None = None,
) -> VoidRequested | None:
    """Write down that the insurer is asked to take it back. What no insurer has booked needs no asking. `consent`: the
    patient's, written, who pays alone from now on."""
    asked = state.state == AUTHORISING or state.postings
    if state.opened is None or state.insurer is None or not asked:
        return None
    message_id = derived_id("void", state.opened.claim_id)
    due = None if state.interface.at_once else now
    return VoidRequested(
        message_id=message_id,
        reason=reason,
        replaced_by=replaced_by,
        requested_at=now,
        next_inquiry_at=due,
        steps=state.interface.steps,
        consent=consent,
    )


def take_back(state: ClaimState, reason: VoidReason, replaced_by: int | None) -> list[DomainEvent]:
    """All it had booked is negated; no attempt follows for a supply that is undone."""
    following = None if is_undone(state) else replaced_by
    return [ClaimVoided(insurer=state.insurer, reason=reason, replaced_by=following, postings=negated(state.postings))]


def record_void(
    state: ClaimState, asked: VoidRequested, outcome: GatewayOutcome, next_inquiry_at: datetime
) -> list[DomainEvent]:
    """The insurer's answer. While it is not known to have taken it back nothing is booked back."""
    if OUTCOME_TRIGGER[outcome.kind] == ACCEPTED:
        return take_back(state, asked.reason, asked.replaced_by)
    known = "refused" if outcome.kind is OutcomeKind.REFUSED else "unknown"
    facts = {"message_id": asked.message_id, "outcome": known, "next_inquiry_at": next_inquiry_at}
    return [VoidNotConfirmed.model_validate(facts)]


def request_reverse(
    state: ClaimState,
    reason: ReverseReason,
    replaced_by: int | None,
    order: Order | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Write down that the insurer is asked to take a settled claim back; once."""
    if not CLAIM_TRANSITIONS.allows(state.state, ORDER_REVERSAL) or state.opened is None or state.reverse:
        return wrong_state(state, ORDER_REVERSAL)
    message_id = derived_id("reverse", state.opened.claim_id)
    due = None if state.interface.at_once else now
    facts: dict[str, Any] = {"message_id": message_id, "reason": reason, "replaced_by": replaced_by}
    facts |= {"requested_at": now, "next_inquiry_at": due}
    ordered = {"ordered_by": order.by, "order_reason": order.reason} if order else {}
    return [ReverseRequested.model_validate(facts | ordered)]


def outside_window(state: ClaimState, day: date, days_max: int) -> bool:
    """Whether the insurer does not take it back any more without a dispute. The patient's own money has no window."""
    if state.insurer is None or state.settled_on is None:
        return False
    return day > state.settled_on + timedelta(days=days_max)


def dispute_reversal(reason: str) -> list[DomainEvent]:
    """It is too late, or the insurer will not: nothing is booked back, a person decides."""
    return [ClaimDisputed(about="reversal", reasons=(reason,))]


def reverse(state: ClaimState, reason: ReverseReason, replaced_by: int | None) -> list[DomainEvent]:
    """The exact negation of all that was booked, last payer first."""
    following = None if is_undone(state) else replaced_by
    booked = booking(state.postings, negated(state.postings))
    return [ClaimReversed(insurer=state.insurer, reason=reason, replaced_by=following, **booked)]


def record_reverse(
    state: ClaimState, asked: ReverseRequested, outcome: GatewayOutcome, next_inquiry_at: datetime
) -> list[DomainEvent]:
    """The insurer's answer. "The call succeeded" is not "reversed": only accepted or duplicate books anything."""
    if OUTCOME_TRIGGER[outcome.kind] == ACCEPTED:
        return reverse(state, asked.reason, asked.replaced_by)
    if outcome.kind is OutcomeKind.REFUSED:
        return [ClaimDisputed(about="reversal", reasons=outcome.reasons)]
    return [ReverseNotConfirmed(message_id=asked.message_id, next_inquiry_at=next_inquiry_at)]


def keep_on_the_books(state: ClaimState, held: int, channel: str, *, by_pharmacy: bool = False) -> list[DomainEvent]:
    """Of a claim that is taken back: what the provider is known to have while its answer is awaited; once that has gone
    back, nothing, or what the pharmacy has for it that gave it back itself. `held`: fen."""
    left = balances(state.postings)
    kept = [Posting(account=account, amount=amount) for account, amount in left.items()]
    if held and not kept and CLAIM_TRANSITIONS.allows(state.state, REFUND_AWAITED):
        return [RefundAwaited(postings=refund_awaited_postings(held, channel))]
    if REFUND in left and not held and CLAIM_TRANSITIONS.allows(state.state, REFUND_ORDERED):
        pharmacy = state.opened.supply.pharmacy if state.opened else ""
        back = given_back_postings(-left[REFUND], pharmacy) if by_pharmacy else negated(kept)
        return [RefundOrdered(**booking(state.postings, back))]
    return []


def following_attempt(
    state: ClaimState, attempt: int, claim_id: UUID, decide_until: datetime | None = None
) -> ClaimOpened | None:
    """The attempt that takes this one's place: for what may still be billed, or for the same. What the patient has is
    to be decided until then."""
    opened = state.opened
    if opened is None:
        return None
    allowed = bills(state)
    dispensed = opened.dispensed or tuple(
        LineQuantity(line=line, quantity=quantity) for line, quantity in sorted(by_line(opened.lines).items())
    )
    lines = opened.lines
    if allowed is not None:
        lines = accepted_lines(lines, [LineQuantity(line=line, quantity=each) for line, each in allowed.items()])
    again = {"attempt": attempt, "claim_id": claim_id, "lines": lines, "patient_consent": patient_consent(state)}
    again["decide_until"] = decide_until if state.in_hands else None
    return opened.model_copy(update=again | ({"dispensed": dispensed} if lines != opened.lines else {}))
