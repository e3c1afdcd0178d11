"""Members: who is insured with whom, and what the personal account (个人账户) still holds.

The insurer's own figures come by dated import. On top of them stands what rxflow has reserved at authorise, spent at
settle and freed at void.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated, ClassVar, assert_never, get_args
from uuid import UUID

from pydantic import Field

from services.insurance.domain.accumulator import YearFigures
from services.insurance.domain.dated_status import (
    AssistanceImported,
    Assistances,
    Filing,
    FilingImported,
    Filings,
    assistance_on,
    filing_on,
    with_assistance,
    with_filing,
)
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
    psn_no: str | None = None
    """As whom the insurer knows the person (人员编号), where it said."""

    def insured(self, day: date) -> bool:
        return self.insured_from <= day and (self.insured_until is None or day <= self.insured_until)


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
    day: date | None = None


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
    day: date | None = None


@dataclass(frozen=True)
class Moved:
    """What the account paid (or, below nothing, got back) here, and on which day; None: before days were kept."""

    day: date | None
    amount: int

    def after(self, as_of: date) -> bool:
        """Whether an import of this day cannot contain it yet."""
        return self.day is not None and self.day > as_of


@dataclass(frozen=True)
class MemberState:
    """A person as the insurer knows them. Without facts (never imported, or forgotten) nobody is insured."""

    as_of: date | None = None
    facts: MemberFacts | None = None
    assistances: Assistances = field(default_factory=dict)
    filings: Filings = field(default_factory=dict)
    payments: Mapping[UUID, int] = field(default_factory=dict)
    """What each settled claim took of the account."""
    moved: tuple[Moved, ...] = ()
    """What the account paid and got back here since the insurer's last word on it."""
    reserved: Mapping[UUID, int] = field(default_factory=dict)

    @property
    def state(self) -> str:
        return NOT_YET if self.as_of is None else "known"

    @property
    def spent(self) -> int:
        """What the insurer's figure does not contain yet."""
        return sum(each.amount for each in self.moved)

    @property
    def account_available(self) -> int:
        """What the personal account can still pay."""
        balance = self.facts.account_balance if self.facts else 0
        return max(0, balance - self.spent - sum(self.reserved.values()))

    def assistance(self, day: date) -> str | None:
        """The assistance identity on a day: by the dated ones, where any came, else as the member's import said."""
        if self.assistances:
            return assistance_on(self.assistances, day)
        return self.facts.assistance if self.facts else None

    def filing(self, region: str, day: date) -> FilingKind | None:
        """The kind of filing that holds for care in a region on a day; dated ones before the member's import's."""
        dated = filing_on((told.period for told in self.filings.values()), region, day)
        return dated or filing_on(self.facts.filings if self.facts else (), region, day)


MEMBER_TRANSITIONS = Transitions(
    (
        Transition(NOT_YET, "ImportMember", "", "known", "-"),
        Transition("known", "ImportMember", "not older than the last import", "known", "-"),
        Transition("known", "ImportAssistance", "no other identity on the same days; not older", "known", "-"),
        Transition("known", "ImportFiling", "no other filing for the place on the same days; not older", "known", "-"),
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


def spend_account(state: MemberState, patient_ref: UUID, claim_id: UUID, day: date | None = None) -> list[DomainEvent]:
    spent = AccountSpent(patient_ref=patient_ref, claim_id=claim_id, day=day)
    return [spent] if claim_id in state.reserved else []


def free_account(state: MemberState, patient_ref: UUID, claim_id: UUID) -> list[DomainEvent]:
    return [AccountFreed(patient_ref=patient_ref, claim_id=claim_id)] if claim_id in state.reserved else []


def return_account(state: MemberState, patient_ref: UUID, claim_id: UUID, day: date | None = None) -> list[DomainEvent]:
    returned = AccountReturned(patient_ref=patient_ref, claim_id=claim_id, day=day)
    return [returned] if claim_id in state.payments else []


MemberEvent = (
    MemberImported
    | AssistanceImported
    | FilingImported
    | AccountReserved
    | AccountSpent
    | AccountFreed
    | AccountReturned
)


def evolve_member(state: MemberState, event: MemberEvent) -> MemberState:
    match event:
        case MemberImported():
            later = tuple(each for each in state.moved if each.after(event.as_of))
            return replace(state, as_of=event.as_of, facts=event.facts, moved=later)
        case AssistanceImported():
            return replace(state, assistances=with_assistance(state.assistances, event))
        case FilingImported():
            return replace(state, filings=with_filing(state.filings, event))
        case AccountReserved():
            return replace(state, reserved={**state.reserved, event.claim_id: event.amount or 0})
        case AccountSpent():
            amount = state.reserved[event.claim_id]
            payments = {**state.payments, event.claim_id: amount}
            left = _without(state.reserved, event.claim_id)
            moved = (*state.moved, Moved(event.day, amount))
            return replace(state, moved=moved, payments=payments, reserved=left)
        case AccountReturned():
            moved = (*state.moved, Moved(event.day, -state.payments[event.claim_id]))
            return replace(state, moved=moved, payments=_without(state.payments, event.claim_id))
        case AccountFreed():
            return replace(state, reserved=_without(state.reserved, event.claim_id))
        case _:
            assert_never(event)


def _without(reserved: Mapping[UUID, int], claim_id: UUID) -> dict[UUID, int]:
    return {claim: amount for claim, amount in reserved.items() if claim != claim_id}


MEMBER: Aggregate[MemberState] = Aggregate(
    name="member",
    events=get_args(MemberEvent),
    initial=MemberState(),
    evolve=evolve_member,
)


def member_of(patient_ref: UUID) -> StreamRef[MemberState]:
    """The one member stream of a person."""
    return MEMBER.ref(derived_id("member", patient_ref))
