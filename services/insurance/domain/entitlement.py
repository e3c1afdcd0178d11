"""Whether an insurer pays for a supply today, and by which row of the policy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol
from uuid import UUID

from services.insurance.domain.accumulator import AccumulatorState
from services.insurance.domain.adjudication import BenefitStanding
from services.insurance.domain.member import MemberState
from services.insurance.domain.policy import InsurancePolicy, PolicyRow
from services.seedwork.model import Immutable
from services.seedwork.reference import EntryState

SelfPayReason = Literal["intent", "not_designated", "not_a_member", "insurer_not_in_force", "no_policy", "chosen"]
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


@dataclass(frozen=True)
class Entitlement:
    """An insurer pays by a row of the policy, from where the member stands."""

    insurer: str
    policy: PolicyRow
    standing: BenefitStanding


def entitlement(
    supply: Wish,
    *,
    member: MemberState,
    accumulator: AccumulatorState,
    insurer: EntryState,
    policy: InsurancePolicy,
    day: date,
) -> Entitlement | SelfPayReason:
    """The entitlement, or why the patient pays alone. `insurer` is the register's entry of the member's insurer."""
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
    row = policy.row(str(insurer.content["region"]), facts.insutype, facts.psn_type, visit.med_type, day)
    if row is None:
        return "no_policy"
    used = accumulator.used
    standing = BenefitStanding(
        deductible_used=used.deductible_used,
        pooled_paid=used.pooled_paid,
        account_balance=member.account_available,
        assistance=facts.assistance,
    )
    return Entitlement(facts.insurer, row, standing)
