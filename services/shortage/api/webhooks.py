"""Where an authority wants to be told of shortages."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from services.seedwork.api import Refused, Run, allowed, problems
from services.seedwork.api.webhook_endpoints import OPENING, EndpointBody, opened, webhook_routes
from services.seedwork.usecase import Actor
from services.shortage.application.following import CHANGES, DRUGS, KINDS, REGIONS
from services.shortage.domain.regions import known_node, node_of

router = APIRouter(tags=["shortage reports"])
Kind = Literal["shortage.new", "shortage.changed", "shortage.eased", "shortage.ended", "shortage.back_again"]
FILTERS_MAX = 50
Region = Annotated[str, Field(pattern=r"^\d{6}$")]
DrugKey = Annotated[str, Field(min_length=1, max_length=300)]


class ChangesEndpointBody(EndpointBody):
    """Which changes are told; no regions or no drugs: of all."""

    kinds: Annotated[tuple[Kind, ...], Field(min_length=1, max_length=len(KINDS))]
    regions: Annotated[
        tuple[Region, ...],
        Field(max_length=FILTERS_MAX, description="GB/T 2260 divisions: cases there, inside, or of what they lie in"),
    ] = ()
    drugs: Annotated[
        tuple[DrugKey, ...], Field(max_length=FILTERS_MAX, description="generic name | form | strength")
    ] = ()


@router.post(CHANGES.path, responses=problems(*OPENING, "report.region_unknown"))
async def open_endpoint(
    body: ChangesEndpointBody,
    _actor: Annotated[Actor, Depends(allowed(CHANGES.right))],
    request: Request,
    run: Run,
) -> Response:
    """From now on, or from a place in `GET /shortage-changes`, the authority is told by signed calls (Standard
    Webhooks) what that feed shows it: at least once, each case in order. The secret is in this answer only."""
    unknown = [region for region in body.regions if not known_node(node_of(region))]
    if unknown:
        raise Refused("report.region_unknown", regions=unknown)
    filters = {REGIONS: body.regions, DRUGS: body.drugs}
    return await opened(CHANGES, body, (body.kinds, filters), request, run)


router.routes.extend(webhook_routes(CHANGES).routes)
