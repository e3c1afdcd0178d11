"""What may happen to a claim, and what then has happened: the decide functions of the claim's transition table."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from services.insurance.domain.adjudication import Adjudication, ClaimLine, self_pay
from services.insurance.domain.claim import ClaimState
from services.insurance.domain.claim_events import (
    AuthorisationOutcomeUnknown,
    AuthorisationRequested,
    ClaimAuthorised,
    ClaimCleared,
    ClaimOpened,
    ClaimQuoted,
    ClaimRefused,
    ClaimSettled,
    ClaimVoided,
    ClearedHow,
    Consent,
    LineQuantity,
    ReceiptNoted,
    UndoingNoted,
    VoidNotConfirmed,
    VoidReason,
    VoidRequested,
)
from services.insurance.domain.claim_transitions import (
    ACCEPTED,
    AUTHORISE,
    CLAIM_TRANSITIONS,
    DISPENSED,
    PAYMENT_FAILED,
    RECEIVED,
    REFUSED_OUTCOME,
    SELF_PAY,
    SHARE_PAID,
    UNDONE,
    UNKNOWN_OUTCOME,
)
from services.insurance.domain.entitlement import Entitlement, SelfPayReason, Supply
from services.insurance.domain.gateway import GatewayOutcome, OutcomeKind
from services.insurance.domain.ledger import authorised_postings, negated, paid_postings, settled_postings
from services.seedwork.model import DomainEvent, Outcome, Refusal, derived_id


def _wrong_state(state: ClaimState, trigger: str) -> Refusal:
    if state.opened is None:
        return Refusal("claim.unknown")
    return Refusal("claim.wrong_state", {"state": state.state, "trigger": trigger})


def open_claim(
    state: ClaimState, *, claim_id: UUID, attempt: int, patient_ref: UUID, supply: Supply, lines: tuple[ClaimLine, ...]
) -> list[DomainEvent]:
    """A supply was dispensed. The same supply again opens nothing."""
    if not CLAIM_TRANSITIONS.allows(state.state, DISPENSED):
        return []
    return [ClaimOpened(claim_id=claim_id, attempt=attempt, patient_ref=patient_ref, supply=supply, lines=lines)]


def quote(entitled: Entitlement | SelfPayReason, adjudication: Adjudication, day: date) -> list[DomainEvent]:
    insurer, reason = (entitled.insurer, None) if isinstance(entitled, Entitlement) else (None, entitled)
    return [ClaimQuoted(insurer=insurer, self_pay_reason=reason, policy_date=day, adjudication=adjudication)]


def request_authorisation(state: ClaimState, consent: Consent | None) -> Outcome:
    """Write down that the insurer is asked, under a message id that a repeat has again."""
    if not CLAIM_TRANSITIONS.allows(state.state, AUTHORISE) or state.opened is None:
        return _wrong_state(state, AUTHORISE)
    if consent is None:
        return Refusal("claim.credential_missing")
    message_id = state.message_id or derived_id("authorisation", state.opened.claim_id)
    return [AuthorisationRequested(message_id=message_id, consent=consent)]


OUTCOME_TRIGGER: dict[OutcomeKind, str] = {
    OutcomeKind.ACCEPTED: ACCEPTED,
    OutcomeKind.DUPLICATE: ACCEPTED,
    OutcomeKind.REFUSED: REFUSED_OUTCOME,
    OutcomeKind.UNKNOWN: UNKNOWN_OUTCOME,
}


def record_outcome(state: ClaimState, outcome: GatewayOutcome, day: date) -> Outcome:
    """The insurer's answer to the request, whichever of the four it is."""
    trigger = OUTCOME_TRIGGER[outcome.kind]
    if not CLAIM_TRANSITIONS.allows(state.state, trigger) or state.opened is None or state.message_id is None:
        return _wrong_state(state, trigger)
    if outcome.kind is OutcomeKind.UNKNOWN:
        return [AuthorisationOutcomeUnknown(message_id=state.message_id)]
    if outcome.adjudication is None:
        return [ClaimRefused(reasons=outcome.reasons)]
    return [
        ClaimAuthorised(
            insurer=outcome.insurer,
            self_pay_reason=None,
            consent=None,
            reference=outcome.reference,
            policy_date=day,
            adjudication=outcome.adjudication,
            postings=authorised_postings(outcome.adjudication, state.opened.supply.pharmacy, outcome.insurer),
        )
    ]


