"""Who pays how much of a supply: by line, by payer, each amount with the rule it follows from.

The identities hold to the fen, by line and in sum:
`total = own_pay + over_limit + first_self_pay + in_scope` (medfee = ownpay + overlmt + preself + inscp),
`fund = sum of the funds`, `person = total - fund = acct + patient`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from services.insurance.domain.catalogue import Listing
from services.insurance.domain.money import BASIS_POINTS, divide, part_of
from services.insurance.domain.policy import FUNDS, PAYERS, Payer, PolicyRow
from services.seedwork.model import Immutable

Fen = Annotated[int, Field(ge=0)]


class ClaimLine(Immutable):
    """What a claim asks money for: what was dispensed of one product at one price under one prescription line.

    `unit_price` in fen per pack, `amount` in fen. `traced`: every pack was scanned, or there is a coded reason why not.
    """

    line: int
    product: str
    generic_name: str
    quantity: Annotated[int, Field(gt=0)]
    unit_price: Fen
    amount: Fen
    traced: bool
    prescribed_quantity: int | None = None
    """What a substitute counts for in prescribed units, in which quantities are received and undone."""

    @property
    def counted(self) -> int:
        return self.quantity if self.prescribed_quantity is None else self.prescribed_quantity


class Amount(Immutable):
    """Fen and the rule they follow from."""

    amount: Fen
    rule: str


class PayerAmount(Immutable):
    """What one payer bears and the rule that says so."""

    payer: Payer
    amount: Fen
    rule: str


class LineAmounts(Immutable):
    """One line: its four parts, how much of what is in scope the deductible (起付线) takes, and who pays it."""

    line: int
    total: Fen
    own_pay: Amount
    over_limit: Amount
    first_self_pay: Amount
    in_scope: Amount
    deductible: Amount
    payers: tuple[PayerAmount, ...]


class Adjudication(Immutable):
    """The amounts of a whole claim. `policy` is the id of the row, or `self-pay`."""

    policy: str
    lines: tuple[LineAmounts, ...]

    @property
    def total(self) -> int:
        return sum(line.total for line in self.lines)

    @property
    def in_scope(self) -> int:
        return sum(line.in_scope.amount for line in self.lines)

    @property
    def deductible(self) -> int:
        return sum(line.deductible.amount for line in self.lines)

    @property
    def fund(self) -> int:
        return sum(share.amount for line in self.lines for share in line.payers if share.payer in FUNDS)

    @property
    def payers(self) -> tuple[PayerAmount, ...]:
        """What each payer bears of all lines, in the order of payers; only those that bear something."""
        sums: dict[str, int] = {}
        rules: dict[str, str] = {}
        for share in (share for line in self.lines for share in line.payers):
            sums[share.payer] = sums.get(share.payer, 0) + share.amount
            rules[share.payer] = share.rule
        return tuple(
            PayerAmount(payer=payer, amount=sums[payer], rule=rules[payer]) for payer, _ in PAYERS if payer in sums
        )

    def paid_by(self, payer: str) -> int:
        return sum(share.amount for line in self.lines for share in line.payers if share.payer == payer)


@dataclass(frozen=True)
class BenefitStanding:
    """Where the member stands in the year: used and reserved deductible and fund, and what the account still holds."""

    deductible_used: int = 0
    pooled_paid: int = 0
    account_balance: int = 0
    assistance: str | None = None


@dataclass(frozen=True)
class Parts:
    """The four parts of one line before anybody pays."""

    own_pay: Amount
    over_limit: Amount
    first_self_pay: Amount
    in_scope: Amount


@dataclass(frozen=True)
class Step:
    """One payer's turn: what each line gets of it."""

    payer: Payer
    rule: str
    by_line: tuple[int, ...]


def line_parts(line: ClaimLine, listed: Listing | None) -> Parts:
    """Split a line by the catalogue. This is the line's one rounding point.

    Without scanned trace codes the fund does not pay (先扫码后结算), so the line is the patient's.
    """
    if listed is None:
        return _own(line, "catalogue/not-listed")
    if not line.traced:
        return _own(line, "supply/no-trace-code")
    if listed.entry.drug_list_class == "丙":
        return _own(line, f"{listed.rule}/class-丙")
    price, ratio = line.unit_price, listed.entry.first_self_pay_bp
    payable = price if listed.entry.payment_standard is None else min(price, listed.entry.payment_standard)
    # By weight and not by packs, so that a split pack (拆零) divides as exactly as a whole one.
    first, over, scope = divide(
        line.amount, (payable * ratio, (price - payable) * BASIS_POINTS, payable * (BASIS_POINTS - ratio))
    )
    return Parts(
        own_pay=Amount(amount=0, rule=f"{listed.rule}/listed"),
        over_limit=Amount(amount=over, rule=f"{listed.rule}/payment-standard"),
        first_self_pay=Amount(amount=first, rule=f"{listed.rule}/first-self-pay"),
        in_scope=Amount(amount=scope, rule=f"{listed.rule}/in-scope"),
    )


