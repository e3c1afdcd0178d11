"""The streams that move with one claim, inside one decision: its payment, its member, the year it counts in."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from services.insurance.application.draft import Draft
from services.insurance.domain.accumulator import (
    NOTHING_USED,
    AccumulatorState,
    accumulator_of,
    figures_of,
    reserve_figures,
)
from services.insurance.domain.claim import ClaimState
from services.insurance.domain.claim_events import (
    ClaimOpened,
)
from services.insurance.domain.claim_values import InterfaceKind
from services.insurance.domain.fee_payment import carriage_end, end_fee, keeps_waiting, request_fee
from services.insurance.domain.gateway import Gateway, RemoteGateway
from services.insurance.domain.member import (
    MemberState,
    member_of,
    reserve_account,
)
from services.insurance.domain.payment import PaymentProvider, PaymentState, fee_of, payment_of, request_payment
from services.insurance.domain.payment_events import PaymentRequested
from services.insurance.domain.policy import InsurancePolicy
from services.insurance.domain.reconciliation import Side
from services.seedwork.calendar import civil_day
from services.seedwork.model import DomainEvent, Loaded
from services.seedwork.policies import Jurisdictions
from services.seedwork.usecase import Load, Moment

S = TypeVar("S")
Release = Callable[[S, UUID, UUID], list[DomainEvent]]
"""What becomes of a claim's reservation, by patient and claim."""


@dataclass(frozen=True)
class Outside:
    """What insurance is composed with: the in-house insurer, the payment provider, the policies there are, and the
    gateways beyond the network by the interface that an insurer's register entry names. `channels`: by which name the
    ledger knows the providers that hold patients' money."""

    gateway: Gateway
    provider: PaymentProvider
    policies: Jurisdictions[InsurancePolicy]
    remote: Mapping[InterfaceKind, RemoteGateway] = field(default_factory=dict)
    channels: frozenset[str] = frozenset()

    def policy(self, moment: Moment) -> InsurancePolicy:
        """What holds here today."""
        return self.policies.on(civil_day(moment.now), moment.jurisdiction)

    def side(self, organisation: str) -> Side:
        """Whose money an organisation's is: a payment provider is known by its channel."""
        return "provider" if organisation in self.channels else "insurer"


class ClaimStreams:
    """One claim and what moves with it; what is drafted so far has happened."""

    def __init__(
        self, draft: Draft, outside: Outside, opened: ClaimOpened, claim: Loaded[ClaimState], moment: Moment, day: date
    ) -> None:
        self._draft = draft
        self._outside = outside
        self.opened = opened
        self._claim = claim
        self.now = moment.now
        self._jurisdiction = moment.jurisdiction
        self._policy = outside.policies.on(day, moment.jurisdiction)
        self._current = outside.policy(moment)
        self._day = day
        self._today = civil_day(moment.now)
        self._payment: Loaded[PaymentState]
        self._fee: Loaded[PaymentState] | None = None
        self._member: Loaded[MemberState]
        self._accumulator: Loaded[AccumulatorState]

    @property
    def claim(self) -> ClaimState:
        return self._draft.state(self._claim)

    @property
    def payment(self) -> PaymentState:
        return self._draft.state(self._payment)

    def load(self) -> Generator[Load, Any, None]:
        """The streams that move with the claim. The year is that of its authorisation."""
        patient = self.opened.patient_ref
        self._payment, self._member, self._accumulator = yield from self._draft.load(
            payment_of(self.opened.claim_id), member_of(patient), accumulator_of(patient, self._day.year)
        )
        if self.opened.delivery_fee is not None:
            (self._fee,) = yield from self._draft.load(fee_of(self.opened.supply.supply_id))

    @property
    def member(self) -> MemberState:
        return self._draft.state(self._member)

    @property
    def again_at(self) -> datetime:
        """When an insurer that has not answered is asked again."""
        return self.now + self._current.void_inquiry

    def _next(self) -> int | None:
        """The number of the attempt that may follow this one."""
        attempt = self.opened.attempt
        return attempt + 1 if attempt < self._current.attempts_all else None

    def _release(self, figures: Release[AccumulatorState], account: Release[MemberState], reached: str) -> None:
        if self.claim.state != reached:
            return
        patient, claim_id = self.opened.patient_ref, self.opened.claim_id
        self._draft.add(self._accumulator, figures(self._draft.state(self._accumulator), patient, claim_id))
        self._draft.add(self._member, account(self._draft.state(self._member), patient, claim_id))

    def reserve(self) -> None:
        """What an insurer has accepted takes room of the year and the account; the patient owes the share."""
        claim, opened = self.claim, self.opened
        amounts = claim.adjudication
        assert amounts is not None  # noqa: S101 - the insurer has accepted it, or nobody but the patient pays
        figures = reserve_figures(
            self._draft.state(self._accumulator),
            opened.patient_ref,
            self._day.year,
            opened.claim_id,
            figures_of(amounts) if claim.insurer and not amounts.paid_by("hosp") else NOTHING_USED,
        )
        self._draft.add(self._accumulator, figures)
        member = self._draft.state(self._member)
        account = amounts.paid_by("acct")
        self._draft.add(self._member, reserve_account(member, opened.patient_ref, opened.claim_id, account))
        if claim.patient_share:
            request = PaymentRequested(
                payment_id=self._payment.stream_id,
                claim_id=opened.claim_id,
                supply_id=opened.supply.supply_id,
                prescription_id=opened.supply.prescription_id,
                fulfilment_id=opened.supply.fulfilment_id,
                patient_ref=opened.patient_ref,
                amount=claim.patient_share,
                pharmacy=opened.supply.pharmacy,
                expires_at=self._current.payment_until(self.now),
            )
            self._draft.add(self._payment, request_payment(self.payment, request))

    @property
    def waits_for_fee(self) -> bool:
        """Whether the supply may not leave because its delivery fee is not paid."""
        return self._fee is not None and keeps_waiting(self._draft.state(self._fee), self.claim)

    def ask_for_fee(self) -> None:
        """The delivery fee is due with the first share that is."""
        if self._fee is not None:
            fee = self._draft.state(self._fee)
            self._draft.add(
                self._fee, request_fee(fee, self.claim, self._fee.stream_id, self._current.payment_until(self.now))
            )

    def end_fee(self) -> None:
        """Once all of the supply is accounted for its carriage is over: the fee is earned, or given back."""
        overruled = self._current.fee_bearers
        if self._fee is not None and (end := carriage_end(self.claim, overruled)):
            fee = self._draft.state(self._fee)
            self._draft.add(self._fee, end_fee(fee, end, overruled, self._outside.provider, self.again_at))
