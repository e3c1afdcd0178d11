"""The prescriber's inbox as a feed: whoever waits with it hears at once, without asking in a tight loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from services.prescribe.application.inbox import acknowledge_feedback
from services.prescribe.domain.inbox import ENTRIES_MAX, AcknowledgeFeedback
from services.prescribe.projections.moments import moment_of
from services.seedwork.api import Body, Read, Run, allowed, answer, problems
from services.seedwork.usecase import Actor

router = APIRouter()

FEED_LIMIT_MAX = 200
WAIT_SECONDS_MAX = 10.0
"""A request that waits counts as one in flight: it must not keep others out for long."""
PAUSE_SECONDS, PAUSE_SECONDS_MAX = 0.05, 0.5
LOG_INDEX_MAX = 2**62
Rows = Sequence[Mapping[str, Any]]


@router.get("/feedback/feed")
async def feedback_feed(
    actor: Annotated[Actor, Depends(allowed("feedback.read"))],
    read: Read,
    after: Annotated[int, Query(ge=0, le=LOG_INDEX_MAX, description="`next` of the answer before; 0: all")] = 0,
    limit: Annotated[int, Query(ge=1, le=FEED_LIMIT_MAX)] = FEED_LIMIT_MAX,
    wait_seconds: Annotated[
        float, Query(ge=0, le=WAIT_SECONDS_MAX, description="how long to wait when there is nothing new")
    ] = 0,
) -> Response:
    """What a prescriber should hear, in order; answers as soon as there is something, or empty when it has waited.

    `next` is always there: ask again with it for what comes later.
    """

    async def ask() -> Rows:
        return await read.find("feedback_after", prescriber=actor.subject, after=after, limit=limit)

    rows = await newest(ask, wait_seconds)
    return answer({"items": [shown(row) for row in rows], "next": rows[-1]["log_index"] if rows else after})


async def newest(ask: Callable[[], Awaitable[Rows]], wait_seconds: float) -> Rows:
    """The rows once there are some, or none when the time is over. No connection is held while it waits."""
    clock = asyncio.get_running_loop().time
    deadline, pause = clock() + wait_seconds, PAUSE_SECONDS
    while not (rows := await ask()) and clock() + pause <= deadline:
        await asyncio.sleep(pause)
        pause = min(1.5 * pause, PAUSE_SECONDS_MAX)
    return rows


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
