"""Owed quantities: the wish to be told, and who is told."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from services.dispatch.domain.fulfilment import owing
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.commands import AskForNotice
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.seedwork.model import Loaded, Refusal
from services.seedwork.usecase import Answer, Decision, Moment, UseCase


def ask_for_notice(fulfilment_id: UUID, command: AskForNotice) -> UseCase:
    """The patient, or the pharmacy for the patient, wants to hear when the rest is there."""

    def decide(moment: Moment, fulfilment: Loaded[FulfilmentState]) -> Decision:
        outcome = owing.ask_for_notice(fulfilment.state, command, moment.ids)
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        return Decision.on(fulfilment, outcome, Answer(200, _owed(fulfilment.after(outcome), command)))

    return UseCase((FULFILMENTS.ref(fulfilment_id),), decide)


def _owed(state: FulfilmentState, command: AskForNotice) -> dict[str, Any]:
    return {
        "fulfilment_id": str(state.fulfilment_id),
        "supply_id": str(command.supply_id),
        "line": command.line,
        "owed": state.lines[command.line].buckets.remaining,
    }
