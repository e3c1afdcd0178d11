"""Routes of prescriptions: issue, amend, cancel, read, trace, feedback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from contracts.errors import issuing
from services.prescribe.api.feedback import shown
from services.prescribe.application.signed_again import confirm_prescription
from services.prescribe.application.signed_commands import amend_prescription, issue_prescription
from services.prescribe.application.use_cases import cancel_prescription
from services.prescribe.application.views import may_see_prescription, show_prescription, trace_lines
from services.prescribe.domain.commands import CancelPrescription
from services.prescribe.domain.prescription import PRESCRIPTION, PrescriptionState
from services.prescribe.domain.values import LineQuantity
from services.prescribe.projections.moments import moment_of
from services.seedwork.api import Body, Paging, Read, Refused, Run, allowed, answer, compact_jws, problems
from services.seedwork.model import Loaded
from services.seedwork.ports import Reader
from services.seedwork.usecase import Actor

router = APIRouter()

Jws = Annotated[str, Depends(compact_jws)]
LOG_INDEX_MAX = 2**62
"""Before the first page: later than everything."""

SIGNATURE = (
    "signature.malformed",
    "signature.unknown_key",
    "signature.key_not_valid",
    "signature.invalid",
    "signature.certificate",
    "signature.revoked",
    "signature.revocation_unknown",
    "signature.unavailable",
)
AGAIN = (
    "prescription.payload",
    "prescription.unknown",
    "prescription.not_yours",
    "prescription.other_id",
    "prescription.other_content",
    "prescriber.not_registered",
    "prescriber.not_in_force",
)
"""Of whatever the same prescriber signs about a prescription that exists."""
ISSUE_RULES = (
    "prescription.payload",
    "prescription.not_yours",
    "prescription.patient_unknown",
    "patient.leaving",
    "link.more_than_one",
    "link.unknown",
    "link.not_yours",
    "link.never_released",
    "link.nothing_to_replace",
    "link.no_contract",
    "link.contract_not_in_force",
    "link.same_institution",
    "link.other_regimen",
    "plan.not_admitted",
    "plan.instalment_too_long",
    "plan.too_long",
    "plan.assessment_missing",
    "plan.excluded",
    "plan.days",
    "plan.uneven",
    *(problem.code for problem in issuing.ISSUE_RULES),
)


class CancelBody(Body):
    """A cancellation. `scope` null: everything; otherwise quantities of lines, in base units."""

    request_id: UUID = Field(
        description="new per intent, the same in a repeat", examples=["0b0d1a52-6a55-4c8f-9a39-2b7a8d1f0c11"]
    )
    scope: tuple[LineQuantity, ...] | None = Field(default=None, min_length=1, max_length=50)
    reason_code: str = Field(pattern=r"^[a-z][a-z_]{1,39}$", examples=["wrong_drug"])
    urgent: bool = False


@router.post(
    "/prescriptions",
    status_code=201,
    responses=problems(*SIGNATURE, *ISSUE_RULES, "prescription.already_exists"),
)
async def issue(_actor: Annotated[Actor, Depends(allowed("prescription.issue"))], run: Run, jws: Jws) -> Response:
    """Issue a prescription: the body is the prescriber's compact JWS over an IssuePrescription, kept as received."""
    return await run(issue_prescription(jws))


@router.post(
    "/prescriptions/{prescription_id}/amendments",
    status_code=201,
    responses=problems(
        *SIGNATURE,
        *ISSUE_RULES,
        "prescription.unknown",
        "prescription.other_id",
        "prescription.wrong_state",
        "prescription.ended",
        "prescription.validity_over",
        "amendment.revision",
        "amendment.rounds",
        "amendment.other_patient",
    ),
)
async def amend(
    prescription_id: UUID, _actor: Annotated[Actor, Depends(allowed("prescription.issue"))], run: Run, jws: Jws
) -> Response:
    """Amend a returned prescription by a new signature: a compact JWS over an AmendPrescription."""
    return await run(amend_prescription(jws, prescription_id))


@router.post(
    "/prescriptions/{prescription_id}/confirmations",
    status_code=201,
    responses=problems(
        *SIGNATURE,
        *AGAIN,
        "prescription.wrong_state",
        "prescription.ended",
        "prescription.validity_over",
        "confirmation.number",
        "confirmation.not_confirmable",
        "confirmation.unknown_finding",
        "confirmation.reason_missing",
    ),
)
async def confirm(
    prescription_id: UUID, _actor: Annotated[Actor, Depends(allowed("prescription.issue"))], run: Run, jws: Jws
) -> Response:
    """Insist on a returned prescription by a second signature (双签名): a compact JWS over a ConfirmFindings."""
    return await run(confirm_prescription(jws, prescription_id))


