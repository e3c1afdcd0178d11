"""What may happen to a claim, and what then has happened: the decide functions of the claim's transition table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from services.insurance.domain.adjudication import self_pay
from services.insurance.domain.amounts import Adjudication
from services.insurance.domain.audit.findings import AUDIT_REASON, AuditNote
from services.insurance.domain.claim import ClaimState
from services.insurance.domain.claim_audit import AuditLifted
from services.insurance.domain.claim_events import (
    AuthorisationNotBooked,
    AuthorisationOutcomeUnknown,
    AuthorisationRequested,
    ClaimAuthorised,
    ClaimCleared,
    ClaimDisputed,
    ClaimOpened,
    ClaimQuoted,
    ClaimRefused,
    ClaimSettled,
    ClearanceWithdrawn,
    ShareCollected,
)
from services.insurance.domain.claim_fact_events import FactsInherited
from services.insurance.domain.claim_facts import Facts, at_most, billable, by_line
from services.insurance.domain.claim_transitions import (
    ACCEPTED,
    AUDIT_AGAINST,
    AUDIT_LIFTED,
    AUTHORISE,
    AUTHORISED,
    AUTHORISING,
    CLAIM_TRANSITIONS,
    CLEARED,
    COLLECTED,
    DISPENSED,
    LATE_REFUSAL,
    NOT_BOOKED,
    PAYMENT_FAILED,
    QUOTE_ASKED,
    RECEIVED,
    REFUSED_OUTCOME,
    SELF_PAY,
    SETTLED,
    SHARE_PAID,
    UNKNOWN_OUTCOME,
)
from services.insurance.domain.claim_values import (
    ClearedHow,
    Consent,
    FactKind,
    FactNoted,
    LineQuantity,
)
from services.insurance.domain.entitlement import Entitlement, SelfPayReason
from services.insurance.domain.gateway import GatewayOutcome, OutcomeKind
from services.insurance.domain.insurer_events import QuoteNotAnswered
from services.insurance.domain.ledger import authorised_postings, booking, paid_postings, settled_postings
from services.insurance.domain.receipt import receipt_sha256
from services.seedwork.model import DomainEvent, Outcome, Refusal, derived_id

QUOTES_ASKED_MAX = 3
"""A quote is an estimate: an insurer that does not answer is asked for it so many times."""


def wrong_state(state: ClaimState, trigger: str) -> Refusal:
    if state.opened is None:
        return Refusal("claim.unknown")
    return Refusal("claim.wrong_state", {"state": state.state, "trigger": trigger})


def open_claim(state: ClaimState, opened: ClaimOpened) -> list[DomainEvent]:
    """A supply was dispensed. The same supply again opens nothing."""
    return [opened] if CLAIM_TRANSITIONS.allows(state.state, DISPENSED) else []


def quote(
    entitled: Entitlement | SelfPayReason,
    adjudication: Adjudication,
    day: date,
    now: datetime | None = None,
    audited: AuditNote | None = None,
) -> list[DomainEvent]:
    """By rxflow's own tables; an insurer that is not in-house is asked itself, at once (`now`) but by the clock."""
    if not isinstance(entitled, Entitlement):
        return [ClaimQuoted(insurer=None, self_pay_reason=entitled, policy_date=day, adjudication=adjudication)]
    return [
        ClaimQuoted(
            insurer=entitled.insurer,
            self_pay_reason=None,
            policy_date=day,
            adjudication=adjudication,
            interface=entitled.interface,
            next_inquiry_at=None if entitled.interface.at_once else now,
            audit=audited,
        )
    ]


def refuse_by_audit(state: ClaimState, reasons: tuple[str, ...]) -> list[DomainEvent]:
    """The audit stands against it. The patient may pay alone, or a party appeal."""
    return [ClaimRefused(reasons=reasons)] if CLAIM_TRANSITIONS.allows(state.state, AUDIT_AGAINST) else []


