"""Claim: one per supply and attempt. The state that follows from what happened to it.

The amounts are those of the authorisation; before it, those of the quote. The ledger's postings stand in the events.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import assert_never
from uuid import UUID

from services.insurance.domain.adjudication import Adjudication
from services.insurance.domain.claim_events import (
    CLAIM_EVENTS,
    AuthorisationOutcomeUnknown,
    AuthorisationRequested,
    ClaimAuthorised,
    ClaimCleared,
    ClaimEvent,
    ClaimOpened,
    ClaimQuoted,
    ClaimRefused,
    ClaimSettled,
    ClaimVoided,
    ClearedHow,
    LineQuantity,
    ReceiptNoted,
    UndoingNoted,
    VoidNotConfirmed,
    VoidRequested,
)
from services.insurance.domain.claim_transitions import (
    AUTHORISED,
    AUTHORISING,
    CLEARED,
    QUOTED,
    REFUSED,
    SETTLED,
    VOIDED,
    VOIDING,
)
from services.insurance.domain.entitlement import SelfPayReason
from services.insurance.domain.ledger import Posting
from services.seedwork.model import (
    Aggregate,
    Command,
    StreamRef,
    derived_id,
)
from services.seedwork.transitions import NOT_YET


class AuthoriseClaim(Command):
    """The patient agrees that the insurer is asked. `credential` is opaque and goes into no event."""

    claim_id: UUID
    credential: str | None = None


class ChooseSelfPay(Command):
    """The patient pays alone; `consent` refers to the signed document (书面同意)."""

    claim_id: UUID
    consent: str


@dataclass(frozen=True)
class ClaimState:
    """A claim as it stands. Everything but the kept facts is set once the claim is opened."""

    state: str = NOT_YET
    opened: ClaimOpened | None = None
    insurer: str | None = None
    self_pay_reason: SelfPayReason | None = None
    policy_date: date | None = None
    adjudication: Adjudication | None = None
    message_id: UUID | None = None
    refusals: tuple[str, ...] = ()
    cleared: ClearedHow | None = None
    received: tuple[LineQuantity, ...] | None = None
    undone: tuple[LineQuantity, ...] | None = None
    postings: tuple[Posting, ...] = ()
    replaced_by: int | None = None
    void: VoidRequested | None = None
    next_inquiry_at: datetime | None = None

    @property
    def patient_share(self) -> int:
        """What the patient pays in money."""
        return self.adjudication.paid_by("patient") if self.adjudication else 0


def evolve_claim(state: ClaimState, event: ClaimEvent) -> ClaimState:
    match event:
        case ClaimOpened():
            return replace(state, opened=event, state=QUOTED)
        case ClaimQuoted():
            return _amounts(state, event)
        case AuthorisationRequested():
            return replace(state, state=AUTHORISING, message_id=event.message_id)
        case AuthorisationOutcomeUnknown():
            return state
        case ClaimAuthorised():
            return replace(_amounts(state, event), state=AUTHORISED, postings=state.postings + event.postings)
        case ClaimRefused():
            return replace(state, state=REFUSED, refusals=event.reasons)
        case ClaimCleared():
            return replace(state, state=CLEARED, cleared=event.how, postings=state.postings + event.postings)
        case ReceiptNoted():
            return replace(state, received=event.accepted)
        case UndoingNoted():
            return replace(state, undone=event.undone)
        case ClaimSettled():
            return replace(state, state=SETTLED, postings=state.postings + event.postings)
        case VoidRequested():
            return replace(state, state=VOIDING, void=event)
        case VoidNotConfirmed():
            return replace(state, next_inquiry_at=event.next_inquiry_at)
        case ClaimVoided():
            postings = state.postings + event.postings
            return replace(state, state=VOIDED, replaced_by=event.replaced_by, postings=postings, next_inquiry_at=None)
        case _:
            assert_never(event)


def _amounts(state: ClaimState, event: ClaimQuoted | ClaimAuthorised) -> ClaimState:
    return replace(
        state,
        insurer=event.insurer,
        self_pay_reason=event.self_pay_reason,
        policy_date=event.policy_date,
        adjudication=event.adjudication,
    )


VOID_INQUIRY = "void_inquiry"


def next_due(state: ClaimState) -> Mapping[str, datetime]:
    """The deadline that runs: the insurer is asked again about a voiding it has not confirmed."""
    return {VOID_INQUIRY: state.next_inquiry_at} if state.next_inquiry_at else {}


CLAIM: Aggregate[ClaimState] = Aggregate(
    name="claim", events=CLAIM_EVENTS, initial=ClaimState(), evolve=evolve_claim, next_due=next_due
)


def claim_id_of(supply_id: UUID, attempt: int) -> UUID:
    return derived_id("claim", supply_id, attempt)


def claim_of(supply_id: UUID, attempt: int) -> StreamRef[ClaimState]:
    """The claim for a supply, by attempt from 1."""
    return CLAIM.ref(claim_id_of(supply_id, attempt))
