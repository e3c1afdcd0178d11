"""Routes of the registers a service owns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Depends, Path, Request
from pydantic import Field
from starlette.responses import Response

from contracts.registers import ENTRIES_PER_REQUEST_MAX
from services.seedwork.api.arguments import Body, Paging, Read, Run
from services.seedwork.api.context import context_of
from services.seedwork.api.dependencies import allowed
from services.seedwork.api.problems import problems
from services.seedwork.failures import Refused
from services.seedwork.register_loading import Kinds, record_entries
from services.seedwork.usecase import Actor

_SHOWN = ("kind", "code", "content", "valid_from", "valid_until", "suspended")


class EntriesBody(Body):
    """Rows of a register load: `code`, `content`, `valid_from`, optional `valid_until`, `suspended`."""

    entries: list[dict[str, Any]] = Field(json_schema_extra={"minItems": 1, "maxItems": ENTRIES_PER_REQUEST_MAX})


def register_routes(kinds: Kinds, *, read_right: str = "register.read") -> APIRouter:
    """`POST` and `GET /registers/{kind}` for these kinds; `read_right` names who may list them."""
    router = APIRouter()
    named = Path(json_schema_extra={"enum": sorted(kinds)})
    # What is asked for is looked at in this order: the right first.
    loader, lister = Depends(allowed("register.load")), Depends(allowed(read_right))

    @router.post("/registers/{kind}", responses=problems("register.kind", "register.size"))
    async def load_register(
        *, _actor: Actor = loader, kind: str = named, body: EntriesBody, request: Request, run: Run
    ) -> Response:
        """Admit, change, suspend or end entries; answers row by row, and the same load again changes nothing. A URL
        that would not be called is refused (`register.url`)."""
        settings = context_of(request).kit.settings
        plain = settings.development or settings.plain_http
        return await run(record_entries(kinds, kind, body.entries, plain=plain))

    @router.get("/registers/{kind}", responses=problems("register.kind"))
    async def list_register(*, _actor: Actor = lister, kind: str = named, read: Read, page: Paging) -> Response:
        """The entries of a register, by code."""
        if kind not in kinds:
            raise Refused("register.kind", kind=kind, kinds=sorted(kinds))
        after = page.after[0] if page.after else ""
        rows = await read.find("register_entries", kind=kind, after=after, limit=page.fetch)
        return page.answer(rows, key=lambda row: [row["code"]], item=_shown)

    return router


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in _SHOWN}
