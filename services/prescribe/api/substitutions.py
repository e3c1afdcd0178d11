"""The prescriber's word on a substitute."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.prescribe.api.prescriptions import AGAIN, SIGNATURE, Jws
from services.prescribe.application.substitutions import confirm_substitution, decline_substitution
from services.prescribe.domain.commands import DeclineSubstitution
from services.seedwork.api import Body, Run, allowed, problems
from services.seedwork.usecase import Actor
from services.seedwork.wording import SAID

router = APIRouter()

SUBSTITUTE_REFUSED = (
    "drug.unknown",
    "drug.not_in_force",
    "drug.never_circulates",
    "line.medicine_kind",
    "online.excluded_class",
    "prescriber.no_right",
    "prescriber.right_not_in_force",
    "prescriber.title",
    "antibacterial.not_outpatient",
    "antibacterial.no_right",
    "antibacterial.reason_missing",
    "antibacterial.too_long",
    "line.frequency",
    "line.quantity",
    "supply.single_dose",
    "supply.class_limit",
    "supply.class_reason_missing",
    "supply.largest_dose",
    "supply.too_long",
    "supply.reason_missing",
    "plan.not_admitted",
    "plan.emergency",
    "plan.instalment_too_long",
    "plan.too_long",
    "plan.assessment_missing",
    "plan.excluded",
    "insurance_intent.restricted_use",
    "insurance_intent.reason",
)
"""As on an issue, by the same checks: of the substitute itself."""


class DeclineBody(Body):
    """Which proposal, and why not; the pharmacy that proposed it reads the reason."""

    proposal_id: UUID
    reason: str = Field(min_length=1, max_length=500, pattern=SAID)


@router.post(
    "/prescriptions/{prescription_id}/substitutions",
    status_code=201,
    responses=problems(
        *SIGNATURE,
        *AGAIN,
        "prescription.wrong_state",
        "prescription.ended",
        "proposal.unknown",
        "proposal.not_asked",
        "proposal.answered",
        "proposal.over",
        "proposal.protocol_over",
        "proposal.other_substitute",
        *SUBSTITUTE_REFUSED,
        "proposal.not_screened",
        "proposal.not_confirmable",
    ),
)
async def confirm(
    prescription_id: UUID, _actor: Annotated[Actor, Depends(allowed("prescription.issue"))], run: Run, jws: Jws
) -> Response:
    """Allow a proposed substitute on its line: a compact JWS over a ConfirmSubstitution, kept as received."""
    return await run(confirm_substitution(jws, prescription_id))


@router.post(
    "/prescriptions/{prescription_id}/declined-substitutions",
    status_code=201,
    responses=problems(
        "prescription.unknown",
        "prescription.not_yours",
        "prescription.wrong_state",
        "prescription.ended",
        "proposal.unknown",
        "proposal.not_asked",
        "proposal.answered",
        "proposal.over",
    ),
)
async def decline(
    prescription_id: UUID, body: DeclineBody, _actor: Annotated[Actor, Depends(allowed("prescription.issue"))], run: Run
) -> Response:
    """Do not allow a proposed substitute: the pharmacy is told, and what it holds for it is free again."""
    return await run(decline_substitution(DeclineSubstitution(prescription_id=prescription_id, **dict(body))))
