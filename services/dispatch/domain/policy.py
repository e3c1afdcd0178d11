"""Limits that are the jurisdiction's to set, by date: data in `policies/`, handed to the decisions as a parameter."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from services.seedwork.policies import DatedPolicy, read_policies

LEVELS_MAX = 20


class Policy(DatedPolicy):
    """One dated set of limits. Durations in minutes or hours as their names say."""

    hold_minutes: int = Field(gt=0, description="how long a hold waits for the pharmacy's own review")
    accepted_counter_minutes: int = Field(gt=0)
    accepted_delivery_minutes: int = Field(gt=0)
    hold_grace_minutes: int = Field(ge=0, description="how long a hold may outlive the prescription's validity")
    collect_hours: int = Field(gt=0, description="a dispensed supply that nobody collects is undone after this")
    self_pay_hours: int = Field(
        gt=0, description="how long the patient may choose to pay alone once a claim is refused"
    )
    replace_hours: int = Field(
        gt=0, description="how long the same pharmacy may supply again what came back or went bad"
    )
    replaceable_after: frozenset[str] = Field(
        description="why a supply was undone, once validity is over, that lets the same pharmacy supply it again"
    )
    offers_max: int = Field(gt=0, le=20, description="pharmacies offered to the patient when a hold ends")
    offer_radius_metres: int = Field(gt=0, description="how far from the pharmacy that gave up")
    delivery_attempts_max: int = Field(gt=0)
    wrong_codes_max: int = Field(gt=0)
    wrong_codes_window_minutes: int = Field(gt=0)
    wrong_codes_lock_minutes: int = Field(gt=0, description="the first lock; each further one is twice as long")
    wrong_codes_lock_minutes_max: int = Field(gt=0, description="and no longer than this")
    wrong_codes_forgotten_hours: int = Field(
        gt=0, description="after this long without a wrong code, as if there were none"
    )
    adult_years: int = Field(gt=0, description="who is younger is a minor")
    adults_only_classes: frozenset[str] = Field(description="classes of drugs that are not given to minors")
    refusal_codes: dict[str, str] = Field(default={}, description="why a pharmacist may refuse, by the official codes")
    forgery_codes: frozenset[str] = Field(default=frozenset(), description="refusals that block every line")
    channel_by_intent: dict[str, str] = Field(description="the channel of a designation that an insurance intent needs")

    @property
    def hold(self) -> timedelta:
        return timedelta(minutes=self.hold_minutes)

    @property
    def hold_grace(self) -> timedelta:
        return timedelta(minutes=self.hold_grace_minutes)

    @property
    def collect(self) -> timedelta:
        return timedelta(hours=self.collect_hours)

    @property
    def wrong_codes_window(self) -> timedelta:
        return timedelta(minutes=self.wrong_codes_window_minutes)

    @property
    def wrong_codes_forgotten(self) -> timedelta:
        return timedelta(hours=self.wrong_codes_forgotten_hours)

    @property
    def self_pay(self) -> timedelta:
        return timedelta(hours=self.self_pay_hours)

    @property
    def replacing(self) -> timedelta:
        return timedelta(hours=self.replace_hours)

    def wrong_codes_lock(self, level: int) -> timedelta:
        """How long the lock of this level lasts: growing waits, up to a limit."""
        doubled = self.wrong_codes_lock_minutes << min(level - 1, LEVELS_MAX)
        return timedelta(minutes=min(doubled, self.wrong_codes_lock_minutes_max))

    def accepted(self, way: str) -> timedelta:
        """How long a hold lasts once the pharmacy's pharmacist has passed it."""
        return timedelta(minutes=self.accepted_delivery_minutes if way == "delivery" else self.accepted_counter_minutes)


POLICIES = read_policies("services.dispatch.domain", Policy)
CN = POLICIES.of("cn")
