"""Routes of what was signed: the exact bytes, and the readable document."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.responses import Response

from services.prescribe.adapters.paper import render
from services.prescribe.api.prescriptions import own_prescription
from services.prescribe.application.documents import bytes_of, document_of, keep_document, paper_of, registers_of
from services.prescribe.domain.document import DocumentKept
from services.prescribe.domain.prescription import PrescriptionState
from services.seedwork.api import Aside, Keep, Read, Refused, allowed, problems
from services.seedwork.ports import Reader
from services.seedwork.usecase import Actor

router = APIRouter()

_PROBLEMS = ("prescription.unknown", "prescription.not_yours", "patient.forgotten")


@router.get(
    "/prescriptions/{prescription_id}/signed",
    responses={**problems(*_PROBLEMS), 200: {"content": {"application/jose": {"schema": {"type": "string"}}}}},
)
async def signed(
    prescription_id: UUID, actor: Annotated[Actor, Depends(allowed("prescription.read"))], read: Read
) -> Response:
    """The prescriber's compact JWS, byte for byte as it was received; its SHA-256 is `signed_sha256` everywhere."""
    loaded = await own_prescription(prescription_id, actor, read)
    jws = loaded.state.signed.jws
    if jws is None:
        raise Refused("patient.forgotten")
    return Response(jws.encode("ascii"), media_type="application/jose")


@router.get(
    "/prescriptions/{prescription_id}/document",
    responses={
        **problems(*_PROBLEMS),
        200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}},
    },
)
async def document(
    prescription_id: UUID,
    actor: Annotated[Actor, Depends(allowed("prescription.read"))],
    read: Read,
    keep: Keep,
    aside: Aside,
) -> Response:
    """The prescription as PDF, with a QR code of id, revision and digest. Made when it is asked for first, once before
    and once after the review; the same bytes ever after. What counts is what was signed (`/signed`)."""
    state = (await own_prescription(prescription_id, actor, read)).state
    kept = await _kept(state, read)
    if kept is None:
        person, institution = await read.load(*registers_of(state))
        paper = paper_of(state, person.state, institution.state)
        if paper is None:
            raise Refused("patient.forgotten")
        await keep(keep_document(state, await aside(render, paper)))
        kept = await _kept(state, read)  # another request may have been first
    content = bytes_of(kept) if kept else None
    if kept is None or content is None:
        raise Refused("patient.forgotten")
    name = f"{prescription_id}-{kept.revision}.{kept.confirmation_no}-{kept.stage}.pdf"
    headers = {"ETag": f'"{kept.sha256}"', "Content-Disposition": f'inline; filename="{name}"'}
    return Response(content, media_type="application/pdf", headers=headers)


async def _kept(state: PrescriptionState, read: Reader) -> DocumentKept | None:
    (found,) = await read.load(document_of(state))
    kept: DocumentKept | None = found.state.kept
    return kept
