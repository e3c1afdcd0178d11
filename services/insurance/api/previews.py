"""What a patient would pay, before anything is signed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from contracts.roles import Role
from services.insurance.application.preview_audits import Known, audit_streams, audit_view, audited_before_signing
from services.insurance.application.previews import Question, answered, first_streams, preview_view, then_streams
from services.insurance.domain.preview import WantedLine
from services.seedwork.api import Read, Refused, allowed, answer, problems
from services.seedwork.calendar import civil_day
from services.seedwork.usecase import Actor

AGE_DAYS_MAX = 130 * 366
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
    brought_from: Annotated[
        str | None, Query(pattern=r"^\d{6}$", description="division of the pharmacy whose courier would bring it")
    ] = None,
    sex: Annotated[str | None, Query(max_length=10, pattern=r"^[a-z]+$", description="for the audit")] = None,
    age_days: Annotated[int | None, Query(ge=0, le=AGE_DAYS_MAX, description="for the audit")] = None,
    diagnoses: Annotated[
        list[Annotated[str, Field(max_length=20, pattern=r"^[A-Z0-9.+*]+$")]] | None,
        Query(max_length=20, description="ICD-10, for the audit"),
    ] = None,
    days: Annotated[
        list[Annotated[int, Field(ge=1, le=400)]] | None,
        Query(max_length=50, description="how long each line lasts, in the order of the lines; for the audit"),
    ] = None,
) -> Response:
    """What the patient would pay today, by line and payer with the rule of each amount. Nothing is kept, no claim made.

    `id` names this answer for the record of what was shown. The personal account is shown to the patient alone.
    `audit_hints` is what the smart audit would find by what was said; a prescriber who asks is taken for the one who
    signs. `concerns` are codes of the error catalogue. Where it is to be brought, `delivery_fee` is what that costs
    beside it.
    """
    if actor.role == Role.PATIENT and actor.patient_ref != patient_ref:
        raise Refused("share.not_yours")
    question = Question(patient_ref, insurance_intent, pharmacy, tuple(_wanted(lines)), brought_from)
    now = await read.now()
    day = civil_day(now)
    first = await read.load(*first_streams(question, day))
    then = await read.load(*then_streams(question, first[0].state))
    found = answered(question, tuple(first), tuple(then), now, read.jurisdiction)
    known = Known(
        prescriber=actor.subject if actor.role == Role.PRESCRIBER else None,
        sex=sex,
        age_days=age_days,
        diagnoses=tuple(diagnoses) if diagnoses else None,
        days=tuple(days or ()),
    )
    looked = await read.load(*audit_streams(question, day, read.jurisdiction))
    audited = audited_before_signing(question, found, known, tuple(looked), day, read.jurisdiction)
    shown = preview_view(question, found, now, to_the_patient=actor.role == Role.PATIENT)
    return answer({**shown, **audit_view(audited)})


def _wanted(lines: list[str]) -> Iterator[WantedLine]:
    for number, line in enumerate(lines, 1):
        product, quantity, pack_size, *price = line.split(":")
        unit_price = int(price[0]) if price else None
        yield WantedLine(
            line=number, product=product, quantity=int(quantity), pack_size=int(pack_size), unit_price=unit_price
        )
