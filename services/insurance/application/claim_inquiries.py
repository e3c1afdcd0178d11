"""The clock, and whoever holds a credential, ask insurers: once a request is saved, again while it is not answered.

A message to an insurer beyond the network has an id that a repeat has again, so that asking twice books once. Its
answer is decided like everything else, between a load and a save, and again after a conflict.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast
from uuid import UUID

from services.insurance.application.claim_work import ClaimWork, Outside, work_on
from services.insurance.application.claims import open_next
from services.insurance.application.draft import Draft
from services.insurance.application.insurer_messages import message, reach_of
from services.insurance.application.registers import INSURANCE_REGISTER
from services.insurance.domain import claim_transitions as states
from services.insurance.domain.claim import CLAIM, ClaimState
from services.insurance.domain.claim_events import ReverseRequested, VoidRequested
from services.insurance.domain.gateway import Asked, GatewayOutcome, OutcomeKind, Reach, RemoteGateway
from services.insurance.domain.insurer_events import InsurerAsked, SettlementRequested
from services.insurance.domain.member import MemberState
from services.insurance.domain.policy import InsurancePolicy
from services.seedwork.model import Loaded, StreamRef, derived_id
from services.seedwork.reference import EntryState, entry
from services.seedwork.usecase import Decision, Load, Moment, UseCase

Question = Literal["quote", "authorise", "inquire", "settle", "void"]
NOT_REACHED = GatewayOutcome(OutcomeKind.UNKNOWN, reasons=("insurer.not_reached",))
"""The register names no way to the insurer: nothing is known of what it has booked."""


def inquire(claim_id: UUID, outside: Outside) -> UseCase:
    """The clock: an insurer is asked what it has not been asked yet, or has not answered, under the same message id."""

    def decide(moment: Moment, claim: Loaded[ClaimState]) -> Generator[Load, Any, Decision]:
        state, opened = claim.state, claim.state.opened
        if opened is None or state.next_inquiry_at is None or moment.now < state.next_inquiry_at:
            return Decision.nothing()
        draft = Draft(claim)
        day = None if state.state in {states.QUOTED, states.AUTHORISING} else state.policy_date
        work = yield from work_on(draft, outside, opened, moment, day)
        if state.interface.at_once:
            yield from _ask_at_once(work, outside)
        else:
            yield from _ask(work, (yield from _line(draft, work, outside, moment)))
        work.apply_facts()
        yield from open_next(moment, draft, outside, work)
        return draft.decision()

    return UseCase((CLAIM.ref(claim_id),), decide)


def _ask_at_once(work: ClaimWork, outside: Outside) -> Generator[Load, Any, None]:
    claim = work.claim
    if claim.state == states.AUTHORISING and claim.message_id is not None:
        benefit = yield from work.load_benefit()
        work.found(benefit, outside.gateway.inquire(claim.message_id))
    elif claim.state == states.VOIDING and claim.void is not None:
        work.ask_void(claim.void)
    else:
        work.ask_reverse(cast("ReverseRequested", claim.reverse))  # nothing else waits for an insurer in-house


@dataclass(frozen=True)
class Line:
    """The way to the insurer of one claim; where the register names none, every answer is unknown."""

    gateway: RemoteGateway | None
    reach: Reach | None
    claim: ClaimState
    member: MemberState
    policy: InsurancePolicy

    def ask(
        self, what: Question, message_id: UUID, requested_at: datetime, credential: str | None = None
    ) -> GatewayOutcome:
        """The insurer's answer to one message."""
        asked = message(self.claim, self.member, self.policy, message_id, requested_at, credential)
        if self.gateway is None or self.reach is None or asked is None:
            return NOT_REACHED
        sends: dict[Question, Callable[[Reach, Asked], GatewayOutcome]] = {
            "quote": self.gateway.quote,
            "authorise": self.gateway.authorise,
            "inquire": self.gateway.inquire,
            "settle": self.gateway.settle,
            "void": self.gateway.void,
        }
        return sends[what](self.reach, asked)

    def ask_again(self, what: Question, asked: InsurerAsked) -> GatewayOutcome:
        """The answer to a message that is saved: sent now, or once more."""
        assert asked.requested_at is not None  # noqa: S101 - every message that is saved has its moment
        return self.ask(what, asked.message_id, asked.requested_at)


def _line(draft: Draft, work: ClaimWork, outside: Outside, moment: Moment) -> Generator[Load, Any, Line]:
    (insurer,) = yield from draft.load(insurer_of(work.claim))
    return line_to(work.claim, work.member, insurer.state, outside, outside.policy(moment))


def insurer_of(claim: ClaimState) -> StreamRef[EntryState]:
    """The register's entry of a claim's insurer."""
    return entry(INSURANCE_REGISTER, "insurer", claim.insurer or "")


def line_to(
    claim: ClaimState, member: MemberState, insurer: EntryState, outside: Outside, policy: InsurancePolicy
) -> Line:
    """The way to a claim's insurer by what the register says today."""
    return Line(outside.remote.get(claim.interface.kind), reach_of(insurer), claim, member, policy)


def waits_for_its_credential(claim: ClaimState) -> bool:
    """Whether whoever holds the patient's credential has to send the authorisation: the request is saved."""
    beyond = claim.state == states.AUTHORISING and not claim.interface.at_once
    return beyond and claim.consent == "credential" and claim.requested_at is not None


def _ask(work: ClaimWork, line: Line) -> Generator[Load, Any, None]:
    """The message that is due in the claim's state, and what follows from its answer."""
    claim = work.claim
    match claim.state:
        case states.QUOTED:
            number = derived_id("quote", work.opened.claim_id, claim.quotes_unanswered)
            work.quoted(line.ask("quote", number, work.now))
        case states.AUTHORISING:
            yield from _ask_authorisation(work, line)
        case states.SETTLING:
            work.settled(line.ask_again("settle", cast("SettlementRequested", claim.settlement)))
        case states.VOIDING:
            void = cast("VoidRequested", claim.void)
            work.voided(void, line.ask_again("void", void))
        case _:
            reverse = cast("ReverseRequested", claim.reverse)
            work.reversed(reverse, line.ask_again("void", reverse))


def _ask_authorisation(work: ClaimWork, line: Line) -> Generator[Load, Any, None]:
    """Under a standing consent the clock sends it; a credential was in another's hands, and what became of its message
    is asked. So is a message that was not answered."""
    claim = work.claim
    assert claim.message_id is not None and claim.requested_at is not None  # noqa: S101, PT018 - it is authorising
    sends = claim.consent == "standing_authorisation" and not claim.outcome_unknown
    outcome = line.ask("authorise" if sends else "inquire", claim.message_id, claim.requested_at)
    if sends:
        work.answered(outcome)
    else:
        benefit = yield from work.load_benefit()
        work.found(benefit, outcome)


def record_authorisation(claim_id: UUID, message_id: UUID, outcome: GatewayOutcome, outside: Outside) -> UseCase:
    """What an insurer answered to whoever sent the message; an answer that comes after all was decided changes
    nothing, since whatever it booked is asked about under its id."""

    def decide(moment: Moment, claim: Loaded[ClaimState]) -> Generator[Load, Any, Decision]:
        state, opened = claim.state, claim.state.opened
        if opened is None or state.state != states.AUTHORISING or state.message_id != message_id:
            return Decision.nothing()
        draft = Draft(claim)
        work = yield from work_on(draft, outside, opened, moment)
        work.answered(outcome)
        work.apply_facts()
        yield from open_next(moment, draft, outside, work)
        return draft.decision()

    return UseCase((CLAIM.ref(claim_id),), decide)
