"""Claim: one per supply and attempt. The state that follows from what happened to it.

The amounts are those of the authorisation; before it, those of the quote. The ledger's postings stand in the events.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import assert_never
from uuid import UUID

from services.insurance.domain import claim_events as e
from services.insurance.domain import claim_fact_events as facts_told
from services.insurance.domain import insurer_events as asked
from services.insurance.domain.amounts import Adjudication
from services.insurance.domain.audit.findings import AuditNote
from services.insurance.domain.claim_audit import AuditLifted
from services.insurance.domain.claim_facts import Facts
from services.insurance.domain.claim_transitions import (
    AUTHORISED,
    AUTHORISING,
    CLEARED,
    DISPUTED,
    QUOTED,
    REFUSED,
    REVERSED,
    REVERSING,
    SETTLED,
    SETTLING,
    VOIDED,
    VOIDING,
)
from services.insurance.domain.claim_values import IN_HOUSE, Bearer, ClearedHow, Consent, Decision, InsurerInterface
from services.insurance.domain.entitlement import SelfPayReason
from services.insurance.domain.ledger import Posting, receivable
from services.seedwork.model import Aggregate, Command, StreamRef, derived_id
from services.seedwork.transitions import NOT_YET


class AuthoriseClaim(Command):
    """The patient agrees that the insurer is asked. `credential` is opaque and goes into no event."""

    claim_id: UUID
    credential: str | None = None


class ChooseSelfPay(Command):
    """The patient pays alone; `consent` refers to the signed document (书面同意)."""

    claim_id: UUID
    consent: str


class GiveCredit(Command):
    """A person of the pharmacy lets it be handed out before the money is certain, and says why."""

    claim_id: UUID
    reason: str
    patient_consent: str | None = None


class OrderReversal(Command):
    """The insurer orders that a settled claim be taken back."""

    claim_id: UUID
    reason: str


class DecideDispute(Command):
    """An officer of the insurer decides who bears it, and says why."""

    claim_id: UUID
    decision: Decision
    bearer: Bearer
    reason: str


@dataclass(frozen=True)
class ClaimState:
    """A claim as it stands. Everything but the kept facts is set once the claim is opened."""

    state: str = NOT_YET
    opened: e.ClaimOpened | None = None
    insurer: str | None = None
    self_pay_reason: SelfPayReason | None = None
    policy_date: date | None = None
    adjudication: Adjudication | None = None
    interface: InsurerInterface = IN_HOUSE
    message_id: UUID | None = None
    requested_at: datetime | None = None
    consent: Consent | None = None
    outcome_unknown: bool = False
    authorisations_lost: int = 0
    """Authorisations of which the insurer said that it has booked nothing; each has a message id of its own."""
    quotes_unanswered: int = 0
    reference: str | None = None
    """The insurer's, of what it has booked or reserved."""
    settlement: asked.SettlementRequested | None = None
    refusals: tuple[str, ...] = ()
    audit: AuditNote | None = None
    """What the audit said of the last quote."""
    cleared: ClearedHow | None = None
    credit: e.CreditGiven | None = None
    self_pay_consent: str | None = None
    facts: Facts = field(default_factory=Facts)
    postings: tuple[Posting, ...] = ()
    replaced_by: int | None = None
    void: e.VoidRequested | None = None
    reverse: e.ReverseRequested | None = None
    dispute: e.ClaimDisputed | None = None
    decided: e.DisputeDecided | None = None
    next_inquiry_at: datetime | None = None
    settled_on: date | None = None
    receipt_sha256: str | None = None

    @property
    def patient_share(self) -> int:
        """What the patient pays in money."""
        return self.adjudication.paid_by("patient") if self.adjudication else 0

    @property
    def owed(self) -> int:
        """What of the share is still to be paid, by what is booked."""
        return sum(posting.amount for posting in self.postings if posting.account == receivable("patient", None))

    @property
    def in_hands(self) -> bool:
        """Whether the patient has anything of it."""
        return bool(self.facts.of("received"))


