"""Notices to stop using what the patient already has: read and acknowledged by the patient or a representative."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.responses import Response

from services.prescribe.application.use_cases import acknowledge_stop_use
from services.prescribe.domain.commands import AcknowledgeStopUse
from services.prescribe.projections.moments import moment_of
from services.seedwork.api import Body, Paging, Read, Run, allowed, problems
from services.seedwork.usecase import Actor

router = APIRouter()
LOG_INDEX_MAX = 2**62
NOBODY = UUID(int=0)


@router.get("/stop-use-notices")
async def notices(actor: Annotated[Actor, Depends(allowed("stop_use.read"))], read: Read, page: Paging) -> Response:
    """What the patient has and must not use any more, the newest first; `acknowledged_as`: who has read it first."""
    before = page.after[0] if page.after else LOG_INDEX_MAX
    asked = {"patient_ref": actor.patient_ref or NOBODY, "before": before, "limit": page.fetch}
    rows = await read.find("stop_use_of_patient", **asked)
    return page.answer(rows, key=lambda row: [row["arrival"]], item=_shown)


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    read_at = row["acknowledged_at"]
    return {
        "prescription_id": str(row["prescription_id"]),
        "request_id": str(row["request_id"]),
        "reason_code": row["reason_code"],
        "lines": row["lines"],
        "notified_at": moment_of(row["notified_at"]).isoformat(),
        "acknowledged_at": None if read_at is None else moment_of(read_at).isoformat(),
        "acknowledged_by": row["acknowledged_by"],
        "acknowledged_as": row["acknowledged_as"],
    }


class AcknowledgementBody(Body):
    """Which notice was read: that of one cancellation request."""

    request_id: UUID


@router.post(
    "/prescriptions/{prescription_id}/stop-use-acknowledgements",
    responses=problems(
        "prescription.unknown",
        "prescription.not_yours",
        "prescription.wrong_state",
        "prescription.ended",
        "stop_use.unknown",
    ),
)
async def acknowledge(
    prescription_id: UUID,
    body: AcknowledgementBody,
    _actor: Annotated[Actor, Depends(allowed("stop_use.acknowledge"))],
    run: Run,
) -> Response:
    """The patient, or a representative, has read that what they have must not be used any more; the first counts."""
    command = AcknowledgeStopUse(prescription_id=prescription_id, request_id=body.request_id)
    return await run(acknowledge_stop_use(command))
