"""Receipts of settled claims: as data, and as the document that is made once and kept."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from services.insurance.adapters.paper import render
from services.insurance.application.access import sees
from services.insurance.application.receipts import bytes_of, insurer_of, keep_receipt, receipt_of, receipt_paper
from services.insurance.application.views import receipt_view
from services.insurance.domain.claim import CLAIM, ClaimState
from services.insurance.domain.kept_receipt import ReceiptKept
from services.seedwork.api import Aside, Keep, Read, Refused, allowed, answer, problems
from services.seedwork.forgotten import forgotten_ref
from services.seedwork.ports import Reader
from services.seedwork.usecase import Actor

router = APIRouter()

_PROBLEMS = ("claim.unknown", "claim.not_yours", "claim.not_settled")


@router.get("/claims/{claim_id}/receipt", responses=problems(*_PROBLEMS))
async def get_receipt(claim_id: UUID, actor: Annotated[Actor, Depends(allowed("claim.read"))], read: Read) -> Response:
    """The receipt of a settled claim: by line and payer the amount and its rule, and the digest it is known by."""
    return answer(receipt_view(await _settled(claim_id, actor, read)))


@router.get(
    "/claims/{claim_id}/receipt/document",
    responses={
        **problems(*_PROBLEMS, "patient.forgotten"),
        200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}},
    },
)
async def get_receipt_document(
    claim_id: UUID, actor: Annotated[Actor, Depends(allowed("claim.read"))], read: Read, keep: Keep, aside: Aside
) -> Response:
    """The receipt as PDF, with a QR code of claim and digest. Made when it is asked for first, and once more when the
    claim was reversed; the same bytes ever after. What counts are the data (`/receipt`)."""
    state = await _settled(claim_id, actor, read)
    kept = await _kept(state, read)
    if kept is None:
        insurer, forgotten = await read.load(insurer_of(state), forgotten_ref(_patient(state)))
        if forgotten.state.forgotten:
            raise Refused("patient.forgotten")
        await keep(keep_receipt(state, await aside(render, receipt_paper(state, insurer.state))))
        kept = await _kept(state, read)  # another request may have been first
    content = bytes_of(kept) if kept else None
    if kept is None or content is None:
        raise Refused("patient.forgotten")
    headers = {
        "ETag": f'"{kept.sha256}"',
        "Content-Disposition": f'inline; filename="{claim_id}-{kept.standing}.pdf"',
    }
    return Response(content, media_type="application/pdf", headers=headers)


def _patient(state: ClaimState) -> UUID:
    return state.opened.patient_ref if state.opened else UUID(int=0)


async def _kept(state: ClaimState, read: Reader) -> ReceiptKept | None:
    (found,) = await read.load(receipt_of(state))
    kept: ReceiptKept | None = found.state.kept
    return kept


async def _settled(claim_id: UUID, actor: Actor, read: Reader) -> ClaimState:
    (claim,) = await read.load(CLAIM.ref(claim_id))
    if claim.state.opened is None:
        raise Refused("claim.unknown", claim_id=str(claim_id))
    if not sees(actor, claim.state):
        raise Refused("claim.not_yours", claim_id=str(claim_id))
    if claim.state.receipt_sha256 is None:
        raise Refused("claim.not_settled", claim_id=str(claim_id), state=claim.state.state)
    settled: ClaimState = claim.state
    return settled