def evolve_claim(state: ClaimState, event: e.ClaimEvent) -> ClaimState:
    match event:
        case e.ClaimOpened():
            return replace(state, opened=event, state=QUOTED)
        case e.ClaimQuoted() | asked.QuoteNotAnswered():
            return _quoted(state, event)
        case e.AuthorisationRequested():
            return replace(
                state,
                state=AUTHORISING,
                message_id=event.message_id,
                requested_at=event.requested_at,
                consent=event.consent,
                next_inquiry_at=event.next_inquiry_at,
            )
        case e.AuthorisationOutcomeUnknown():
            return replace(state, outcome_unknown=True, next_inquiry_at=event.next_inquiry_at)
        case AuditLifted():
            return replace(state, state=QUOTED, refusals=())
        case e.AuthorisationNotBooked():
            lost = state.authorisations_lost + 1
            return replace(_known(state), state=QUOTED, message_id=None, authorisations_lost=lost)
        case e.ClaimAuthorised():
            reached = CLEARED if state.credit else AUTHORISED
            booked = _booked(_amounts(_known(state), event), event.postings)
            return replace(booked, state=reached, reference=event.reference, self_pay_consent=event.consent)
        case e.ClaimRefused():
            return replace(_known(state), state=REFUSED, refusals=event.reasons)
        case e.ClaimCleared():
            return replace(_booked(state, event.postings), state=CLEARED, cleared=event.how)
        case e.ShareLeftOwed():
            return replace(state, state=CLEARED, cleared="credit")
        case e.CreditGiven():
            reached = CLEARED if state.state == AUTHORISED else state.state
            return replace(state, state=reached, cleared="credit", credit=event)
        case e.ShareCollected() | e.RefundAwaited() | e.RefundOrdered():
            return _booked(state, event.postings)
        case e.ClearanceWithdrawn():
            return replace(state, cleared=None, credit=None)
        case asked.SettlementRequested():
            return replace(state, state=SETTLING, settlement=event, next_inquiry_at=event.next_inquiry_at)
        case asked.SettlementNotConfirmed():
            return replace(state, outcome_unknown=True, next_inquiry_at=event.next_inquiry_at)
        case e.ClaimSettled():
            settled = replace(_known(state), state=SETTLED, settled_on=event.settled_on)
            return replace(_booked(settled, event.postings), receipt_sha256=event.receipt_sha256)
        case _ if isinstance(event, facts_told.FACTS):
            return replace(state, facts=_facts(state.facts, event))
        case _:
            return _taken_back(state, event)


def _taken_back(
    state: ClaimState,
    event: e.VoidRequested
    | e.VoidNotConfirmed
    | e.ClaimVoided
    | e.ReverseRequested
    | e.ReverseNotConfirmed
    | e.ClaimReversed
    | e.ClaimDisputed
    | e.DisputeDecided,
) -> ClaimState:
    match event:
        case e.VoidRequested():
            at_once = event.replaced_by if event.reason == "self_pay_chosen" else None
            return replace(state, state=VOIDING, void=event, replaced_by=at_once, next_inquiry_at=event.next_inquiry_at)
        case e.VoidNotConfirmed() | e.ReverseNotConfirmed():
            return replace(state, next_inquiry_at=event.next_inquiry_at)
        case e.ClaimVoided():
            return replace(_booked(_known(state), event.postings), state=VOIDED, replaced_by=event.replaced_by)
        case e.ReverseRequested():
            return replace(state, state=REVERSING, reverse=event, next_inquiry_at=event.next_inquiry_at)
        case e.ClaimReversed():
            return replace(_booked(_known(state), event.postings), state=REVERSED, replaced_by=event.replaced_by)
        case e.ClaimDisputed():
            return replace(_known(state), state=DISPUTED, dispute=event, refusals=event.reasons)
        case e.DisputeDecided():
            amounts = event.adjudication or state.adjudication
            decided = replace(_booked(state, event.postings), decided=event, adjudication=amounts)
            digest = event.receipt_sha256 or state.receipt_sha256
            return replace(decided, state=SETTLED, insurer=event.insurer, receipt_sha256=digest)
        case _:
            assert_never(event)


