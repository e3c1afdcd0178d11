"""What a service does that hears of a forgotten patient: it keeps the fact, and its own step follows from that."""

from __future__ import annotations

from typing import Any, Protocol
from uuid import UUID

from services.seedwork.forgotten import PatientForgotten, forgotten_ref
from services.seedwork.model import Loaded
from services.seedwork.usecase import Decision, Moment, UseCase


class ForgottenTold(Protocol):
    """The owner's public word on one patient."""

    @property
    def patient_ref(self) -> UUID: ...


def keep_forgotten(told: ForgottenTold, _envelope: Any) -> UseCase:
    """Once per patient, however often it is told."""

    def decide(_moment: Moment, known: Loaded[Any]) -> Decision:
        if known.exists:
            return Decision.nothing()
        return Decision.on(known, [PatientForgotten(patient_ref=told.patient_ref)])

    return UseCase((forgotten_ref(told.patient_ref),), decide)