def choose_self_pay(state: ClaimState, reason: SelfPayReason, consent: str | None, day: date) -> Outcome:
    """The patient alone pays: by choice with written consent, or because nobody else does."""
    if not CLAIM_TRANSITIONS.allows(state.state, SELF_PAY) or state.opened is None:
        return _wrong_state(state, SELF_PAY)
    amounts = self_pay(state.opened.lines, reason)
    return [
        ClaimAuthorised(
            insurer=None,
            self_pay_reason=reason,
            consent=consent,
            reference=None,
            policy_date=day,
            adjudication=amounts,
            postings=authorised_postings(amounts, state.opened.supply.pharmacy, None),
        )
    ]


def clear(state: ClaimState, channel: str) -> Outcome:
    """The patient's share is paid, or there is none."""
    if not CLAIM_TRANSITIONS.allows(state.state, SHARE_PAID):
        return _wrong_state(state, SHARE_PAID)
    how: ClearedHow = "self_pay" if state.insurer is None else "mixed" if state.patient_share else "insured"
    return [ClaimCleared(how=how, postings=paid_postings(state.patient_share, channel))]


def note_receipt(state: ClaimState, supply_id: UUID, accepted: tuple[LineQuantity, ...]) -> list[DomainEvent]:
    """Keep the fact, in every state; once."""
    return [] if state.received is not None else [ReceiptNoted(supply_id=supply_id, accepted=accepted)]


def note_undoing(state: ClaimState, supply_id: UUID, undone: tuple[LineQuantity, ...]) -> list[DomainEvent]:
    """Keep the fact, in every state; once."""
    return [] if state.undone is not None else [UndoingNoted(supply_id=supply_id, undone=undone)]


def covers(lines: Iterable[ClaimLine], quantities: tuple[LineQuantity, ...] | None) -> bool:
    """Whether these quantities contain all that is claimed: a claim never exceeds what was handed over."""
    claimed: Counter[int] = Counter()
    for line in lines:
        claimed[line.line] += line.counted
    there: Counter[int] = Counter()
    for found in quantities or ():
        there[found.line] += found.quantity
    return all(there[line] >= quantity for line, quantity in claimed.items())


def may_settle(state: ClaimState) -> bool:
    """Received in full, and the table allows it now."""
    return (
        CLAIM_TRANSITIONS.allows(state.state, RECEIVED)
        and state.opened is not None
        and covers(state.opened.lines, state.received)
    )


def must_void(state: ClaimState) -> bool:
    """Undone in full, and the table allows it now."""
    return (
        CLAIM_TRANSITIONS.allows(state.state, UNDONE)
        and state.opened is not None
        and covers(state.opened.lines, state.undone)
    )


def may_fail(state: ClaimState) -> bool:
    """A failed payment ends the claim, unless the patient already has the supply."""
    return CLAIM_TRANSITIONS.allows(state.state, PAYMENT_FAILED) and state.received is None


def settle(state: ClaimState) -> list[DomainEvent]:
    """Final. Call it when `may_settle`."""
    if not may_settle(state) or state.opened is None or state.adjudication is None:
        return []
    postings = settled_postings(state.adjudication.total, state.opened.supply.pharmacy)
    return [ClaimSettled(insurer=state.insurer, receipt_sha256=receipt_sha256(state), postings=postings)]


def receipt_sha256(state: ClaimState) -> str:
    """The digest of the patient's receipt: the claim, its supply, who paid what by which rule, as canonical JSON."""
    opened = state.opened.model_dump(mode="json") if state.opened else {}
    for line in opened.get("lines", ()):
        if line["prescribed_quantity"] is None:  # a receipt reads as it did before there were substitutes
            del line["prescribed_quantity"]
    amounts = state.adjudication.model_dump(mode="json") if state.adjudication else None
    receipt = {"claim": opened or None, "insurer": state.insurer, "amounts": amounts}
    text = json.dumps(receipt, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def request_void(state: ClaimState, reason: VoidReason, replaced_by: int | None) -> VoidRequested | None:
    """Write down that the insurer is asked to take it back. What no insurer has booked needs no asking."""
    if state.opened is None or state.insurer is None or not state.postings:
        return None
    message_id = derived_id("void", state.opened.claim_id)
    return VoidRequested(message_id=message_id, reason=reason, replaced_by=replaced_by)


def take_back(state: ClaimState, reason: VoidReason, replaced_by: int | None) -> list[DomainEvent]:
    """All it had booked is negated; no attempt follows for a supply that is undone."""
    gone = state.opened is not None and covers(state.opened.lines, state.undone)
    following = None if gone else replaced_by
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


def inquiry_due(state: ClaimState, now: datetime) -> VoidRequested | None:
    """The request that is to be sent again now."""
    return state.void if state.next_inquiry_at is not None and now >= state.next_inquiry_at else None
