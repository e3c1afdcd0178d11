"""Routes of blocked lines: an authority or the institution stops them, the prescriber answers."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.prescribe.api.prescriptions import AGAIN, SIGNATURE, Jws
from services.prescribe.application.signed_again import answer_query
from services.prescribe.application.stops import stop_lines
from services.prescribe.domain.commands import SafetyStop
from services.seedwork.api import Body, Run, allowed, problems
from services.seedwork.usecase import Actor
from services.seedwork.wording import SAID

router = APIRouter()


class StopBody(Body):
    """A safety stop. `lines` null: all of them; the reason is told to the prescriber and to pharmacies."""

    block_id: UUID = Field(description="new per intent, the same in a repeat")
    lines: tuple[Annotated[int, Field(ge=1, le=50)], ...] | None = Field(default=None, min_length=1, max_length=50)
    reason_code: str = Field(pattern=r"^[a-z][a-z_]{1,39}$", examples=["safety_alert"])
    reason: str = Field(min_length=1, max_length=500, pattern=SAID)


@router.post(
    "/prescriptions/{prescription_id}/stops",
    status_code=201,
    responses=problems(
        "prescription.unknown",
        "prescription.not_yours",
        "prescription.wrong_state",
        "prescription.ended",
        "query.unknown_line",
        "query.other_stop",
    ),
)
async def stop(
    prescription_id: UUID, body: StopBody, _actor: Annotated[Actor, Depends(allowed("prescription.stop"))], run: Run
) -> Response:
    """Stop lines until the prescriber has signed again: nobody holds them, holds without a supply are revoked."""
    return await run(stop_lines(SafetyStop(prescription_id=prescription_id, **dict(body))))


@router.post(
    "/prescriptions/{prescription_id}/answers",
    status_code=201,
    responses=problems(
        *SIGNATURE, *AGAIN, "prescription.wrong_state", "prescription.ended", "query.unknown", "query.answered"
    ),
)
async def answer_a_query(
    prescription_id: UUID, _actor: Annotated[Actor, Depends(allowed("prescription.issue"))], run: Run, jws: Jws
) -> Response:
    """Answer why lines were blocked, and stand for them: a compact JWS over an AnswerQuery (重新签字)."""
    return await run(answer_query(jws, prescription_id))
