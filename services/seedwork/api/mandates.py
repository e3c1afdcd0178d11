"""By what a representative asks for something in a patient's name, and how it is looked at again with the save."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from services.seedwork.calendar import civil_day
from services.seedwork.model import Loaded, Refusal, StreamRef
from services.seedwork.representation import Scope, not_represented
from services.seedwork.usecase import Deciding, Decision, Moment, UseCase


@dataclass(frozen=True)
class Mandate:
    """Where it stands who may act for the patient, whose account asks, and which scopes would cover it."""

    patient: StreamRef[Any]
    account: str
    scopes: frozenset[Scope]

    def refusal(self, state: Any, now: datetime) -> Refusal | None:
        """None while the patient is represented in this by this account."""
        return not_represented(state.representations, self.account, self.scopes, civil_day(now))

    def guarding(self, use_case: UseCase) -> UseCase:
        """The use case, refused when by the time it is saved the representation has ended: who withdraws it is obeyed
        by the requests that are under way, too."""
        own = len(use_case.streams)

        def decide(moment: Moment, *loaded: Loaded[Any]) -> Deciding:
            refused = self.refusal(loaded[own].state, moment.now)
            if refused:
                return Decision.refused(refused)
            return use_case.decide(moment, *loaded[:own], *loaded[own + 1 :])

        return replace(use_case, streams=(*use_case.streams, self.patient), decide=decide)
