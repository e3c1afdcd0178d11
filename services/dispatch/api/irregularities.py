"""What an organisation has recorded although a rule was broken. It happened, so it is not refused: it is explained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.responses import Response

from services.dispatch.api.common import organisation
from services.seedwork.api import Paging, Read, allowed
from services.seedwork.clock import from_micros
from services.seedwork.usecase import Actor

router = APIRouter(prefix="/irregularities")
AFTER_THE_LAST = 2**63 - 1


@router.get("")
async def irregularities(
    actor: Annotated[Actor, Depends(allowed("irregularity.read"))], read: Read, page: Paging
) -> Response:
    """Supplies the caller's pharmacy has handed out, or its couriers delivered, while a rule was broken; newest first.

    `irregularities` are codes of the error catalogue.
    """
    before = page.after[0] if page.after else AFTER_THE_LAST
    rows = await read.find("irregularities_of", organisation=organisation(actor), before=before, limit=page.fetch)
    return page.answer(rows, key=lambda row: [row["log_index"]], item=_shown)


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("fulfilment_id", "supply_id", "irregularities", "handed_out_by")
    return {**{name: row[name] for name in names}, "recorded_at": from_micros(row["recorded_at"])}
