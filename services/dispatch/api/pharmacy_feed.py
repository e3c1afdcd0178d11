"""What has changed for a pharmacy since it last asked: nominations, and all that it holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.responses import Response

from services.dispatch.api.common import organisation
from services.seedwork.api import Paging, Read, WaitSeconds, allowed, newest
from services.seedwork.api.waiting import Rows
from services.seedwork.clock import from_micros
from services.seedwork.usecase import Actor

router = APIRouter()
SHOWN = ("kind", "fulfilment_id", "status", "reason", "claim", "notice", "position")


@router.get("/pharmacy-feed")
async def pharmacy_feed(
    actor: Annotated[Actor, Depends(allowed("pharmacy.feed"))],
    read: Read,
    page: Paging,
    wait_seconds: WaitSeconds = 0,
) -> Response:
    """Each nomination and each hold of the pharmacy that has changed since `cursor`, as it stands now, oldest change
    first. Keep `next` and ask again with it: it is there also when nothing is left, and `items` may be empty.

    Of a hold: `status` held, accepted, prepared, dispensed, with_courier, received; or how it ended: released, refused,
    expired, revoked, undone. `claim`: quoted, refused, cleared, voided. `notice`: lines of the prescription were
    blocked, or what blocked them was answered; the record says which. `due_at`: until when the hold stands, or the
    patient must collect.
    """
    position, subject = page.after or (0, str(UUID(int=0)))
    place = {"pharmacy": organisation(actor), "position": position, "subject_id": UUID(subject)}

    async def ask() -> Rows:
        return await read.find("fed_to_pharmacy", **place, limit=page.limit)

    rows = await newest(ask, wait_seconds)
    return page.feed(rows, key=lambda row: [row["position"], str(row["subject_id"])], item=_shown)


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    about = {name: row[name] for name in SHOWN}
    ids = {"hold_id": row["subject_id"] if row["kind"] == "hold" else None, "supply_id": row["supply_id"]}
    due = row["due_at"]
    return {**about, **ids, "due_at": due and from_micros(due), "changed_at": from_micros(row["changed_at"])}
