"""At the door: accepted, accepted in part. What was delivered is a fact, whatever guard fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from services.dispatch.domain.delivery import events as e
from services.dispatch.domain.delivery.commands import Proof
from services.dispatch.domain.delivery.policy import DeliveryPolicy as Policy
from services.dispatch.domain.delivery.state import DeliveryState
from services.dispatch.domain.values import LineQuantity
from services.seedwork.model import DomainEvent, Refusal


@dataclass(frozen=True)
class Taken:
    """What the patient took of a parcel, and what not, per line."""

    accepted: tuple[LineQuantity, ...]
    rejected: tuple[LineQuantity, ...]


def split(given: Mapping[int, int], rejected_lines: tuple[int, ...]) -> Taken | Refusal:
    """By whole lines. All of them rejected is a refusal at the door, no delivery."""
    unknown = sorted(set(rejected_lines) - set(given))
    if unknown:
        return Refusal("delivery.not_in_parcel", {"lines": unknown})
    rows = [LineQuantity(line=line, quantity=amount) for line, amount in sorted(given.items())]
    accepted = tuple(row for row in rows if row.line not in rejected_lines)
    if not accepted:
        return Refusal("delivery.nothing_accepted", {})
    return Taken(accepted, tuple(row for row in rows if row.line in rejected_lines))


def broken_rules(state: DeliveryState, proof: Proof, *, code_right: bool) -> Iterator[str]:
    """What of a delivery was not as it should be, by the codes of the error catalogue."""
    if not code_right:
        yield "supply.wrong_pickup_code"
    if state.status != "arrived":
        yield "delivery.wrong_state"
    if state.doubtful:
        yield "delivery.excursion_open"
    if not proof.seal_intact:
        yield "delivery.seal_broken"
    if state.created and state.created.identity_required and not proof.identity_checked:
        yield "delivery.identity_unchecked"
    if state.created and state.created.cold_chain and not proof.attended:
        yield "delivery.unattended"


def delivered(proof: Proof, taken: Taken, at: datetime, policy: Policy, *, irregular: bool) -> list[DomainEvent]:
    """In the patient's hands; what was rejected turns round."""
    events: list[DomainEvent] = [
        e.DeliveryDelivered(
            proof_sha256=proof.proof_sha256,
            photo_sha256=proof.photo_sha256,
            identity_checked=proof.identity_checked,
            delivered_at=at,
            exception=irregular,
            accepted=taken.accepted,
            rejected=taken.rejected,
        )
    ]
    if taken.rejected:
        back = e.DeliveryReturnStarted(reason="rejected_in_part", at=at, word_due=at + policy.silence)
        events.append(back)
    return events
