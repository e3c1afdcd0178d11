"""What couriers report by their interface: signed messages, at least once, in any order."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from starlette.requests import Request
from starlette.responses import Response

from services.dispatch.api.common import PickupKey
from services.dispatch.application.courier_reports import take_report
from services.dispatch.application.registers import courier_ref
from services.dispatch.domain.delivery.commands import SHA256, Proof, Report
from services.dispatch.domain.delivery.temperature import READINGS_PER_COMMAND_MAX
from services.dispatch.domain.delivery.values import FailureReason, Reading
from services.dispatch.domain.values import CODE_LENGTH_MAX, LINES_MAX
from services.seedwork.api import (
    Read,
    Refused,
    Webhook,
    allowed,
    answer,
    problems,
    signed_webhook,
    webhook_problems,
)
from services.seedwork.api.context import context_of
from services.seedwork.usecase import Actor
from services.seedwork.webhook_secrets import webhook_secret

router = APIRouter()
KINDS = {
    "parcel.picked_up": "picked_up",
    "parcel.in_transit": "in_transit",
    "parcel.arrived": "arrived",
    "parcel.attempt_failed": "attempt_failed",
    "parcel.delivered": "delivered",
    "parcel.refused": "refused",
    "parcel.lost": "lost",
    "parcel.damaged": "damaged",
    "parcel.temperature": "temperature",
}


class _Part(BaseModel):
    """Of a message. What we do not know is ignored: the courier's interface may say more."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Measured(_Part):
    """One reading of the parcel's logger."""

    at: AwareDatetime
    celsius: float = Field(ge=-200, le=200)

    def reading(self) -> Reading:
        return Reading.of(self.at, self.celsius)


class ProofPart(_Part):
    """How the delivery is proved; `code` is what the patient showed."""

    proof_sha256: str = Field(pattern=SHA256)
    photo_sha256: str | None = Field(default=None, pattern=SHA256)
    code: str | None = Field(default=None, max_length=64)
    collector_kind: Literal["patient", "agent"] = "patient"
    identity_checked: bool = False
    seal_intact: bool = True
    attended: bool = True
    rejected_lines: tuple[Annotated[int, Field(ge=1, le=LINES_MAX)], ...] = Field(default=(), max_length=LINES_MAX)


class ReportPart(_Part):
    """What happened to which parcel."""

    delivery_id: UUID
    reason: FailureReason | None = None
    proof: ProofPart | None = None
    readings: tuple[Measured, ...] = Field(default=(), max_length=READINGS_PER_COMMAND_MAX)


class ReportMessage(_Part):
    """A message as Standard Webhooks shape it; `timestamp` is when it happened, by the courier's clock."""

    type: str
    timestamp: AwareDatetime
    data: ReportPart

    @model_validator(mode="after")
    def _says_what_its_type_needs(self) -> ReportMessage:
        if self.type not in KINDS:
            raise ValueError("type")
        if self.type == "parcel.delivered" and self.data.proof is None:
            raise ValueError("data.proof")
        if self.type == "parcel.temperature" and not self.data.readings:
            raise ValueError("data.readings")
        return self

    def report(self, message_id: str, courier: str) -> Report:
        """The report in our words."""
        said: dict[str, Any] = {
            "message_id": message_id,
            "courier": courier,
            "delivery_id": self.data.delivery_id,
            "kind": KINDS[self.type],
            "at": self.timestamp,
            "reason": self.data.reason,
            "proof": Proof.model_validate(self.data.proof.model_dump()) if self.data.proof else None,
            "readings": tuple(each.reading() for each in self.data.readings),
        }
        return Report.model_validate(said)


@router.post(
    "/webhooks/couriers/{sender}",
    responses=webhook_problems("delivery.unknown", "delivery.not_yours", "delivery.too_many_reports"),
)
async def reported(message: Annotated[Webhook, Depends(signed_webhook("courier"))], pickup_key: PickupKey) -> Response:
    """A word about a parcel: applied when it is the newest that there is, else recorded only."""
    report = message.read(ReportMessage).report(message.message_id, message.sender)
    return await message.run(take_report(report, pickup_key))


@router.get("/couriers/{courier}/webhook-secret", responses=problems("courier.unknown"))
async def secret(
    courier: Annotated[str, Field(max_length=CODE_LENGTH_MAX)],
    actor: Annotated[Actor, Depends(allowed("courier.secret"))],  # noqa: ARG001 - asked for its right
    read: Read,
    request: Request,
) -> Response:
    """The secret shared with a courier, for whoever sets its interface up. It is stored nowhere."""
    (entry,) = await read.load(courier_ref(courier))
    if not entry.exists:
        raise Refused("courier.unknown", courier=courier)
    return answer({"courier": courier, "secret": webhook_secret(context_of(request).kit.settings, "courier", courier)})
