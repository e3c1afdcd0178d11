"""How an insured claim is settled: by our own posting, or by asking an insurer that has only reserved."""

from __future__ import annotations

from datetime import date, datetime

from services.insurance.domain.claim import ClaimState
from services.insurance.domain.claim_decisions import OUTCOME_TRIGGER, may_settle, settled
from services.insurance.domain.claim_events import ClaimDisputed
from services.insurance.domain.claim_transitions import ACCEPTED, CLAIM_TRANSITIONS
from services.insurance.domain.gateway import GatewayOutcome, OutcomeKind
from services.insurance.domain.insurer_events import SettlementNotConfirmed, SettlementRequested
from services.seedwork.model import DomainEvent, derived_id


def settles_by_asking(state: ClaimState) -> bool:
    """Whether the insurer must be asked to book what it has reserved."""
    return state.insurer is not None and state.interface.steps == "two_step"


def request_settlement(state: ClaimState, now: datetime) -> list[DomainEvent]:
    """Write down that the insurer is asked to book; once. Call it when `may_settle`."""
    if not may_settle(state) or state.opened is None:
        return []
    message_id = derived_id("settle", state.opened.claim_id)
    return [SettlementRequested(message_id=message_id, requested_at=now, next_inquiry_at=now)]


def record_settlement(
    state: ClaimState, outcome: GatewayOutcome, day: date, next_inquiry_at: datetime
) -> list[DomainEvent]:
    """The insurer's answer. Refused although the patient has it, a person decides; without an answer nothing is
    posted, and the same message is sent again."""
    trigger = OUTCOME_TRIGGER[outcome.kind]
    if not CLAIM_TRANSITIONS.allows(state.state, trigger) or state.settlement is None:
        return []
    if trigger == ACCEPTED:
        return settled(state, day)
    if outcome.kind is OutcomeKind.REFUSED:
        return [ClaimDisputed(about="settlement", reasons=outcome.reasons)]
    return [SettlementNotConfirmed(message_id=state.settlement.message_id, next_inquiry_at=next_inquiry_at)]
