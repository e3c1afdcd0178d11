"""What a patient would pay, before anything is signed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from contracts.roles import Role
from services.insurance.application.previews import Question, answered, first_streams, preview_view, then_streams
from services.insurance.domain.preview import WantedLine
from services.seedwork.api import Read, Refused, allowed, answer, problems
from services.seedwork.calendar import civil_day
from services.seedwork.usecase import Actor

PREVIEW_LINE = r"^[A-Z0-9]{1,30}:[1-9]\d{0,7}:[1-9]\d{0,5}(:\d{1,10})?$"

router = APIRouter()


@router.get("/share-previews", responses=problems("share.not_yours"))
async def share_preview(
    actor: Annotated[Actor, Depends(allowed("share.preview"))],
    read: Read,
    patient_ref: UUID,
    insurance_intent: Annotated[str, Query(min_length=1, max_length=30, examples=["pooled_outpatient"])],
    lines: Annotated[
        list[Annotated[str, Field(pattern=PREVIEW_LINE)]],
        Query(
            min_length=1,
            max_length=50,
            description="product:quantity:pack size[:fen per pack]; numbered as they come, quantities in base units",
        ),
    ],
    pharmacy: Annotated[str | None, Query(max_length=30, pattern=r"^[A-Z0-9]+$")] = None,
) -> Response:
    """What the patient would pay today, by line and payer with the rule of each amount. Nothing is kept, no claim made.

    `id` names this answer for the record of what was shown. The personal account is shown to the patient alone.
    `concerns` are codes of the error catalogue.
    """
    if actor.role == Role.PATIENT and actor.patient_ref != patient_ref:
        raise Refused("share.not_yours")
    question = Question(patient_ref, insurance_intent, pharmacy, tuple(_wanted(lines)))
    now = await read.now()
    first = await read.load(*first_streams(question, civil_day(now)))
    then = await read.load(*then_streams(question, first[0].state))
    found = answered(question, tuple(first), tuple(then), now, read.jurisdiction)
    return answer(preview_view(question, found, now, to_the_patient=actor.role == Role.PATIENT))


def _wanted(lines: list[str]) -> Iterator[WantedLine]:
    for number, line in enumerate(lines, 1):
        product, quantity, pack_size, *price = line.split(":")
        unit_price = int(price[0]) if price else None
        yield WantedLine(
            line=number, product=product, quantity=int(quantity), pack_size=int(pack_size), unit_price=unit_price
        )
