"""Supplies: prepared with scan, checked by another person, handed out once cleared, or given up."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.dispatch.api.common import (
    OUT_OF_FORCE,
    OWN_HOLD,
    OWN_SUPPLY,
    TRACE_CODE,
    DemandKey,
    HoldKey,
    Owners,
    PickupKey,
    organisation,
)
from services.dispatch.api.holds import SecretBody
from services.dispatch.application import deliveries, supplies
from services.dispatch.application.deliveries import ArrangeDelivery
from services.dispatch.domain.delivery.values import ContactAddress
from services.dispatch.domain.fulfilment.commands import (
    DispenseSupply,
    GiveUp,
    HandOut,
    PrepareSupply,
    TakeBack,
    Unprepare,
)
from services.dispatch.domain.values import CODE_LENGTH_MAX, CollectorIdentity, LineQuantity, PickedLine
from services.seedwork.api import Body, Refused, Run, allowed, problems
from services.seedwork.usecase import Actor

router = APIRouter(prefix="/fulfilments/{fulfilment_id}")
MayPrepare = Annotated[Actor, Depends(allowed("supply.prepare"))]


class PrepareBody(SecretBody):
    """The packs, by line and lot, with one trace code per pack or the reason why there is none."""

    lines: tuple[PickedLine, ...] = Field(min_length=1, max_length=80)


class HandOutBody(Body):
    """Who takes it, and the code the patient was given."""

    code: str = Field(min_length=1, max_length=64)
    collector_kind: Literal["patient", "agent"] = "patient"
    collector: CollectorIdentity


class TakeBackBody(Body):
    """What the patient brings back, and why; `lines` null: all the patient has of it. The note is sealed."""

    why: Literal["quality", "recall", "wrong_item"]
    note: str | None = Field(default=None, min_length=1, max_length=500)
    lines: tuple[LineQuantity, ...] | None = Field(default=None, min_length=1, max_length=50)


class DeliveryBody(Body):
    """Which courier brings it where."""

    courier: str = Field(min_length=1, max_length=CODE_LENGTH_MAX)
    contact: ContactAddress


@router.post(
    "/holds/{hold_id}/supplies",
    status_code=201,
    responses=problems(
        *OWN_HOLD,
        "pharmacy.not_admitted",
        "person.not_qualified",
        "hold.not_held",
        "supply.already_prepared",
        "supply.other_product",
        "supply.codes_missing",
        "supply.code_twice",
        "supply.more_than_held",
        "supply.too_many_packs",
        "supply.not_first_expired",
        "substitution.not_exact",
        "supply.opened_pack_first",
        "supply.pack_not_splittable",
        "supply.unknown_reason",
        "supply.photo_missing",
        "stock.lot_differs",
        "stock.lot_expired",
        "stock.lot_expires_soon",
        "stock.opened_pack_expired",
        *TRACE_CODE,
        "trace_code.foreign_product",
        "trace_code.other_lot",
        "stock.lot_recalled",
        "trace_code.not_free",
        "trace_code.pack_used_up",
        "trace_code.repeated",
    ),
)
async def prepare(
    fulfilment_id: UUID,
    hold_id: UUID,
    body: PrepareBody,
    actor: MayPrepare,
    run: Run,
    hold_key: HoldKey,
    owners: Owners,
) -> Response:
    """Set packs aside and scan them (先扫码): each code is this supply's until it is checked or put back."""
    command = PrepareSupply(hold_id=hold_id, pharmacy=organisation(actor), preparer=actor.subject, lines=body.lines)
    return await run(supplies.prepare_supply(fulfilment_id, command, body.secret, hold_key, owners.stores))


@router.post("/supplies/{supply_id}/unprepare", responses=problems(*OWN_SUPPLY, "hold.wrong_secret"))
async def unprepare(
    fulfilment_id: UUID, supply_id: UUID, body: SecretBody, actor: MayPrepare, run: Run, hold_key: HoldKey
) -> Response:
    """Packs set aside go back to the shelf."""
    command = Unprepare(supply_id=supply_id, pharmacy=organisation(actor))
    return await run(supplies.unprepare(fulfilment_id, command, body.secret, hold_key))


