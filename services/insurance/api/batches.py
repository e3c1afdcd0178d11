"""Settlement batches to pharmacies: prepared, withdrawn, paid; what they hold, and their statements as files. Those of
the officer's own insurer, or of the payment provider whose channel the officer's organisation is: what it pays on of
what patients paid there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from pydantic import Field

from contracts.roles import Role
from services.insurance.application.clearing import (
    AMOUNT_COLUMNS,
    STATEMENT_COLUMNS,
    Account,
    batch_view,
    entry_view,
    prepare_batch,
    remit_batch,
    statement_rows,
    withdraw_batch,
)
from services.insurance.composition import OUTSIDE
from services.insurance.domain.clearing import BATCH_ENTRIES_MAX, BatchPrepared, ClearingState, clearing_of
from services.seedwork.api import Aside, Body, Paging, Read, Refused, Run, allowed, answer, problems
from services.seedwork.clock import from_micros
from services.seedwork.spreadsheets import CSV_TYPE, XLSX_TYPE, csv_pieces, xlsx_file
from services.seedwork.usecase import Actor

PHARMACY = r"^P\d{11}$"
POSITION_MAX = 2**63 - 1
PlaceOf = Annotated[str, Path(max_length=30)]
Number = Annotated[int, Path(ge=1, le=10**9)]
Reader = Annotated[Actor, Depends(allowed("batch.read"))]
Payer = Annotated[Actor, Depends(allowed("batch.run"))]
UNKNOWN = ("batch.unknown", "batch.not_yours")

router = APIRouter()


class PrepareBody(Body):
    pharmacy: str = Field(pattern=PHARMACY)
    until: date = Field(description="all that was settled up to the end of this day, which must be over")


class WithdrawBody(Body):
    reason: str = Field(min_length=4, max_length=500)


class RemitBody(Body):
    transferred: int = Field(ge=0, le=2**53, description="BPR02 in fen, as a check: the batch's own amount")
    reference: str = Field(min_length=1, max_length=64, description="TRN02: what the transfer is known by at the bank")
    transferred_on: date


@router.post(
    "/settlement-batches",
    responses=problems("batch.wrong_state", "batch.nothing_to_clear", "batch.day_not_over"),
)
async def prepare(body: PrepareBody, actor: Payer, run: Run) -> Response:
    """The next batch of the officer's insurer or payment provider to a pharmacy: at most 2000 entries, the rest is for
    the next one."""
    organisation = actor.organisation or ""
    return await run(prepare_batch(Account(organisation, body.pharmacy), body.until, OUTSIDE.side(organisation)))


@router.get("/settlement-batches")
async def batches(actor: Reader, read: Read, page: Paging) -> Response:
    """The batches of the officer's insurer or payment provider, or those to the pharmacist's pharmacy; the newest
    first."""
    side = "pharmacy" if actor.role == Role.PHARMACIST else "insurer"
    before = page.after[0] if page.after else POSITION_MAX
    rows = await read.find(
        f"settlement_batches_of_{side}", own=actor.organisation or "", before=before, limit=page.fetch
    )
    return page.answer(rows, key=lambda row: [row["position"]], item=_listed)


def _listed(row: Mapping[str, Any]) -> Mapping[str, Any]:
    names = ("insurer", "pharmacy", "number", "state", "until", "claims", "transferred", "reference")
    return {**{name: row[name] for name in names}, "changed_at": from_micros(row["changed_at"])}


@router.get("/settlement-batches/{insurer}/{pharmacy}/{number}", responses=problems(*UNKNOWN))
async def batch(insurer: PlaceOf, pharmacy: PlaceOf, number: Number, actor: Reader, read: Read) -> Response:
    """The sums of a batch: charge less adjustments is paid, paid less provider adjustments is transferred."""
    state, prepared = await _found(Account(insurer, pharmacy), number, actor, read)
    return answer(batch_view(state, prepared))


@router.get("/settlement-batches/{insurer}/{pharmacy}/{number}/claims", responses=problems(*UNKNOWN))
async def claims(
    insurer: PlaceOf, pharmacy: PlaceOf, number: Number, actor: Reader, read: Read, page: Paging
) -> Response:
    """The remittance by claim and line, in the order of settlement. `corrects`: the claim as it was remitted before."""
    account = Account(insurer, pharmacy)
    _state, prepared = await _found(account, number, actor, read)
    after = page.after[0] if page.after else prepared.batch.after
    rows = await read.find("clearing_entries", **account.entries(after, prepared.batch.upto, page.fetch))
    return page.answer(rows, key=lambda row: [row["position"]], item=entry_view)


@router.get(
    "/settlement-batches/{insurer}/{pharmacy}/{number}/statement.csv",
    responses={**problems(*UNKNOWN), 200: {"content": {CSV_TYPE: {}}}},
)
async def statement_csv(
    insurer: PlaceOf, pharmacy: PlaceOf, number: Number, actor: Reader, read: Read, aside: Aside
) -> Response:
    """The statement of a batch as CSV; amounts in yuan."""
    prepared, rows = await _entries(Account(insurer, pharmacy), number, actor, read)
    file = await aside(lambda: b"".join(csv_pieces(STATEMENT_COLUMNS, statement_rows(prepared, rows), AMOUNT_COLUMNS)))
    return _file(file, CSV_TYPE, prepared, "csv")


@router.get(
    "/settlement-batches/{insurer}/{pharmacy}/{number}/statement.xlsx",
    responses={**problems(*UNKNOWN), 200: {"content": {XLSX_TYPE: {}}}},
)
async def statement_xlsx(
    insurer: PlaceOf, pharmacy: PlaceOf, number: Number, actor: Reader, read: Read, aside: Aside
) -> Response:
    """The statement of a batch as XLSX; amounts in yuan."""
    prepared, rows = await _entries(Account(insurer, pharmacy), number, actor, read)
    file = await aside(
        lambda: xlsx_file("statement", STATEMENT_COLUMNS, statement_rows(prepared, rows), AMOUNT_COLUMNS)
    )
    return _file(file, XLSX_TYPE, prepared, "xlsx")


@router.post(
    "/settlement-batches/{insurer}/{pharmacy}/{number}/withdrawal", responses=problems(*UNKNOWN, "batch.wrong_state")
)
async def withdraw(
    insurer: PlaceOf, pharmacy: PlaceOf, number: Number, body: WithdrawBody, actor: Payer, run: Run
) -> Response:
    """A batch is not paid; what was in it is the next one's."""
    return await run(withdraw_batch(_own(Account(insurer, pharmacy), actor), number, body.reason))


