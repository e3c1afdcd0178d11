"""Use cases of claims: opened by a dispensed supply, authorised or paid alone, settled or voided by its fate."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from services.insurance.application.access import sees
from services.insurance.application.claim_work import ClaimWork, Outside, work_on
from services.insurance.application.draft import Draft
from services.insurance.application.registers import tariff_refs
from services.insurance.domain.amounts import ClaimLine
from services.insurance.domain.audit.awaited_codes import await_codes
from services.insurance.domain.audit.case import audit_of
from services.insurance.domain.claim import (
    CLAIM,
    AuthoriseClaim,
    ChooseSelfPay,
    ClaimState,
    DecideDispute,
    GiveCredit,
    OrderReversal,
    claim_id_of,
    claim_of,
)
from services.insurance.domain.claim_decisions import note
from services.insurance.domain.claim_disputes import pays_alone
from services.insurance.domain.claim_events import ClaimOpened
from services.insurance.domain.claim_fact_events import ReceiptNoted, TakingBackNoted, UndoingNoted
from services.insurance.domain.claim_facts import Facts
from services.insurance.domain.claim_taking_back import Order, following_attempt
from services.insurance.domain.claim_values import Consent, FactKind, LineQuantity
from services.insurance.domain.delivery_fee import DeliveryFee, FeeEnd, fee_of_place
from services.insurance.domain.entitlement import Supply
from services.insurance.domain.trace_alarm import trace_alarm_of
from services.seedwork.calendar import civil_day
from services.seedwork.model import Loaded, Refusal
from services.seedwork.usecase import Actor, Answer, Deciding, Decision, Load, Moment, UseCase

FIRST_ATTEMPT = 1
Asking = Generator[Load, Any, Refusal | None]
"""What comes of a step, with what it must load for it."""


@dataclass(frozen=True)
class Dispensed:
    """What a claim is opened with."""

    patient_ref: UUID
    supply: Supply
    lines: tuple[ClaimLine, ...]
    codes: tuple[str, ...] = ()
    """SHA-256 of the trace codes (药品追溯码) of its packs."""
    brought: bool = False
    """Whether a courier is to bring it."""
    codes_undecided: bool = False  # another region's store owns one of them and could not be asked

    def attempt(self, number: int, fee: DeliveryFee | None) -> ClaimOpened:
        return ClaimOpened(
            claim_id=claim_id_of(self.supply.supply_id, number),
            attempt=number,
            patient_ref=self.patient_ref,
            supply=self.supply,
            lines=self.lines,
            delivery_fee=fee,
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
        return _open(moment, Draft(claim), outside, dispensed)

    return UseCase((claim_of(dispensed.supply.supply_id, FIRST_ATTEMPT),), decide)


def _open(moment: Moment, draft: Draft, outside: Outside, dispensed: Dispensed) -> Generator[Load, Any, Decision]:
    """Its trace codes are looked at first: a repeat may have been told before the supply that sold the code. What
    bringing it costs is what the tariff of the pharmacy's place asks today."""
    codes = tuple(trace_alarm_of(code) for code in dispensed.codes)
    tariffs = tariff_refs(dispensed.supply.region) if dispensed.brought else ()
    found = yield from draft.load(*codes, *tariffs)
    repeated = any(alarm.state.repeats for alarm in found[: len(codes)])
    goods = sum(line.amount for line in dispensed.lines)
    fee = fee_of_place([tariff.state for tariff in found[len(codes) :]], goods, civil_day(moment.now))
    opened = dispensed.attempt(FIRST_ATTEMPT, fee)
    if dispensed.codes_undecided:
        (case,) = yield from draft.load(audit_of(dispensed.supply.supply_id))
        draft.add(case, await_codes(awaited=case.state.codes_awaited))
    work = yield from open_attempt(moment, draft, outside, opened, Facts(), repeated_codes=repeated)
    yield from open_next(moment, draft, outside, work)
    return draft.decision()


def open_attempt(
    moment: Moment,
    draft: Draft,
    outside: Outside,
    opened: ClaimOpened,
    facts: Facts,
    *,
    self_pay_chosen: bool = False,
    repeated_codes: bool = False,
) -> Generator[Load, Any, ClaimWork]:
    """One attempt at a claim for a supply, as of today; who has chosen to pay alone is not asked again."""
    work = yield from work_on(draft, outside, opened, moment)
    benefit = yield from work.load_benefit()
    entitled = replace(benefit, entitled="chosen") if self_pay_chosen else benefit
    work.open(entitled, facts, repeated_codes=repeated_codes)
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


def give_credit_on_claim(command: GiveCredit, outside: Outside) -> UseCase:
    """A named person of the pharmacy lets it be handed out before the money is certain."""

    def credit(work: ClaimWork, actor: Actor) -> Asking:
        yield from ()
        return work.credit(command, actor.subject)

    return _asked_by_actor(command.claim_id, outside, credit)


def order_reversal(command: OrderReversal, outside: Outside) -> UseCase:
    """The insurer's officer orders that a settled claim be taken back; what the patient has is billed anew."""

    def order(work: ClaimWork, actor: Actor) -> Asking:
        yield from ()
        return work.reverse("ordered", Order(actor.subject, command.reason))

    return _asked_by_actor(command.claim_id, outside, order)


def decide_disputed_claim(command: DecideDispute, outside: Outside) -> UseCase:
    """The insurer's officer decides who bears what the insurer will not."""

    def decide(work: ClaimWork, actor: Actor) -> Asking:
        yield from ()
        return work.decide(command, actor.subject)

    return _asked_by_actor(command.claim_id, outside, decide)


