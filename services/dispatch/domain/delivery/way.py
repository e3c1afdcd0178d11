"""The way to the patient: packed, handed over, on the road, at the door, tried again, called back, lost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from services.dispatch.domain.delivery import events as e
from services.dispatch.domain.delivery.commands import (
    CancelDelivery,
    FailAttempt,
    HandOver,
    PackDelivery,
    Recall,
    ScheduleRetry,
)
from services.dispatch.domain.delivery.policy import DeliveryPolicy as Policy
from services.dispatch.domain.delivery.state import RETRY, SILENCE, DeliveryState, next_due
from services.dispatch.domain.delivery.transitions import OUT, SPOILT_BEFORE, TRANSITIONS
from services.dispatch.domain.delivery.values import ReturnReason
from services.seedwork.model import DomainEvent, Outcome, Refusal

NEVER = datetime.max.replace(tzinfo=UTC)


def answers(state: DeliveryState, trigger: str, **party: str) -> Refusal | None:
    """None when the delivery is this party's (pharmacy or courier) and answers to the trigger."""
    if state.created is None:
        return Refusal("delivery.unknown", {})
    facts: dict[str, Any] = {name: getattr(state.created, name) for name in party}
    if facts != party:
        return Refusal("delivery.not_yours", {})
    if not TRANSITIONS.allows(state.status, trigger):
        return Refusal("delivery.wrong_state", {"state": state.status, "trigger": trigger})
    return None


def in_doubt(state: DeliveryState) -> Refusal | None:
    """None unless an excursion is open or rejected: such goods go no further towards the patient."""
    if state.doubtful:
        return Refusal("delivery.excursion_open", {"open": list(state.open_excursions)})
    return None


def pack(state: DeliveryState, command: PackDelivery, now: datetime, policy: Policy) -> Outcome:
    """The seal number is what the courier and the patient compare; a logger starts where it must stay cold."""
    refused = answers(state, "PackDelivery", pharmacy=command.pharmacy)
    if refused:
        return refused
    if policy.storage[state.storage].logger_required and command.logger_id is None:
        return Refusal("delivery.logger_missing", {"storage": state.storage})
    return [e.DeliveryPacked(at=now, **command.model_dump(exclude={"pharmacy"}))]


def hand_over(state: DeliveryState, command: HandOver, now: datetime, policy: Policy) -> Outcome:
    """The courier takes the sealed parcel; clearance is decided with the supply."""
    refused = answers(state, "HandOverToCourier", pharmacy=command.pharmacy) or in_doubt(state)
    if refused:
        return refused
    if command.seal_no not in {None, state.seal_no}:
        return Refusal("delivery.seal_differs", {"packed_with": state.seal_no})
    handed = e.DeliveryHandedOver(
        proof_sha256=command.proof_sha256, at=now, eta=command.eta, word_due=now + policy.silence
    )
    return [handed]


def in_transit(state: DeliveryState, courier: str, at: datetime, policy: Policy) -> Outcome:
    """On the way: the first time, or again while attempts are left and nothing is wrong with the temperature."""
    refused = answers(state, "InTransit", courier=courier)
    own = refused is None or refused.code == "delivery.wrong_state"
    if own and state.status in {"attempt_failed", "returning"} and not state.may_retry:
        return _used_up(state)
    if refused:
        return refused
    if state.status == "attempt_failed" and (refused := in_doubt(state)):
        return refused
    return [e.DeliveryMoved(to="in_transit", at=at, word_due=at + policy.silence)]


def _used_up(state: DeliveryState) -> Refusal:
    return Refusal("delivery.attempts_used_up", {"attempts": state.attempts})


def arrive(state: DeliveryState, courier: str, at: datetime, policy: Policy) -> Outcome:
    """At the door."""
    moved = e.DeliveryMoved(to="arrived", at=at, word_due=at + policy.silence)
    return answers(state, "Arrive", courier=courier) or [moved]


def fail_attempt(state: DeliveryState, command: FailAttempt, at: datetime, policy: Policy) -> Outcome:
    """Nobody took it. After the last attempt allowed it goes back at once."""
    refused = answers(state, "FailAttempt", courier=command.courier)
    if refused or state.created is None:
        return refused or []
    attempt = state.attempts + 1
    may_retry = attempt < policy.attempts_max(cold_chain=state.created.cold_chain)
    failed = e.DeliveryAttemptFailed(
        patient_ref=state.created.patient_ref,
        attempt=attempt,
        may_retry=may_retry,
        at=at,
        word_due=at + policy.silence,
        retry_due=at + policy.retry,
        reason=command.reason,
        note=command.note,
    )
    if may_retry:
        return [failed]
    return [failed, _return("attempts_used_up", at, policy)]