@router.post(
    "/settlement-batches/{insurer}/{pharmacy}/{number}/remittance",
    responses=problems(*UNKNOWN, "batch.wrong_state", "batch.other_amount"),
)
async def remit(
    insurer: PlaceOf, pharmacy: PlaceOf, number: Number, body: RemitBody, actor: Payer, run: Run
) -> Response:
    """The transfer is made: receivables and payables of the batch are settled in the ledger."""
    account = _own(Account(insurer, pharmacy), actor)
    return await run(remit_batch(account, number, body.transferred, body.reference, body.transferred_on))


def _own(account: Account, actor: Actor) -> Account:
    if not account.concerns(actor):
        raise Refused("batch.not_yours")
    return account


async def _found(account: Account, number: int, actor: Actor, read: Read) -> tuple[ClearingState, BatchPrepared]:
    (found,) = await read.load(clearing_of(_own(account, actor).insurer, account.pharmacy))
    prepared = found.state.batch(number)
    if prepared is None:
        raise Refused("batch.unknown", number=number)
    return found.state, prepared


async def _entries(
    account: Account, number: int, actor: Actor, read: Read
) -> tuple[BatchPrepared, Sequence[Mapping[str, Any]]]:
    """All entries of a batch: at most as many as a batch may have."""
    _state, prepared = await _found(account, number, actor, read)
    batch = prepared.batch
    return prepared, await read.find("clearing_entries", **account.entries(batch.after, batch.upto, BATCH_ENTRIES_MAX))


def _file(content: bytes, media_type: str, prepared: BatchPrepared, ending: str) -> Response:
    name = f"{prepared.insurer}-{prepared.pharmacy}-{prepared.batch.number}.{ending}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)