@router.post(
    "/prescriptions/{prescription_id}/cancellations",
    responses=problems(
        "prescription.not_yours",
        "prescription.wrong_state",
        "prescription.ended",
        "cancellation.part_before_release",
        "cancellation.scope",
        "cancellation.nothing_runs",
        "cancellation.too_many",
        "cancellation.other_request",
        "cancellation.only_on_death",
    ),
)
async def cancel(
    prescription_id: UUID,
    body: CancelBody,
    _actor: Annotated[Actor, Depends(allowed("prescription.cancel"))],
    run: Run,
) -> Response:
    """Cancel all or part. 200: final. 202: kept until the prescription arrives, or dispatch decides and it is told."""
    return await run(cancel_prescription(CancelPrescription(prescription_id=prescription_id, **dict(body))))


async def own_prescription(prescription_id: UUID, actor: Actor, read: Reader) -> Loaded[PrescriptionState]:
    """A prescription that the caller may see."""
    (loaded,) = await read.load(PRESCRIPTION.ref(prescription_id))
    if loaded.state.current is None:
        raise Refused("prescription.unknown")
    if not may_see_prescription(loaded.state, actor):
        raise Refused("prescription.not_yours")
    return loaded


@router.get("/prescriptions/{prescription_id}", responses=problems("prescription.unknown", "prescription.not_yours"))
async def prescription(
    prescription_id: UUID, actor: Annotated[Actor, Depends(allowed("prescription.read"))], read: Read
) -> Response:
    """A prescription as it is now: content, where each quantity is, review, cancellations."""
    loaded = await own_prescription(prescription_id, actor, read)
    return answer(show_prescription(loaded.state), version=loaded.version)


@router.get("/prescriptions")
async def prescriptions(
    actor: Annotated[Actor, Depends(allowed("prescription.read"))], read: Read, page: Paging
) -> Response:
    """Own prescriptions, the newest first: those a doctor wrote, or those a patient was given."""
    before = page.after[0] if page.after else LOG_INDEX_MAX
    if actor.role == "patient":
        rows = await read.find(
            "prescriptions_of_patient", patient_ref=actor.patient_ref, before=before, limit=page.fetch
        )
    else:
        rows = await read.find("prescriptions_of_prescriber", prescriber=actor.subject, before=before, limit=page.fetch)
    return page.answer(rows, key=lambda row: [row["arrival"]], item=_listed)


def _listed(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "prescription_id": str(row["prescription_id"]),
        "patient_ref": str(row["patient_ref"]),
        "prescriber": row["prescriber"],
        "institution": row["institution"],
        "status": row["status"],
        "revision": row["revision"],
        "issued_at": moment_of(row["issued_at"]).isoformat(),
        "valid_until": moment_of(row["valid_until"]).isoformat(),
    }


@router.get(
    "/prescriptions/{prescription_id}/trace",
    responses=problems("prescription.unknown", "prescription.not_yours"),
)
async def trace(
    prescription_id: UUID, actor: Annotated[Actor, Depends(allowed("prescription.trace"))], read: Read
) -> Response:
    """All that happened to a prescription in the four services that know it, causes first, with proofs."""
    if actor.role == "regulator":
        (loaded,) = await read.load(PRESCRIPTION.ref(prescription_id))
        if not loaded.exists:
            raise Refused("prescription.unknown")
    else:
        await own_prescription(prescription_id, actor, read)
    rows = await read.find("trace_of", prescription_id=prescription_id)
    return answer({"prescription_id": str(prescription_id), "events": [_traced(row) for row in trace_lines(rows)]})


def _traced(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "occurred_at": moment_of(row["occurred_at"]).isoformat(),
        "service": row["service"],
        "type": row["type"],
        "actor": row["actor"],
        "summary": row["summary"],
        "proof": {"stream": str(row["stream"]), "seq": row["seq"], "hash": row["hash"]},
    }


@router.get("/feedback")
async def feedback(
    actor: Annotated[Actor, Depends(allowed("feedback.read"))],
    read: Read,
    page: Paging,
    only: Annotated[Literal["open"] | None, Query(description="open: what was not acknowledged yet")] = None,
) -> Response:
    """The prescriber's inbox, the newest first: returned, refused, not, partly or late dispensed, cancellations."""
    before = page.after[0] if page.after else LOG_INDEX_MAX
    query = "open_feedback_of_prescriber" if only else "feedback_of_prescriber"
    rows = await read.find(query, prescriber=actor.subject, before=before, limit=page.fetch)
    return page.answer(
        rows,
        key=lambda row: [row["log_index"]],
        item=shown,
    )
