"""One claim at work: the streams that move with it and the steps that touch several of them at once.

A claim's authorisation reserves what its member has left in the year and asks for the patient's share; its settlement
makes that final; its voiding gives it all back. Every step is one decision over all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from services.insurance.application.draft import Draft
from services.insurance.application.registers import (
    BENEFIT_POLICY_KIND,
    CATALOGUE,
    CATALOGUE_KIND,
    INSURANCE_REGISTER,
    POLICIES,
    policy_codes,
    regional_tables,
)
from services.insurance.domain.accumulator import (
    NOTHING_USED,
    AccumulatorState,
    accumulator_of,
    figures_of,
    finalise_figures,
    free_figures,
    reserve_figures,
    reverse_figures,
)
from services.insurance.domain.catalogue import Listing, listing
from services.insurance.domain.claim import ClaimState, DecideDispute, GiveCredit, claim_of
from services.insurance.domain.claim_decisions import (
    choose_self_pay,
    clear,
    collect,
    exceeds,
    inherit,
    may_settle,
    not_booked,
    open_claim,
    quote,
    record_outcome,
    request_authorisation,
    settle,
)
from services.insurance.domain.claim_disputes import decide_dispute, give_credit
from services.insurance.domain.claim_events import (
    ClaimOpened,
    Consent,
    ReverseReason,
    ReverseRequested,
    VoidReason,
    VoidRequested,
)
from services.insurance.domain.claim_facts import Facts
from services.insurance.domain.claim_taking_back import (
    OUTSIDE_WINDOW,
    Order,
    dispute_reversal,
    outside_window,
    record_reverse,
    record_void,
    request_reverse,
    request_void,
    reverse,
    reverse_reason,
    take_back,
    void_reason,
)
from services.insurance.domain.claim_transitions import AUTHORISED, AUTHORISING, CLEARED, REVERSED, SETTLED, VOIDED
from services.insurance.domain.entitlement import Entitlement, SelfPayReason, entitlement
from services.insurance.domain.gateway import BenefitRequest, Gateway, GatewayOutcome, OutcomeKind
from services.insurance.domain.member import (
    MemberState,
    free_account,
    member_of,
    reserve_account,
    return_account,
    spend_account,
)
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
from services.seedwork.reference import EntryState, entry
from services.seedwork.usecase import Load

S = TypeVar("S")
Release = Callable[[S, UUID, UUID], list[DomainEvent]]
"""What becomes of a claim's reservation, by patient and claim."""

NO_CHANNEL = "none"
"""Channel of a share of zero."""


@dataclass(frozen=True)
class Outside:
    """What insurance is composed with: the insurer's gateway, the payment provider, the policy in force."""

    gateway: Gateway
    provider: PaymentProvider
    policy: InsurancePolicy


@dataclass(frozen=True)
class Benefit:
    """What decides about cover today: the entitlement or why there is none, the catalogue, the standing consent."""

    entitled: Entitlement | SelfPayReason
    listings: dict[str, Listing]
    standing: StandingAuthorisationState


