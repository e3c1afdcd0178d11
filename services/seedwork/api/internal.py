"""Routes between services (catch-up, restore check; service token only) and of development mode (the clock)."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from contracts.envelope import FEED_UPTO_HEADER, STREAM_TAIL_HEADER
from contracts.topology import FAMILY, consumed_by
from services.seedwork.api.answers import answer
from services.seedwork.api.context import context_of
from services.seedwork.api.dependencies import allowed, development_only
from services.seedwork.failures import Refused
from services.seedwork.usecase import Actor

PAGE_MAX = 500
LOG_INDEX_MAX = 2**63 - 1
"""What a column of 64 bits holds."""
EPOCH_MAX = 2**31 - 1
LINES = "application/x-ndjson"

router = APIRouter(tags=["between services"])
Peer = Annotated[Actor, Depends(allowed("internal.feed"))]
After = Annotated[int, Query(ge=0, le=LOG_INDEX_MAX, description="log index or number after which to go on")]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]


@router.get("/internal/feed/{family}", include_in_schema=False)
async def feed(request: Request, family: str, _peer: Peer, after: After = 0, limit: Limit = PAGE_MAX) -> Response:
    """The kept public events of a family after a log index, one envelope a line; `X-Feed-Upto`: there are no others up
    to that log index."""
    runtime: Any = context_of(request).kit.runtime
    if family not in FAMILY or FAMILY[family].producer != runtime.service.name:
        raise Refused("request.not_found")
    envelopes, upto = await runtime.feed(family, after, limit)
    return _lines(envelopes, {FEED_UPTO_HEADER: str(upto)})


@router.get("/internal/streams/{family}/{stream_id}", include_in_schema=False)
async def stream(
    request: Request, family: str, stream_id: UUID, _peer: Peer, after: After = 0, limit: Limit = PAGE_MAX
) -> Response:
    """The kept public events of one stream after a number, one envelope a line; `X-Stream-Tail`: its last number,
    which may be of an event that is held back."""
    del family
    runtime: Any = context_of(request).kit.runtime
    envelopes, tail = await runtime.stream(stream_id, after, limit)
    return _lines(envelopes, {STREAM_TAIL_HEADER: str(tail)})


@router.get("/internal/epoch", include_in_schema=False)
async def epoch(request: Request, _peer: Peer) -> Response:
    """How often this store was restored, and one. Whoever follows a feed starts again when it changes."""
    return answer({"epoch": await context_of(request).kit.runtime.epoch()})  # type: ignore[attr-defined]


@router.get("/internal/inbox/{upstream}", include_in_schema=False)
async def inbox(
    request: Request, upstream: str, _peer: Peer, after: UUID | None = None, limit: Limit = PAGE_MAX
) -> Response:
    """What this service has handled of an upstream, by stream: for the upstream's restore check."""
    rows = await context_of(request).kit.runtime.inbox(upstream, after, limit)  # type: ignore[attr-defined]
    return answer({"rows": rows})


class Epoch(BaseModel):
    """How often a store was restored, and one."""

    model_config = ConfigDict(extra="forbid")

    epoch: int = Field(ge=1, le=EPOCH_MAX)


@router.put("/internal/epochs/{upstream}", include_in_schema=False)
async def hear_of_epoch(request: Request, upstream: str, body: Epoch, _peer: Peer) -> Response:
    """For the upstream's restore check: what it said in an older epoch, and was not handled here until now, is handled
    no more, unless the upstream gives it out again. An older epoch than is known changes nothing."""
    runtime: Any = context_of(request).kit.runtime
    if upstream not in {family.producer for family in consumed_by(runtime.service.name)}:
        raise Refused("request.not_found")
    await runtime.hear_of_epoch(upstream, body.epoch)
    return answer({"epoch": body.epoch})


class ClockOffset(BaseModel):
    """How far the installation's clock is ahead of the machine's, in seconds."""

    model_config = ConfigDict(extra="forbid")

    offset_seconds: int = Field(ge=0, le=20 * 366 * 86_400)


@router.put("/development/clock", dependencies=[Depends(development_only)])
async def set_clock(
    request: Request, body: ClockOffset, _admin: Annotated[Actor, Depends(allowed("register.load"))]
) -> Response:
    """Development mode: moves this service's clock on. Tokens are still checked against real time."""
    runtime: Any = context_of(request).kit.runtime
    await runtime.set_clock_offset(body.offset_seconds)
    return answer({"now": (await runtime.now()).isoformat()})


def _lines(envelopes: list[bytes], headers: dict[str, str] | None = None) -> Response:
    return Response(b"\n".join(envelopes), media_type=LINES, headers=headers)
