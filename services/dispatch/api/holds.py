"""Holds: exclusive by line and quantity, each with a secret that every later step shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.dispatch.api.common import OWN_HOLD, DemandKey, HoldKey, TokenKey, organisation
from services.dispatch.application import holds
from services.dispatch.application.blocks import refuse_at_pharmacy
from services.dispatch.application.holds import HoldRequest
from services.dispatch.domain.fulfilment.commands import PassPharmacyReview, RefuseAtPharmacy, ReleaseHold, WantedLine
from services.dispatch.domain.secrets import hold_secret
from services.dispatch.domain.values import LineQuantity, Way
from services.seedwork.api import Body, Run, allowed, problems
from services.seedwork.usecase import Actor
from services.seedwork.wording import SAID

router = APIRouter(prefix="/fulfilments/{fulfilment_id}/holds")
MayHold = Annotated[Actor, Depends(allowed("fulfilment.hold"))]


class HoldBody(Body):
    """What to hold. `token` null: by the patient's nomination. `packs_seen`: the packs are in the pharmacist's hands,
    whatever the books say."""

    token: str | None = Field(default=None, min_length=1, max_length=64)
    way: Way
    lines: tuple[WantedLine, ...] = Field(min_length=1, max_length=50)
    packs_seen: bool = False
    replaces: UUID | None = None
    """A replacement: the pharmacy's own supply that came back or went bad."""


class SecretBody(Body):
    """The hold's secret."""

    secret: str = Field(min_length=1, max_length=128)


class ReviewBody(SecretBody):
    """`signature_serial`: of the check of the prescriber's signature that was read; null: the one that stands.
    `signature_acknowledged`: the pharmacist knows what could not be checked about it; `screening_acknowledged`: that a
    substitute, for which no prescriber is asked, could not be screened."""

    signature_serial: UUID | None = None
    signature_acknowledged: bool = False
    screening_acknowledged: bool = False


class RefusalBody(SecretBody):
    """Why it is refused: an official code and the pharmacist's words; `lines` null: all lines of the hold."""

    code: str = Field(min_length=1, max_length=10, examples=["2-8"])
    reason: str = Field(min_length=1, max_length=500, pattern=SAID)
    lines: tuple[Annotated[int, Field(ge=1, le=50)], ...] | None = Field(default=None, min_length=1, max_length=50)


class ReleaseBody(SecretBody):
    """What to give back; `lines` null: all of it."""

    reason: Literal["out_of_stock", "patient_wish", "mistake", "other"]
    lines: tuple[LineQuantity, ...] | None = Field(default=None, min_length=1, max_length=50)


def _secret(key: bytes, pharmacy: str) -> Any:
    def of_body(body: Mapping[str, Any]) -> Mapping[str, Any]:
        if "hold_id" not in body:
            return {}
        return {"secret": hold_secret(key, UUID(body["hold_id"]), pharmacy)}

    return of_body


@router.post(
    "",
    status_code=201,
    responses=problems(
        "fulfilment.unknown",
        "fulfilment.wrong_state",
        "token.wrong",
        "token.locked",
        "hold.not_nominated",
        "pharmacy.not_admitted",
        "person.not_qualified",
        "line.unknown",
        "product.unknown",
        "hold.validity_over",
        "hold.nothing_to_replace",
        "hold.replaced_elsewhere",
        "hold.replacing_over",
        "hold.line_twice",
        "hold.line_blocked",
        "hold.not_enough_remaining",
        "hold.counter_only",
        "hold.online_order_unconfirmed",
        "hold.other_drug",
        "substitution.no_protocol",
        "substitution.other_protocol",
        "substitution.mode_not_allowed",
        "substitution.no_consent",
        "substitution.not_exact",
        "substitution.too_long",
        "substitution.declined",
        "stock.not_enough",
    ),
)
async def hold(
    fulfilment_id: UUID,
    body: HoldBody,
    actor: MayHold,
    run: Run,
    token_key: TokenKey,
    hold_key: HoldKey,
    demand_key: DemandKey,
) -> Response:
    """Hold quantities for the patient who shows the token or has nominated this pharmacy, and reserve the stock.

    What the books cannot meet is refused, and told to shortage monitoring without the patient.
    """
    request = HoldRequest(
        fulfilment_id=fulfilment_id, pharmacy=organisation(actor), pharmacist=actor.subject, **dict(body)
    )
    use_case = holds.hold_quantity(request, actor, token_key, demand_key)
    response: Response = await run(use_case, secret=_secret(hold_key, organisation(actor)))
    return response


