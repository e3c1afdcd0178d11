"""A payer's daily close: its totals, its items in parts, the answers to what differs. The officer's own insurer's, or
the payment provider's whose channel the officer's organisation is: what patients paid there and got back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from services.insurance.application.reconciliation import (
    PayerDay,
    answer_difference,
    take_difference,
    tell_items,
    tell_totals,
    view,
)
from services.insurance.composition import OUTSIDE
from services.insurance.domain.payer_items import Figures, Item, message_key
from services.insurance.domain.reconciliation import AnswerKind, day_of
from services.insurance.domain.reconciliation_decisions import PART_ROWS_MAX
from services.seedwork.api import Body, Paging, Read, Refused, Run, allowed, answer, problems
from services.seedwork.calendar import civil_day
from services.seedwork.clock import from_micros
from services.seedwork.usecase import Actor

Fen = Annotated[int, Field(ge=-(2**53), le=2**53)]
Message = Annotated[str, Field(min_length=1, max_length=64, description="msgid")]
LAST_DAY = "9999-12-31"

router = APIRouter()


class TotalsBody(Body):
    """What the payer has booked on the day, in fen; what was taken back is negative (3201)."""

    count: int = Field(ge=0, le=10**9, description="fixmedins_setl_cnt: bookings, those that take back among them")
    total: Fen = Field(description="medfee_sumamt")
    fund: Fen = Field(description="fund_pay_sumamt")
    account: Fen = Field(description="acct_pay")


class ItemRow(Body):
    """One booking of the payer (3202), in fen; negative where it takes another back (refd_setl_flag). Of a payment
    provider `msgid` is the number of the payment or refund (out_trade_no, out_refund_no), and all is `total`."""

    msgid: Message
    total: Fen
    fund: Fen
    account: Fen


class ItemsBody(Body):
    """A stretch of the payer's items, ascending by message id from where the part before ended."""

    rows: list[ItemRow] = Field(json_schema_extra={"maxItems": PART_ROWS_MAX})
    last: bool = Field(description="nothing comes after it")


class AnswerBody(Body):
    answer: AnswerKind
    reason: str = Field(min_length=4, max_length=500)


@router.get("/reconciliations")
async def reconciliations(
    actor: Annotated[Actor, Depends(allowed("reconciliation.read"))], read: Read, page: Paging
) -> Response:
    """The days of the officer's insurer or payment provider, the newest first."""
    before = page.after[0] if page.after else LAST_DAY
    rows = await read.find(
        "reconciliations_of_insurer", insurer=actor.organisation or "", before=before, limit=page.fetch
    )
    return page.answer(rows, key=lambda row: [row["day"]], item=_listed)


def _listed(row: Mapping[str, Any]) -> Mapping[str, Any]:
    shown = {name: row[name] for name in ("insurer", "day", "state", "how", "differences", "open")}
    return {**shown, "changed_at": from_micros(row["changed_at"])}


@router.get("/reconciliations/{day}", responses=problems("reconciliation.unknown"))
async def reconciliation(
    day: date, actor: Annotated[Actor, Depends(allowed("reconciliation.read"))], read: Read
) -> Response:
    """One day with our totals by scheme (3201 asks for one at a time), a provider's by what was paid for, and every
    difference: kind, owner, age, the person who looks after it, and the booked answer."""
    of = _of(actor, day)
    (found,) = await read.load(day_of(of.insurer, day))
    if found.state.told is None:
        raise Refused("reconciliation.unknown", day=day.isoformat())
    today = civil_day(await read.now())
    due_days = OUTSIDE.policies.on(today, read.jurisdiction).difference_due_days
    schemes = await read.find(of.query("schemes_of_day"), **of.parameters)
    return answer(view(found.state, today, due_days, schemes), version=found.version)


@router.post(
    "/reconciliations/{day}/totals", responses=problems("reconciliation.wrong_state", "reconciliation.day_not_over")
)
async def totals(
    day: date, body: TotalsBody, actor: Annotated[Actor, Depends(allowed("reconciliation.run"))], run: Run
) -> Response:
    """The payer's totals of a day that is over (3201). Equal ones close it at zero; else its items are wanted."""
    return await run(tell_totals(_of(actor, day), Figures(**body.model_dump())))


@router.post(
    "/reconciliations/{day}/items",
    responses=problems(
        "reconciliation.wrong_state",
        "reconciliation.not_in_order",
        "reconciliation.part_size",
        "reconciliation.too_many_differences",
        "reconciliation.items_not_totals",
    ),
)
async def items(
    day: date, body: ItemsBody, actor: Annotated[Actor, Depends(allowed("reconciliation.run"))], run: Run
) -> Response:
    """The payer's items in parts (3202), ascending by message id; the last one says what differs."""
    if len(body.rows) > PART_ROWS_MAX or not (body.rows or body.last):
        raise Refused("reconciliation.part_size", rows=len(body.rows), max=PART_ROWS_MAX)
    theirs = [Item(message_key(row.msgid), row.total, row.fund, row.account) for row in body.rows]
    return await run(tell_items(_of(actor, day), theirs, last=body.last))


@router.post(
    "/reconciliations/{day}/differences/{message_id}/owner",
    responses=problems("reconciliation.wrong_state", "reconciliation.difference_unknown", "reconciliation.answered"),
)
async def owner(
    day: date, message_id: UUID, actor: Annotated[Actor, Depends(allowed("reconciliation.answer"))], run: Run
) -> Response:
    """The token's person looks after a difference from now on."""
    return await run(take_difference(_of(actor, day), message_id))


@router.post(
    "/reconciliations/{day}/differences/{message_id}/answer",
    responses=problems(
        "reconciliation.wrong_state",
        "reconciliation.difference_unknown",
        "reconciliation.answered",
        "reconciliation.answer_not_possible",
        "reconciliation.not_agreed",
    ),
)
async def answered(
    day: date,
    message_id: UUID,
    body: AnswerBody,
    actor: Annotated[Actor, Depends(allowed("reconciliation.answer"))],
    run: Run,
) -> Response:
    """The token's person says what becomes of a difference and why; it is booked. The last one closes the day."""
    return await run(answer_difference(_of(actor, day), message_id, body.answer, body.reason))


def _of(actor: Actor, day: date) -> PayerDay:
    organisation = actor.organisation or ""
    return PayerDay(organisation, day, OUTSIDE.side(organisation))
