"""Who pays how much of a supply: by line, by payer, each amount with the rule it follows from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.insurance.domain.amounts import Adjudication, Amount, ClaimLine, LineAmounts, PayerAmount
from services.insurance.domain.catalogue import Listing
from services.insurance.domain.line_parts import Parts, line_parts, own_expense
from services.insurance.domain.money import divide
from services.insurance.domain.payers import BenefitStanding, Step, further, own_share, pooled
from services.insurance.domain.policy import PolicyRow

__all__ = ["Adjudication", "BenefitStanding", "ClaimLine", "PayerAmount", "adjudicate", "line_parts", "self_pay"]


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
    first = pooled(policy, standing, [whole - own for whole, own in zip(scope, deductible, strict=True)])
    after = [whole - paid for whole, paid in zip(scope, first.by_line, strict=True)]
    turns = [first, *further(policy, standing, after)]
    steps = [turn for turn in turns if turn.reached]
    steps += own_share([line.amount for line in lines], steps, standing.account_balance)
    rule = f"{policy.id}/deductible"
    amounts = [Amount(amount=amount, rule=rule) for amount in deductible]
    return Adjudication(
        policy=policy.id,
        lines=_assemble(lines, parts, amounts, steps),
        counter=policy.counter,
        insutype=policy.insutype,
        at_home=tuple(
            PayerAmount(payer=turn.payer, amount=sum(turn.by_line), rule=turn.rule)
            for turn in turns
            if not turn.reached
        ),
    )


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
            [own_expense(line, rule) for line in lines],
            [Amount(amount=0, rule=rule) for _ in lines],
            [Step("patient", rule, tuple(line.amount for line in lines))],
        ),
    )
