"""What an organisation has recorded although a rule was broken. It happened, so it is not refused: it is explained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.dispatch.api.common import organisation
from services.dispatch.application.irregularities import explain_irregularity, explanation_view
from services.dispatch.domain.irregularity import EXPLANATION_LENGTH_MAX, IRREGULARITIES, ExplainIrregularity
from services.seedwork.api import Body, Paging, Read, Run, allowed, problems
from services.seedwork.clock import from_micros
from services.seedwork.usecase import Actor

router = APIRouter(prefix="/irregularities")
AFTER_THE_LAST = 2**63 - 1


class ExplanationBody(Body):
    """Why it was done although a rule says otherwise."""

    explanation: Annotated[str, Field(min_length=1, max_length=EXPLANATION_LENGTH_MAX)]


@router.get("")
async def irregularities(
    actor: Annotated[Actor, Depends(allowed("irregularity.read"))], read: Read, page: Paging
) -> Response:
    """Supplies the caller's pharmacy has handed out, or its couriers delivered, while a rule was broken; newest first.

    `irregularities` are codes of the error catalogue; `explanation` says who has explained it, when and how, or is
    null while nobody has.
    """
    before = page.after[0] if page.after else AFTER_THE_LAST
    rows = await read.find("irregularities_of", organisation=organisation(actor), before=before, limit=page.fetch)
    known = await read.load(*(IRREGULARITIES.ref(row["irregularity_id"]) for row in rows))
    said = {each.stream_id: explanation_view(each.state) for each in known}
    return page.answer(
        rows, key=lambda row: [row["log_index"]], item=lambda row: _shown(row, said[row["irregularity_id"]])
    )


@router.post("/{irregularity_id}/explanation", responses=problems("irregularity.unknown", "irregularity.explained"))
async def explain(
    irregularity_id: UUID,
    body: ExplanationBody,
    actor: Annotated[Actor, Depends(allowed("irregularity.explain"))],
    run: Run,
) -> Response:
    """Say why, once: the explanation stands beside what happened, with the name of whoever gave it."""
    command = ExplainIrregularity(
        irregularity_id=irregularity_id,
        organisation=organisation(actor),
        explained_by=actor.subject,
        explanation=body.explanation,
    )
    return await run(explain_irregularity(command))


def _shown(row: Mapping[str, Any], said: Mapping[str, Any] | None) -> dict[str, Any]:
    names = ("irregularity_id", "fulfilment_id", "supply_id", "irregularities", "handed_out_by")
    shown = {name: row[name] for name in names}
    return {**shown, "recorded_at": from_micros(row["recorded_at"]), "explanation": said}
