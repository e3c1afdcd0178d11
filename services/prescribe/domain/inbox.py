"""What the prescriber has read of the inbox: each entry once, with person and time. Nothing else is changed by it.

An entry is named by its place in the log: the event that the prescriber hears of.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from services.seedwork.model import Aggregate, Command, DomainEvent, Outcome, Refusal, StreamRef, derived_id
from services.seedwork.transitions import NOT_YET, Transition, Transitions

ENTRIES_MAX = 200
"""Of one command: as many as a page of the list has."""

ENTRY_TRANSITIONS = Transitions(
    (
        Transition(NOT_YET, "AcknowledgeFeedback", "own prescription; an entry about it", "acknowledged", "-"),
        Transition("acknowledged", "AcknowledgeFeedback", "the first time and person stay", "acknowledged", "-"),
    )
)


class AcknowledgeFeedback(Command):
    """The prescriber has read these entries."""

    prescription_id: UUID
    entries: tuple[int, ...] = Field(min_length=1, max_length=ENTRIES_MAX)


class FeedbackAcknowledged(DomainEvent):
    """These entries were read."""

    TOPIC: ClassVar[str] = "prescribe.inbox.feedback_acknowledged"

    entries: tuple[int, ...]
    by: str
    at: datetime


@dataclass(frozen=True)
class InboxState:
    """The entries about one prescription that were read."""

    acknowledged: frozenset[int] = frozenset()


def evolve(state: InboxState, event: FeedbackAcknowledged) -> InboxState:
    return InboxState(state.acknowledged | set(event.entries))


def acknowledge(
    state: InboxState, command: AcknowledgeFeedback, about: Collection[int], by: str, now: datetime
) -> Outcome:
    """`about`: the entries there are about this prescription. What was read before is not read again."""
    unknown = sorted(set(command.entries) - set(about))
    if unknown:
        return Refusal("feedback.unknown", {"entry": unknown[0]})
    fresh = tuple(sorted(set(command.entries) - state.acknowledged))
    return [FeedbackAcknowledged(entries=fresh, by=by, at=now)] if fresh else []


INBOX: Aggregate[InboxState] = Aggregate(
    name="inbox", events=(FeedbackAcknowledged,), initial=InboxState(), evolve=evolve
)


def inbox_of(prescription_id: UUID) -> StreamRef[InboxState]:
    """What was read about one prescription."""
    return INBOX.ref(derived_id("inbox", prescription_id))
