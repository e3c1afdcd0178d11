"""The prescriber acknowledges entries of the inbox."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from services.prescribe.domain.inbox import AcknowledgeFeedback, InboxState, acknowledge, inbox_of
from services.prescribe.domain.prescription import PRESCRIPTION, PrescriptionState
from services.seedwork.model import Loaded, Refusal
from services.seedwork.usecase import Answer, Decision, Find, Moment, UseCase

Thinking = Generator[Find, Any, Decision]


def acknowledge_feedback(command: AcknowledgeFeedback) -> UseCase:
    """By the prescription's own prescriber, also when it has ended."""

    def decide(moment: Moment, inbox: Loaded[InboxState], prescription: Loaded[PrescriptionState]) -> Thinking:
        current = prescription.state.current
        if current is None:
            return Decision.refused(Refusal("prescription.unknown"))
        if current.prescriber != moment.actor.subject:
            return Decision.refused(Refusal("prescription.not_yours"))
        rows = yield Find(
            "feedback_entries",
            {"prescription_id": command.prescription_id, "first": min(command.entries), "last": max(command.entries)},
        )
        about = {int(row["log_index"]) for row in rows}
        outcome = acknowledge(inbox.state, command, about, moment.actor.subject, moment.now)
        body = {"prescription_id": str(command.prescription_id), "entries": sorted(set(command.entries))}
        return Decision.on(inbox, outcome, Answer(body=body))

    return UseCase((inbox_of(command.prescription_id),), decide, relaxed=(PRESCRIPTION.ref(command.prescription_id),))
