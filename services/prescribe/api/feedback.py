"""The prescriber's inbox as a feed: whoever waits with it hears at once, without asking in a tight loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from services.prescribe.application.inbox import acknowledge_feedback
from services.prescribe.domain.inbox import ENTRIES_MAX, AcknowledgeFeedback
from services.prescribe.projections.moments import moment_of
from services.seedwork.api import Body, Read, Run, WaitSeconds, allowed, answer, newest, problems
from services.seedwork.api.waiting import Rows
from services.seedwork.usecase import Actor

router = APIRouter()

FEED_LIMIT_MAX = 200
LOG_INDEX_MAX = 2**62


@router.get("/feedback/feed")
async def feedback_feed(
    actor: Annotated[Actor, Depends(allowed("feedback.read"))],
    read: Read,
    after: Annotated[int, Query(ge=0, le=LOG_INDEX_MAX, description="`next` of the answer before; 0: all")] = 0,
    limit: Annotated[int, Query(ge=1, le=FEED_LIMIT_MAX)] = FEED_LIMIT_MAX,
    wait_seconds: WaitSeconds = 0,
) -> Response:
    """What a prescriber should hear, in order; answers as soon as there is something, or empty when it has waited.

    `next` is always there: ask again with it for what comes later.
    """

    async def ask() -> Rows:
        return await read.find("feedback_after", prescriber=actor.subject, after=after, limit=limit)

    rows = await newest(ask, wait_seconds)
    return answer({"items": [shown(row) for row in rows], "next": rows[-1]["log_index"] if rows else after})


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """One entry of the inbox."""
    return {
        "entry": row["log_index"],
        "prescription_id": str(row["prescription_id"]),
        "kind": row["kind"],
        "at": moment_of(row["at"]).isoformat(),
        "facts": row["facts"],
        "acknowledged_at": None if row["acknowledged_at"] is None else moment_of(row["acknowledged_at"]).isoformat(),
        "acknowledged_by": row["acknowledged_by"],
    }


class ReadBody(Body):
    """The numbers (`entry`) of what was read."""

    entries: tuple[Annotated[int, Field(ge=1, le=LOG_INDEX_MAX)], ...] = Field(min_length=1, max_length=ENTRIES_MAX)


@router.post(
    "/prescriptions/{prescription_id}/feedback-acknowledgements",
    responses=problems("prescription.unknown", "prescription.not_yours", "feedback.unknown"),
)
async def acknowledge(
    prescription_id: UUID,
    body: ReadBody,
    _actor: Annotated[Actor, Depends(allowed("feedback.acknowledge"))],
    run: Run,
) -> Response:
    """The prescriber has read these entries about a prescription. What was read before keeps its time and person."""
    return await run(acknowledge_feedback(AcknowledgeFeedback(prescription_id=prescription_id, entries=body.entries)))
