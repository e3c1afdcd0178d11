"""Fulfilments: the patient's own with the token, a pharmacy's by token or by its holds."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import segno
from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.dispatch.api.common import PickupKey, TokenKey, organisation
from services.dispatch.application.holds import LookUp, look_up
from services.dispatch.application.views import content_view, fulfilment_view
from services.dispatch.domain import secrets
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.dispatch.domain.prescription_content import CONTENTS, content_id
from services.seedwork.api import Body, Read, Refused, Run, allowed, answer, problems
from services.seedwork.model import Loaded
from services.seedwork.usecase import Actor

router = APIRouter()
MayRead = Annotated[Actor, Depends(allowed("fulfilment.read"))]
UNDERWAY = ("dispensed", "with_courier")


class LookUpBody(Body):
    """The code the patient shows, typed or scanned."""

    token: str = Field(min_length=1, max_length=64, examples=["7KQ2M-9XWZ3TB", "RXFLOW:1:7KQ2M9XWZ3TB"])


@router.post("/lookups", responses=problems("token.wrong", "token.locked", "token.used_up", "pharmacy.not_admitted"))
async def look_up_token(
    body: LookUpBody, actor: Annotated[Actor, Depends(allowed("fulfilment.hold"))], run: Run, token_key: TokenKey
) -> Response:
    """The prescription whose token the patient shows. Wrong codes are counted and locked."""
    response: Response = await run(look_up(LookUp(pharmacy=organisation(actor), token=body.token), actor, token_key))
    return response


@router.get("/fulfilments/{fulfilment_id}", responses=problems("fulfilment.unknown", "fulfilment.not_yours"))
async def fulfilment(fulfilment_id: UUID, actor: MayRead, read: Read) -> Response:
    """Where everything is. A pharmacy reads it, with the prescription, while it holds and once it has dispensed."""
    loaded = await _visible(read, fulfilment_id, actor)
    shown: dict[str, Any] = fulfilment_view(loaded.state, _pharmacy(actor))
    if actor.role != "patient":
        (content,) = await read.load(CONTENTS.ref(content_id(loaded.state.prescription_id)))
        shown["prescription"] = content_view(content.state)
    return answer(shown, version=loaded.version)


@router.get("/fulfilments")
async def fulfilments_of_prescription(prescription_id: UUID, actor: MayRead, read: Read) -> Response:
    """The fulfilments of a prescription that the caller may see."""
    rows = await read.find("fulfilments_of_prescription", prescription_id=prescription_id)
    loaded = await read.load(*(FULFILMENTS.ref(row["fulfilment_id"]) for row in rows))
    now = await read.now()
    seen = [one.state for one in loaded if _may_see(one.state, actor, now)]
    return answer({"items": [fulfilment_view(state, _pharmacy(actor)) for state in seen]})


@router.get(
    "/fulfilments/{fulfilment_id}/token",
    responses=problems("fulfilment.unknown", "fulfilment.not_yours", "token.used_up"),
)
async def token(
    fulfilment_id: UUID,
    actor: Annotated[Actor, Depends(allowed("fulfilment.token"))],
    read: Read,
    token_key: TokenKey,
    pickup_key: PickupKey,
) -> Response:
    """The patient's right to be served, as a code and as the text of a QR code; and the pickup codes underway."""
    state = await _unspent(read, fulfilment_id, actor)
    code = secrets.patient_token(token_key, fulfilment_id, state.token_issue)
    pickups = [
        {"supply_id": str(supply.supply_id), "code": secrets.pickup_code(pickup_key, supply.supply_id)}
        for supply in state.supplies.values()
        if supply.status in UNDERWAY
    ]
    return answer({"token": code, "qr": secrets.qr_text(code), "pickup_codes": pickups})


@router.get(
    "/fulfilments/{fulfilment_id}/token/qr",
    responses=problems("fulfilment.unknown", "fulfilment.not_yours", "token.used_up"),
)
async def token_qr(
    fulfilment_id: UUID,
    actor: Annotated[Actor, Depends(allowed("fulfilment.token"))],
    read: Read,
    token_key: TokenKey,
) -> Response:
    """The patient's code as a QR code, an SVG image to be shown at the counter."""
    state = await _unspent(read, fulfilment_id, actor)
    return _qr(secrets.patient_token(token_key, fulfilment_id, state.token_issue))


@router.get(
    "/fulfilments/{fulfilment_id}/supplies/{supply_id}/pickup-qr",
    responses=problems(
        "fulfilment.unknown", "fulfilment.not_yours", "token.used_up", "supply.unknown", "supply.wrong_state"
    ),
)
async def pickup_qr(
    fulfilment_id: UUID,
    supply_id: UUID,
    actor: Annotated[Actor, Depends(allowed("fulfilment.token"))],
    read: Read,
    pickup_key: PickupKey,
) -> Response:
    """The code of one supply that is ready or on its way, as a QR code for the counter or the courier."""
    supply = (await _unspent(read, fulfilment_id, actor)).supplies.get(supply_id)
    if supply is None:
        raise Refused("supply.unknown", supply_id=str(supply_id))
    if supply.status not in UNDERWAY:
        raise Refused("supply.wrong_state", state=supply.status, trigger="show the pickup code")
    return _qr(secrets.pickup_code(pickup_key, supply_id))


def _qr(code: str) -> Response:
    image = segno.make_qr(secrets.qr_text(code), error="m").svg_inline(scale=4)
    return Response(image, media_type="image/svg+xml")


async def _unspent(read: Read, fulfilment_id: UUID, actor: Actor) -> FulfilmentState:
    """The fulfilment, while its token is worth something."""
    state = (await _visible(read, fulfilment_id, actor)).state
    if state.status == "closed":
        raise Refused("token.used_up", outcome=state.outcome)
    return state


async def _visible(read: Read, fulfilment_id: UUID, actor: Actor) -> Loaded[FulfilmentState]:
    (loaded,) = await read.load(FULFILMENTS.ref(fulfilment_id))
    if not loaded.exists:
        raise Refused("fulfilment.unknown", fulfilment_id=str(fulfilment_id))
    if not _may_see(loaded.state, actor, await read.now()):
        raise Refused("fulfilment.not_yours", fulfilment_id=str(fulfilment_id))
    return loaded


def _pharmacy(actor: Actor) -> str | None:
    """Whose holds and supplies alone are shown; None: everybody's, to the patient."""
    return None if actor.role == "patient" else organisation(actor)


def _may_see(state: FulfilmentState, actor: Actor, now: datetime) -> bool:
    """The patient's own; a pharmacy's while it holds something of it, and once it has dispensed."""
    if actor.role == "patient":
        return actor.patient_ref is not None and actor.patient_ref == state.patient_ref
    return state.served_by(organisation(actor), now)
