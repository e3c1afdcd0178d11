"""Integration events of a parcel that does not simply arrive: it turns round, or was too warm or too cold."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from contracts.events.dispatch import DeliveryEvent
from contracts.values import ReturnReason


class DeliveryReturnStarted(DeliveryEvent):
    """The parcel, or what was rejected of it at the door, goes back to the pharmacy."""

    TYPE: ClassVar[str] = "dispatch.delivery_return_started.v1"

    reason: ReturnReason


class TemperatureBreached(DeliveryEvent):
    """A logger was beyond the threshold in force: until it is assessed the parcel goes no further.

    Temperatures in hundredths of a degree Celsius.
    """

    TYPE: ClassVar[str] = "dispatch.temperature_breached.v1"

    excursion: int = Field(ge=1)
    kind: Literal["hot", "cold"]
    way: Literal["consecutive", "cumulative"]
    rule: str
    limit_hundredths: int
    minutes: int = Field(ge=0)
    started_at: datetime
    ended_at: datetime = Field(description="of the last reading beyond it, as far as the logger was read")
    worst_hundredths: int


class TemperatureAssessed(DeliveryEvent):
    """The quality manager (质量负责人) has decided whether what is in the parcel is still good."""

    TYPE: ClassVar[str] = "dispatch.temperature_assessed.v1"

    excursion: int = Field(ge=1)
    kind: Literal["hot", "cold"]
    decision: Literal["released", "rejected"]
    reason: str
    assessed_by: str
    started_at: datetime
    ended_at: datetime
    mkt_hundredths: int | None = Field(default=None, description="mean kinetic temperature over the policy's window")
