"""Goods in bulk: opening stock and running orders, answered row by row."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from contracts.rows import ROWS_PER_REQUEST_MAX
from services.dispatch.api.common import organisation
from services.dispatch.application import imports
from services.dispatch.domain.values import CODE_LENGTH_MAX
from services.seedwork.api import Body, Refused, Run, allowed, problems
from services.seedwork.usecase import Actor

router = APIRouter(prefix="/imports")
MayImport = Annotated[Actor, Depends(allowed("stock.import"))]
REFUSED = problems("stock.not_yours", "import.size")


class RowsBody(Body):
    """Rows as `contracts.goods` describes them; each is read for itself. `pharmacy`: an administrator's to say."""

    pharmacy: str | None = Field(default=None, max_length=CODE_LENGTH_MAX)
    rows: list[dict[str, Any]] = Field(json_schema_extra={"minItems": 1, "maxItems": ROWS_PER_REQUEST_MAX})


@router.post("/stock", responses=REFUSED)
async def stock(body: RowsBody, actor: MayImport, run: Run) -> Response:
    """Book opening stock: row_key (or product and lot), product, lot, expiry, quantity, unit_price, occurred_at."""
    return await run(imports.import_stock(_pharmacy(body, actor), body.rows))


@router.post("/orders", responses=REFUSED)
async def orders(body: RowsBody, actor: MayImport, run: Run) -> Response:
    """Take over orders: order_no, line, supplier, product, requested, filled, back_ordered, promised_at."""
    return await run(imports.import_orders(_pharmacy(body, actor), body.rows, actor))


def _pharmacy(body: RowsBody, actor: Actor) -> str:
    pharmacy = body.pharmacy or organisation(actor)
    if actor.role != "system_admin" and pharmacy != organisation(actor):
        raise Refused("stock.not_yours", pharmacy=pharmacy)
    return pharmacy
