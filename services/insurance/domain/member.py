"""Members: who is insured with whom, and what the personal account (个人账户) still holds.

The insurer's own figures come by dated import. On top of them stands what rxflow has reserved at authorise, spent at
settle and freed at void.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated, ClassVar, assert_never
from uuid import UUID

from pydantic import Field

from services.insurance.domain.accumulator import YearFigures
from services.insurance.domain.periods import within
from services.insurance.domain.places import places
from services.insurance.domain.policy import FilingKind
from services.seedwork.model import (
    Aggregate,
    Command,
    DomainEvent,
    Immutable,
    Outcome,
    Personal,
    PersonalClass,
    Refusal,
    StreamRef,
    derived_id,
)
from services.seedwork.transitions import NOT_YET, Transition, Transitions


class Filing(Immutable):
    """A filing for care out of area (异地就医备案): where, of what kind, from when until when (inclusive)."""

    region: Annotated[str, Field(pattern=r"^\d{6}$")]
    kind: FilingKind
    valid_from: date
    valid_until: date | None = None


class MemberFacts(Immutable):
    """What the insurer says about a member, in the words of the policy file; balance in fen.

    `insutype` 310 employees (职工), 390 residents (居民); `psn_type` 在职, 退休 or 居民; `assistance` 特困, 低保, 返贫;
    `supplements` civil_servant (公务员), enterprise (企业补充), commercial (商保).
    """

    insurer: str
    insutype: str
    psn_type: str
    assistance: str | None = None
    supplements: tuple[str, ...] = ()
    filings: tuple[Filing, ...] = ()
    account_balance: Annotated[int, Field(ge=0)]
    insured_from: date
    insured_until: date | None = None

    def insured(self, day: date) -> bool:
        return self.insured_from <= day and (self.insured_until is None or day <= self.insured_until)

    def filing(self, region: str, day: date) -> FilingKind | None:
        """The kind of filing that holds for care in a region on a day; of several the one for the nearest place."""
        for place in places(region):
            for filing in self.filings:
                if filing.region == place and within(filing, day):
                    return filing.kind
        return None


class ImportMember(Command):
    """The insurer's figures for one person as of a day; they contain all that was settled until then."""

    patient_ref: UUID
    as_of: date
    facts: MemberFacts
    figures: YearFigures


class MemberImported(DomainEvent):
    """The insurer told who is insured and what the personal account holds."""

    TOPIC: ClassVar[str] = "insurance.member.member_imported"

    patient_ref: UUID
    as_of: date
    facts: Annotated[MemberFacts | None, Personal(PersonalClass.FINANCIAL)]


class AccountReserved(DomainEvent):
    """A claim was authorised: this much of the personal account is spoken for."""

    TOPIC: ClassVar[str] = "insurance.member.account_reserved"

    patient_ref: UUID
    claim_id: UUID
    amount: Annotated[int | None, Personal(PersonalClass.FINANCIAL)]


class AccountSpent(DomainEvent):
    """The claim was settled: the reservation has become a payment."""

    TOPIC: ClassVar[str] = "insurance.member.account_spent"

    patient_ref: UUID
    claim_id: UUID


class AccountFreed(DomainEvent):
    """The claim was voided: the reservation is gone."""

    TOPIC: ClassVar[str] = "insurance.member.account_freed"

    patient_ref: UUID
    claim_id: UUID


class AccountReturned(DomainEvent):
    """The settled claim was reversed: the account has the money back."""

    TOPIC: ClassVar[str] = "insurance.member.account_returned"

    patient_ref: UUID
    claim_id: UUID


@dataclass(frozen=True)
class MemberState:
    """A person as the insurer knows them. Without facts (never imported, or forgotten) nobody is insured."""

    as_of: date | None = None
    facts: MemberFacts | None = None
    spent: int = 0
    payments: Mapping[UUID, int] = field(default_factory=dict)
    """What each settled claim took of the account."""
    reserved: Mapping[UUID, int] = field(default_factory=dict)

    @property
    def state(self) -> str:
        return NOT_YET if self.as_of is None else "known"

    @property
    def account_available(self) -> int:
        """What the personal account can still pay."""
        balance = self.facts.account_balance if self.facts else 0
        return max(0, balance - self.spent - sum(self.reserved.values()))


