"""Use cases of claims: opened by a dispensed supply, authorised or paid alone, settled or voided by its fate."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from services.insurance.application.access import sees
from services.insurance.application.claim_work import ClaimWork, Outside, work_on
from services.insurance.application.draft import Draft
from services.insurance.domain.adjudication import ClaimLine
from services.insurance.domain.claim import CLAIM, AuthoriseClaim, ChooseSelfPay, ClaimState, claim_id_of, claim_of
from services.insurance.domain.claim_decisions import inquiry_due, note_receipt, note_undoing
from services.insurance.domain.claim_events import ClaimOpened, Consent, LineQuantity
from services.insurance.domain.entitlement import Supply
from services.seedwork.model import DomainEvent, Loaded, Refusal
from services.seedwork.usecase import Answer, Deciding, Decision, Load, Moment, UseCase

FIRST_ATTEMPT = 1
Asking = Generator[Load, Any, Refusal | None]
"""What comes of a step, with what it must load for it."""


@dataclass(frozen=True)
class Dispensed:
    """What a claim is opened with."""

    patient_ref: UUID
    supply: Supply
    lines: tuple[ClaimLine, ...]

    def attempt(self, number: int) -> ClaimOpened:
        return ClaimOpened(
            claim_id=claim_id_of(self.supply.supply_id, number),
            attempt=number,
            patient_ref=self.patient_ref,
            supply=self.supply,
            lines=self.lines,
        )


def claim_answer(claim: ClaimState, payment_id: UUID | None) -> Mapping[str, Any]:
    """What a command on a claim tells its caller."""
    return {
        "claim_id": str(claim.opened.claim_id) if claim.opened else None,
        "state": claim.state,
        "patient_share": claim.patient_share,
        "payment_id": str(payment_id) if payment_id else None,
        "reasons": list(claim.refusals),
    }


def open_for_supply(dispensed: Dispensed, outside: Outside) -> UseCase:
    """A supply was dispensed: its first claim is opened and quoted; the same supply again changes nothing."""

    def decide(moment: Moment, claim: Loaded[ClaimState]) -> Deciding:
        if claim.state.opened is not None:
            return Decision.nothing()
        return _open(moment, Draft(claim), outside, dispensed.attempt(FIRST_ATTEMPT))

    return UseCase((claim_of(dispensed.supply.supply_id, FIRST_ATTEMPT),), decide)


def _open(moment: Moment, draft: Draft, outside: Outside, opened: ClaimOpened) -> Generator[Load, Any, Decision]:
    yield from open_attempt(moment, draft, outside, opened)
    return draft.decision()


def open_attempt(
    moment: Moment, draft: Draft, outside: Outside, opened: ClaimOpened, *, self_pay_chosen: bool = False
) -> Generator[Load, Any, ClaimWork]:
    """One attempt at a claim for a supply, as of today; who has chosen to pay alone is not asked again."""
    work = yield from work_on(draft, outside, opened, moment)
    benefit = yield from work.load_benefit()
    work.open(replace(benefit, entitled="chosen") if self_pay_chosen else benefit)
    return work


def authorise_claim(command: AuthoriseClaim, outside: Outside) -> UseCase:
    """Ask the insurer, on the patient's credential or standing authorisation."""

    def authorise(work: ClaimWork) -> Asking:
        benefit = yield from work.load_benefit()
        consent: Consent | None = "standing_authorisation" if benefit.standing.in_force else None
        if command.credential is not None:
            consent = "credential"
        return work.authorise(benefit, consent, command.credential)

    return _asked_by_party(command.claim_id, outside, authorise)


def choose_self_pay_for_claim(command: ChooseSelfPay, outside: Outside) -> UseCase:
    """The patient pays alone, with written consent."""

    def choose(work: ClaimWork) -> Asking:
        yield from ()  # nothing more to load
        return work.self_pay("chosen", command.consent)

    return _asked_by_party(command.claim_id, outside, choose)


