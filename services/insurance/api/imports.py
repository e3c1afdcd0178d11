"""What insurers say of their members, in bulk: answered row by row, and the same again changes nothing."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from contracts.rows import ROWS_PER_REQUEST_MAX
from services.insurance.application import member_imports
from services.seedwork.api import Body, Run, allowed, problems
from services.seedwork.usecase import Actor

router = APIRouter(prefix="/imports")
MayLoad = Annotated[Actor, Depends(allowed("member.load"))]
REFUSED = problems("import.size")


class InsuredRowsBody(Body):
    """Rows as `contracts.insured` describes them; each is read for itself."""

    rows: list[dict[str, Any]] = Field(json_schema_extra={"minItems": 1, "maxItems": ROWS_PER_REQUEST_MAX})


@router.post("/members", responses=REFUSED)
async def members(body: InsuredRowsBody, _actor: MayLoad, run: Run) -> Response:
    """Take over members: patient_ref, as_of, insurer, insutype, psn_type, supplements, account_balance, figures of the
    year (deductible_used, pooled_paid, burden, funds, counters), insured_from, insured_until."""
    return await run(member_imports.import_members(body.rows))


@router.post("/assistance", responses=REFUSED)
async def assistance(body: InsuredRowsBody, _actor: MayLoad, run: Run) -> Response:
    """Take over assistance identities: patient_ref, as_of, identity, valid_from, valid_until, withdrawn."""
    return await run(member_imports.import_assistances(body.rows))


@router.post("/filings", responses=REFUSED)
async def filings(body: InsuredRowsBody, _actor: MayLoad, run: Run) -> Response:
    """Take over filings for care out of area: patient_ref, as_of, region, kind, valid_from, valid_until, withdrawn."""
    return await run(member_imports.import_filings(body.rows))
