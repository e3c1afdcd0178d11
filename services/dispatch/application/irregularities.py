"""The organisation that broke a rule explains why."""

from __future__ import annotations

from typing import Any

from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.irregularity import IRREGULARITIES, ExplainIrregularity, IrregularityState, explain
from services.seedwork.model import Loaded, Refusal
from services.seedwork.usecase import Answer, Deciding, Decision, Find, Load, Moment, UseCase


def explain_irregularity(command: ExplainIrregularity) -> UseCase:
    """One that is on the organisation's own list; of the others' it learns nothing."""

    def decide(moment: Moment, irregularity: Loaded[IrregularityState]) -> Deciding:
        rows = yield Find("irregularity", {"irregularity_id": command.irregularity_id})
        if not rows or rows[0]["organisation"] != command.organisation:
            return Decision.refused(Refusal("irregularity.unknown"))
        (fulfilment,) = yield Load.of(FULFILMENTS.ref(rows[0]["fulfilment_id"]))
        outcome = explain(irregularity.state, command, fulfilment.state.patient_ref, moment.now)
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        said = explanation_view(irregularity.after(outcome))
        identity = {"irregularity_id": str(command.irregularity_id)}
        return Decision.on(irregularity, outcome, Answer(200, {**identity, "explanation": said}))

    return UseCase((IRREGULARITIES.ref(command.irregularity_id),), decide)


def explanation_view(state: IrregularityState) -> dict[str, Any] | None:
    """Who said what and when; None while nobody has. The words are gone once the patient is forgotten."""
    if state.said is None:
        return None
    return state.said.model_dump(mode="json", include={"explained_by", "explanation", "explained_at"})