def _asked_by_party(claim_id: UUID, outside: Outside, ask: Callable[[ClaimWork], Asking]) -> UseCase:
    """A step that only a party of the claim may ask for; answered by the claim after it."""

    def decide(moment: Moment, claim: Loaded[ClaimState]) -> Generator[Load, Any, Decision]:
        opened = claim.state.opened
        if opened is None:
            return Decision.refused(Refusal("claim.unknown"))
        if not sees(moment.actor, claim.state):
            return Decision.refused(Refusal("claim.not_yours"))
        draft = Draft(claim)
        work = yield from work_on(draft, outside, opened, moment)
        if refusal := (yield from ask(work)):
            return Decision.refused(refusal)
        work.apply_facts()
        return draft.decision(_answer(work))

    return UseCase((CLAIM.ref(claim_id),), decide)


def _answer(work: ClaimWork) -> Answer:
    requested = work.payment.requested
    return Answer(200, claim_answer(work.claim, requested.payment_id if requested else None))


def note_supply_received(supply_id: UUID, accepted: tuple[LineQuantity, ...], outside: Outside) -> UseCase:
    """The patient has it: settle as soon as the claim is cleared."""
    return _note(supply_id, outside, lambda claim: note_receipt(claim, supply_id, accepted))


def note_supply_undone(supply_id: UUID, undone: tuple[LineQuantity, ...], outside: Outside) -> UseCase:
    """It will not reach the patient: void, free and refund."""
    return _note(supply_id, outside, lambda claim: note_undoing(claim, supply_id, undone))


def _note(supply_id: UUID, outside: Outside, note: Any) -> UseCase:
    def decide(moment: Moment, first: Loaded[ClaimState]) -> Generator[Load, Any, Decision]:
        claim = yield from current_attempt(supply_id, first, outside.policy(moment).attempts_max)
        noted: list[DomainEvent] = note(claim.state)
        draft = Draft(claim)
        draft.add(claim, noted)
        opened, day = claim.state.opened, claim.state.policy_date
        if noted and opened is not None and day is not None:
            work = yield from work_on(draft, outside, opened, moment, day)
            work.apply_facts()
        return draft.decision()

    return UseCase((claim_of(supply_id, FIRST_ATTEMPT),), decide)


def inquire_void(claim_id: UUID, outside: Outside) -> UseCase:
    """The clock: an insurer that has not confirmed a voiding is asked again, under the same message id."""

    def decide(moment: Moment, claim: Loaded[ClaimState]) -> Generator[Load, Any, Decision]:
        asked, opened = inquiry_due(claim.state, moment.now), claim.state.opened
        if asked is None or opened is None:
            return Decision.nothing()
        draft = Draft(claim)
        work = yield from work_on(draft, outside, opened, moment, claim.state.policy_date)
        work.ask_void(asked)
        yield from open_next(moment, draft, outside, work)
        return draft.decision()

    return UseCase((CLAIM.ref(claim_id),), decide)


def open_next(
    moment: Moment, draft: Draft, outside: Outside, work: ClaimWork, *, self_pay_chosen: bool = False
) -> Generator[Load, Any, None]:
    """The attempt that takes the place of one that was taken back."""
    following = work.claim.replaced_by
    if following is not None:
        claim_id = claim_id_of(work.opened.supply.supply_id, following)
        again = work.opened.model_copy(update={"attempt": following, "claim_id": claim_id})
        yield from open_attempt(moment, draft, outside, again, self_pay_chosen=self_pay_chosen)


def current_attempt(
    supply_id: UUID, first: Loaded[ClaimState], attempts_max: int
) -> Generator[Load, Any, Loaded[ClaimState]]:
    """The claim that stands for the supply now: the last attempt."""
    claim, attempt = first, FIRST_ATTEMPT
    while claim.state.replaced_by is not None and attempt < attempts_max:
        attempt = claim.state.replaced_by
        (claim,) = yield Load.of(claim_of(supply_id, attempt))
    return claim
