"""An endpoint: where a subscriber wants to be told, of what, and what people decided about it. Pure.

What is on its way to it is no fact of ours and stands beside the log (`webhook_delivery`). The secret is in no event:
it is derived from the endpoint's id and `serial`, which a rotation raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal
from uuid import UUID

from services.seedwork.model import Aggregate, DomainEvent, Outcome, Refusal

ENDPOINTS_PER_OWNER_MAX = 10
FAILING, GONE = "failing", "gone"
"""Why an endpoint is paused by itself: no call has succeeded for long, or it answered 410."""
Status = Literal["unknown", "active", "paused", "removed"]


class EndpointOpened(DomainEvent):
    """Somebody wants to be told. `owner` is the party whose feed it is; told is what comes after the log index
    `begins_after`, or after this event."""

    TOPIC: ClassVar[str] = "webhook.endpoint_opened"

    endpoint_id: UUID
    owner: str
    url: str
    kinds: tuple[str, ...]
    filters: dict[str, tuple[str, ...]]
    begins_after: int | None = None


class SecretRotated(DomainEvent):
    """There is a new secret; the one before is used beside it until a moment."""

    TOPIC: ClassVar[str] = "webhook.secret_rotated"

    serial: int
    previous_until: datetime


class EndpointPaused(DomainEvent):
    """Nothing is sent, nothing is lost: the feed goes on where it was. `by_itself`: nobody decided it."""

    TOPIC: ClassVar[str] = "webhook.endpoint_paused"

    reason: str
    by_itself: bool = False


class EndpointResumed(DomainEvent):
    """It is sent to again, at once; what had failed has all its attempts again."""

    TOPIC: ClassVar[str] = "webhook.endpoint_resumed"


class EndpointRemoved(DomainEvent):
    """Nothing is sent to it any more."""

    TOPIC: ClassVar[str] = "webhook.endpoint_removed"


class PingAsked(DomainEvent):
    """A message that says nothing, to see whether it arrives."""

    TOPIC: ClassVar[str] = "webhook.ping_asked"


class LetterReplayed(DomainEvent):
    """What had failed too often is tried again, with all its attempts; `place` is its log index."""

    TOPIC: ClassVar[str] = "webhook.letter_replayed"

    place: int


class LetterSkipped(DomainEvent):
    """The subscriber goes without it, on somebody's word, and its stream goes on."""

    TOPIC: ClassVar[str] = "webhook.letter_skipped"

    place: int
    reason: str


@dataclass(frozen=True)
class EndpointState:
    """How an endpoint stands."""

    opened: EndpointOpened | None = None
    status: Status = "unknown"
    serial: int = 1
    previous_until: datetime | None = None
    reason: str | None = None


def evolve(state: EndpointState, event: DomainEvent) -> EndpointState:
    match event:
        case EndpointOpened():
            return replace(state, opened=event, status="active")
        case SecretRotated(serial=serial, previous_until=until):
            return replace(state, serial=serial, previous_until=until)
        case EndpointPaused(reason=reason):
            return replace(state, status="paused", reason=reason)
        case EndpointResumed():
            return replace(state, status="active", reason=None)
        case EndpointRemoved():
            return replace(state, status="removed")
    return state


ENDPOINT: Aggregate[EndpointState] = Aggregate(
    name="webhook_endpoint",
    events=(
        EndpointOpened,
        SecretRotated,
        EndpointPaused,
        EndpointResumed,
        EndpointRemoved,
        PingAsked,
        LetterReplayed,
        LetterSkipped,
    ),
    initial=EndpointState(),
    evolve=evolve,
)


def strange(state: EndpointState, owner: str | None) -> Refusal | None:
    """Why an endpoint is none of this party's, if it is not."""
    if state.opened is None or state.status == "removed":
        return Refusal("webhook.unknown")
    if state.opened.owner != owner:
        return Refusal("webhook.not_yours")
    return None


def rotate(state: EndpointState, now: datetime, overlap: timedelta) -> Outcome:
    """A new secret. Of an older one than the last nothing is left, whatever its time."""
    return [SecretRotated(serial=state.serial + 1, previous_until=now + overlap)]


def pause(state: EndpointState, reason: str, *, by_itself: bool = False) -> Outcome:
    """Once; what is paused or removed already is left as it is when nobody decides it."""
    if state.status != "active":
        return [] if by_itself else _wrong(state)
    return [EndpointPaused(reason=reason, by_itself=by_itself)]


def resume(state: EndpointState) -> Outcome:
    return [EndpointResumed()] if state.status == "paused" else _wrong(state)


def remove(_state: EndpointState) -> Outcome:
    return [EndpointRemoved()]


def ping(_state: EndpointState) -> Outcome:
    return [PingAsked()]


def replay(place: int, letter: Mapping[str, Any] | None) -> Outcome:
    """A dead letter, tried again."""
    return [LetterReplayed(place=place)] if _is_dead(letter) else Refusal("webhook.no_letter", {"place": place})


def skip(place: int, reason: str, letter: Mapping[str, Any] | None) -> Outcome:
    """A dead letter, gone without."""
    skipped = LetterSkipped(place=place, reason=reason)
    return [skipped] if _is_dead(letter) else Refusal("webhook.no_letter", {"place": place})


def _is_dead(letter: Mapping[str, Any] | None) -> bool:
    return letter is not None and letter["status"] == "dead"


def _wrong(state: EndpointState) -> Refusal:
    return Refusal("webhook.wrong_state", {"status": state.status})
