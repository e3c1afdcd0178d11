"""How amounts are said in answers of the national form: setlinfo, detlcutinfo and setldetail."""

from __future__ import annotations

from typing import Any

from services.insurance.adapters.national.answers import FUND_FIELDS
from services.insurance.adapters.national.money import yuan
from services.insurance.domain.amounts import Adjudication


def settlement_said(amounts: Adjudication, sign: int = 1) -> dict[str, Any]:
    """All amounts of a claim in yuan; `sign` -1 is the exact negation."""

    def said(fen: int) -> str:
        return yuan(sign * fen)

    person = amounts.total - amounts.fund
    return {
        "setlinfo": {
            "medfee_sumamt": said(amounts.total),
            "fulamt_ownpay_amt": said(sum(line.own_pay.amount for line in amounts.lines)),
            "overlmt_selfpay": said(sum(line.over_limit.amount for line in amounts.lines)),
            "preselfpay_amt": said(sum(line.first_self_pay.amount for line in amounts.lines)),
            "inscp_scp_amt": said(amounts.in_scope),
            "act_pay_dedc": said(amounts.deductible),
            **{name: said(amounts.paid_by(payer)) for name, payer in FUND_FIELDS},
            "fund_pay_sumamt": said(amounts.fund),
            "psn_part_amt": said(person),
            "acct_pay": said(amounts.paid_by("acct")),
            "psn_cash_pay": said(amounts.paid_by("patient")),
        },
        "setldetail": [
            {"fund_pay_type": payer, "fund_payamt": said(amounts.paid_by(payer))}
            for _, payer in FUND_FIELDS
            if amounts.paid_by(payer)
        ],
        "detlcutinfo": [
            {
                "feedetl_sn": str(line.line),
                "det_item_fee_sumamt": said(line.total),
                "fulamt_ownpay_amt": said(line.own_pay.amount),
                "overlmt_amt": said(line.over_limit.amount),
                "preselfpay_amt": said(line.first_self_pay.amount),
                "inscp_scp_amt": said(line.in_scope.amount),
            }
            for line in amounts.lines
        ],
    }
