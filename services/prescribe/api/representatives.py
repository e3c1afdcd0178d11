"""Who may act for a patient: the patient's own routes, and those of an officer for patients who cannot decide."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.prescribe.application.representatives import (
    appoint_representative,
    show_appointment,
    withdraw_representation,
)
from services.prescribe.domain.commands import (
    ACCOUNT_LENGTH_MAX,
    EVIDENCE_LENGTH_MAX,
    KIND,
    NAME_LENGTH_MAX,
    AppointRepresentative,
    WithdrawRepresentation,
)
from services.prescribe.domain.patient_record import FORGOTTEN, PATIENT
from services.seedwork.api import Body, Read, Refused, Run, allowed, answer, problems
from services.seedwork.representation import Scope
from services.seedwork.usecase import Actor
from services.seedwork.wording import SAID

router = APIRouter()
SHOWN_MAX = 100
"""The newest ones; earlier ones are over, or withdrawn."""


class AppointmentBody(Body):
    """Who is to act for the patient (授权委托书: 代理人, 代理事项, 权限, 期限). `account`: the person at the identity
    provider; `valid_until` null: as long as the kind allows; `evidence`: of a guardian, the number of the document."""

    kind: str = Field(pattern=KIND, examples=["family", "guardian_of_minor"])
    account: str = Field(min_length=1, max_length=ACCOUNT_LENGTH_MAX)
    name: str = Field(min_length=1, max_length=NAME_LENGTH_MAX, pattern=SAID)
    identity_number: str = Field(min_length=1, max_length=18)
    scope: tuple[Scope, ...] = Field(min_length=1, max_length=len(Scope))
    valid_from: date
    valid_until: date | None = None
    evidence: str | None = Field(default=None, min_length=1, max_length=EVIDENCE_LENGTH_MAX, pattern=SAID)


@router.post(
    "/patients/{patient_ref}/representatives",
    status_code=201,
    responses=problems(
        "patient.not_yours",
        "patient.unknown",
        "patient.leaving",
        "representative.kind",
        "representative.appointed_by_another",
        "representative.evidence",
        "representative.patient_is_minor",
        "representative.patient_is_of_age",
        "representative.identity_number",
        "representative.is_the_patient",
        "representative.is_minor",
        "representative.dates",
        "representative.too_long",
        "representative.too_many",
    ),
)
async def appoint(
    patient_ref: UUID,
    body: AppointmentBody,
    _actor: Annotated[Actor, Depends(allowed("representative.appoint"))],
    run: Run,
) -> Response:
    """Let somebody act for the patient: by the patient, or on evidence by an officer of an institution that treats a
    minor or somebody who cannot decide. It ends by itself, of a minor's guardian when the patient is of age."""
    return await run(appoint_representative(AppointRepresentative(patient_ref=patient_ref, **dict(body))))


@router.post(
    "/patients/{patient_ref}/representatives/{appointment_id}/withdrawals",
    responses=problems("patient.not_yours", "representative.unknown"),
)
async def withdraw(
    patient_ref: UUID,
    appointment_id: UUID,
    _actor: Annotated[Actor, Depends(allowed("representative.withdraw"))],
    run: Run,
) -> Response:
    """Take it back, at any time: the patient, or the institution that has entered it."""
    return await run(
        withdraw_representation(WithdrawRepresentation(patient_ref=patient_ref, appointment_id=appointment_id))
    )


@router.get(
    "/patients/{patient_ref}/representatives",
    responses=problems("patient.unknown", "patient.not_yours", "patient.forgotten"),
)
async def representatives(
    patient_ref: UUID, actor: Annotated[Actor, Depends(allowed("representative.read"))], read: Read
) -> Response:
    """Who may act for the patient or might once, the newest first, at most 100."""
    if actor.patient_ref != patient_ref:
        raise Refused("patient.not_yours")
    (loaded,) = await read.load(PATIENT.ref(patient_ref))
    if not loaded.exists:
        raise Refused("patient.unknown")
    if loaded.state.status == FORGOTTEN:
        raise Refused("patient.forgotten")
    newest = list(loaded.state.appointments.by_id.values())[: -SHOWN_MAX - 1 : -1]
    return answer({"items": [show_appointment(each) for each in newest]}, version=loaded.version)
