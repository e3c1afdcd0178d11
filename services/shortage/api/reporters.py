"""Those who report: how each stands, and the alerts about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from contracts.roles import Role
from services.seedwork.api import Paging, Read, Refused, allowed, problems
from services.seedwork.clock import from_micros
from services.seedwork.usecase import Actor
from services.shortage.api.cases import BEFORE_THE_FIRST, MayDecide
from services.shortage.application.use_cases import authority_of
from services.shortage.domain.regions import covers, node_of
from services.shortage.projections.cases import NOBODY

router = APIRouter(tags=["shortage"])


@router.get("/reporters", responses=problems("shortage.not_your_region"))
async def reporters(
    actor: Annotated[Actor, Depends(allowed("reporter.read"))],
    read: Read,
    page: Paging,
    region: Annotated[
        str | None, Query(pattern=r"^\d{6}$", description="GB/T 2260 division; none: the authority's")
    ] = None,
    state: Annotated[
        Literal["reporting", "silent", "unknown"] | None, Query(description="unknown: never heard of; none: in any")
    ] = None,
) -> Response:
    """How reporters of the authority's region stand; everybody else is shown themselves. A row for each kind of report
    that somebody brings (`source`); none: what a pharmacy's own systems tell of stock, orders and demands. Without a
    word before `awaited_by` it is silent; none: nobody knows when it is heard of next."""
    within, own = _whose(actor, region)
    after, source = page.after or ("", "")
    rows = await read.find(
        "reporters", within=within, own=own, state=state or "", after=after, after_source=source, limit=page.fetch
    )
    return page.answer(rows, key=lambda row: [row["reporter"], row["source"]], item=_standing)


@router.get("/reporter-alerts")
async def reporter_alerts(actor: MayDecide, read: Read, page: Paging) -> Response:
    """Reporters of the authority's region that are silent, until they are heard of again, or that contradict
    themselves; newest first."""
    before = page.after[0] if page.after else BEFORE_THE_FIRST[0]
    authority = authority_of(actor.region)
    within = NOBODY if authority is None else authority
    rows = await read.find("reporter_alerts", within=within, before=before, limit=page.fetch)
    return page.answer(rows, key=lambda row: [row["position"]], item=_alert)


def _whose(actor: Actor, region: str | None) -> tuple[str, str]:
    """The node that is looked at, and the one reporter in it. Raises Refused where the node is another authority's."""
    node = None if region is None else node_of(region)
    if actor.role != Role.REGULATOR:
        return node or "", actor.organisation or NOBODY
    authority = authority_of(actor.region)
    if authority is None or (node is not None and not covers(authority, node)):
        raise Refused("shortage.not_your_region", region=region)
    return authority if node is None else node, ""


def _standing(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = ("reporter", "region", "state", "trust", "last", "silent_since", "contradicted")
    awaited_by = row["awaited_by"]
    return {
        **{name: row[name] for name in shown},
        "source": row["source"] or None,
        "awaited_by": None if awaited_by is None else from_micros(awaited_by),
    }


def _alert(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = ("reporter", "region", "kind", "since", "against")
    named = {name: row[name] for name in shown}
    return {**named, "source": row["source"] or None, "raised_at": from_micros(row["raised_at"])}
