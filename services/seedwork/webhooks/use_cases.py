"""What the owner of an endpoint, and the sender, decide about it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.seedwork.model import Loaded, Outcome, Refusal
from services.seedwork.usecase import Answer, Decision, Find, Load, Moment, UseCase
from services.seedwork.webhooks import endpoint as deciding
from services.seedwork.webhooks.endpoint import ENDPOINT, ENDPOINTS_PER_OWNER_MAX, EndpointOpened, EndpointState
from services.seedwork.webhooks.policy import WEBHOOKS

Decide = Callable[[EndpointState, Moment], Outcome]


@dataclass(frozen=True)
class Wish:
    """What somebody wants to be told, and where."""

    url: str
    kinds: tuple[str, ...]
    filters: dict[str, tuple[str, ...]] = field(default_factory=dict)
    after: int | None = None


def open_endpoint(wish: Wish, owner: str) -> UseCase:
    """A new endpoint of this party, under a new id."""

    def decide(moment: Moment) -> Generator[Load | Find, Any, Decision]:
        own = yield Find("webhook_endpoints", {"owner": owner, "after": UUID(int=0), "limit": ENDPOINTS_PER_OWNER_MAX})
        if len(own) >= ENDPOINTS_PER_OWNER_MAX:
            return Decision.refused(Refusal("webhook.too_many", {"at_most": ENDPOINTS_PER_OWNER_MAX}))
        (endpoint,) = yield Load.of(ENDPOINT.ref(moment.ids.new()))
        opened = EndpointOpened(
            endpoint_id=endpoint.stream_id,
            owner=owner,
            url=wish.url,
            kinds=wish.kinds,
            filters=wish.filters,
            begins_after=wish.after,
        )
        return _answered(endpoint, [opened])

    return UseCase((), decide)


def rotate_secret(endpoint_id: UUID, owner: str | None, overlap_hours: int | None) -> UseCase:
    """A new secret; the one before goes on beside it for some hours, 0: it is worthless at once."""

    def decide(state: EndpointState, moment: Moment) -> Outcome:
        policy = WEBHOOKS.on(moment.now.date(), moment.jurisdiction)
        hours = policy.overlap_hours if overlap_hours is None else overlap_hours
        return deciding.rotate(state, moment.now, timedelta(hours=hours))

    return _own(endpoint_id, owner, decide)


def pause_endpoint(endpoint_id: UUID, owner: str | None, reason: str) -> UseCase:
    return _own(endpoint_id, owner, lambda state, _moment: deciding.pause(state, reason))


def resume_endpoint(endpoint_id: UUID, owner: str | None) -> UseCase:
    return _own(endpoint_id, owner, lambda state, _moment: deciding.resume(state))


def remove_endpoint(endpoint_id: UUID, owner: str | None) -> UseCase:
    return _own(endpoint_id, owner, lambda state, _moment: deciding.remove(state))


def ping_endpoint(endpoint_id: UUID, owner: str | None) -> UseCase:
    return _own(endpoint_id, owner, lambda state, _moment: deciding.ping(state))


def replay_letter(endpoint_id: UUID, owner: str | None, place: int) -> UseCase:
    """The cause was mended: its stream goes on, and it comes first."""
    return _about_letter(endpoint_id, owner, place, lambda letter: deciding.replay(place, letter))


def skip_letter(endpoint_id: UUID, owner: str | None, place: int, reason: str) -> UseCase:
    """The owner has it otherwise, or does without: its stream goes on behind it."""
    return _about_letter(endpoint_id, owner, place, lambda letter: deciding.skip(place, reason, letter))


def pause_by_itself(endpoint_id: UUID, reason: str) -> UseCase:
    """Nobody decided it: the sender has tried for long enough, or was told to stop."""

    def decide(_moment: Moment, endpoint: Loaded[EndpointState]) -> Decision:
        return Decision.on(endpoint, deciding.pause(endpoint.state, reason, by_itself=True))

    return UseCase((ENDPOINT.ref(endpoint_id),), decide)


def _own(endpoint_id: UUID, owner: str | None, decide: Decide) -> UseCase:
    def decided(moment: Moment, endpoint: Loaded[EndpointState]) -> Decision:
        strange = deciding.strange(endpoint.state, owner)
        return _answered(endpoint, strange or decide(endpoint.state, moment))

    return UseCase((ENDPOINT.ref(endpoint_id),), decided)


def _about_letter(endpoint_id: UUID, owner: str | None, place: int, decide: Callable[[Any], Outcome]) -> UseCase:
    def decided(_moment: Moment, endpoint: Loaded[EndpointState]) -> Generator[Load | Find, Any, Decision]:
        strange = deciding.strange(endpoint.state, owner)
        if strange is not None:
            return Decision.refused(strange)
        found = yield Find("webhook_letter", {"endpoint_id": endpoint_id, "place": place})
        return _answered(endpoint, decide(found[0] if found else None))

    return UseCase((ENDPOINT.ref(endpoint_id),), decided)


def _answered(endpoint: Loaded[EndpointState], outcome: Outcome) -> Decision:
    if isinstance(outcome, Refusal):
        return Decision.refused(outcome)
    after = endpoint.after(outcome)
    body = {"endpoint_id": str(endpoint.stream_id), "status": after.status, "serial": after.serial}
    return Decision.on(endpoint, outcome, Answer(body=body))
