"""The amounts of a claim: by line, by payer, each with the rule it follows from.

The identities hold to the fen, by line and in sum:
`total = own_pay + over_limit + first_self_pay + in_scope` (medfee = ownpay + overlmt + preself + inscp),
`fund = sum of the funds`, `person = total - fund = acct + patient`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from services.insurance.domain.policy import FUNDS, PAYERS, SUPPLEMENTS, Payer
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
    restricted_use_met: bool | None = None
    """Whether the prescriber states that the insurance's restriction of the product's use is met (限制使用)."""
    prescribed_quantity: int | None = None
    """What a substitute counts for in prescribed units, in which quantities are received and undone."""

    lots: tuple[str, ...] = ()
    """The lots it was taken from."""

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
    """The amounts of a whole claim. `policy` is the id of the row, or `self-pay`.

    `counter` names what of the year the deductible and the pooled fund count in. `at_home` is what payers that the one
    stop does not reach would bear of the patient's share: the patient pays it now and claims it at home. `insutype` is
    the scheme (险种) whose funds pay, empty where the patient alone does.
    """

    policy: str
    lines: tuple[LineAmounts, ...]
    counter: str = ""
    at_home: tuple[PayerAmount, ...] = ()
    insutype: str = ""

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
    def burden(self) -> int:
        """What adds to the year's burden in scope (合规自付), from which serious illness counts its threshold."""
        return self.in_scope - self.paid_by("hifp") - sum(self.paid_by(payer) for payer in SUPPLEMENTS)

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