class ClaimWork:
    """The steps of one claim inside one decision."""

    def __init__(
        self, draft: Draft, outside: Outside, opened: ClaimOpened, claim: Loaded[ClaimState], now: datetime, day: date
    ) -> None:
        self._draft = draft
        self._outside = outside
        self.opened = opened
        self._claim = claim
        self._now = now
        self._day = day
        self._today = civil_day(now)
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
        insurer = entries[-1].state if facts else EntryState()
        codes = policy_codes(insurer, facts.insutype) if facts else ()
        tables = yield from self._draft.load(*(entry(POLICIES, BENEFIT_POLICY_KIND, code) for code in codes))
        listings = {}
        for product, found in zip(products, entries, strict=False):
            if listed := listing(found.state, self._day, self.opened.supply.region):
                listings[product] = listed
        entitled = entitlement(
            self.opened.supply,
            member=self._draft.state(self._member),
            accumulator=self._draft.state(self._accumulator),
            insurer=insurer,
            policy=self._outside.policy,
            day=self._day,
            regional=regional_tables([table.state for table in tables], self._day),
        )
        return Benefit(entitled, listings, standing.state)

    def open(self, benefit: Benefit, facts: Facts) -> None:
        """Quote it. A standing consent authorises at once; where nobody else pays, the patient's share is due."""
        self._draft.add(self._claim, open_claim(self.claim, self.opened))
        if not self.claim.facts.known:
            self._draft.add(self._claim, inherit(facts))
        self.quote(benefit)
        if not isinstance(benefit.entitled, Entitlement):
            self.self_pay(benefit.entitled, None)
        elif benefit.standing.in_force:
            self.authorise(benefit, "standing_authorisation", None)
        self.apply_facts()

    def quote(self, benefit: Benefit) -> None:
        """What it would come to today."""
        amounts = self._outside.gateway.quote(self._request(benefit, None))
        self._draft.add(self._claim, quote(benefit.entitled, amounts, self._day))

    def authorise(self, benefit: Benefit, consent: Consent | None, credential: str | None) -> Refusal | None:
        """Ask the insurer and book what it answers."""
        refusal = self._draft.add(self._claim, request_authorisation(self.claim, consent))
        if refusal:
            return refusal
        self._outcome(self._outside.gateway.authorise(self._request(benefit, credential)))
        return None

    def ask_authorisation(self, benefit: Benefit) -> None:
        """Ask what became of an authorisation that was not answered; where nothing is booked, it is a quote again."""
        message_id = self.claim.message_id
        if message_id is None:
            return
        outcome = self._outside.gateway.inquire(message_id)
        if outcome.kind is not OutcomeKind.REFUSED:
            self._outcome(outcome)
            return
        self._draft.add(self._claim, not_booked(self.claim))
        self.quote(benefit)

    def _outcome(self, outcome: GatewayOutcome) -> None:
        again_at = self._now + self._outside.policy.void_inquiry
        self._draft.add(self._claim, record_outcome(self.claim, outcome, self._day, again_at))
        self._book()

    def self_pay(self, reason: SelfPayReason, consent: str | None) -> Refusal | None:
        """The patient alone pays. An outcome that is unknown is taken back, whatever it had booked."""
        if reason == "chosen" and self.claim.state == AUTHORISING and self.claim.outcome_unknown:
            self.void("self_pay_chosen", self._next())
            return None
        refusal = self._draft.add(self._claim, choose_self_pay(self.claim, reason, consent, self._day))
        if refusal is None:
            self._book()
        return refusal

    def _request(self, benefit: Benefit, credential: str | None) -> BenefitRequest:
        message_id = self.claim.message_id or self.opened.claim_id
        return BenefitRequest(message_id, self.opened.lines, benefit.listings, benefit.entitled, credential)

    def _book(self) -> None:
        """Once authorised: reserve what it takes of the year and the account, ask for the patient's share."""
        if self.claim.state not in {AUTHORISED, CLEARED}:
            return
        self.reserve()
        if self.claim.patient_share == 0 and self.claim.state == AUTHORISED:
            self.clear(NO_CHANNEL)

    def reserve(self) -> None:
        """What an insurer has accepted takes room of the year and the account; the patient owes the share."""
        claim, opened = self.claim, self.opened
        if claim.adjudication is None:
            return
        amounts = claim.adjudication
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
            )
            self._draft.add(self._payment, request_payment(self.payment, request))

    def clear(self, channel: str) -> None:
        """The patient's share is paid: the supply may leave the pharmacy."""
        self._draft.add(self._claim, clear(self.claim, channel))

    def paid(self, channel: str) -> None:
        """The patient's share is paid: it clears the supply, or settles what was handed out on credit."""
        if self.claim.state == AUTHORISED:
            self.clear(channel)
        else:
            self._draft.add(self._claim, collect(self.claim, channel))

    def apply_facts(self) -> None:
        """What dispatch has told takes effect as soon as the claim's state allows it."""
        if reason := void_reason(self.claim):
            self.void(reason, self._next() if reason == "part_accepted" else None)
        elif may_settle(self.claim):
            self._draft.add(self._claim, settle(self.claim, self._today))
            self.finalise()
        if taken := reverse_reason(self.claim):
            self.reverse(taken)

    def finalise(self) -> None:
        """What the claim takes of year and account is final."""
        self._release(finalise_figures, spend_account, SETTLED)

    def _next(self) -> int | None:
        """The number of the attempt that may follow this one."""
        attempt = self.opened.attempt
        return attempt + 1 if attempt < self._outside.policy.attempts_all else None

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
        again_at = self._now + self._outside.policy.void_inquiry
        self._draft.add(self._claim, record_void(self.claim, asked, outcome, again_at))
        self._taken_back()

    def reverse(self, reason: ReverseReason, order: Order | None = None) -> Refusal | None:
        """Take a settled claim back, once; outside the insurer's window it is a dispute."""
        claim, days_max = self.claim, self._outside.policy.reversal_days_max
        if order is None and outside_window(claim, self._today, days_max):
            self._draft.add(self._claim, dispute_reversal(OUTSIDE_WINDOW))
            return None
        following = self._next() if exceeds(claim) else None
        if claim.insurer is None:
            self._draft.add(self._claim, reverse(claim, reason, following))
            self._reversed()
            return None
        refusal = self._draft.add(self._claim, request_reverse(claim, reason, following, order))
        if refusal is None and self.claim.reverse is not None:
            self.ask_reverse(self.claim.reverse)
        return refusal

    def ask_reverse(self, asked: ReverseRequested) -> None:
        """Ask the insurer, for the first time or again, and do what follows from its answer."""
        outcome = self._outside.gateway.void(asked.message_id, self.opened.claim_id)
        again_at = self._now + self._outside.policy.void_inquiry
        self._draft.add(self._claim, record_reverse(self.claim, asked, outcome, again_at))
        self._reversed()

    def credit(self, command: GiveCredit, person: str) -> Refusal | None:
        """A named person lets it be handed out now."""
        return self._draft.add(
            self._claim, give_credit(self.claim, command, person, self._outside.policy.credit_share_max)
        )

    def decide(self, command: DecideDispute, person: str) -> Refusal | None:
        """An officer decides who bears it."""
        about = self.claim.dispute.about if self.claim.dispute else None
        refusal = self._draft.add(self._claim, decide_dispute(self.claim, command, person))
        if refusal is None and about == "authorisation":
            self.reserve()
            self.finalise()
        self._reversed()
        return refusal

    def _taken_back(self) -> None:
        self._release(free_figures, free_account, VOIDED)
        if self.claim.state == VOIDED:
            self._draft.add(self._payment, give_back(self.payment, self._outside.provider))

    def _reversed(self) -> None:
        self._release(reverse_figures, return_account, REVERSED)
        if self.claim.state == REVERSED:
            self._draft.add(self._payment, give_back(self.payment, self._outside.provider))

    def _release(self, figures: Release[AccumulatorState], account: Release[MemberState], reached: str) -> None:
        if self.claim.state != reached:
            return
        patient, claim_id = self.opened.patient_ref, self.opened.claim_id
        self._draft.add(self._accumulator, figures(self._draft.state(self._accumulator), patient, claim_id))
        self._draft.add(self._member, account(self._draft.state(self._member), patient, claim_id))


def work_on(
    draft: Draft, outside: Outside, opened: ClaimOpened, now: datetime, day: date | None = None
) -> Generator[Load, Any, ClaimWork]:
    """A claim as of a day: today until it is authorised, from then on the day of its authorisation."""
    (claim,) = yield from draft.load(claim_of(opened.supply.supply_id, opened.attempt))
    work = ClaimWork(draft, outside, opened, claim, now, day or civil_day(now))
    yield from work.load()
    return work
