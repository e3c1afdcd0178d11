"""Whether an insurer pays for a supply today, and by which row of the policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol
from uuid import UUID

from services.insurance.domain.accumulator import AccumulatorState, YearFigures
from services.insurance.domain.claim_values import IN_HOUSE, InsurerInterface
from services.insurance.domain.member import MemberFacts, MemberState
from services.insurance.domain.payers import BenefitStanding, Distance
from services.insurance.domain.places import places
from services.insurance.domain.policy import FilingKind, InsurancePolicy, PolicyRow, PolicyTable
from services.seedwork.model import Immutable
from services.seedwork.reference import EntryState

SelfPayReason = Literal[
    "intent", "not_designated", "not_a_member", "insurer_not_in_force", "no_filing", "no_policy", "chosen"
]
SELF_PAY_INTENT = "self_pay"


class DesignationInForce(Immutable):
    """The pharmacy's agreement with an insurer when the supply was held, and its channels (定点, 门诊统筹, 双通道)."""

    insurer: str
    channels: tuple[str, ...]


class Supply(Immutable):
    """What was dispensed, as dispatch told it: the only ground of a claim's right."""

    supply_id: UUID
    prescription_id: UUID
    prescription_revision: int
    fulfilment_id: UUID
    fill_no: int
    pharmacy: str
    region: str
    insurance_intent: str
    designations: tuple[DesignationInForce, ...]
    self_pay_only: bool


class Wish(Protocol):
    """What an entitlement is asked for: how it is to be paid, and under which agreements."""

    @property
    def insurance_intent(self) -> str: ...
    @property
    def designations(self) -> tuple[DesignationInForce, ...]: ...
    @property
    def self_pay_only(self) -> bool: ...
    @property
    def region(self) -> str | None:
        """Where care is given; None: in the place of insurance."""


@dataclass(frozen=True)
class Entitlement:
    """An insurer pays by a row of the policy, from where the member stands."""

    insurer: str
    policy: PolicyRow
    standing: BenefitStanding
    interface: InsurerInterface = IN_HOUSE


def entitlement(
    supply: Wish,
    *,
    member: MemberState,
    accumulator: AccumulatorState,
    insurer: EntryState,
    policy: InsurancePolicy,
    day: date,
    regional: Sequence[PolicyTable] = (),
) -> Entitlement | SelfPayReason:
    """The entitlement, or why the patient pays alone. `insurer` is the register's entry of the member's insurer.

    Out of area the benefits are those of the place of insurance (参保地政策), and a filing must be in force.
    """
    visit = policy.visits.get(supply.insurance_intent)
    if supply.insurance_intent == SELF_PAY_INTENT:
        return "intent"
    if supply.self_pay_only or visit is None:
        return "not_designated"
    facts = member.facts
    if facts is None or not facts.insured(day):
        return "not_a_member"
    if insurer.content is None or not insurer.in_force(day):
        return "insurer_not_in_force"
    if not any(found.insurer == facts.insurer and visit.channel in found.channels for found in supply.designations):
        return "not_designated"
    home = str(insurer.content["region"])
    care = supply.region or home
    where, filing = distance(home, care), member.filing(care, day)
    if filing is None and where in FILING_NEEDED[policy.filing_needed]:
        return "no_filing"
    row = policy.row(home, facts.insutype, facts.psn_type, visit.med_type, day, regional)
    if row is None:
        return "no_policy"
    facts = facts.model_copy(update={"assistance": member.assistance(day)})
    standing = standing_of(facts, member.account_available, accumulator.used, row, where, filing)
    return Entitlement(facts.insurer, row, standing, interface_of(insurer))


def interface_of(insurer: EntryState) -> InsurerInterface:
    """How the register says that the insurer is reached; entries that do not say are in-house."""
    content = insurer.content or {}
    return InsurerInterface.model_validate(
        {name: content[entered] for name, entered in (("kind", "interface"), ("steps", "steps")) if entered in content}
    )


FILING_NEEDED: dict[str, frozenset[Distance]] = {
    "out_of_area": frozenset({"province", "elsewhere"}),
    "out_of_province": frozenset({"elsewhere"}),
}


def distance(home: str, care: str) -> Distance:
    """Where a place of care lies, seen from the place of insurance; the same first two digits are one province."""
    if home in places(care):
        return "home"
    return "province" if home[:2] == care[:2] else "elsewhere"


def standing_of(
    facts: MemberFacts,
    account: int,
    used: YearFigures,
    row: PolicyRow,
    where: Distance,
    filing: FilingKind | None,
) -> BenefitStanding:
    """Where the member stands in the year by the counter of a policy row; `account`: what it can still pay, in fen."""
    counted = used.of(row.counter)
    return BenefitStanding(
        deductible_used=counted.deductible_used,
        pooled_paid=counted.pooled_paid,
        account_balance=account,
        assistance=facts.assistance,
        supplements=frozenset(facts.supplements),
        burden=used.burden,
        funds_paid=used.funds,
        distance=where,
        filing=filing,
    )