def lift_audit(state: ClaimState) -> list[DomainEvent]:
    """What the audit had refused goes on; a refusal of the insurer stays."""
    by_audit = bool(state.refusals) and all(reason.startswith(AUDIT_REASON) for reason in state.refusals)
    return [AuditLifted()] if by_audit and CLAIM_TRANSITIONS.allows(state.state, AUDIT_LIFTED) else []


def record_quote(state: ClaimState, outcome: GatewayOutcome, day: date, next_inquiry_at: datetime) -> list[DomainEvent]:
    """What an insurer beyond the network says that the claim would come to; without an answer our own tables stand,
    and it is asked again, so many times."""
    if not CLAIM_TRANSITIONS.allows(state.state, QUOTE_ASKED):
        return []
    if outcome.adjudication is None:
        again = outcome.kind is OutcomeKind.UNKNOWN and state.quotes_unanswered + 1 < QUOTES_ASKED_MAX
        return [QuoteNotAnswered(reasons=outcome.reasons, next_inquiry_at=next_inquiry_at if again else None)]
    return [
        ClaimQuoted(
            insurer=state.insurer,
            self_pay_reason=None,
            policy_date=day,
            adjudication=outcome.adjudication,
            interface=state.interface,
        )
    ]


def request_authorisation(
    state: ClaimState, consent: Consent | None, now: datetime | None = None, next_inquiry_at: datetime | None = None
) -> Outcome:
    """Write down that the insurer is asked, under a message id that a repeat has again, with the moment it was first
    asked; after an answer that nothing is booked it is another message."""
    if not CLAIM_TRANSITIONS.allows(state.state, AUTHORISE) or state.opened is None:
        return wrong_state(state, AUTHORISE)
    if consent is None:
        return Refusal("claim.credential_missing")
    again = [state.authorisations_lost] if state.authorisations_lost else []
    return [
        AuthorisationRequested(
            message_id=state.message_id or derived_id("authorisation", state.opened.claim_id, *again),
            consent=consent,
            requested_at=state.requested_at if state.message_id else now,
            next_inquiry_at=next_inquiry_at,
            steps=state.interface.steps,
        )
    ]


OUTCOME_TRIGGER: dict[OutcomeKind, str] = {
    OutcomeKind.ACCEPTED: ACCEPTED,
    OutcomeKind.DUPLICATE: ACCEPTED,
    OutcomeKind.REFUSED: REFUSED_OUTCOME,
    OutcomeKind.UNKNOWN: UNKNOWN_OUTCOME,
}


def _refused(state: ClaimState, reasons: tuple[str, ...]) -> Outcome:
    """A refusal withdraws a credit; of what the patient already has, it is a dispute."""
    if state.in_hands and CLAIM_TRANSITIONS.allows(state.state, LATE_REFUSAL):
        return [ClaimDisputed(about="authorisation", reasons=reasons)]
    refused: list[DomainEvent] = [ClaimRefused(reasons=reasons)]
    return refused + [ClearanceWithdrawn(reason="claim_refused")] * (state.credit is not None)


def not_booked(state: ClaimState) -> Outcome:
    """The insurer, asked what became of the message, knows nothing of it."""
    if not CLAIM_TRANSITIONS.allows(state.state, NOT_BOOKED) or state.message_id is None:
        return wrong_state(state, NOT_BOOKED)
    return [AuthorisationNotBooked(message_id=state.message_id)]


def record_outcome(state: ClaimState, outcome: GatewayOutcome, day: date, next_inquiry_at: datetime) -> Outcome:
    """The insurer's answer to the request, whichever of the four it is."""
    trigger = OUTCOME_TRIGGER[outcome.kind]
    if not CLAIM_TRANSITIONS.allows(state.state, trigger) or state.opened is None or state.message_id is None:
        return wrong_state(state, trigger)
    if outcome.kind is OutcomeKind.UNKNOWN:
        return [AuthorisationOutcomeUnknown(message_id=state.message_id, next_inquiry_at=next_inquiry_at)]
    if outcome.adjudication is None:
        return _refused(state, outcome.reasons)
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
    if not CLAIM_TRANSITIONS.allows(state.state, SELF_PAY) or state.opened is None or state.state == AUTHORISING:
        return wrong_state(state, SELF_PAY)
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
    """The patient's share is paid, or there is none; what is paid already is booked."""
    if not CLAIM_TRANSITIONS.allows(state.state, SHARE_PAID):
        return wrong_state(state, SHARE_PAID)
    how: ClearedHow = "self_pay" if state.insurer is None else "mixed" if state.patient_share else "insured"
    return [ClaimCleared(how=how, postings=paid_postings(state.owed, channel))]


