"""Limits of a delivery that are the jurisdiction's to set, by date: data in `policies/`."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from services.dispatch.domain.delivery.temperature import StorageRules
from services.dispatch.domain.delivery.values import Storage
from services.seedwork.policies import DatedPolicy, read_policies


class DeliveryPolicy(DatedPolicy):
    """One dated set of limits. Durations in the units that their names say."""

    attempts_allowed: int = Field(gt=0)
    attempts_allowed_cold_chain: int = Field(gt=0)
    retry_hours: int = Field(gt=0, description="a failed attempt that nobody has repeated by then goes back")
    silence_days: int = Field(gt=0, description="no word for so long: lost")
    identity_classes: frozenset[str] = Field(description="classes of drugs given only to who shows a document")
    storage: dict[Storage, StorageRules]
    booking_tries_max: int = Field(gt=0, description="the courier's interface is asked so often; then by hand")
    booking_wait_seconds: int = Field(gt=0, description="before it is asked again; doubled each time")
    stop_use: str = Field(min_length=1, description="told to who has what was spoilt on the way")

    @property
    def retry(self) -> timedelta:
        return timedelta(hours=self.retry_hours)

    @property
    def silence(self) -> timedelta:
        return timedelta(days=self.silence_days)

    def attempts_max(self, *, cold_chain: bool) -> int:
        return self.attempts_allowed_cold_chain if cold_chain else self.attempts_allowed

    def booking_wait(self, tries: int) -> timedelta:
        """Before the next try."""
        return timedelta(seconds=self.booking_wait_seconds << (tries - 1))


DELIVERY_POLICIES = read_policies("services.dispatch.domain.delivery", DeliveryPolicy)