def _quoted(state: ClaimState, event: e.ClaimQuoted | asked.QuoteNotAnswered) -> ClaimState:
    """An insurer that is not in-house is asked, too, and asked again where it does not answer."""
    if isinstance(event, asked.QuoteNotAnswered):
        unanswered = state.quotes_unanswered + 1
        return replace(state, quotes_unanswered=unanswered, next_inquiry_at=event.next_inquiry_at)
    quoted = replace(_amounts(state, event), interface=event.interface, next_inquiry_at=event.next_inquiry_at)
    return replace(quoted, quotes_unanswered=0, audit=event.audit)


def _amounts(state: ClaimState, event: e.ClaimQuoted | e.ClaimAuthorised) -> ClaimState:
    return replace(
        state,
        insurer=event.insurer,
        self_pay_reason=event.self_pay_reason,
        policy_date=event.policy_date,
        adjudication=event.adjudication,
    )


def _booked(state: ClaimState, postings: tuple[Posting, ...]) -> ClaimState:
    return replace(state, postings=state.postings + postings)


def _known(state: ClaimState) -> ClaimState:
    """The insurer has answered."""
    return replace(state, outcome_unknown=False, next_inquiry_at=None)


def _facts(facts: Facts, event: facts_told.FactEvent) -> Facts:
    match event:
        case facts_told.ReceiptNoted():
            received = facts.adding("received", event.accepted, event.message_id)
            known = received.adding("rejected", event.rejected, event.message_id)
            return replace(known, at_counter=known.at_counter or event.at_counter)
        case facts_told.UndoingNoted():
            roads = facts.roads | ({event.road} if event.road else set())
            return replace(facts.adding("undone", event.undone, event.message_id), roads=roads)
        case facts_told.TakingBackNoted():
            return facts.adding("taken_back", event.taken_back, event.message_id)
        case _:
            for fact in event.facts:
                facts = facts.adding(fact.kind, fact.quantities)
                facts = replace(facts, seen=facts.seen | {(fact.kind, message) for message in fact.messages})
            return replace(facts, at_counter=event.at_counter, roads=facts.roads | set(event.roads))


QUOTE_INQUIRY = "quote_inquiry"
AUTHORISE_INQUIRY = "authorise_inquiry"
SETTLE_INQUIRY = "settle_inquiry"
VOID_INQUIRY = "void_inquiry"
REVERSE_INQUIRY = "reverse_inquiry"
REBILL_EXPIRY = "rebill_expiry"
INQUIRIES = {
    QUOTED: QUOTE_INQUIRY,
    AUTHORISING: AUTHORISE_INQUIRY,
    SETTLING: SETTLE_INQUIRY,
    VOIDING: VOID_INQUIRY,
    REVERSING: REVERSE_INQUIRY,
}
"""The deadline that runs in each state: the insurer is asked, or asked again about what it has not answered."""


def next_due(state: ClaimState) -> Mapping[str, datetime]:
    kind = INQUIRIES.get(state.state)
    asked_again = {kind: state.next_inquiry_at} if kind and state.next_inquiry_at else {}
    until = state.opened.decide_until if state.opened and state.state in {QUOTED, REFUSED, AUTHORISED} else None
    return {**asked_again, REBILL_EXPIRY: until} if until else asked_again


CLAIM: Aggregate[ClaimState] = Aggregate(
    name="claim", events=e.CLAIM_EVENTS, initial=ClaimState(), evolve=evolve_claim, next_due=next_due
)


def claim_id_of(supply_id: UUID, attempt: int) -> UUID:
    return derived_id("claim", supply_id, attempt)


def claim_of(supply_id: UUID, attempt: int) -> StreamRef[ClaimState]:
    """The claim for a supply, by attempt from 1."""
    return CLAIM.ref(claim_id_of(supply_id, attempt))