def may_pay(state: ClaimState) -> bool:
    """Whether the patient's share is still to be paid: authorised, or handed out on credit."""
    return state.owed > 0 and state.state in {AUTHORISED, CLEARED, SETTLED}


def collect(state: ClaimState, channel: str, amount: int | None = None) -> Outcome:
    """The share is paid of what was cleared on credit or waits for its delivery fee; `amount`: a part of it."""
    if not CLAIM_TRANSITIONS.allows(state.state, COLLECTED):
        return wrong_state(state, COLLECTED)
    paid = paid_postings(state.owed if amount is None else amount, channel)
    return [ShareCollected(**booking(state.postings, paid))]


def note(state: ClaimState, kind: FactKind, message_id: UUID | None, event: DomainEvent) -> list[DomainEvent]:
    """Keep the fact, in every state; once for every message that brings it."""
    return [] if state.facts.heard(kind, message_id) else [event]


def inherit(facts: Facts) -> list[DomainEvent]:
    """What an attempt knows from the one whose place it takes."""
    inherited = tuple(
        FactNoted(
            kind=kind,
            quantities=tuple(LineQuantity(line=line, quantity=each) for line, each in sorted(quantities.items())),
            messages=tuple(sorted(message for about, message in facts.seen if about == kind)),
        )
        for kind, quantities in facts.known.items()
    )
    at_counter, roads = facts.at_counter, tuple(sorted(facts.roads))
    return [FactsInherited(facts=inherited, at_counter=at_counter, roads=roads)] if inherited else []


def bills(state: ClaimState) -> Mapping[int, int] | None:
    """What of the supply this claim may bill, by line in base units; None: it is not known yet."""
    if state.opened is None:
        return None
    return billable(by_line(state.opened.dispensed or state.opened.lines), state.facts)


def may_settle(state: ClaimState) -> bool:
    """All that is claimed was received and did not come back, and the table allows it now."""
    allowed = bills(state)
    if allowed is None or state.opened is None or not CLAIM_TRANSITIONS.allows(state.state, RECEIVED):
        return False
    return at_most(by_line(state.opened.lines), allowed)


def is_undone(state: ClaimState) -> bool:
    """Nothing of the supply is the patient's."""
    return bills(state) == {}


def exceeds(state: ClaimState) -> bool:
    """It claims more than may be billed."""
    allowed = bills(state)
    return state.opened is not None and allowed is not None and not at_most(by_line(state.opened.lines), allowed)


def may_fail(state: ClaimState) -> bool:
    """A failed payment ends the claim, unless the patient already has the supply."""
    return CLAIM_TRANSITIONS.allows(state.state, PAYMENT_FAILED) and not state.facts.has("received")


def settle(state: ClaimState, day: date) -> list[DomainEvent]:
    """Final. Call it when `may_settle`."""
    return settled(state, day) if may_settle(state) else []


def settled(state: ClaimState, day: date) -> list[DomainEvent]:
    """What the patient has is earned, and the amounts are those of the authorisation."""
    assert state.opened is not None and state.adjudication is not None  # noqa: S101, PT018 - it was authorised
    booked = booking(state.postings, settled_postings(state.adjudication.total, state.opened.supply.pharmacy))
    digest = receipt_sha256(state, state.adjudication, state.insurer)
    return [ClaimSettled(insurer=state.insurer, receipt_sha256=digest, settled_on=day, **booked)]
