"""Routes of patients' records."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.responses import Response

from services.prescribe.application.forgetting import forget_patient
from services.prescribe.application.use_cases import register_new_patient
from services.prescribe.application.views import show_patient
from services.prescribe.domain.commands import ForgetPatient, RegisterPatient
from services.prescribe.domain.patient_record import FORGOTTEN, PATIENT
from services.seedwork.api import Body, Read, Refused, Run, allowed, answer, problems
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


class ForgettingBody(Body):
    """Why the patient is to be forgotten."""

    reason_code: Literal["patient_asks", "purpose_over"]


@router.post(
    "/patients/{patient_ref}/forgettings",
    status_code=202,
    responses=problems("patient.unknown", "patient.not_yours", "patient.prescription_runs", "patient.kept_by_law"),
)
async def forget(
    patient_ref: UUID, body: ForgettingBody, _actor: Annotated[Actor, Depends(allowed("patient.forget"))], run: Run
) -> Response:
    """Forget a patient: after a wait everything personal about them is unreadable in every service, for ever."""
    return await run(forget_patient(ForgetPatient(patient_ref=patient_ref, reason_code=body.reason_code)))


@router.get("/patients/{patient_ref}", responses=problems("patient.unknown", "patient.not_yours", "patient.forgotten"))
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
    if loaded.state.status == FORGOTTEN:
        raise Refused("patient.forgotten")
    return answer(show_patient(loaded.state), version=loaded.version)
