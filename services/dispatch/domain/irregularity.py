"""Irregularity: something happened although a rule was broken, and was recorded because it happened. The organisation
that did it says why, once and by a named person; neither what happened nor the explanation is ever changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from services.seedwork.model import (
    Aggregate,
    Command,
    DomainEvent,
    Outcome,
    Personal,
    PersonalClass,
    Refusal,
    StreamRef,
    derived_id,
)

EXPLANATION_LENGTH_MAX = 1_000


class ExplainIrregularity(Command):
    """Why a rule was broken."""

    irregularity_id: UUID
    organisation: str
    explained_by: str
    explanation: str = Field(min_length=1, max_length=EXPLANATION_LENGTH_MAX)


class IrregularityExplained(DomainEvent):
    """What the organisation says. It tells of a supply to a patient, so it is sealed, and told to nobody."""

    TOPIC: ClassVar[str] = "dispatch.irregularity.explained"

    irregularity_id: UUID
    patient_ref: UUID
    organisation: str
    explained_by: str
    explanation: Annotated[str | None, Personal(PersonalClass.CLINICAL)]
    explained_at: datetime


@dataclass(frozen=True)
class IrregularityState:
    """What was said about it; None: nobody has yet."""

    said: IrregularityExplained | None = None


def evolve(_state: IrregularityState, event: IrregularityExplained) -> IrregularityState:
    return IrregularityState(event)


IRREGULARITIES: Aggregate[IrregularityState] = Aggregate(
    name="irregularity", events=(IrregularityExplained,), initial=IrregularityState(), evolve=evolve
)


def irregularity_ref(stream_id: UUID, version: int) -> StreamRef[IrregularityState]:
    """Of what was recorded by this event of this stream."""
    return IRREGULARITIES.ref(derived_id("irregularity", stream_id, version))


def explain(state: IrregularityState, command: ExplainIrregularity, patient_ref: UUID, now: datetime) -> Outcome:
    """Said once; the same words of the same person again change nothing."""
    if state.said is None:
        return [IrregularityExplained(patient_ref=patient_ref, explained_at=now, **command.model_dump())]
    if (state.said.explained_by, state.said.explanation) == (command.explained_by, command.explanation):
        return []
    return Refusal("irregularity.explained", {"explained_by": state.said.explained_by})
