"""What insurers follow: settlements, alarms of trace codes, the trial balance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from contracts.roles import Role
from services.insurance.application.views import balanced
from services.seedwork.api import Paging, Read, allowed, answer
from services.seedwork.clock import from_micros
from services.seedwork.usecase import Actor

FEED_LIMIT_MAX = 200
POSITION_MAX = 2**63 - 1
"""What a column of 64 bits holds."""

router = APIRouter()


@router.get("/settlements")
async def settlements(
    actor: Annotated[Actor, Depends(allowed("settlement.feed"))],
    read: Read,
    after: Annotated[
        int, Query(ge=0, le=POSITION_MAX, description="`next` of the answer before; 0: from the beginning")
    ] = 0,
    limit: Annotated[int, Query(ge=1, le=FEED_LIMIT_MAX)] = FEED_LIMIT_MAX,
) -> Response:
    """What the officer's insurer is told, in order: claims of own members settled or taken back.

    `next` is always there: ask again with it for what comes later.
    """
    insurer = actor.organisation or ""
    rows = await read.find("settlements_of_insurer", insurer=insurer, after=after, limit=limit)
    items = [dict(row) for row in rows]
    return answer({"items": items, "next": items[-1]["position"] if items else after})


@router.get("/trace-alarms")
async def trace_alarms(
    actor: Annotated[Actor, Depends(allowed("trace_alarm.read"))], read: Read, page: Paging
) -> Response:
    """Trace codes met a second time, whose first sale the officer's insurer paid; newest first. Codes as hashes."""
    before = page.after[0] if page.after else POSITION_MAX
    insurer = actor.organisation or ""
    rows = await read.find("trace_alarms_of_insurer", insurer=insurer, before=before, limit=page.fetch)
    return page.answer(rows, key=lambda row: [row["position"]], item=_alarm)


def _alarm(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = ("code_sha256", "product", "kind", "found", "first", "second")
    claim_id = str(row["claim_id"]) if row["claim_id"] else None
    return {**{name: row[name] for name in shown}, "claim_id": claim_id, "recorded_at": from_micros(row["recorded_at"])}


@router.get("/ledger/trial-balance")
async def trial_balance(actor: Annotated[Actor, Depends(allowed("ledger.read"))], read: Read) -> Response:
    """Debits and credits by account over the claims of the officer's insurer, or of the pharmacist's pharmacy: pending
    until a claim is settled, posted from then on. Their balances sum to zero."""
    own = actor.organisation or ""
    if actor.role == Role.PHARMACIST:
        rows = await read.find("trial_balance_of_pharmacy", pharmacy=own)
    else:
        rows = await read.find("trial_balance", insurer=own)
    return answer(balanced(rows))
