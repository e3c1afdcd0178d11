"""One claim at work: the streams that move with it and the steps that touch several of them at once.

A claim's authorisation reserves what its member has left in the year and asks for the patient's share; its settlement
makes that final; its voiding gives it all back. Every step is one decision over all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from services.insurance.application.draft import Draft
from services.insurance.application.registers import CATALOGUE, CATALOGUE_KIND, INSURANCE_REGISTER
from services.insurance.domain.accumulator import (
    AccumulatorState,
    YearFigures,
    accumulator_of,
    finalise_figures,
    free_figures,
    reserve_figures,
)
from services.insurance.domain.catalogue import Listing, listing
from services.insurance.domain.claim import ClaimState, claim_of
from services.insurance.domain.claim_decisions import (
    choose_self_pay,
    clear,
    may_settle,
    must_void,
    open_claim,
    quote,
    record_outcome,
    record_void,
    request_authorisation,
    request_void,
    settle,
    take_back,
)
from services.insurance.domain.claim_events import ClaimOpened, Consent, VoidReason, VoidRequested
from services.insurance.domain.claim_transitions import AUTHORISED, SETTLED, VOIDED
from services.insurance.domain.entitlement import Entitlement, SelfPayReason, entitlement
from services.insurance.domain.gateway import BenefitRequest, Gateway
from services.insurance.domain.member import MemberState, free_account, member_of, reserve_account, spend_account
from services.insurance.domain.payment import (
    PaymentProvider,
    PaymentRequested,
    PaymentState,
    give_back,
    payment_of,
    request_payment,
)
from services.insurance.domain.policy import InsurancePolicy
from services.insurance.domain.standing_authorisation import StandingAuthorisationState, standing_authorisation_of
from services.seedwork.calendar import civil_day
from services.seedwork.model import DomainEvent, Loaded, Refusal
from services.seedwork.policies import Jurisdictions
from services.seedwork.reference import EntryState, entry
from services.seedwork.usecase import Load, Moment

S = TypeVar("S")
Release = Callable[[S, UUID, UUID], list[DomainEvent]]
"""What becomes of a claim's reservation, by patient and claim."""

NO_CHANNEL = "none"
"""Channel of a share of zero."""


@dataclass(frozen=True)
class Outside:
    """What insurance is composed with: the insurer's gateway, the payment provider, the policies there are."""

    gateway: Gateway
    provider: PaymentProvider
    policies: Jurisdictions[InsurancePolicy]

    def policy(self, moment: Moment) -> InsurancePolicy:
        """What holds here today."""
        return self.policies.on(civil_day(moment.now), moment.jurisdiction)


@dataclass(frozen=True)
class Benefit:
    """What decides about cover today: the entitlement or why there is none, the catalogue, the standing consent."""

    entitled: Entitlement | SelfPayReason
    listings: dict[str, Listing]
    standing: StandingAuthorisationState


