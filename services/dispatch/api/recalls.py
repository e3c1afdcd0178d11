"""Recalls of lots, and what patients who have them are told."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.dispatch.api.common import organisation
from services.dispatch.application import recalls
from services.dispatch.domain.recall import FIRST, LOTS_MAX, REASON_LENGTH_MAX, RECALLS, LoadRecall, RecallClass
from services.dispatch.domain.values import CODE_LENGTH_MAX, LOT_LENGTH_MAX
from services.seedwork.api import Body, Paging, Read, Refused, Run, allowed, answer, problems
from services.seedwork.usecase import Actor

router = APIRouter()
NOBODY = FIRST


class RecallBody(Body):
    """What is called back, how grave it is (1 to 3), and what patients who have it are to do."""

    recall_id: UUID
    product: str = Field(min_length=1, max_length=CODE_LENGTH_MAX)
    lots: tuple[Annotated[str, Field(min_length=1, max_length=LOT_LENGTH_MAX)], ...] = Field(
        min_length=1, max_length=LOTS_MAX
    )
    recall_class: RecallClass
    reason: str = Field(min_length=1, max_length=REASON_LENGTH_MAX)
    instruction: str = Field(min_length=1, max_length=REASON_LENGTH_MAX)


@router.post("/recalls", status_code=201, responses=problems("recall.not_yours", "recall.differs", "product.unknown"))
async def load(body: RecallBody, actor: Annotated[Actor, Depends(allowed("recall.load"))], run: Run) -> Response:
    """Call lots back: holds revoked, shelves cleared, patients told, step by step from now on."""
    command = LoadRecall(loaded_by=actor.subject, organisation=organisation(actor), **dict(body))
    return await run(recalls.load_recall(command, actor))


@router.get("/recalls/{recall_id}", responses=problems("recall.unknown"))
async def show(recall_id: UUID, _actor: Annotated[Actor, Depends(allowed("recall.read"))], read: Read) -> Response:
    """How far a recall is, and how many of those who were told have read it."""
    (job,) = await read.load(RECALLS.ref(recall_id))
    if not job.exists:
        raise Refused("recall.unknown")
    counted = await read.find("notices_counted", recall_id=recall_id)
    notices = {"told": sum(row["notices"] for row in counted)}
    notices["acknowledged"] = sum(row["notices"] for row in counted if row["acknowledged"])
    return answer({**recalls.recall_view(job.state), "notices": notices})


@router.get("/recall-notices")
async def notices(
    actor: Annotated[Actor, Depends(allowed("recall_notice.read"))], read: Read, page: Paging
) -> Response:
    """What the patient was told of packs that are not to be used: of a recalled lot, or spoilt on the way."""
    after = UUID(page.after[0]) if page.after else FIRST
    who = actor.patient_ref or NOBODY
    rows = await read.find("notices_of", patient_ref=who, after=after, limit=page.fetch)
    about = ("notice_id", "reason", "recall_id", "delivery_id", "product", "lot", "pharmacy", "instruction")
    shown = (*about, "acknowledged")
    return page.answer(
        rows, key=lambda row: [str(row["notice_id"])], item=lambda row: {name: row[name] for name in shown}
    )


@router.post(
    "/recall-notices/{notice_id}/acknowledgements",
    responses=problems("recall_notice.unknown", "recall_notice.not_yours"),
)
async def acknowledge(
    notice_id: UUID, actor: Annotated[Actor, Depends(allowed("recall_notice.acknowledge"))], run: Run
) -> Response:
    """The patient has read it and does not use the packs."""
    return await run(recalls.acknowledge(notice_id, actor))
