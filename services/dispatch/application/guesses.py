"""Codes that people show: checked here, counted when wrong, and locked."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from services.dispatch.application.recorded import answered
from services.dispatch.domain import guess
from services.dispatch.domain.guess import GUESSES, GuessState, guess_id
from services.dispatch.domain.policy import POLICIES
from services.seedwork.calendar import civil_day
from services.seedwork.model import Loaded, Refusal, StreamRef
from services.seedwork.usecase import Change, Decision, Moment

Counter = Loaded[GuessState]


def actor_counter(subject: str) -> StreamRef[GuessState]:
    """Wrong codes of one person."""
    return GUESSES.ref(guess_id("actor", subject))


def fulfilment_counter(fulfilment_id: UUID) -> StreamRef[GuessState]:
    """Wrong codes for one fulfilment, over all persons."""
    return GUESSES.ref(guess_id("fulfilment", fulfilment_id))


def locked(moment: Moment, counters: Iterable[Counter]) -> Refusal | None:
    """The first lock that holds."""
    return next((found for one in counters if (found := guess.check(one.state, moment.now))), None)


def missed(moment: Moment, counters: Iterable[Counter], code: str) -> Decision:
    """Count the miss with everybody concerned and answer with the problem `code`."""
    policy = POLICIES.on(civil_day(moment.now), moment.jurisdiction)
    changes = tuple(Change(one, tuple(guess.miss(one.state, moment.now, policy))) for one in counters)
    return Decision(changes, answered(Refusal(code)))
