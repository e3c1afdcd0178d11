"""The payers' turns, one after another: pooled fund, supplements, serious illness, assistance, commercial, account.

Each turn is one amount, rounded HALF_UP once over the claim and divided among the lines by the largest remainder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from services.insurance.domain.amounts import Adjudication
from services.insurance.domain.money import divide, part_of, parts_of
from services.insurance.domain.policy import FUNDS, FilingKind, FurtherFund, Payer, PolicyRow, Reach

Distance = Literal["home", "province", "elsewhere"]
"""Where care is given, seen from the place of insurance: in it, in its province, or beyond."""

REACHED: Mapping[Reach, frozenset[Distance]] = {
    "everywhere": frozenset({"home", "province", "elsewhere"}),
    "province": frozenset({"home", "province"}),
    "home": frozenset({"home"}),
}
"""How far the one stop (一站式) reaches a payer."""


@dataclass(frozen=True)
class BenefitStanding:
    """Where the member stands in the year, reservations included, in the counter of the policy row.

    `burden`: what was in scope and stayed unpaid before serious illness; `funds_paid`: of each further fund.
    `distance` and `filing`: where care is given, and the filing (备案) that is in force for it.
    """

    deductible_used: int = 0
    pooled_paid: int = 0
    account_balance: int = 0
    assistance: str | None = None
    supplements: frozenset[str] = frozenset()
    burden: int = 0
    funds_paid: Mapping[str, int] = field(default_factory=dict)
    distance: Distance = "home"
    filing: FilingKind | None = None


@dataclass(frozen=True)
class Step:
    """One payer's turn: what each line gets of it. `reached` False: to be claimed at home."""

    payer: Payer
    rule: str
    by_line: tuple[int, ...]
    reached: bool = True


def pooled(policy: PolicyRow, standing: BenefitStanding, above_deductible: Sequence[int]) -> Step:
    """The pooled fund's part of what is in scope above the deductible, up to what its cap has left."""
    away = policy.away.get(standing.filing) if standing.filing and standing.distance != "home" else None
    wanted = part_of(sum(above_deductible), policy.pooled.ratio_bp if away is None else away)
    left = max(0, policy.pooled.annual_cap - standing.pooled_paid)
    rule = f"{policy.id}/hifp" if away is None else f"{policy.id}/hifp-away-{standing.filing}"
    return Step(
        "hifp",
        rule if wanted <= left else f"{policy.id}/hifp-annual-cap",
        tuple(divide(min(wanted, left), above_deductible)),
    )


def further(policy: PolicyRow, standing: BenefitStanding, unpaid: Sequence[int]) -> list[Step]:
    """The further funds, each on what is in scope and still unpaid (the deductible included).

    Behind a payer that the one stop does not reach all are claimed at home, so that their order holds.
    """
    steps: list[Step] = []
    reached, left = True, list(unpaid)
    for fund in policy.further:
        amount, rule = _turn(policy, fund, standing, sum(left))
        if not amount:
            continue
        reached = reached and standing.distance in REACHED[fund.reach]
        step = Step(fund.payer, rule, tuple(divide(amount, left)), reached)
        steps.append(step)
        left = less(left, step)
    return steps


def _turn(policy: PolicyRow, fund: FurtherFund, standing: BenefitStanding, unpaid: int) -> tuple[int, str]:
    """What a fund pays of what is unpaid in sum, and by which rule."""
    rule = f"{policy.id}/{fund.payer}"
    wanted = _wanted(fund, standing, unpaid)
    if fund.annual_cap is None:
        return wanted, rule
    left = max(0, fund.annual_cap - standing.funds_paid.get(fund.payer, 0))
    return (wanted, rule) if wanted <= left else (left, f"{rule}-annual-cap")


def _wanted(fund: FurtherFund, standing: BenefitStanding, unpaid: int) -> int:
    if fund.supplement and fund.supplement not in standing.supplements:
        return 0
    if fund.by_assistance:
        return part_of(unpaid, fund.by_assistance.get(standing.assistance or "", 0))
    if fund.assistance and standing.assistance not in fund.assistance:
        return 0
    if not fund.tiers:
        return part_of(unpaid, fund.ratio_bp)
    ends = [tier.above for tier in fund.tiers[1:]]
    reach = standing.burden + unpaid
    slices = [
        (max(0, min(reach, end if end is not None else reach) - max(standing.burden, tier.above)), tier.ratio_bp)
        for tier, end in zip(fund.tiers, [*ends, None], strict=True)
    ]
    return parts_of(slices)


def less(amounts: Sequence[int], step: Step) -> list[int]:
    """What a turn leaves of each line."""
    return [amount - paid for amount, paid in zip(amounts, step.by_line, strict=True)]


def own_share(totals: Sequence[int], steps: Sequence[Step], balance: int) -> list[Step]:
    """The person's share: first out of the personal account, the rest in money."""
    person = list(totals)
    for step in steps:
        person = less(person, step)
    account = Step("acct", "personal-account/balance", tuple(divide(min(balance, sum(person)), person)))
    return [account, Step("patient", "patient/rest", tuple(less(person, account)))]


def counted(amounts: Adjudication) -> dict[str, int]:
    """What of a claim counts towards the yearly limits of the further funds: who bears it, and how much."""
    return {share.payer: share.amount for share in amounts.payers if share.payer in FUNDS and share.payer != "hifp"}
