"""What others know of the supply of medicines, in bulk, answered row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, Field

from contracts.supply_reports import (
    ROUTES,
    ROWS_PER_REQUEST_MAX,
    DirectReportRow,
    Key,
    ListedRow,
    PriceRow,
    Record,
    RegisterMapping,
    RegisterRow,
    StopRow,
    Trust,
)
from services.seedwork.api import Body, Refused, Run, allowed, problems
from services.seedwork.usecase import Actor
from services.shortage.adapters.registers import readings
from services.shortage.api.reports import FOR_OTHERS, MayReport
from services.shortage.application import imports
from services.shortage.application.drug_lists import import_lists
from services.shortage.application.import_rows import Read, Sender, read_row, read_rows
from services.shortage.domain.values import SourceKind

router = APIRouter(tags=["shortage"])
REFUSED = problems("import.size", "report.not_yours")
Rows = Annotated[list[Record], Field(json_schema_extra={"minItems": 1, "maxItems": ROWS_PER_REQUEST_MAX})]


class RowsBody(Body):
    """Rows as `contracts.supply_reports` describes them; each is read for itself. `reporter`, `trust`: where a row does
    not say; an authority's or the administrator's to say."""

    rows: Rows
    reporter: Key | None = None
    trust: Trust = "official"


class ListsBody(Body):
    """Rows as `contracts.supply_reports.ListedRow` describes them."""

    rows: Rows


class RecordsBody(RowsBody):
    """Records of a register in its own shape. `mapping`: what its words mean here."""

    mapping: RegisterMapping = RegisterMapping()


def sender_of(actor: Actor, reporter: str | None = None, trust: Trust = "official") -> Sender:
    """For whom this actor speaks. Raises Refused where it is somebody else."""
    if actor.role in FOR_OTHERS:
        return Sender(reporter, trust)
    if actor.organisation is None or reporter not in {None, actor.organisation}:
        raise Refused("report.not_yours", reporter=reporter)
    return Sender(actor.organisation, "own", only=True)


@router.post(ROUTES["direct_reports"], responses=REFUSED)
async def direct_reports(body: RowsBody, actor: MayReport, run: Run) -> Response:
    """Direct reports (直报): key, drug_key, region, status 1-4, occurred_at, reported_at, reporter, trust, on_hand,
    note."""
    return await run(_reports(SourceKind.DIRECT_REPORT, DirectReportRow, body, actor))


@router.post(ROUTES["price_jumps"], responses=REFUSED)
async def price_jumps(body: RowsBody, actor: MayReport, run: Run) -> Response:
    """Changes of price: key, drug_key, region, price_before, price (fen a pack), occurred_at, reported_at, reporter."""
    return await run(_reports(SourceKind.PRICE_JUMP, PriceRow, body, actor))


@router.post(ROUTES["stop_notices"], responses=REFUSED)
async def stop_notices(body: RowsBody, actor: MayReport, run: Run) -> Response:
    """Makers' notices (停产报告): reference, maker, drug_key, stops_on, planned, sole_supplier, restored_by, reason,
    how_ended."""
    rows = read_rows(StopRow, body.rows, "reference")
    return await run(imports.import_stops(rows, sender_of(actor, body.reporter, body.trust)))


@router.post(ROUTES["drug_lists"], responses=problems("import.size"))
async def drug_lists(
    body: ListsBody, _actor: Annotated[Actor, Depends(allowed("drug_list.load"))], run: Run
) -> Response:
    """What the lists of the jurisdiction say of drugs from a day on: drug_key, drug_class A, B or C, lists (joined by
    `|`), valid_from, valid_until, source. Cases that are open are graded by it when they are judged next."""
    return await run(import_lists(read_rows(ListedRow, body.rows, "drug_key")))


@router.post(ROUTES["openfda_shortages"], responses=REFUSED)
async def openfda(body: RecordsBody, actor: MayReport, run: Run) -> Response:
    """Records of openFDA's `drug/shortages`."""
    return await run(_register("openfda_shortages", body, actor))


@router.post(ROUTES["canada_shortages"], responses=REFUSED)
async def canada(body: RecordsBody, actor: MayReport, run: Run) -> Response:
    """Reports of Drug Shortages Canada."""
    return await run(_register("canada_shortages", body, actor))


@router.post(ROUTES["shortage_register"], responses=REFUSED)
async def generic(body: RecordsBody, actor: MayReport, run: Run) -> Response:
    """Rows of any other register, by a mapping of its columns."""
    return await run(_register("shortage_register", body, actor))


def _reports(source: SourceKind, form: type[BaseModel], body: RowsBody, actor: Actor) -> Any:
    sender = sender_of(actor, body.reporter, body.trust)
    return imports.import_reports(source, read_rows(form, body.rows), sender)


def _register(shape: str, body: RecordsBody, actor: Actor) -> Any:
    if actor.role not in FOR_OTHERS:
        raise Refused("report.not_yours", reporter=body.reporter)
    rows: Sequence[Read] = [
        Read(each.key, None, (each.problem,)) if each.problem else read_row(RegisterRow, each.fields, each.key)
        for each in readings(shape, body.rows[: ROWS_PER_REQUEST_MAX + 1], body.mapping)
    ]
    return imports.import_reports(SourceKind.REGISTER, rows, Sender(body.reporter, body.trust))
