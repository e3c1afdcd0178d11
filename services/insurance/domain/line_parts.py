"""What one line is made of before anybody pays: own expense, over the limit, paid first, in scope."""

from __future__ import annotations

from dataclasses import dataclass

from services.insurance.domain.amounts import Amount, ClaimLine
from services.insurance.domain.catalogue import Listing
from services.insurance.domain.money import BASIS_POINTS, divide


@dataclass(frozen=True)
class Parts:
    """The four parts of one line before anybody pays."""

    own_pay: Amount
    over_limit: Amount
    first_self_pay: Amount
    in_scope: Amount


def line_parts(line: ClaimLine, listed: Listing | None) -> Parts:
    """Split a line by the catalogue. This is the line's one rounding point.

    Without scanned trace codes the fund does not pay (先扫码后结算), so the line is the patient's.
    """
    if listed is None:
        return own_expense(line, "catalogue/not-listed")
    if not line.traced:
        return own_expense(line, "supply/no-trace-code")
    if listed.entry.drug_list_class == "丙":
        return own_expense(line, f"{listed.rule}/class-丙")
    if listed.entry.restriction is not None and not line.restricted_use_met:
        return own_expense(line, f"{listed.rule}/restriction-not-met")
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


def own_expense(line: ClaimLine, rule: str) -> Parts:
    """The whole line is the patient's own (全自费)."""
    nothing = Amount(amount=0, rule=rule)
    return Parts(Amount(amount=line.amount, rule=rule), nothing, nothing, nothing)