MEMBER_TRANSITIONS = Transitions(
    (
        Transition(NOT_YET, "ImportMember", "", "known", "-"),
        Transition("known", "ImportMember", "not older than the last import", "known", "-"),
        Transition("known", "claim authorised", "the account pays a part", "known, part reserved", "-"),
        Transition("known", "claim settled", "reserved for this claim", "known, part spent", "-"),
        Transition("known", "claim voided", "reserved for this claim", "known, part freed", "-"),
        Transition("known", "claim reversed", "paid for this claim", "known, part returned", "-"),
    )
)


def import_member(state: MemberState, command: ImportMember) -> Outcome:
    """Take over the insurer's word. The same word again is a no-op; an older one never overwrites a newer."""
    if state.as_of is not None and command.as_of < state.as_of:
        return Refusal("member.import_outdated", {"as_of": command.as_of, "known_as_of": state.as_of})
    if state.as_of == command.as_of and state.facts == command.facts:
        return []
    return [MemberImported(patient_ref=command.patient_ref, as_of=command.as_of, facts=command.facts)]


def reserve_account(state: MemberState, patient_ref: UUID, claim_id: UUID, amount: int) -> list[DomainEvent]:
    if not amount or not MEMBER_TRANSITIONS.allows(state.state, "claim authorised"):
        return []
    return [AccountReserved(patient_ref=patient_ref, claim_id=claim_id, amount=amount)]


def spend_account(state: MemberState, patient_ref: UUID, claim_id: UUID) -> list[DomainEvent]:
    return [AccountSpent(patient_ref=patient_ref, claim_id=claim_id)] if claim_id in state.reserved else []


def free_account(state: MemberState, patient_ref: UUID, claim_id: UUID) -> list[DomainEvent]:
    return [AccountFreed(patient_ref=patient_ref, claim_id=claim_id)] if claim_id in state.reserved else []


def return_account(state: MemberState, patient_ref: UUID, claim_id: UUID) -> list[DomainEvent]:
    return [AccountReturned(patient_ref=patient_ref, claim_id=claim_id)] if claim_id in state.payments else []


MemberEvent = MemberImported | AccountReserved | AccountSpent | AccountFreed | AccountReturned


def evolve_member(state: MemberState, event: MemberEvent) -> MemberState:
    match event:
        case MemberImported():
            return replace(state, as_of=event.as_of, facts=event.facts, spent=0)
        case AccountReserved():
            return replace(state, reserved={**state.reserved, event.claim_id: event.amount or 0})
        case AccountSpent():
            amount = state.reserved[event.claim_id]
            payments = {**state.payments, event.claim_id: amount}
            left = _without(state.reserved, event.claim_id)
            return replace(state, spent=state.spent + amount, payments=payments, reserved=left)
        case AccountReturned():
            spent = state.spent - state.payments[event.claim_id]
            return replace(state, spent=spent, payments=_without(state.payments, event.claim_id))
        case AccountFreed():
            return replace(state, reserved=_without(state.reserved, event.claim_id))
        case _:
            assert_never(event)


def _without(reserved: Mapping[UUID, int], claim_id: UUID) -> dict[UUID, int]:
    return {claim: amount for claim, amount in reserved.items() if claim != claim_id}


MEMBER: Aggregate[MemberState] = Aggregate(
    name="member",
    events=(MemberImported, AccountReserved, AccountSpent, AccountFreed, AccountReturned),
    initial=MemberState(),
    evolve=evolve_member,
)


def member_of(patient_ref: UUID) -> StreamRef[MemberState]:
    """The one member stream of a person."""
    return MEMBER.ref(derived_id("member", patient_ref))