class ClaimWork:
    """The steps of one claim inside one decision."""

    def __init__(
        self, draft: Draft, outside: Outside, opened: ClaimOpened, claim: Loaded[ClaimState], moment: Moment, day: date
    ) -> None:
        self._draft = draft
        self._outside = outside
        self.opened = opened
        self._claim = claim
        self._now = moment.now
        self._policy = outside.policies.on(day, moment.jurisdiction)
        self._void_inquiry = outside.policy(moment).void_inquiry
        self._day = day
        self._payment: Loaded[PaymentState]
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

    def load_benefit(self) -> Generator[Load, Any, Benefit]:
        """What the insurer would go by today."""
        facts = self._draft.state(self._member).facts
        products = tuple(dict.fromkeys(line.product for line in self.opened.lines))
        standing, *entries = yield from self._draft.load(
            standing_authorisation_of(self.opened.patient_ref),
            *(entry(CATALOGUE, CATALOGUE_KIND, product) for product in products),
            *((entry(INSURANCE_REGISTER, "insurer", facts.insurer),) if facts else ()),
        )
        listings = {}
        for product, found in zip(products, entries, strict=False):
            if listed := listing(found.state, self._day):
                listings[product] = listed
        entitled = entitlement(
            self.opened.supply,
            member=self._draft.state(self._member),
            accumulator=self._draft.state(self._accumulator),
            insurer=entries[-1].state if facts else EntryState(),
            policy=self._policy,
            day=self._day,
        )
        return Benefit(entitled, listings, standing.state)

    def open(self, benefit: Benefit) -> None:
        """Quote it. A standing consent authorises at once; where nobody else pays, the patient's share is due."""
        opened = self.opened
        self._draft.add(
            self._claim,
            open_claim(
                self.claim,
                claim_id=opened.claim_id,
                attempt=opened.attempt,
                patient_ref=opened.patient_ref,
                supply=opened.supply,
                lines=opened.lines,
            ),
        )
        amounts = self._outside.gateway.quote(self._request(benefit, None))
        self._draft.add(self._claim, quote(benefit.entitled, amounts, self._day))
        if not isinstance(benefit.entitled, Entitlement):
            self.self_pay(benefit.entitled, None)
        elif benefit.standing.in_force:
            self.authorise(benefit, "standing_authorisation", None)
        self.apply_facts()

    def authorise(self, benefit: Benefit, consent: Consent | None, credential: str | None) -> Refusal | None:
        """Ask the insurer and book what it answers."""
        refusal = self._draft.add(self._claim, request_authorisation(self.claim, consent))
        if refusal:
            return refusal
        outcome = self._outside.gateway.authorise(self._request(benefit, credential))
        self._draft.add(self._claim, record_outcome(self.claim, outcome, self._day))
        self._book()
        return None

    def self_pay(self, reason: SelfPayReason, consent: str | None) -> Refusal | None:
        """The patient alone pays."""
        refusal = self._draft.add(self._claim, choose_self_pay(self.claim, reason, consent, self._day))
        if refusal is None:
            self._book()
        return refusal

    def _request(self, benefit: Benefit, credential: str | None) -> BenefitRequest:
        message_id = self.claim.message_id or self.opened.claim_id
        return BenefitRequest(message_id, self.opened.lines, benefit.listings, benefit.entitled, credential)

    def _book(self) -> None:
        """Once authorised: reserve what it takes of the year and the account, ask for the patient's share."""
        claim, opened = self.claim, self.opened
        if claim.state != AUTHORISED or claim.adjudication is None:
            return
        amounts = claim.adjudication
        figures = YearFigures(deductible_used=amounts.deductible, pooled_paid=amounts.paid_by("hifp"))
        self._draft.add(
            self._accumulator,
            reserve_figures(
                self._draft.state(self._accumulator), opened.patient_ref, self._day.year, opened.claim_id, figures
            ),
        )
        member = self._draft.state(self._member)
        account = amounts.paid_by("acct")
        self._draft.add(self._member, reserve_account(member, opened.patient_ref, opened.claim_id, account))
        if claim.patient_share == 0:
            self.clear(NO_CHANNEL)
            return
        request = PaymentRequested(
            payment_id=self._payment.stream_id,
            claim_id=opened.claim_id,
            supply_id=opened.supply.supply_id,
            prescription_id=opened.supply.prescription_id,
            fulfilment_id=opened.supply.fulfilment_id,
            patient_ref=opened.patient_ref,
            amount=claim.patient_share,
        )
        self._draft.add(self._payment, request_payment(self.payment, request))

    def clear(self, channel: str) -> None:
        """The patient's share is paid: the supply may leave the pharmacy."""
        self._draft.add(self._claim, clear(self.claim, channel))

    def apply_facts(self) -> None:
        """What dispatch has told takes effect as soon as the claim's state allows it."""
        if must_void(self.claim):
            self.void("supply_undone", None)
        elif may_settle(self.claim):
            self._draft.add(self._claim, settle(self.claim))
            self._release(finalise_figures, spend_account, SETTLED)

    def void(self, reason: VoidReason, replaced_by: int | None) -> None:
        """Take it back: the insurer is told first, then all that was booked is negated and the share refunded."""
        if asked := request_void(self.claim, reason, replaced_by):
            self._draft.add(self._claim, [asked])
            self.ask_void(asked)
            return
        self._draft.add(self._claim, take_back(self.claim, reason, replaced_by))
        self._taken_back()

    def ask_void(self, asked: VoidRequested) -> None:
        """Ask the insurer, for the first time or again, and do what follows from its answer."""
        outcome = self._outside.gateway.void(asked.message_id, self.opened.claim_id)
        again_at = self._now + self._void_inquiry
        self._draft.add(self._claim, record_void(self.claim, asked, outcome, again_at))
        self._taken_back()

    def _taken_back(self) -> None:
        self._release(free_figures, free_account, VOIDED)
        if self.claim.state == VOIDED:
            self._draft.add(self._payment, give_back(self.payment, self._outside.provider))

    def _release(self, figures: Release[AccumulatorState], account: Release[MemberState], reached: str) -> None:
        if self.claim.state != reached:
            return
        patient, claim_id = self.opened.patient_ref, self.opened.claim_id
        self._draft.add(self._accumulator, figures(self._draft.state(self._accumulator), patient, claim_id))
        self._draft.add(self._member, account(self._draft.state(self._member), patient, claim_id))


def work_on(
    draft: Draft, outside: Outside, opened: ClaimOpened, moment: Moment, day: date | None = None
) -> Generator[Load, Any, ClaimWork]:
    """A claim as of a day: today until it is authorised, from then on the day of its authorisation."""
    (claim,) = yield from draft.load(claim_of(opened.supply.supply_id, opened.attempt))
    work = ClaimWork(draft, outside, opened, claim, moment, day or civil_day(moment.now))
    yield from work.load()
    return work
