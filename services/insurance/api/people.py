"""Members, their standing authorisations and their payments."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from services.insurance.application.members import (
    give_standing_authorisation,
    load_member,
    withdraw_standing_authorisation,
)
from services.insurance.application.payments import pay, payment_view
from services.insurance.composition import OUTSIDE
from services.insurance.domain.accumulator import YearFigures
from services.insurance.domain.claim import CLAIM
from services.insurance.domain.member import ImportMember, MemberFacts
from services.insurance.domain.payment import PAYMENT, PayShare, fee_of
from services.seedwork.api import Body, Read, Refused, Run, allowed, answer, problems
from services.seedwork.ports import Reader
from services.seedwork.usecase import Actor

FEN_MAX = 10**12
"""Of one person: more is a slip of the pen."""
Code = Annotated[str, Field(min_length=1, max_length=30)]

router = APIRouter()


class MemberBody(Body):
    patient_ref: UUID
    as_of: date = Field(description="day of the insurer's figures")
    insurer: Code
    insutype: Code = Field(description="310 employees, 390 residents")
    psn_type: Code = Field(description="在职, 退休, 居民")
    assistance: Code | None = Field(default=None, description="特困, 低保, 返贫")
    account_balance: int = Field(default=0, ge=0, le=FEN_MAX, description="fen")
    deductible_used: int = Field(default=0, ge=0, le=FEN_MAX, description="fen, in the year of as_of")
    pooled_paid: int = Field(default=0, ge=0, le=FEN_MAX, description="fen, in the year of as_of")
    insured_from: date
    insured_until: date | None = None


class PayBody(Body):
    reference: str = Field(min_length=4, max_length=64, description="the provider's reference of this payment")


@router.post("/authorisations", responses=problems("authorisation.not_a_patient", "authorisation.wrong_state"))
async def give_authorisation(actor: Annotated[Actor, Depends(allowed("authorisation.give"))], run: Run) -> Response:
    """The patient's standing authorisation: claims are authorised when their supply is dispensed."""
    return await run(give_standing_authorisation(actor))


@router.post(
    "/authorisations/withdrawals", responses=problems("authorisation.not_a_patient", "authorisation.wrong_state")
)
async def withdraw_authorisation(actor: Annotated[Actor, Depends(allowed("authorisation.give"))], run: Run) -> Response:
    """The patient takes the standing authorisation back; what is authorised stays so."""
    return await run(withdraw_standing_authorisation(actor))


@router.get("/payments/{payment_id}", responses=problems("payment.unknown", "payment.not_yours"))
async def get_payment(
    payment_id: UUID, actor: Annotated[Actor, Depends(allowed("payment.read"))], read: Read
) -> Response:
    """A payment of the patient's share, or of a delivery fee."""
    (payment,) = await read.load(PAYMENT.ref(payment_id))
    if payment.state.requested is None:
        raise Refused("payment.unknown", payment_id=str(payment_id))
    if payment.state.requested.patient_ref != actor.patient_ref:
        raise Refused("payment.not_yours", payment_id=str(payment_id))
    return answer(payment_view(payment.state), version=payment.version)


@router.get("/payments")
async def payments_of_claim(
    claim_id: UUID, actor: Annotated[Actor, Depends(allowed("payment.read"))], read: Read
) -> Response:
    """The payments of a claim, if they are the caller's: of the share, and of the delivery fee, which stays the same
    over all attempts for a supply; each with what had been paid for the claim before (`covered`) and what is `due`."""
    rows = await read.find("payments_of_claim", claim_id=claim_id)
    mine = [row for row in rows if row["patient_ref"] == actor.patient_ref]
    found = await read.load(*(PAYMENT.ref(row["payment_id"]) for row in mine)) if mine else ()
    own = [{**row, **payment_view(payment.state)} for row, payment in zip(mine, found, strict=True)]
    if not any(row["item"] == "delivery_fee" for row in own):
        own += await _fee_of(claim_id, actor, read)
    return answer({"items": own})


async def _fee_of(claim_id: UUID, actor: Actor, read: Reader) -> list[dict[str, Any]]:
    """The fee that was asked for with an earlier attempt."""
    (claim,) = await read.load(CLAIM.ref(claim_id))
    opened = claim.state.opened
    if opened is None or opened.delivery_fee is None or opened.patient_ref != actor.patient_ref:
        return []
    (fee,) = await read.load(fee_of(opened.supply.supply_id))
    return [dict(payment_view(fee.state))] if fee.state.requested else []


@router.post(
    "/payments/{payment_id}/pay",
    responses=problems("payment.unknown", "payment.not_yours", "payment.wrong_state", "payment.outcome_unknown"),
)
async def pay_payment(
    payment_id: UUID, body: PayBody, _actor: Annotated[Actor, Depends(allowed("payment.pay"))], run: Run
) -> Response:
    """Pay the share, or the fee, under the provider's reference; the same reference again is the first answer again."""
    return await run(pay(PayShare(payment_id=payment_id, reference=body.reference), OUTSIDE))


@router.post("/members", status_code=201, responses=problems("member.unknown_insurer", "member.import_outdated"))
async def import_one_member(
    body: MemberBody, _actor: Annotated[Actor, Depends(allowed("member.load"))], run: Run
) -> Response:
    """The insurer's word on one person as of a day; the same again changes nothing."""
    imported = ImportMember(
        patient_ref=body.patient_ref,
        as_of=body.as_of,
        facts=MemberFacts(**body.model_dump(include=set(MemberFacts.model_fields))),
        figures=YearFigures(deductible_used=body.deductible_used, pooled_paid=body.pooled_paid),
    )
    return await run(load_member(imported))
