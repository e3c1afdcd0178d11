"""Owed quantities: the rest of a partial fill, and the notice when the pharmacy has it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.dispatch.api.common import OWN_SUPPLY, organisation
from services.dispatch.application.owing import ask_for_notice
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.commands import AskForNotice
from services.dispatch.domain.values import LINES_MAX
from services.seedwork.api import Body, Paging, Read, Refused, Run, allowed, problems
from services.seedwork.clock import from_micros
from services.seedwork.usecase import Actor

router = APIRouter()
BEFORE_THE_FIRST = (-1, UUID(int=0))


class NoticeBody(Body):
    """The line of which something is still owed."""

    line: int = Field(ge=1, le=LINES_MAX)


@router.post(
    "/fulfilments/{fulfilment_id}/supplies/{supply_id}/notices",
    responses=problems(*OWN_SUPPLY, "fulfilment.not_yours", "supply.nothing_owed"),
)
async def want_notice(
    fulfilment_id: UUID,
    supply_id: UUID,
    body: NoticeBody,
    actor: Annotated[Actor, Depends(allowed("notice.ask"))],
    run: Run,
) -> Response:
    """Tell me when this pharmacy has the rest: by the patient, or by the pharmacy for the patient."""
    patient = actor.role == "patient"
    if patient and actor.patient_ref is None:
        raise Refused("fulfilment.not_yours")
    command = AskForNotice(
        supply_id=supply_id,
        line=body.line,
        pharmacy=None if patient else organisation(actor),
        patient_ref=actor.patient_ref if patient else None,
        asked_by="patient" if patient and not actor.representing else actor.recorded_as,
    )
    response: Response = await run(ask_for_notice(fulfilment_id, command))
    return response


@router.get("/notices")
async def notices(actor: Annotated[Actor, Depends(allowed("notice.read"))], read: Read, page: Paging) -> Response:
    """What has come in of what was owed: to a pharmacy its own, to a patient their own, in order of arrival.

    `remaining` is what is still free to be held: another pharmacy may have given it meanwhile.
    """
    arrival, wish_id = page.after or BEFORE_THE_FIRST
    after = {"arrival": arrival, "wish_id": UUID(str(wish_id)), "limit": page.fetch}
    if actor.role == "patient":
        rows = await read.find("arrived_for_patient", patient_ref=actor.patient_ref or UUID(int=0), **after)
    else:
        rows = await read.find("arrived_at_pharmacy", pharmacy=organisation(actor), **after)
    loaded = await read.load(*(FULFILMENTS.ref(row["fulfilment_id"]) for row in rows))
    left = {(each.stream_id, line): row.buckets.remaining for each in loaded for line, row in each.state.lines.items()}

    def shown(row: Mapping[str, Any]) -> dict[str, Any]:
        names = ("fulfilment_id", "supply_id", "pharmacy", "product", "drug_key", "line", "quantity")
        remaining = left.get((row["fulfilment_id"], row["line"]), 0)
        plain = {name: str(row[name]) if name.endswith("_id") else row[name] for name in names}
        return {**plain, "remaining": remaining, "arrived_at": from_micros(row["arrived_at"])}

    return page.answer(rows, key=lambda row: [row["arrival"], str(row["wish_id"])], item=shown)
