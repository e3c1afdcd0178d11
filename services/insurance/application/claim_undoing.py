"""One claim taken back, handed out on credit or decided by a person, with all that moves with it."""

from __future__ import annotations

from services.insurance.application.claim_streams import ClaimStreams
from services.insurance.domain.accumulator import (
    finalise_figures,
    free_figures,
    reverse_figures,
)
from services.insurance.domain.claim import DecideDispute, GiveCredit
from services.insurance.domain.claim_decisions import (
    exceeds,
)
from services.insurance.domain.claim_disputes import decide_dispute, give_credit
from services.insurance.domain.claim_events import (
    ReverseRequested,
    VoidRequested,
)
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
    take_back,
)
from services.insurance.domain.claim_transitions import REVERSED, SETTLED, VOIDED
from services.insurance.domain.claim_values import ReverseReason, VoidReason
from services.insurance.domain.member import (
    free_account,
    return_account,
    spend_account,
)
from services.insurance.domain.payment import (
    give_back,
)
from services.seedwork.model import Refusal


class ClaimUndoing(ClaimStreams):
    """Voiding and reversing, credit and disputes."""

    def finalise(self) -> None:
        """What the claim takes of year and account is final."""
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
        again_at = self._now + self._current.void_inquiry
        self._draft.add(self._claim, record_void(self.claim, asked, outcome, again_at))
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
        refusal = self._draft.add(self._claim, request_reverse(claim, reason, following, order))
        if refusal is None and self.claim.reverse is not None:
            self.ask_reverse(self.claim.reverse)
        return refusal

    def ask_reverse(self, asked: ReverseRequested) -> None:
        """Ask the insurer, for the first time or again, and do what follows from its answer."""
        outcome = self._outside.gateway.void(asked.message_id, self.opened.claim_id)
        again_at = self._now + self._current.void_inquiry
        self._draft.add(self._claim, record_reverse(self.claim, asked, outcome, again_at))
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
