"""Routes of patients' records."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.responses import Response

from services.prescribe.application.use_cases import register_new_patient
from services.prescribe.application.views import show_patient
from services.prescribe.domain.commands import RegisterPatient
from services.prescribe.domain.patient_record import PATIENT
from services.seedwork.api import Read, Refused, Run, allowed, answer, problems
from services.seedwork.usecase import Actor

router = APIRouter()


@router.post(
    "/patients",
    status_code=201,
    responses=problems("patient.identity_number", "patient.birth_date", "patient.sex", "patient.already_registered"),
)
async def register_patient(
    body: RegisterPatient, _actor: Annotated[Actor, Depends(allowed("patient.register"))], run: Run
) -> Response:
    """Register a patient; answers the reference under which everything else knows the person."""
    return await run(register_new_patient(body))


@router.get("/patients/{patient_ref}", responses=problems("patient.unknown", "patient.not_yours"))
async def patient(patient_ref: UUID, actor: Annotated[Actor, Depends(allowed("patient.read"))], read: Read) -> Response:
    """A patient's record, for the patient and for doctors who registered or treat the person."""
    (loaded,) = await read.load(PATIENT.ref(patient_ref))
    if actor.role == "patient":
        own = actor.patient_ref == patient_ref
    else:
        own = loaded.state.registered_by == actor.subject or bool(
            await read.find("has_prescribed_for", prescriber=actor.subject, patient_ref=patient_ref)
        )
    if not own:
        raise Refused("patient.not_yours")
    if not loaded.exists:
        raise Refused("patient.unknown")
    return answer(show_patient(loaded.state), version=loaded.version)