def schedule_retry(state: DeliveryState, command: ScheduleRetry, now: datetime, policy: Policy) -> Outcome:
    """The next attempt is agreed; until it is overdue by what the policy allows, the parcel does not go back."""
    refused = answers(state, "ScheduleRetry", courier=command.courier) or in_doubt(state)
    if refused:
        return refused
    if not state.may_retry:
        return _used_up(state)
    if not now < command.next_at <= now + policy.retry:
        return Refusal("delivery.retry_time", {"until": (now + policy.retry).isoformat()})
    rules = policy.storage[state.storage]
    if rules.logger_required and not (state.readings and rules.in_range(state.readings[-1])):
        return Refusal("delivery.logger_out_of_range", {})
    return [e.RetryScheduled(next_at=command.next_at, retry_due=command.next_at + policy.retry)]


def give_up_retrying(state: DeliveryState, now: datetime, policy: Policy) -> list[DomainEvent]:
    """The clock: nobody has gone again."""
    if not _due(state, RETRY, now) or not TRANSITIONS.allows(state.status, "clock: retry"):
        return []
    return [_return("no_retry", now, policy)]


def recall(state: DeliveryState, command: Recall, now: datetime, policy: Policy) -> Outcome:
    """Called back: the courier turns round. What is proved to be delivered all the same stays delivered."""
    refused = answers(state, "RecallDelivery", pharmacy=command.pharmacy)
    return refused or [_return(command.reason, now, policy)]


def call_back(state: DeliveryState, reason: ReturnReason, now: datetime, policy: Policy) -> list[DomainEvent]:
    """What follows from elsewhere (a cancellation, a recall of a lot): nothing when it is on its way back already, or
    back, but that it is spoilt: until nothing of it waits any more somebody could sell it again."""
    spoilt = reason == "excursion_rejected" and not state.spoilt and TRANSITIONS.allows(state.status, SPOILT_BEFORE)
    return [_return(reason, now, policy)] if spoilt or state.status in OUT else []


def refuse_at_door(state: DeliveryState, courier: str, at: datetime, policy: Policy) -> Outcome:
    """Nothing was accepted."""
    return answers(state, "RefuseAtDoor", courier=courier) or [_return("refused_at_the_door", at, policy)]


def damage(state: DeliveryState, at: datetime, policy: Policy, **party: str) -> Outcome:
    """Damaged on the road: it goes back, to be looked at."""
    return answers(state, "ReportDamaged", **party) or [_return("damaged", at, policy)]


def lose(state: DeliveryState, at: datetime, **party: str) -> Outcome:
    """Lost: money and quantity follow at once."""
    return answers(state, "ReportLost", **party) or [e.DeliveryLost(how="reported", at=at)]


def silence(state: DeliveryState, now: datetime) -> list[DomainEvent]:
    """The clock: nobody has said a word for so long that it counts as lost."""
    if not _due(state, SILENCE, now) or not TRANSITIONS.allows(state.status, "clock: silence"):
        return []
    return [e.DeliveryLost(how="no_word", at=now)]


def _due(state: DeliveryState, deadline: str, now: datetime) -> bool:
    """A timer may fire early, late or twice."""
    return now >= next_due(state).get(deadline, NEVER)


def _return(reason: ReturnReason, at: datetime, policy: Policy) -> e.DeliveryReturnStarted:
    return e.DeliveryReturnStarted(reason=reason, at=at, word_due=at + policy.silence)


def cancel(state: DeliveryState, command: CancelDelivery) -> Outcome:
    """Call it off, while the parcel is still in the pharmacy."""
    refused = answers(state, "CancelDelivery", pharmacy=command.pharmacy)
    if refused or state.created is None:
        return refused or []
    said = command.model_dump(include={"reason", "note"})
    return [e.DeliveryCancelled(patient_ref=state.created.patient_ref, **said)]


def irregular(state: DeliveryState, organisation: str, recorded_by: str, *codes: str) -> list[DomainEvent]:
    """What has happened although a rule was broken: somebody owes an explanation."""
    if state.created is None or not codes:
        return []
    created = state.created
    return [
        e.DeliveryIrregular(
            fulfilment_id=created.fulfilment_id,
            supply_id=created.supply_id,
            organisation=organisation,
            recorded_by=recorded_by,
            irregularities=codes,
        )
    ]