def _own(line: ClaimLine, rule: str) -> Parts:
    nothing = Amount(amount=0, rule=rule)
    return Parts(Amount(amount=line.amount, rule=rule), nothing, nothing, nothing)


def adjudicate(
    lines: Sequence[ClaimLine], listings: Mapping[str, Listing], policy: PolicyRow, standing: BenefitStanding
) -> Adjudication:
    """Apply a policy row to the lines, payer after payer.

    Deductible, pooled fund with its cap, then the further funds each on what is in scope and unpaid (the deductible
    included), then the personal account on the person's whole share; the patient pays the rest.
    """
    parts = [line_parts(line, listings.get(line.product)) for line in lines]
    scope = [part.in_scope.amount for part in parts]
    taken = min(sum(scope), max(0, policy.deductible - standing.deductible_used))
    deductible = divide(taken, scope)
    steps = [_pooled(policy, standing, [whole - own for whole, own in zip(scope, deductible, strict=True)])]
    unpaid = _less(scope, steps[0])
    for fund in policy.further:
        if fund.assistance and standing.assistance not in fund.assistance:
            continue
        amount = part_of(sum(unpaid), fund.ratio_bp)
        step = Step(fund.payer, f"{policy.id}/{fund.payer}", tuple(divide(amount, unpaid)))
        steps.append(step)
        unpaid = _less(unpaid, step)
    steps += _own_share([line.amount for line in lines], steps, standing.account_balance)
    rule = f"{policy.id}/deductible"
    amounts = [Amount(amount=amount, rule=rule) for amount in deductible]
    return Adjudication(policy=policy.id, lines=_assemble(lines, parts, amounts, steps))


def _pooled(policy: PolicyRow, standing: BenefitStanding, above_deductible: list[int]) -> Step:
    wanted = part_of(sum(above_deductible), policy.pooled.ratio_bp)
    left = max(0, policy.pooled.annual_cap - standing.pooled_paid)
    rule = f"{policy.id}/hifp" if wanted <= left else f"{policy.id}/hifp-annual-cap"
    return Step("hifp", rule, tuple(divide(min(wanted, left), above_deductible)))


def _less(amounts: Sequence[int], step: Step) -> list[int]:
    return [amount - paid for amount, paid in zip(amounts, step.by_line, strict=True)]


def _own_share(totals: list[int], steps: Sequence[Step], balance: int) -> list[Step]:
    """The person's share: first out of the personal account, the rest in money."""
    person = totals
    for step in steps:
        person = _less(person, step)
    account = Step("acct", "personal-account/balance", tuple(divide(min(balance, sum(person)), person)))
    return [account, Step("patient", "patient/rest", tuple(_less(person, account)))]


def _assemble(
    lines: Sequence[ClaimLine], parts: Sequence[Parts], deductible: Sequence[Amount], steps: Sequence[Step]
) -> tuple[LineAmounts, ...]:
    return tuple(
        LineAmounts(
            line=line.line,
            total=line.amount,
            own_pay=part.own_pay,
            over_limit=part.over_limit,
            first_self_pay=part.first_self_pay,
            in_scope=part.in_scope,
            deductible=deductible[index],
            payers=tuple(
                PayerAmount(payer=step.payer, amount=step.by_line[index], rule=step.rule)
                for step in steps
                if step.by_line[index]
            ),
        )
        for index, (line, part) in enumerate(zip(lines, parts, strict=True))
    )


def self_pay(lines: Sequence[ClaimLine], reason: str) -> Adjudication:
    """The claim with the single payer `patient`; the reason is the rule of every amount."""
    rule = f"self-pay/{reason}"
    return Adjudication(
        policy="self-pay",
        lines=_assemble(
            lines,
            [_own(line, rule) for line in lines],
            [Amount(amount=0, rule=rule) for _ in lines],
            [Step("patient", rule, tuple(line.amount for line in lines))],
        ),
    )