@router.post(
    "/supplies/{supply_id}/check",
    responses=problems(
        *OWN_HOLD,
        *OWN_SUPPLY,
        "pharmacy.not_admitted",
        "person.not_qualified",
        "supply.checker_is_preparer",
        "supply.no_price",
        "stock.lot_recalled",
        "trace_code.not_free",
        "trace_code.repeated",
        "trace_code.foreign_product",
        "trace_code.pack_used_up",
    ),
)
async def check(
    fulfilment_id: UUID,
    supply_id: UUID,
    body: SecretBody,
    actor: Annotated[Actor, Depends(allowed("supply.check"))],
    run: Run,
    hold_key: HoldKey,
    demand_key: DemandKey,
    owners: Owners,
) -> Response:
    """The check by a second person: dispensed. What was held beyond it is free for any pharmacy. A trace code that
    another regional store owns is reserved there; where that store does not answer it is `undecided`, and the claim
    waits.
    """
    command = DispenseSupply(supply_id=supply_id, pharmacy=organisation(actor), checker=actor.subject)
    use_case = supplies.dispense_supply(fulfilment_id, command, body.secret, hold_key, demand_key, owners)
    return await run(use_case)


@router.post(
    "/supplies/{supply_id}/hand-out",
    responses=problems(
        *OWN_SUPPLY,
        "supply.not_cleared",
        "stock.lot_recalled",
        "supply.delivery_arranged",
        "supply.wrong_pickup_code",
        "collector.patient_identity_missing",
        "collector.identity_invalid",
        "collector.agent_is_patient",
        "collector.minor",
        "token.locked",
    ),
)
async def hand_out(
    fulfilment_id: UUID,
    supply_id: UUID,
    body: HandOutBody,
    actor: Annotated[Actor, Depends(allowed("supply.hand_out"))],
    run: Run,
    pickup_key: PickupKey,
) -> Response:
    """Into the patient's or an agent's hands, once cleared and against the pickup code."""
    command = HandOut(
        supply_id=supply_id,
        pharmacy=organisation(actor),
        handed_out_by=actor.subject,
        collector_kind=body.collector_kind,
        collector=body.collector,
    )
    response: Response = await run(supplies.hand_out(fulfilment_id, command, body.code, actor, pickup_key))
    return response


@router.post(
    "/supplies/{supply_id}/give-up",
    responses=problems("fulfilment.not_yours", "supply.unknown", "supply.wrong_state"),
)
async def give_up(
    fulfilment_id: UUID, supply_id: UUID, actor: Annotated[Actor, Depends(allowed("fulfilment.give_up"))], run: Run
) -> Response:
    """The patient does not want it any more, while it is still in the pharmacy."""
    if actor.patient_ref is None:
        raise Refused("fulfilment.not_yours")
    command = GiveUp(supply_id=supply_id, patient_ref=actor.patient_ref)
    return await run(supplies.give_up(fulfilment_id, command))


@router.post(
    "/supplies/{supply_id}/take-back",
    responses=problems(
        *OWN_SUPPLY, "pharmacy.not_admitted", "person.not_qualified", "supply.not_in_hands", "supply.line_twice"
    ),
)
async def take_back(
    fulfilment_id: UUID,
    supply_id: UUID,
    body: TakeBackBody,
    actor: Annotated[Actor, Depends(allowed("supply.take_back"))],
    run: Run,
) -> Response:
    """After possession: bad, recalled, or the wrong thing. Never restocked (药品一经售出, 不得退换); replaced here."""
    command = TakeBack(supply_id=supply_id, pharmacy=organisation(actor), taken_back_by=actor.subject, **dict(body))
    return await run(supplies.take_back(fulfilment_id, command))


@router.post(
    "/supplies/{supply_id}/deliveries",
    status_code=201,
    responses=problems(
        *OWN_SUPPLY,
        "supply.delivery_arranged",
        "supply.counter_only",
        "delivery.storage_differs",
        *OUT_OF_FORCE,
    ),
)
async def arrange_delivery(
    fulfilment_id: UUID,
    supply_id: UUID,
    body: DeliveryBody,
    actor: Annotated[Actor, Depends(allowed("delivery.arrange"))],
    run: Run,
) -> Response:
    """A courier is to bring it."""
    command = ArrangeDelivery(
        fulfilment_id=fulfilment_id,
        supply_id=supply_id,
        pharmacy=organisation(actor),
        courier=body.courier,
        contact=body.contact,
    )
    return await run(deliveries.arrange(command))
