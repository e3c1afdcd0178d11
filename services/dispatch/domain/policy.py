"""Limits that are the jurisdiction's to set, by date: data in `policies/`, handed to the decisions as a parameter."""

from __future__ import annotations

from datetime import date, timedelta

from pydantic import Field

from services.dispatch.domain.stock.state import KEPT_DAYS
from services.seedwork.model import Immutable
from services.seedwork.policies import DatedPolicy, read_policies

LEVELS_MAX = 20


class NoCodeReason(Immutable):
    """Why a pack may be dispensed without a trace code."""

    text: str
    photo: bool = Field(default=False, description="a photo of the pack is kept, and its hash told")
    medicine_types: tuple[str, ...] = Field(default=(), description="of these only; empty: of all")


class OnlineNotice(Immutable):
    """What a patient must have read before a prescription medicine is sent to them. A changed text is a new version."""

    version: str = Field(min_length=1, max_length=40)
    text: str = Field(min_length=1)


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
    no_code_reasons: dict[str, NoCodeReason] = Field(
        default={}, description="why a pack may go without a trace code: what is not listed is no reason"
    )
    lot_reasons: dict[str, str] = Field(
        default={}, description="why not the lot that expires first, or not the pack that is open already"
    )
    expiry_margin_days: int = Field(
        default=0, ge=0, description="a lot must last at least so many days after it is given out"
    )
    opened_pack_days: int = Field(default=30, gt=0, description="an opened pack (拆零) may be sold on for so long")
    substitution_modes: tuple[str, ...] = Field(
        default=(), description="who must agree to a substitute under a protocol: the modes that count here"
    )
    substitution_answer_minutes: int = Field(
        default=240, gt=0, description="how long a hold waits for the prescriber's word on a substitute"
    )
    channel_by_intent: dict[str, str] = Field(description="the channel of a designation that an insurance intent needs")
    recall_days: dict[str, int] = Field(description="by class of a recall: the days in which it must be worked off")
    stock_back_dating_days: int = Field(ge=0, le=KEPT_DAYS, description="how long ago a booking of stock may have been")
    online_notice: OnlineNotice | None = Field(
        default=None, description="read and confirmed, by real name, before a hold for delivery; none: not asked for"
    )
    expiry_warning_days: int = Field(ge=0, description="a pharmacy is told of a lot that expires within so many days")

    @property
    def hold(self) -> timedelta:
        return timedelta(minutes=self.hold_minutes)

    @property
    def hold_grace(self) -> timedelta:
        return timedelta(minutes=self.hold_grace_minutes)

    def lasts_until(self, today: date) -> date:
        """The earliest expiry of a lot that may be given out today."""
        return today + timedelta(days=self.expiry_margin_days)

    @property
    def substitution_answer(self) -> timedelta:
        return timedelta(minutes=self.substitution_answer_minutes)

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