@router.post("/{hold_id}/secret", responses=problems("hold.unknown", "hold.not_yours", "hold.wrong_state"))
async def fetch_secret(fulfilment_id: UUID, hold_id: UUID, actor: MayHold, run: Run, hold_key: HoldKey) -> Response:
    """The secret again, after a lost reply; only for the pharmacy that holds."""
    use_case = holds.fetch_secret(fulfilment_id, hold_id, organisation(actor))
    return await run(use_case, secret=_secret(hold_key, organisation(actor)))


@router.post(
    "/{hold_id}/review",
    responses=problems(
        *OWN_HOLD,
        "pharmacy.not_admitted",
        "person.not_qualified",
        "hold.signature_unseen",
        "hold.signature_stale",
        "hold.signature_degraded",
        "substitution.no_protocol",
        "substitution.not_confirmed",
        "substitution.not_checked",
        "substitution.unlawful",
        "substitution.found",
        "substitution.unscreened",
        "hold.counter_only",
    ),
)
async def review(
    fulfilment_id: UUID,
    hold_id: UUID,
    body: ReviewBody,
    actor: Annotated[Actor, Depends(allowed("hold.review"))],
    run: Run,
    hold_key: HoldKey,
) -> Response:
    """The pharmacy's own pharmacist passes the prescription (药店审方); the hold lasts longer from here."""
    passed = PassPharmacyReview(
        hold_id=hold_id,
        pharmacy=organisation(actor),
        pharmacist=actor.subject,
        serial_seen=body.signature_serial,
        signature_acknowledged=body.signature_acknowledged,
        screening_acknowledged=body.screening_acknowledged,
    )
    return await run(holds.pass_review(fulfilment_id, passed, body.secret, hold_key))


@router.post(
    "/{hold_id}/refusal",
    responses=problems(
        *OWN_HOLD, "pharmacy.not_admitted", "person.not_qualified", "refusal.unknown_code", "hold.not_held"
    ),
)
async def refuse(
    fulfilment_id: UUID,
    hold_id: UUID,
    body: RefusalBody,
    actor: Annotated[Actor, Depends(allowed("hold.review"))],
    run: Run,
    hold_key: HoldKey,
) -> Response:
    """Refuse to dispense (拒绝调剂): the lines are blocked in every pharmacy until the prescriber has answered."""
    refused = RefuseAtPharmacy(
        hold_id=hold_id,
        pharmacy=organisation(actor),
        pharmacist=actor.subject,
        code=body.code,
        reason=body.reason,
        lines=body.lines,
    )
    return await run(refuse_at_pharmacy(fulfilment_id, refused, body.secret, hold_key))


@router.post(
    "/{hold_id}/release",
    responses=problems(*OWN_HOLD, "hold.not_held", "hold.line_twice", "substitution.not_exact"),
)
async def release(
    fulfilment_id: UUID,
    hold_id: UUID,
    body: ReleaseBody,
    actor: MayHold,
    run: Run,
    hold_key: HoldKey,
    demand_key: DemandKey,
) -> Response:
    """Give a hold back, all or a part. Out of stock is told to shortage monitoring, without the patient."""
    released = ReleaseHold(hold_id=hold_id, pharmacy=organisation(actor), reason=body.reason, lines=body.lines)
    return await run(holds.release_hold(fulfilment_id, released, body.secret, hold_key, demand_key))
