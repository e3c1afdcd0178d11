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
from services.insurance.domain.amounts import Adjudication
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
    VOIDED,
    VOIDING,
)
from services.insurance.domain.claim_values import Bearer, ClearedHow, Decision
from services.insurance.domain.entitlement import SelfPayReason
from services.insurance.domain.ledger import Posting
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
    message_id: UUID | None = None
    outcome_unknown: bool = False
    refusals: tuple[str, ...] = ()
    cleared: ClearedHow | None = None
    credit: e.CreditGiven | None = None
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
    def in_hands(self) -> bool:
        """Whether the patient has anything of it."""
        return bool(self.facts.of("received"))


def evolve_claim(state: ClaimState, event: e.ClaimEvent) -> ClaimState:
    match event:
        case e.ClaimOpened():
            return replace(state, opened=event, state=QUOTED)
        case e.ClaimQuoted():
            return _amounts(state, event)
        case e.AuthorisationRequested():
            return replace(state, state=AUTHORISING, message_id=event.message_id)
        case e.AuthorisationOutcomeUnknown():
            return replace(state, outcome_unknown=True, next_inquiry_at=event.next_inquiry_at)
        case e.AuthorisationNotBooked():
            return replace(state, state=QUOTED, outcome_unknown=False, next_inquiry_at=None)
        case e.ClaimAuthorised():
            reached = CLEARED if state.credit else AUTHORISED
            return replace(_booked(_amounts(_known(state), event), event.postings), state=reached)
        case e.ClaimRefused():
            return replace(_known(state), state=REFUSED, refusals=event.reasons)
        case e.ClaimCleared():
            return replace(_booked(state, event.postings), state=CLEARED, cleared=event.how)
        case e.CreditGiven():
            reached = CLEARED if state.state == AUTHORISED else state.state
            return replace(state, state=reached, cleared="credit", credit=event)
        case e.ShareCollected():
            return _booked(state, event.postings)
        case e.ClearanceWithdrawn():
            return replace(state, cleared=None, credit=None)
        case e.ClaimSettled():
            settled = replace(state, state=SETTLED, settled_on=event.settled_on, receipt_sha256=event.receipt_sha256)
            return _booked(settled, event.postings)
        case e.ReceiptNoted() | e.UndoingNoted() | e.TakingBackNoted() | e.FactsInherited():
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
            return replace(state, state=VOIDING, void=event, replaced_by=at_once, next_inquiry_at=None)
        case e.VoidNotConfirmed() | e.ReverseNotConfirmed():
            return replace(state, next_inquiry_at=event.next_inquiry_at)
        case e.ClaimVoided():
            return replace(_booked(_known(state), event.postings), state=VOIDED, replaced_by=event.replaced_by)
        case e.ReverseRequested():
            return replace(state, state=REVERSING, reverse=event)
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


def _facts(facts: Facts, event: e.ReceiptNoted | e.UndoingNoted | e.TakingBackNoted | e.FactsInherited) -> Facts:
    match event:
        case e.ReceiptNoted():
            received = facts.adding("received", event.accepted, event.message_id)
            return received.adding("rejected", event.rejected, event.message_id)
        case e.UndoingNoted():
            return facts.adding("undone", event.undone, event.message_id)
        case e.TakingBackNoted():
            return facts.adding("taken_back", event.taken_back, event.message_id)
        case e.FactsInherited():
            for fact in event.facts:
                facts = facts.adding(fact.kind, fact.quantities)
                facts = replace(facts, seen=facts.seen | {(fact.kind, message) for message in fact.messages})
            return facts


AUTHORISE_INQUIRY = "authorise_inquiry"
VOID_INQUIRY = "void_inquiry"
REVERSE_INQUIRY = "reverse_inquiry"
INQUIRIES = {AUTHORISING: AUTHORISE_INQUIRY, VOIDING: VOID_INQUIRY, REVERSING: REVERSE_INQUIRY}
"""The deadline that runs in each state: the insurer is asked again about what it has not answered."""


def next_due(state: ClaimState) -> Mapping[str, datetime]:
    kind = INQUIRIES.get(state.state)
    return {kind: state.next_inquiry_at} if kind and state.next_inquiry_at else {}


CLAIM: Aggregate[ClaimState] = Aggregate(
    name="claim", events=e.CLAIM_EVENTS, initial=ClaimState(), evolve=evolve_claim, next_due=next_due
)


def claim_id_of(supply_id: UUID, attempt: int) -> UUID:
    return derived_id("claim", supply_id, attempt)


def claim_of(supply_id: UUID, attempt: int) -> StreamRef[ClaimState]:
    """The claim for a supply, by attempt from 1."""
    return CLAIM.ref(claim_id_of(supply_id, attempt))
