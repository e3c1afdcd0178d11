"""Claims: seen, authorised, paid alone, credited, reversed, decided."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import Field
from starlette.background import BackgroundTask

from services.insurance.api.asking import ask_with_credential
from services.insurance.application.access import concerns, sees
from services.insurance.application.claims import (
    authorise_claim,
    choose_self_pay_for_claim,
    decide_disputed_claim,
    give_credit_on_claim,
    order_reversal,
)
from services.insurance.application.views import claim_view
from services.insurance.composition import OUTSIDE
from services.insurance.domain.claim import (
    CLAIM,
    AuthoriseClaim,
    ChooseSelfPay,
    DecideDispute,
    GiveCredit,
    OrderReversal,
)
from services.insurance.domain.claim_values import Bearer, Decision
from services.seedwork.api import Aside, Body, Keep, Read, Refused, Run, allowed, answer, problems
from services.seedwork.usecase import Actor

Reason = Annotated[str, Field(min_length=4, max_length=500)]

router = APIRouter()


class AuthoriseBody(Body):
    credential: Annotated[str, Field(min_length=4, max_length=64)] | None = Field(
        default=None, description="医保电子凭证; not needed with a standing authorisation"
    )


class SelfPayBody(Body):
    consent: str = Field(min_length=4, max_length=128, description="reference of the patient's written consent")


class CreditBody(Body):
    reason: Reason = Field(description="why the patient needs it now")
    patient_consent: Annotated[str, Field(min_length=4, max_length=128)] | None = Field(
        default=None, description="reference of the patient's written consent to pay should the insurer not"
    )


class ReversalBody(Body):
    reason: Reason


class DecisionBody(Body):
    decision: Decision
    bearer: Bearer
    reason: Reason


@router.get("/claims/{claim_id}", responses=problems("claim.unknown", "claim.not_yours"))
async def get_claim(claim_id: UUID, actor: Annotated[Actor, Depends(allowed("claim.read"))], read: Read) -> Response:
    """A claim with every amount and its rule."""
    (claim,) = await read.load(CLAIM.ref(claim_id))
    if claim.state.opened is None:
        raise Refused("claim.unknown", claim_id=str(claim_id))
    if not sees(actor, claim.state):
        raise Refused("claim.not_yours", claim_id=str(claim_id))
    return answer(claim_view(claim.state), version=claim.version)


@router.get("/claims")
async def claims_of_supply(
    supply_id: UUID, actor: Annotated[Actor, Depends(allowed("claim.read"))], read: Read
) -> Response:
    """The claims for a supply, by attempt; only those that concern the caller."""
    rows = await read.find("claims_of_supply", supply_id=supply_id)
    return answer({"items": [dict(row) for row in rows if _concerns(actor, row)]})


def _concerns(actor: Actor, row: Mapping[str, Any]) -> bool:
    return concerns(actor, patient_ref=row["patient_ref"], pharmacy=row["pharmacy"], insurer=row["insurer"])


@router.post(
    "/claims/{claim_id}/authorise",
    responses=problems(
        "claim.unknown", "claim.not_yours", "claim.wrong_state", "claim.credential_missing", "claim.audit_open"
    ),
)
async def authorise(
    claim_id: UUID,
    body: AuthoriseBody,
    _actor: Annotated[Actor, Depends(allowed("claim.authorise"))],
    run: Run,
    read: Read,
    keep: Keep,
    aside: Aside,
) -> Response:
    """Ask the insurer. The answer's `state` is authorised(cleared), authorised (the share is to be paid) or refused;
    quoted, where the audit suspects something and a person of the insurer decides; or authorising, where the insurer is
    beyond the network: it is asked now, and the claim tells what it answers."""
    response = await run(authorise_claim(AuthoriseClaim(claim_id=claim_id, credential=body.credential), OUTSIDE))
    if body.credential is not None and response.status_code < HTTPStatus.BAD_REQUEST:
        response.background = BackgroundTask(ask_with_credential, claim_id, body.credential, read, keep, aside)
    return response


@router.post("/claims/{claim_id}/self-pay", responses=problems("claim.unknown", "claim.not_yours", "claim.wrong_state"))
async def self_pay(
    claim_id: UUID, body: SelfPayBody, _actor: Annotated[Actor, Depends(allowed("claim.authorise"))], run: Run
) -> Response:
    """The patient pays alone, with written consent."""
    return await run(choose_self_pay_for_claim(ChooseSelfPay(claim_id=claim_id, consent=body.consent), OUTSIDE))


@router.post(
    "/claims/{claim_id}/credit",
    responses=problems("claim.unknown", "claim.not_yours", "claim.wrong_state", "claim.credit_not_allowed"),
)
async def credit(
    claim_id: UUID, body: CreditBody, _actor: Annotated[Actor, Depends(allowed("claim.credit"))], run: Run
) -> Response:
    """Hand out before the money is certain; the token's person answers for it."""
    command = GiveCredit(claim_id=claim_id, reason=body.reason, patient_consent=body.patient_consent)
    return await run(give_credit_on_claim(command, OUTSIDE))


@router.post("/claims/{claim_id}/reversal", responses=problems("claim.unknown", "claim.not_yours", "claim.wrong_state"))
async def reversal(
    claim_id: UUID, body: ReversalBody, _actor: Annotated[Actor, Depends(allowed("claim.decide"))], run: Run
) -> Response:
    """The insurer orders that a settled claim be taken back, once."""
    return await run(order_reversal(OrderReversal(claim_id=claim_id, reason=body.reason), OUTSIDE))


@router.post(
    "/claims/{claim_id}/decision",
    responses=problems(
        "claim.unknown",
        "claim.not_yours",
        "claim.wrong_state",
        "claim.decision_not_possible",
        "claim.consent_missing",
    ),
)
async def decision(
    claim_id: UUID, body: DecisionBody, _actor: Annotated[Actor, Depends(allowed("claim.decide"))], run: Run
) -> Response:
    """A disputed claim is decided, with the bearer of the loss; the token's person is named."""
    return await run(decide_disputed_claim(DecideDispute(claim_id=claim_id, **body.model_dump()), OUTSIDE))
