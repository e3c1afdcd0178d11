"""One claim at work: the streams that move with it and the steps that touch several of them at once.

A claim's authorisation reserves what its member has left in the year and asks for the patient's share; its settlement
makes that final; its voiding gives it all back. Every step is one decision over all of them.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.insurance.application.claim_audit import AuditedClaim
from services.insurance.application.claim_streams import Outside
from services.insurance.application.draft import Draft
from services.insurance.application.registers import (
    BENEFIT_POLICIES,
    BENEFIT_POLICY_KIND,
    CATALOGUE,
    CATALOGUE_KIND,
    INSURANCE_REGISTER,
    policy_codes,
    regional_tables,
)
from services.insurance.domain.catalogue import Listing, listing
from services.insurance.domain.claim import claim_of
from services.insurance.domain.claim_decisions import (
    choose_self_pay,
    clear,
    collect,
    inherit,
    may_settle,
    not_booked,
    open_claim,
    quote,
    record_outcome,
    record_quote,
    request_authorisation,
    settle,
)
from services.insurance.domain.claim_events import (
    ClaimOpened,
)
from services.insurance.domain.claim_facts import Facts
from services.insurance.domain.claim_settling import record_settlement, request_settlement, settles_by_asking
from services.insurance.domain.claim_taking_back import (
    reverse_reason,
    void_reason,
)
from services.insurance.domain.claim_transitions import AUTHORISED, AUTHORISING, CLEARED, QUOTED
from services.insurance.domain.claim_values import Consent
from services.insurance.domain.entitlement import Entitlement, SelfPayReason, entitlement
from services.insurance.domain.gateway import BenefitRequest, GatewayOutcome, OutcomeKind
from services.insurance.domain.standing_authorisation import StandingAuthorisationState, standing_authorisation_of
from services.seedwork.calendar import civil_day
from services.seedwork.model import Refusal
from services.seedwork.reference import EntryState, entry
from services.seedwork.usecase import Load, Moment

__all__ = ["ClaimWork", "Outside", "work_on"]

NO_CHANNEL = "none"
"""Channel of a share of zero."""


@dataclass(frozen=True)
class Benefit:
    """What decides about cover today: the entitlement or why there is none, the catalogue, the standing consent."""

    entitled: Entitlement | SelfPayReason
    listings: dict[str, Listing]
    standing: StandingAuthorisationState


class ClaimWork(AuditedClaim):
    """The steps of one claim inside one decision."""

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
        tables = yield from self._draft.load(*(entry(BENEFIT_POLICIES, BENEFIT_POLICY_KIND, code) for code in codes))
        listings = {}
        for product, found in zip(products, entries, strict=False):
            if listed := listing(found.state, self._day, self.opened.supply.region):
                listings[product] = listed
        entitled = entitlement(
            self.opened.supply,
            member=self._draft.state(self._member),
            accumulator=self._draft.state(self._accumulator),
            insurer=insurer,
            policy=self._policy,
            day=self._day,
            regional=regional_tables([table.state for table in tables], self._day),
        )
        return Benefit(entitled, listings, standing.state)

    def open(self, benefit: Benefit, facts: Facts, *, repeated_codes: bool = False) -> None:
        """Quote it. A standing consent authorises at once; where nobody else pays, the patient's share is due."""
        self._draft.add(self._claim, open_claim(self.claim, self.opened))
        if not self.claim.facts.known:
            self._draft.add(self._claim, inherit(facts))
        self.count_supply()
        self.quote(benefit)
        if not isinstance(benefit.entitled, Entitlement):
            self.self_pay(benefit.entitled, self.opened.patient_consent if benefit.entitled == "chosen" else None)
        else:
            self.flag("before", repeated_codes=repeated_codes)
            self.refuse_by_audit()
            self.authorise_by_standing(benefit)
        self.apply_facts()

    def authorise_by_standing(self, benefit: Benefit) -> None:
        """A standing consent authorises at once what nobody has to decide about."""
        if benefit.standing.in_force and self.claim.state == QUOTED and isinstance(benefit.entitled, Entitlement):
            self.authorise(benefit, "standing_authorisation", None)

    def quote(self, benefit: Benefit) -> None:
        """What it would come to today, by our own tables."""
        amounts = self._outside.gateway.quote(self._request(benefit, None))
        audited = self.audited("before").note if isinstance(benefit.entitled, Entitlement) else None
        self._draft.add(self._claim, quote(benefit.entitled, amounts, self._day, self.now, audited))

    def quoted(self, outcome: GatewayOutcome) -> None:
        """What the insurer itself says that it would come to."""
        self._draft.add(self._claim, record_quote(self.claim, outcome, self._day, self.again_at))

    def authorise(self, benefit: Benefit, consent: Consent | None, credential: str | None) -> Refusal | None:
        """Ask the insurer and book what it answers; before that, the audit. One beyond the network is asked once this
        is saved: by whoever holds the credential, or by the clock."""
        if consent is not None and self.claim.state == QUOTED:
            if refused := self.audit_gate():
                return refused
            if self.case.holds or self.claim.state != QUOTED:
                return None
        at_once = self.claim.interface.at_once
        due = None if at_once else self.now if consent == "standing_authorisation" else self.again_at
        refusal = self._draft.add(self._claim, request_authorisation(self.claim, consent, self.now, due))
        if refusal:
            return refusal
        if at_once:
            self.answered(self._outside.gateway.authorise(self._request(benefit, credential)))
        elif not isinstance(benefit.entitled, Entitlement):
            self.answered(GatewayOutcome(OutcomeKind.REFUSED, reasons=(benefit.entitled,)))
        return None

    def found(self, benefit: Benefit, outcome: GatewayOutcome) -> None:
        """What became of an authorisation that was not answered. Where nothing is booked it is a quote again; under a
        standing consent an insurer beyond the network is asked again, so many times."""
        if outcome.kind is not OutcomeKind.REFUSED:
            self.answered(outcome)
            return
        self._draft.add(self._claim, not_booked(self.claim))
        self.quote(benefit)
        may = not self.claim.interface.at_once and self.claim.authorisations_lost < self._current.attempts_max
        if may and benefit.standing.in_force and isinstance(benefit.entitled, Entitlement):
            self.authorise(benefit, "standing_authorisation", None)

    def answered(self, outcome: GatewayOutcome) -> None:
        """The insurer's answer to an authorisation, and what it takes of the year."""
        self._draft.add(self._claim, record_outcome(self.claim, outcome, self._day, self.again_at))
        self._book()

    def settled(self, outcome: GatewayOutcome) -> None:
        """A two-step insurer's answer to a settlement."""
        self._draft.add(self._claim, record_settlement(self.claim, outcome, self._today, self.again_at))
        self.finalise()

    def self_pay(self, reason: SelfPayReason, consent: str | None) -> Refusal | None:
        """The patient alone pays. An outcome that is unknown is taken back, whatever it had booked."""
        if reason == "chosen" and self.claim.state == AUTHORISING and self.claim.outcome_unknown:
            self.void("self_pay_chosen", self._next(), consent)
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
        self.ask_for_fee()
        self.clear_if_paid()

    def clear(self, channel: str) -> None:
        """The patient's share is paid: the supply may leave the pharmacy."""
        self._draft.add(self._claim, clear(self.claim, channel))

    def clear_if_paid(self) -> None:
        """Nothing of the share is owed any more, and no delivery fee."""
        if self.claim.state == AUTHORISED and self.claim.owed == 0 and not self.waits_for_fee:
            self.clear(NO_CHANNEL)

    def paid(self, channel: str) -> None:
        """The patient's share is paid: it clears the supply, waits for the delivery fee, or settles what was handed out
        on credit."""
        if self.claim.state == AUTHORISED and not self.waits_for_fee:
            self.clear(channel)
        else:
            self._draft.add(self._claim, collect(self.claim, channel))

    def apply_facts(self) -> None:
        """What dispatch has told takes effect as soon as the claim's state allows it."""
        if reason := void_reason(self.claim):
            self.void(reason, self._next() if reason == "part_accepted" else None)
        elif self.claim.insurer is None or not self.case.holds_settlement:
            self._settle()
        if taken := reverse_reason(self.claim):
            self.reverse(taken)
        self.end_fee()
        self.uncount_supply()

    def _settle(self) -> None:
        """Where all that is claimed was received: booked, or the insurer asked to book what it has reserved."""
        if settles_by_asking(self.claim):
            self._draft.add(self._claim, request_settlement(self.claim, self.now))
        elif may_settle(self.claim):
            self._draft.add(self._claim, settle(self.claim, self._today))
            self.finalise()
            self.flag("after")
            self.reverse_by_audit()


def work_on(
    draft: Draft, outside: Outside, opened: ClaimOpened, moment: Moment, day: date | None = None
) -> Generator[Load, Any, ClaimWork]:
    """A claim as of a day: today until it is authorised, from then on the day of its authorisation."""
    (claim,) = yield from draft.load(claim_of(opened.supply.supply_id, opened.attempt))
    work = ClaimWork(draft, outside, opened, claim, moment, day or civil_day(moment.now))
    yield from work.load()
    return work
