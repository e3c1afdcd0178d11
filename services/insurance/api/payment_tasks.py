"""What a payment provider leaves open, for its officers: who looks after it, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import Field

from services.insurance.api.books import POSITION_MAX
from services.insurance.application.payment_tasks import end_task, take_over
from services.insurance.composition import OUTSIDE
from services.insurance.domain.payment_task_events import TaskAnswer
from services.seedwork.api import Body, Paging, Read, Run, allowed, problems
from services.seedwork.calendar import civil_day
from services.seedwork.clock import from_micros
from services.seedwork.usecase import Actor

Number = Annotated[int, Path(ge=1, le=10**9)]
Officer = Annotated[Actor, Depends(allowed("payment_task.answer"))]
_PROBLEMS = ("payment.unknown", "payment_task.not_yours", "payment_task.not_open")

router = APIRouter()


class EndBody(Body):
    answer: TaskAnswer
    reason: str = Field(min_length=4, max_length=500)
    reference: str | None = Field(
        default=None,
        min_length=4,
        max_length=64,
        description="of what the pharmacy gave back: the receipt, the transfer",
    )


@router.get("/payment-tasks")
async def payment_tasks(
    actor: Annotated[Actor, Depends(allowed("payment_task.read"))],
    read: Read,
    page: Paging,
    state: Annotated[Literal["open", "closed"], Query()] = "open",
) -> Response:
    """What the officer's payment provider refuses to give back or does not answer, the newest first: since when, how
    much, and who looks after it. A person is called after so many answers alike; the clock asks on."""
    before = page.after[0] if page.after else POSITION_MAX
    channel = actor.organisation or ""
    rows = await read.find("payment_tasks_of_channel", channel=channel, state=state, before=before, limit=page.fetch)
    now = await read.now()
    due_days = OUTSIDE.policies.on(civil_day(now), read.jurisdiction).difference_due_days
    due = now - timedelta(days=due_days)
    return page.answer(
        rows,
        key=lambda row: [row["position"]],
        item=lambda row: {**_listed(row), "overdue": state == "open" and from_micros(row["opened_at"]) < due},
    )


def _listed(row: Mapping[str, Any]) -> Mapping[str, Any]:
    names = ("number", "channel", "kind", "item", "pharmacy", "amount", "state", "person", "answer", "closed_by")
    shown = {name: row[name] for name in (*names, "reason", "reference")}
    about = {"payment_id": str(row["payment_id"]), "claim_id": str(row["claim_id"])}
    times = {name: from_micros(row[name]) for name in ("opened_at", "changed_at")}
    return {**about, **shown, **times}


@router.post("/payment-tasks/{payment_id}/{number}/owner", responses=problems(*_PROBLEMS))
async def owner(payment_id: UUID, number: Number, actor: Officer, run: Run) -> Response:  # noqa: ARG001 - who runs it
    """The token's person looks after it from now on."""
    return await run(take_over(payment_id, number))


@router.post(
    "/payment-tasks/{payment_id}/{number}/end",
    responses=problems(*_PROBLEMS, "payment_task.answer_not_possible", "payment_task.reference_missing"),
)
async def end(payment_id: UUID, number: Number, body: EndBody, actor: Officer, run: Run) -> Response:  # noqa: ARG001
    """The token's person says what becomes of it and why. Where the provider has refused to the end, the pharmacy may
    have given the money back itself: it gets what the provider keeps, in the next settlement batch."""
    return await run(end_task(payment_id, number, body.answer, body.reason, body.reference, OUTSIDE))
