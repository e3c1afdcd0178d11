"""Claim: one per supply and attempt. What happened to it and the state that follows.

The amounts are those of the authorisation; before it, those of the quote. The ledger's postings stand in the events.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import ClassVar, Literal, assert_never
from uuid import UUID

from services.insurance.domain.adjudication import Adjudication, ClaimLine
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
from services.insurance.domain.entitlement import SelfPayReason, Supply
from services.insurance.domain.ledger import Posting
from services.seedwork.model import (
    Aggregate,
    Command,
    DomainEvent,
    Immutable,
    StreamRef,
    derived_id,
)
from services.seedwork.transitions import NOT_YET

ClearedHow = Literal["insured", "mixed", "self_pay"]
VoidReason = Literal["supply_undone", "payment_failed"]
Consent = Literal["credential", "standing_authorisation"]


class LineQuantity(Immutable):
    """Base units of one prescription line."""

    line: int
    quantity: int


class AuthoriseClaim(Command):
    """The patient agrees that the insurer is asked. `credential` is opaque and goes into no event."""

    claim_id: UUID
    credential: str | None = None


class ChooseSelfPay(Command):
    """The patient pays alone; `consent` refers to the signed document (书面同意)."""

    claim_id: UUID
    consent: str


class ClaimOpened(DomainEvent):
    """A supply was dispensed: a claim for it exists."""

    TOPIC: ClassVar[str] = "insurance.claim.opened"

    claim_id: UUID
    attempt: int
    patient_ref: UUID
    supply: Supply
    lines: tuple[ClaimLine, ...]


class ClaimQuoted(DomainEvent):
    """What the claim would come to on this day. Without an insurer the patient pays alone, for the reason given."""

    TOPIC: ClassVar[str] = "insurance.claim.quoted"

    insurer: str | None
    self_pay_reason: SelfPayReason | None
    policy_date: date
    adjudication: Adjudication


class AuthorisationRequested(DomainEvent):
    """Written before the insurer is asked. A request whose outcome is unknown is sent again under the same id."""

    TOPIC: ClassVar[str] = "insurance.claim.authorisation_requested"

    message_id: UUID
    consent: Consent


class AuthorisationOutcomeUnknown(DomainEvent):
    """The insurer did not answer: nothing is assumed."""

    TOPIC: ClassVar[str] = "insurance.claim.authorisation_outcome_unknown"

    message_id: UUID


class ClaimAuthorised(DomainEvent):
    """The insurer has booked it, or the patient pays alone. These amounts are the claim's from now on."""

    TOPIC: ClassVar[str] = "insurance.claim.authorised"

    insurer: str | None
    self_pay_reason: SelfPayReason | None
    consent: str | None
    """The written consent to pay alone, where it was asked for."""
    reference: str | None
    policy_date: date
    adjudication: Adjudication
    postings: tuple[Posting, ...]


class ClaimRefused(DomainEvent):
    """The insurer refused. The patient may pay alone, or give the supply up."""

    TOPIC: ClassVar[str] = "insurance.claim.refused"

    reasons: tuple[str, ...]


class ClaimCleared(DomainEvent):
    """Authorised and the patient's share paid: the supply may leave the pharmacy."""

    TOPIC: ClassVar[str] = "insurance.claim.cleared"

    how: ClearedHow
    postings: tuple[Posting, ...]


class ReceiptNoted(DomainEvent):
    """A fact from dispatch: what of the supply the patient has accepted."""

    TOPIC: ClassVar[str] = "insurance.claim.receipt_noted"

    supply_id: UUID
    accepted: tuple[LineQuantity, ...]


class UndoingNoted(DomainEvent):
    """A fact from dispatch: what of the supply will not reach the patient."""

    TOPIC: ClassVar[str] = "insurance.claim.undoing_noted"

    supply_id: UUID
    undone: tuple[LineQuantity, ...]


class ClaimSettled(DomainEvent):
    """The patient has it: the amounts are final, the pharmacy has earned them."""

    TOPIC: ClassVar[str] = "insurance.claim.settled"

    insurer: str | None
    receipt_sha256: str
    postings: tuple[Posting, ...]


class VoidRequested(DomainEvent):
    """Written before the insurer is asked to take the authorisation back."""

    TOPIC: ClassVar[str] = "insurance.claim.void_requested"

    message_id: UUID
    reason: VoidReason
    replaced_by: int | None
    """The attempt that is to follow once it is known to be taken back."""


class VoidNotConfirmed(DomainEvent):
    """The insurer gave no answer, or would not: nothing is booked back, and it is asked again under the same id."""

    TOPIC: ClassVar[str] = "insurance.claim.void_not_confirmed"

    message_id: UUID
    outcome: Literal["unknown", "refused"]
    next_inquiry_at: datetime


class ClaimVoided(DomainEvent):
    """The claim is taken back; all it had booked is negated. `replaced_by` is the attempt that follows."""

    TOPIC: ClassVar[str] = "insurance.claim.voided"

    insurer: str | None
    reason: VoidReason
    replaced_by: int | None
    postings: tuple[Posting, ...]


ClaimEvent = (
    ClaimOpened
    | ClaimQuoted
    | AuthorisationRequested
    | AuthorisationOutcomeUnknown
    | ClaimAuthorised
    | ClaimRefused
    | ClaimCleared
    | ReceiptNoted
    | UndoingNoted
    | ClaimSettled
    | VoidRequested
    | VoidNotConfirmed
    | ClaimVoided
)
CLAIM_EVENTS: tuple[type[DomainEvent], ...] = (
    ClaimOpened,
    ClaimQuoted,
    AuthorisationRequested,
    AuthorisationOutcomeUnknown,
    ClaimAuthorised,
    ClaimRefused,
    ClaimCleared,
    ReceiptNoted,
    UndoingNoted,
    ClaimSettled,
    VoidRequested,
    VoidNotConfirmed,
    ClaimVoided,
)


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