def _asked_by_party(claim_id: UUID, outside: Outside, ask: Callable[[ClaimWork], Asking]) -> UseCase:
    return _asked(claim_id, outside, lambda work, _actor: ask(work), today=True)


def _asked_by_actor(claim_id: UUID, outside: Outside, ask: Callable[[ClaimWork, Actor], Asking]) -> UseCase:
    return _asked(claim_id, outside, ask, today=False)


def _asked(claim_id: UUID, outside: Outside, ask: Callable[[ClaimWork, Actor], Asking], *, today: bool) -> UseCase:
    """A step that only a party of the claim may ask for; answered by the claim after it. `today`: the step decides by
    which day's policy it goes; otherwise it is the day of the claim's amounts."""

    def decide(moment: Moment, claim: Loaded[ClaimState]) -> Generator[Load, Any, Decision]:
        opened = claim.state.opened
        if opened is None:
            return Decision.refused(Refusal("claim.unknown"))
        if not sees(moment.actor, claim.state):
            return Decision.refused(Refusal("claim.not_yours"))
        draft = Draft(claim)
        day = None if today else claim.state.policy_date
        work = yield from work_on(draft, outside, opened, moment, day)
        if refusal := (yield from ask(work, moment.actor)):
            return Decision.refused(refusal)
        work.apply_facts()
        yield from open_next(moment, draft, outside, work)
        return draft.decision(_answer(work))

    return UseCase((CLAIM.ref(claim_id),), decide)


def _answer(work: ClaimWork) -> Answer:
    requested = work.payment.requested
    return Answer(200, claim_answer(work.claim, requested.payment_id if requested else None))


def note_supply_received(
    supply_id: UUID,
    accepted: tuple[LineQuantity, ...],
    outside: Outside,
    *,
    rejected: tuple[LineQuantity, ...] = (),
    message_id: UUID | None = None,
    at_counter: bool = False,
) -> UseCase:
    """The patient has it: settle as soon as the claim is cleared."""
    told = {"supply_id": supply_id, "accepted": accepted, "rejected": rejected}
    event = ReceiptNoted.model_validate({**told, "message_id": message_id, "at_counter": at_counter})
    return _note(supply_id, outside, "received", event)


def note_supply_undone(
    supply_id: UUID,
    undone: tuple[LineQuantity, ...],
    outside: Outside,
    *,
    message_id: UUID | None = None,
    road: FeeEnd | None = None,
) -> UseCase:
    """It will not reach the patient: void or reverse, free and refund. `road`: why, where a courier had it."""
    event = UndoingNoted(supply_id=supply_id, undone=undone, message_id=message_id, road=road)
    return _note(supply_id, outside, "undone", event)


def note_supply_taken_back(
    supply_id: UUID, taken_back: tuple[LineQuantity, ...], outside: Outside, *, message_id: UUID | None = None
) -> UseCase:
    """The patient gave it back: reverse, and bill anew what stays."""
    event = TakingBackNoted(supply_id=supply_id, taken_back=taken_back, message_id=message_id)
    return _note(supply_id, outside, "taken_back", event)


def _note(
    supply_id: UUID, outside: Outside, kind: FactKind, event: ReceiptNoted | UndoingNoted | TakingBackNoted
) -> UseCase:
    def decide(moment: Moment, first: Loaded[ClaimState]) -> Generator[Load, Any, Decision]:
        claim = yield from current_attempt(supply_id, first, outside.policy(moment).attempts_all)
        noted = note(claim.state, kind, event.message_id, event)
        draft = Draft(claim)
        draft.add(claim, noted)
        opened, day = claim.state.opened, claim.state.policy_date
        if noted and opened is not None and day is not None:
            work = yield from work_on(draft, outside, opened, moment, day)
            work.apply_facts()
            yield from open_next(moment, draft, outside, work)
        return draft.decision()

    return UseCase((claim_of(supply_id, FIRST_ATTEMPT),), decide)


def open_next(moment: Moment, draft: Draft, outside: Outside, work: ClaimWork) -> Generator[Load, Any, None]:
    """The attempt that takes the place of one that was taken back, once; and the one after it, where need be. Who has
    chosen to pay alone pays that alone, too."""
    while (number := work.claim.replaced_by) is not None:
        claim_id = claim_id_of(work.opened.supply.supply_id, number)
        following = following_attempt(work.claim, number, claim_id, outside.policy(moment).rebill_until(moment.now))
        (known,) = yield from draft.load(CLAIM.ref(claim_id))
        if following is None or draft.state(known).opened is not None:
            work.hand_over(None)
            return
        before, facts, alone = work, work.claim.facts, pays_alone(work.claim)
        work = yield from open_attempt(moment, draft, outside, following, facts, self_pay_chosen=alone)
        before.hand_over(work)
        work.clear_if_paid()
        work.apply_facts()


def current_attempt(
    supply_id: UUID, first: Loaded[ClaimState], attempts_max: int
) -> Generator[Load, Any, Loaded[ClaimState]]:
    """The claim that stands for the supply now: the last attempt."""
    claim, attempt = first, FIRST_ATTEMPT
    while claim.state.replaced_by is not None and attempt < attempts_max:
        attempt = claim.state.replaced_by
        (claim,) = yield Load.of(claim_of(supply_id, attempt))
    return claim
