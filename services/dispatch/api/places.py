"""Where a patient could go: pharmacies near a place that have what is wanted. A hint, never a promise."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from services.dispatch.application.registers import drug_refs, product_facts
from services.dispatch.domain.geography import box
from services.dispatch.domain.values import CODE_LENGTH_MAX
from services.dispatch.projections.availability import ranked
from services.seedwork.api import Read, Refused, allowed, answer, problems
from services.seedwork.calendar import civil_day
from services.seedwork.usecase import Actor

router = APIRouter(prefix="/pharmacies")
SHOWN_MAX = 20
ProductCode = Annotated[str, Field(max_length=CODE_LENGTH_MAX)]


@router.get("/near", responses=problems("product.unknown"))
async def near(
    _actor: Annotated[Actor, Depends(allowed("pharmacy.near"))],
    read: Read,
    lat: Annotated[float, Query(ge=-90, le=90)],
    lon: Annotated[float, Query(ge=-180, le=180)],
    products: Annotated[list[ProductCode], Query(min_length=1, max_length=5)],
    radius_metres: Annotated[int, Query(ge=100, le=100_000)] = 10_000,
) -> Response:
    """Pharmacies by what they have of these products (any brand), known shortages and distance."""
    now = await read.now()
    facts = product_facts(await read.load(*drug_refs(products)))
    unknown = sorted(set(products) - {row.product for row in facts})
    if unknown:
        raise Refused("product.unknown", product=unknown[0])
    area = {**box(lat, lon, radius_metres), "today": civil_day(now).isoformat()}
    pharmacies = await read.find("pharmacies_near", **area)
    free: dict[str, dict[str, int]] = {}
    short: dict[str, list[str]] = {}
    for drug in sorted({row.drug_key for row in facts}):
        levels = await read.find("stock_near", drug_key=drug, **area)
        free[drug] = {row["pharmacy"]: int(row["free"]) for row in levels}
        short[drug] = [row["region"] for row in await read.find("shortages_of", drug_key=drug)]
    rows = [row for row in ranked((lat, lon), pharmacies, free, short) if row["distance_metres"] <= radius_metres]
    return answer({"as_of": now.isoformat(), "items": rows[:SHOWN_MAX]})
