"""Locator: the fulfilments whose tokens begin with the same letters.

In the record and not in a list: a list lags behind, and a right code it does not know yet would count as a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar
from uuid import UUID

from services.dispatch.domain import secrets
from services.seedwork.model import Aggregate, DomainEvent, StreamRef, derived_id


class TokenIssued(DomainEvent):
    """A fulfilment can be found by its token."""

    TOPIC: ClassVar[str] = "dispatch.locator.token_issued"

    fulfilment_id: UUID
    issue: int


class TokenUsedUp(DomainEvent):
    """The fulfilment is closed; its token is known, and worth nothing."""

    TOPIC: ClassVar[str] = "dispatch.locator.token_used_up"

    fulfilment_id: UUID


@dataclass(frozen=True)
class LocatorState:
    """The issue of each token under one locator, and the fulfilments that are not closed, the oldest first."""

    issues: Mapping[UUID, int] = field(default_factory=dict)
    live: tuple[UUID, ...] = ()

    def opened_by(self, token: str, key: bytes) -> UUID | None:
        """The fulfilment whose token this is."""
        of = secrets.patient_token
        return next((each for each, issue in self.issues.items() if secrets.same(token, of(key, each, issue))), None)


def evolve(state: LocatorState, event: DomainEvent) -> LocatorState:
    match event:
        case TokenIssued(fulfilment_id=fulfilment_id, issue=issue):
            return LocatorState({**state.issues, fulfilment_id: issue}, (*state.live, fulfilment_id))
        case TokenUsedUp(fulfilment_id=fulfilment_id):
            return replace(state, live=tuple(each for each in state.live if each != fulfilment_id))
    return state  # pragma: no cover - the aggregate names no other event


def use_up(_state: LocatorState, fulfilment_id: UUID) -> list[DomainEvent]:
    """The fulfilment is closed."""
    return [TokenUsedUp(fulfilment_id=fulfilment_id)]


LOCATORS: Aggregate[LocatorState] = Aggregate(
    name="locator", events=(TokenIssued, TokenUsedUp), initial=LocatorState(), evolve=evolve
)


def tokens_like(token: str) -> StreamRef[LocatorState]:
    """By the open part of a token; the rest does not matter."""
    return LOCATORS.ref(derived_id("locator", token[: secrets.LOCATOR_LENGTH]))


def tokens_beside(fulfilment_id: UUID) -> StreamRef[LocatorState]:
    """Where the token of this fulfilment is looked for."""
    return tokens_like(secrets.locator(fulfilment_id))
