"""Where an insurer wants to be told of settlements."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from services.insurance.application.webhooks import KINDS, SETTLEMENTS
from services.seedwork.api import Run, allowed, problems
from services.seedwork.api.webhook_endpoints import OPENING, EndpointBody, opened, webhook_routes
from services.seedwork.usecase import Actor

router = APIRouter()
Kind = Literal["settlement.settled", "settlement.reversed", "settlement.voided"]


class SettlementEndpointBody(EndpointBody):
    """Which of the insurer's settlements are told."""

    kinds: Annotated[tuple[Kind, ...], Field(min_length=1, max_length=len(KINDS))]


@router.post(SETTLEMENTS.path, responses=problems(*OPENING))
async def open_endpoint(
    body: SettlementEndpointBody,
    _actor: Annotated[Actor, Depends(allowed(SETTLEMENTS.right))],
    request: Request,
    run: Run,
) -> Response:
    """From now on, or from a place in `GET /settlements`, the insurer is told by signed calls (Standard Webhooks) what
    that feed holds: at least once, each claim in order. The secret is in this answer and in no other."""
    return await opened(SETTLEMENTS, body, (body.kinds, {}), request, run)


router.routes.extend(webhook_routes(SETTLEMENTS).routes)
