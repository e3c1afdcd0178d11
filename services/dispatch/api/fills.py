"""Fills in bulk: a pharmacy's own system sends what was prepared and what was checked in the last minutes at once.

Each row is the single command, with its rights and rules, under a key of its own. Handing out is not among them: there
a person stands at the counter with a code, whose guesses are counted one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field, TypeAdapter, ValidationError
from starlette.responses import Response

from contracts.roles import RIGHTS
from services.dispatch.api.common import DemandKey, HoldKey, Owners, organisation
from services.dispatch.api.holds import SecretBody
from services.dispatch.api.supplies import PrepareBody
from services.dispatch.application import supplies
from services.dispatch.domain.fulfilment.commands import DispenseSupply, PrepareSupply
from services.dispatch.domain.owner_words import TraceCodeOwner
from services.seedwork.api import Body, Bulk, allowed, problems, refused_row
from services.seedwork.model import Refusal
from services.seedwork.usecase import Actor, UseCase

router = APIRouter()
ROWS_MAX = 50
COMPLAINTS_MAX = 20
KEY_LENGTH_MAX = 128
RowKey = Annotated[str, Field(pattern=r"^[\x21-\x7e]{8,128}$")]


class PrepareRow(PrepareBody):
    """Packs set aside and scanned for a hold; by its preparer."""

    row_key: RowKey
    step: Literal["prepare"]
    fulfilment_id: UUID
    hold_id: UUID


class CheckRow(SecretBody):
    """The check by another person: dispensed."""

    row_key: RowKey
    step: Literal["check"]
    fulfilment_id: UUID
    supply_id: UUID


FillRow = Annotated[PrepareRow | CheckRow, Field(discriminator="step")]
_ROW: TypeAdapter[PrepareRow | CheckRow] = TypeAdapter(FillRow)
RIGHT = {"prepare": "supply.prepare", "check": "supply.check"}


class FillsBody(Body):
    """Rows `{"row_key", "step": "prepare", "fulfilment_id", "hold_id", "secret", "lines"}` or `{"row_key", "step":
    "check", "fulfilment_id", "supply_id", "secret"}`; each is read for itself."""

    rows: list[dict[str, Any]] = Field(json_schema_extra={"minItems": 1, "maxItems": ROWS_MAX})


@router.post("/fills", responses=problems("import.size"))
async def fills(
    body: FillsBody,
    actor: Annotated[Actor, Depends(allowed("supply.fill_many"))],
    bulk: Bulk,
    hold_key: HoldKey,
    demand_key: DemandKey,
    owners: Owners,
) -> Response:
    """Prepare and check many supplies, at most 50 rows, in the order in which they come. The answer's `rows` say of
    each `row_key` whether it is done (`body`: what the single command answers), refused (`problem`, `facts`) or
    undecided (send it again under its key). The same row again gets its first answer; another content under its key is
    refused.
    """
    size = Refusal("import.size", {"rows": len(body.rows), "max": ROWS_MAX})
    refused = await bulk.begin(None if 1 <= len(body.rows) <= ROWS_MAX else size)
    if refused is not None:
        return refused
    report = []
    for raw in body.rows:
        row = _read(raw)
        if isinstance(row, dict):
            report.append(row)
        elif actor.role not in RIGHTS[RIGHT[row.step]]:
            report.append(refused_row(row.row_key, "identity.forbidden", right=RIGHT[row.step], role=actor.role))
        else:
            report.append(await bulk.row(row.row_key, raw, _use_case(row, actor, hold_key, demand_key, owners)))
    return bulk.report(report)


def _read(raw: Mapping[str, Any]) -> PrepareRow | CheckRow | dict[str, Any]:
    """The row, or its line of the report: what is wrong with it, without what it says."""
    try:
        return _ROW.validate_python(raw)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        wrong = [{"at": ".".join(map(str, each["loc"])), "message": each["msg"]} for each in found[:COMPLAINTS_MAX]]
        return refused_row(str(raw.get("row_key") or "")[:KEY_LENGTH_MAX], "request.invalid", errors=wrong)


def _use_case(
    row: PrepareRow | CheckRow, actor: Actor, hold_key: bytes, demand_key: bytes, owners: TraceCodeOwner
) -> UseCase:
    pharmacy = organisation(actor)
    if isinstance(row, PrepareRow):
        prepare = PrepareSupply(hold_id=row.hold_id, pharmacy=pharmacy, preparer=actor.subject, lines=row.lines)
        return supplies.prepare_supply(row.fulfilment_id, prepare, row.secret, hold_key, owners.stores)
    check = DispenseSupply(supply_id=row.supply_id, pharmacy=pharmacy, checker=actor.subject)
    return supplies.dispense_supply(row.fulfilment_id, check, row.secret, hold_key, demand_key, owners)
