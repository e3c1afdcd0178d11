"""Deliveries that do not go well: temperature, damage, loss, return, inspection, quarantine."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, Field
from starlette.responses import Response

from services.dispatch.api.common import OWN_DELIVERY, organisation
from services.dispatch.application import deliveries, parcel_ends
from services.dispatch.domain.delivery.commands import (
    PACKS_MAX,
    AssessExcursion,
    DecideQuarantine,
    InspectReturn,
    LogTemperatures,
    PackVerdict,
    ReceiveReturn,
)
from services.dispatch.domain.delivery.temperature import READINGS_PER_COMMAND_MAX
from services.dispatch.domain.delivery.values import Reading
from services.seedwork.api import Body, Run, allowed, problems
from services.seedwork.usecase import Actor

router = APIRouter(prefix="/deliveries/{delivery_id}")
Measurer = Annotated[Actor, Depends(allowed("delivery.measure"))]
Loser = Annotated[Actor, Depends(allowed("delivery.report_lost"))]
Receiver = Annotated[Actor, Depends(allowed("delivery.receive_return"))]
Inspector = Annotated[Actor, Depends(allowed("delivery.inspect"))]
QualityManager = Annotated[Actor, Depends(allowed("delivery.decide_quality"))]
PackNumber = Annotated[int, Field(ge=1, le=PACKS_MAX)]
OUT_OF_OFFICE = ("pharmacy.not_admitted", "person.not_qualified")


class MeasuredBody(Body):
    """One reading of a logger."""

    at: AwareDatetime
    celsius: float = Field(ge=-200, le=200)

    def reading(self) -> Reading:
        return Reading.of(self.at, self.celsius)


class TemperaturesBody(Body):
    """Readings of the parcel's logger, in any order; what was told before is not told twice."""

    readings: tuple[MeasuredBody, ...] = Field(min_length=1, max_length=READINGS_PER_COMMAND_MAX)


class AssessBody(Body):
    """The quality manager's decision about an excursion."""

    decision: Literal["released", "rejected"]
    reason: str = Field(min_length=1, max_length=400)


class ReturnBody(Body):
    """Which packs are back, by their numbers, and how the seal looks."""

    seal_intact: bool
    packs: tuple[PackNumber, ...] = Field(max_length=PACKS_MAX)


class InspectBody(Body):
    """A verdict for every pack that was counted."""

    verdicts: tuple[PackVerdict, ...] = Field(max_length=PACKS_MAX)


class QuarantineBody(Body):
    """The quality manager's decision about packs in quarantine; without numbers about all of them."""

    to: Literal["restocked", "destroyed"]
    reason: str = Field(min_length=1, max_length=200)
    packs: tuple[PackNumber, ...] | None = Field(default=None, max_length=PACKS_MAX)


def _party(actor: Actor) -> Literal["courier", "pharmacy"]:
    return "courier" if actor.role == "courier" else "pharmacy"


@router.post(
    "/temperatures",
    responses=problems(*OWN_DELIVERY, "delivery.time_in_future", "delivery.too_many_readings"),
)
async def temperatures(delivery_id: UUID, body: TemperaturesBody, actor: Measurer, run: Run) -> Response:
    """A logger was read. A breach opens an excursion: the parcel goes no further until it is assessed."""
    command = LogTemperatures(
        party=_party(actor),
        organisation=organisation(actor),
        readings=tuple(each.reading() for each in body.readings),
    )
    return await run(parcel_ends.log_temperatures(delivery_id, command))


@router.post(
    "/excursions/{excursion}/assess",
    responses=problems(
        *OWN_DELIVERY,
        *OUT_OF_OFFICE,
        "delivery.excursion_unknown",
        "delivery.excursion_assessed",
        "delivery.frozen",
        "delivery.just_taken",
    ),
)
async def assess(
    delivery_id: UUID,
    excursion: Annotated[int, Field(ge=1, le=1000)],
    body: AssessBody,
    actor: QualityManager,
    run: Run,
) -> Response:
    """Released: it goes on as before. Rejected: it comes back, and is never sold again; what is on the shelf already is
    set apart, and who was given some of it is stopped, turned round or told."""
    command = AssessExcursion(
        pharmacy=organisation(actor),
        excursion=excursion,
        assessed_by=actor.subject,
        **body.model_dump(),
    )
    return await run(parcel_ends.assess_excursion(delivery_id, command))


@router.post("/report-lost", responses=problems(*OWN_DELIVERY))
async def report_lost(delivery_id: UUID, actor: Loser, run: Run) -> Response:
    """Nobody knows where it is: written off, money and quantity follow."""
    return await run(parcel_ends.report_lost(delivery_id, **{_party(actor): organisation(actor)}))


@router.post("/report-damaged", responses=problems(*OWN_DELIVERY))
async def report_damaged(delivery_id: UUID, actor: Loser, run: Run) -> Response:
    """Damaged on the road: it goes back, to be looked at."""
    return await run(deliveries.report_damaged(delivery_id, **{_party(actor): organisation(actor)}))


@router.post("/return-arrived", responses=problems(*OWN_DELIVERY, "delivery.not_in_parcel"))
async def return_arrived(delivery_id: UUID, body: ReturnBody, actor: Receiver, run: Run) -> Response:
    """It is back, and counted. A fact: recorded as an exception when it was not announced or packs are missing."""
    command = ReceiveReturn(pharmacy=organisation(actor), received_by=actor.subject, **body.model_dump())
    return await run(parcel_ends.receive_return(delivery_id, command))


@router.post("/found", responses=problems(*OWN_DELIVERY, "delivery.not_in_parcel"))
async def found(delivery_id: UUID, body: ReturnBody, actor: Receiver, run: Run) -> Response:
    """What had been written off as lost is in the pharmacy: to quarantine or destruction only."""
    command = ReceiveReturn(pharmacy=organisation(actor), received_by=actor.subject, **body.model_dump())
    return await run(parcel_ends.find_again(delivery_id, command))


@router.post(
    "/inspect",
    responses=problems(
        *OWN_DELIVERY,
        *OUT_OF_OFFICE,
        "delivery.packs_differ",
        "delivery.not_restockable",
        "delivery.reason_missing",
        "stock.lot_expired",
        "stock.lot_recalled",
    ),
)
async def inspect(delivery_id: UUID, body: InspectBody, actor: Inspector, run: Run) -> Response:
    """Every pack is looked at; the supply is undone now, whatever quarantine decides later."""
    command = InspectReturn(pharmacy=organisation(actor), inspected_by=actor.subject, verdicts=body.verdicts)
    return await run(parcel_ends.inspect_return(delivery_id, command))


@router.post(
    "/quarantine",
    responses=problems(
        *OWN_DELIVERY,
        *OUT_OF_OFFICE,
        "delivery.packs_differ",
        "delivery.not_restockable",
        "stock.lot_expired",
        "stock.lot_unknown",
        "stock.not_in_quarantine",
        "stock.lot_recalled",
    ),
)
async def quarantine(delivery_id: UUID, body: QuarantineBody, actor: QualityManager, run: Run) -> Response:
    """What was set apart goes back to the shelf, or is destroyed."""
    command = DecideQuarantine(pharmacy=organisation(actor), decided_by=actor.subject, **body.model_dump())
    return await run(parcel_ends.decide_quarantine(delivery_id, command))
