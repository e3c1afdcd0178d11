"""What has changed for a pharmacy since it last asked: nominations, all that it holds, and what it must know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.responses import Response

from contracts.registers import Pharmacy
from services.dispatch.api.common import organisation
from services.dispatch.application.registers import pharmacy_ref
from services.dispatch.projections.pharmacy_feed import addressed
from services.seedwork.api import Paging, Read, WaitSeconds, allowed, newest
from services.seedwork.api.waiting import Rows
from services.seedwork.clock import from_micros
from services.seedwork.usecase import Actor

router = APIRouter()
SHOWN = ("kind", "subject_id", "fulfilment_id", "status", "reason", "claim", "notice", "facts", "position")


@router.get("/pharmacy-feed")
async def pharmacy_feed(
    actor: Annotated[Actor, Depends(allowed("pharmacy.feed"))],
    read: Read,
    page: Paging,
    wait_seconds: WaitSeconds = 0,
) -> Response:
    """Each nomination, hold and notice of the pharmacy that has changed since `cursor`, as it stands now, oldest change
    first. Keep `next` and ask again with it: it is there also when nothing is left, and `items` may be empty.

    Of a hold: `status` held, accepted, prepared, dispensed, with_courier, received; or how it ended: released, refused,
    expired, revoked, undone. `claim`: quoted, refused, cleared, credit (cleared on the pharmacy's own word), withdrawn,
    voided.
    `notice`: lines of the prescription were blocked, what blocked them was answered, or the patient must not use what
    was given (stop_use); the record says which. `due_at`: until when the hold stands, or the patient must collect.

    Other kinds, with their `facts`: `expiry` of a lot (expires_soon, expired); `contradiction`: out of stock was told
    against the books; `recall` of lots, for every pharmacy (recalled, late, worked_off), `recalled_shelf`: what was set
    apart here, `stop_use`: a patient with packs of ours was told (patient_told, acknowledged); `claim`: what an insurer
    decides after the patient has it (disputed, decided, reversed), sums in fen; `audit`: what the insurer's audit asks
    about a supply, and how that stands; `difference`: an insurer's day does not agree with ours about a claim (open,
    closed by the answer in `reason`); `transfer` that is proposed while a drug is short (offered, accepted by one side,
    agreed, declined, sent, arrived), `facts.side` is ours; `reserve` of medicines for our region (on_its_way);
    `reporter`: shortage heard nothing of us (silent, heard_again; left: awaited no more, as we left the register), or
    what we said contradicts itself (contradictory).
    """
    position, subject = page.after or (0, str(UUID(int=0)))
    pharmacy = organisation(actor)
    (known,) = await read.load(pharmacy_ref(pharmacy))
    entry = known.state.read(Pharmacy)
    place = {"position": position, "subject_id": UUID(subject), **addressed(pharmacy, entry and entry.region)}

    async def ask() -> Rows:
        return await read.find("fed_to_pharmacy", **place, limit=page.limit)

    rows = await newest(ask, wait_seconds)
    return page.feed(rows, key=lambda row: [row["position"], str(row["subject_id"])], item=_shown)


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    about = {name: row[name] for name in SHOWN}
    ids = {"hold_id": row["subject_id"] if row["kind"] == "hold" else None, "supply_id": row["supply_id"]}
    due = row["due_at"]
    return {**about, **ids, "due_at": due and from_micros(due), "changed_at": from_micros(row["changed_at"])}
