"""One claim taken back, handed out on credit or decided by a person, with all that moves with it."""

from __future__ import annotations

from functools import partial

from services.insurance.application.claim_streams import ClaimStreams
from services.insurance.domain.accumulator import (
    finalise_figures,
    free_figures,
    reverse_figures,
)
from services.insurance.domain.carrying_over import carry_over
from services.insurance.domain.claim import DecideDispute, GiveCredit
from services.insurance.domain.claim_decisions import collect, exceeds
from services.insurance.domain.claim_disputes import decide_dispute, give_credit
from services.insurance.domain.claim_events import (
    ReverseRequested,
    VoidRequested,
)
from services.insurance.domain.claim_taking_back import (
    OUTSIDE_WINDOW,
    Order,
    dispute_reversal,
    keep_on_the_books,
    outside_window,
    record_reverse,
    record_void,
    request_reverse,
    request_void,
    reverse,
    take_back,
)
from services.insurance.domain.claim_transitions import REVERSED, SETTLED, VOIDED
from services.insurance.domain.claim_values import ReverseReason, VoidReason
from services.insurance.domain.gateway import GatewayOutcome
from services.insurance.domain.member import (
    free_account,
    return_account,
    spend_account,
)
from services.insurance.domain.payment import PaymentState
from services.insurance.domain.refunds import give_back
from services.seedwork.model import DomainEvent, Refusal


class ClaimUndoing(ClaimStreams):
    """Voiding and reversing, credit and disputes."""

    def finalise(self) -> None:
        """What the claim takes of year and account is final."""
        day = self._today
        self._release(partial(finalise_figures, day=day), partial(spend_account, day=day), SETTLED)

    def void(self, reason: VoidReason, replaced_by: int | None, consent: str | None = None) -> None:
        """Take it back: the insurer is told first, then all that was booked is negated and the share refunded."""
        if asked := request_void(self.claim, reason, replaced_by, self.now, consent):
            self._draft.add(self._claim, [asked])
            if self.claim.interface.at_once:
                self.ask_void(asked)
            return
        self._draft.add(self._claim, take_back(self.claim, reason, replaced_by))
        self._taken_back()

    def ask_void(self, asked: VoidRequested) -> None:
        """Ask an insurer that answers at once, for the first time or again."""
        self.voided(asked, self._outside.gateway.void(asked.message_id, self.opened.claim_id))

    def voided(self, asked: VoidRequested, outcome: GatewayOutcome) -> None:
        """The insurer's answer to a voiding, and what follows from it."""
        self._draft.add(self._claim, record_void(self.claim, asked, outcome, self.again_at))
        self._taken_back()

    def reverse(self, reason: ReverseReason, order: Order | None = None) -> Refusal | None:
        """Take a settled claim back, once; outside the insurer's window it is a dispute."""
        claim, days_max = self.claim, self._current.reversal_days_max
        if order is None and outside_window(claim, self._today, days_max):
            self._draft.add(self._claim, dispute_reversal(OUTSIDE_WINDOW))
            return None
        following = self._next() if exceeds(claim) else None
        if claim.insurer is None:
            self._draft.add(self._claim, reverse(claim, reason, following))
            self._reversed()
            return None
        refusal = self._draft.add(self._claim, request_reverse(claim, reason, following, order, self.now))
        if refusal is None and self.claim.reverse is not None and self.claim.interface.at_once:
            self.ask_reverse(self.claim.reverse)
        return refusal

    def ask_reverse(self, asked: ReverseRequested) -> None:
        """Ask an insurer that answers at once, for the first time or again."""
        self.reversed(asked, self._outside.gateway.void(asked.message_id, self.opened.claim_id))

    def reversed(self, asked: ReverseRequested, outcome: GatewayOutcome) -> None:
        """The insurer's answer to a reversal, and what follows from it."""
        self._draft.add(self._claim, record_reverse(self.claim, asked, outcome, self.again_at))
        self._reversed()

    def credit(self, command: GiveCredit, person: str) -> Refusal | None:
        """A named person lets it be handed out now."""
        return self._draft.add(self._claim, give_credit(self.claim, command, person, self._current.credit_share_max))

    def decide(self, command: DecideDispute, person: str) -> Refusal | None:
        """An officer decides who bears it."""
        about = self.claim.dispute.about if self.claim.dispute else None
        refusal = self._draft.add(self._claim, decide_dispute(self.claim, command, person))
        if refusal is None and about == "authorisation":
            self.reserve()
            self.finalise()
        if refusal is None and about == "settlement":
            self._settlement_decided(command)
        self._reversed()
        return refusal

    def _settlement_decided(self, command: DecideDispute) -> None:
        """What the insurer books counts; what the pharmacy bears is nobody's use of the year."""
        if command.decision == "accepted_by_insurer":
            self.finalise()
        else:
            self._release(free_figures, free_account, SETTLED)

    def _taken_back(self) -> None:
        self._release(free_figures, free_account, VOIDED)
        if self.claim.state == VOIDED:
            self._give_back()

    def _reversed(self) -> None:
        day = self._today
        self._release(partial(reverse_figures, day=day), partial(return_account, day=day), REVERSED)
        if self.claim.state == REVERSED:
            self._give_back()

    def _give_back(self) -> None:
        """What was paid waits for the attempt that follows in the same decision: only the difference is to move."""
        if self.claim.replaced_by is None or not self.payment.held:
            self.give_back()

    def give_back(self) -> None:
        """All that was paid of the share goes back, what was only asked for is dropped. What has no answer yet waits,
        and what the provider has of it stays on the books."""
        self._draft.add(self._payment, give_back(self.payment, self._outside.provider, self.again_at))
        self._keep_what_is_held()

    def _keep_what_is_held(self) -> None:
        """What the provider has of a claim that is taken back stays on the books; once it went back, nothing."""
        payment = self.payment
        kept = keep_on_the_books(self.claim, payment.held, str(payment.channel), by_pharmacy=payment.by_pharmacy)
        self._draft.add(self._claim, kept)

    def hand_over(self, following: ClaimUndoing | None) -> None:
        """What was paid for this claim, which is taken back, counts for the one in its place where that asks for a
        share now; otherwise it goes back."""
        if self.claim.state not in {VOIDED, REVERSED}:
            return
        after = PaymentState() if following is None else following.payment
        gone, come = carry_over(self.payment, after, self._outside.provider, self.again_at)
        if not come or following is None:
            self.give_back()
            return
        self._draft.add(self._payment, gone)
        self._keep_what_is_held()
        following.covered(come)

    def covered(self, events: list[DomainEvent]) -> None:
        """What had been paid for the claim before is booked here."""
        before = self.payment.covered
        self._draft.add(self._payment, events)
        now = self.payment
        self._draft.add(self._claim, collect(self.claim, str(now.channel), now.covered - before))
