"""What an insurer's answer comes to: its amounts by line and payer, if they add up to the fen.

An answer that does not add up, or is about another message, is not taken for one: what it has booked is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.insurance.adapters.national.messages import ANSWERS, NOTHING_BOOKED
from services.insurance.adapters.national.money import Unreadable, fen
from services.insurance.domain.amounts import Adjudication, Amount, ClaimLine, LineAmounts, PayerAmount
from services.insurance.domain.gateway import Asked, GatewayOutcome, OutcomeKind, Reach
from services.insurance.domain.money import divide
from services.insurance.domain.policy import Payer

FUND_FIELDS: tuple[tuple[str, Payer], ...] = (
    ("hifp_pay", "hifp"),
    ("cvlserv_pay", "cvlserv"),
    ("hifes_pay", "hifes"),
    ("hifmi_pay", "hifmi"),
    ("hifob_pay", "hifob"),
    ("maf_pay", "maf"),
)
"""Fields of setlinfo -> the payers they are, in the order in which they pay."""
NOT_TAKEN = ("hifdm_pay", "oth_pay")
"""Funds that rxflow knows no payer for: with an amount in them the answer is not understood."""
SOURCE = "insurer"
LOST = GatewayOutcome(OutcomeKind.UNKNOWN)


@dataclass(frozen=True)
class _Parts:
    own: int
    over: int
    first: int
    scope: int


def outcome_of(answer: Mapping[str, Any], reach: Reach, asked: Asked, about: str, *, amounts: bool) -> GatewayOutcome:
    """The four-valued outcome; `about`: the message whose booking the answer must tell (medins_setl_id); `amounts`:
    whether it has to bring them."""
    kind, _ = ANSWERS.get(str(answer.get("infcode")), (OutcomeKind.UNKNOWN, ""))
    if kind is OutcomeKind.UNKNOWN:
        return LOST
    output = answer.get("output")
    try:
        said = _object(_object(output).get("setlinfo"))
        if said.get("medins_setl_id") != about:
            return GatewayOutcome(OutcomeKind.UNKNOWN, reasons=("insurer.about_another",))
        if kind is OutcomeKind.REFUSED:
            return GatewayOutcome(kind, reasons=(refused(answer.get("infcode")),))
        told = OutcomeKind.DUPLICATE if said.get("rep_flag") == "1" else kind
        found = adjudication(said, _object(output).get("detlcutinfo"), reach, asked) if amounts else None
    except ValueError:
        return GatewayOutcome(OutcomeKind.UNKNOWN, reasons=("insurer.not_understood",))
    return GatewayOutcome(told, found, reach.insurer, _text(said.get("setl_id")))


def refused(infcode: object) -> str:
    """How a refusal is named in the claim."""
    return f"insurer.refused/{infcode}"


NOTHING_IS_BOOKED = (refused(NOTHING_BOOKED),)


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Unreadable("no object")
    return value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= 64 else None


def adjudication(said: Mapping[str, Any], details: Any, reach: Reach, asked: Asked) -> Adjudication:
    """The insurer's amounts as ours: the parts of a line are its own, a payer's sum is divided among the lines as our
    own arithmetic divides it. Raises Unreadable."""
    lines = asked.lines
    parts = _parts(details, lines)
    scope = [part.scope for part in parts]
    deductible = divide(fen(said.get("act_pay_dedc")), scope)
    paid = {payer: fen(said.get(field)) for field, payer in FUND_FIELDS}
    account, patient = fen(said.get("acct_pay")), fen(said.get("psn_cash_pay"))
    _add_up(said, parts, paid, account + patient)
    steps: list[tuple[Payer, list[int]]] = []
    left = scope
    for payer, amount in paid.items():
        above = [rest - own for rest, own in zip(left, deductible, strict=True)] if payer == "hifp" else left
        steps.append((payer, divide(amount, above)))
        left = [rest - by for rest, by in zip(left, steps[-1][1], strict=True)]
    persons = [line.amount - sum(by[index] for _, by in steps) for index, line in enumerate(lines)]
    by_account = divide(account, persons)
    steps += [("acct", by_account), ("patient", [own - by for own, by in zip(persons, by_account, strict=True)])]
    if any(amount < 0 for amount in (*left, *deductible, *(each for _, by in steps for each in by))):
        raise Unreadable("a fund pays what is not in scope")
    rule = f"{SOURCE}/{reach.insurer}"
    return Adjudication(
        policy=rule,
        insutype=asked.insutype,
        lines=tuple(
            LineAmounts(
                line=line.line,
                total=line.amount,
                own_pay=Amount(amount=part.own, rule=f"{rule}/fulamt_ownpay"),
                over_limit=Amount(amount=part.over, rule=f"{rule}/overlmt"),
                first_self_pay=Amount(amount=part.first, rule=f"{rule}/preselfpay"),
                in_scope=Amount(amount=part.scope, rule=f"{rule}/inscp_scp"),
                deductible=Amount(amount=deductible[index], rule=f"{rule}/act_pay_dedc"),
                payers=tuple(
                    PayerAmount(payer=payer, amount=by[index], rule=f"{rule}/{payer}")
                    for payer, by in steps
                    if by[index]
                ),
            )
            for index, (line, part) in enumerate(zip(lines, parts, strict=True))
        ),
    )


def _parts(details: Any, lines: Sequence[ClaimLine]) -> list[_Parts]:
    """Of every line, in our order. Each must be told once, with its own sum, and its parts must add up to it."""
    if not isinstance(details, list) or len(details) != len(lines):
        raise Unreadable("other lines")
    told = {_object(each).get("feedetl_sn"): each for each in details}
    parts: list[_Parts] = []
    for number, line in enumerate(lines, start=1):
        each = _object(told.get(str(number)))
        part = _Parts(
            own=fen(each.get("fulamt_ownpay_amt")),
            over=fen(each.get("overlmt_amt")),
            first=fen(each.get("preselfpay_amt")),
            scope=fen(each.get("inscp_scp_amt")),
        )
        sums = (part.own, part.over, part.first, part.scope)
        if fen(each.get("det_item_fee_sumamt")) != line.amount or sum(sums) != line.amount or min(sums) < 0:
            raise Unreadable("a line does not add up")
        parts.append(part)
    return parts


def _add_up(said: Mapping[str, Any], parts: Sequence[_Parts], paid: Mapping[Payer, int], person: int) -> None:
    """The identities of the national platform, to the fen."""
    fund = sum(paid.values())
    equal = (
        (fen(said.get("medfee_sumamt")), sum(part.own + part.over + part.first + part.scope for part in parts)),
        (fen(said.get("fulamt_ownpay_amt")), sum(part.own for part in parts)),
        (fen(said.get("overlmt_selfpay")), sum(part.over for part in parts)),
        (fen(said.get("preselfpay_amt")), sum(part.first for part in parts)),
        (fen(said.get("inscp_scp_amt")), sum(part.scope for part in parts)),
        (fen(said.get("fund_pay_sumamt")), fund),
        (fen(said.get("psn_part_amt")), person),
        (fen(said.get("medfee_sumamt")), fund + person),
    )
    if any(one != other for one, other in equal) or any(fen(said.get(name, "0")) for name in NOT_TAKEN):
        raise Unreadable("the sums do not add up")
