"""The layout of a receipt (结算单): whose it is, line by line what was paid by whom by which rule, the sums, the code.

The same content gives the same bytes: no clock, no random id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple
from functools import partial
from string import printable
from typing import Any

from reportlab.lib.pagesizes import A5
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, Spacer, Table

from services.insurance.application.receipts import ReceiptLine, ReceiptPaper, Ruled
from services.seedwork.paper import FAINT, PADDING, TIGHT, QrCode, printed, row, rule, strings, text
from services.seedwork.paper_font import FAMILY, MISSING, registered

MARGIN, FOOTER = 11 * mm, 5 * mm
WIDTH = A5[0] - 2 * (MARGIN + PADDING)
QR = 27 * mm
_row = partial(row, width=WIDTH)
WORDS: Mapping[str, str] = {
    "title": "医疗保障药品费用结算单",
    "void": "已冲正, 本单作废",
    "replaced": "由第 {} 次结算替代",
    "insurer": "医保经办机构",
    "pharmacy": "定点零售药店",
    "claim_id": "结算编号",
    "attempt": "结算次数",
    "prescription_id": "处方编号",
    "supply": "配药编号",
    "policy": "待遇政策",
    "policy_date": "待遇日期",
    "settled_on": "结算日期",
    "quantity": "数量",
    "unit_price": "单价",
    "amount": "金额",
    "paid": "支付",
    "sums": "合计",
    "total": "费用总额",
    "fund": "基金支付合计",
    "at_home": "一站式未结算, 回参保地报销 (含于个人支付)",
    "brought": "另行支付, 不计入本结算金额",
    "unit": "金额单位: 元",
    "digest": "结算数据 SHA-256",
    "note": "有效的是结算数据, 本页为其可读版式。扫码得结算编号与结算数据摘要。",
    "page": "页",
}


def render(paper: ReceiptPaper) -> bytes:
    """The document as PDF. Takes some tenths of a second: not for an event loop."""
    characters = {*printable, *MISSING, *"".join(WORDS.values()), *"".join(strings(astuple(paper)))}
    with registered(characters):
        return _printed(paper)


def _printed(paper: ReceiptPaper) -> bytes:
    def page(canvas: Any, _document: Any) -> None:
        canvas.setFillColor(FAINT)
        canvas.setFont(FAMILY, 6.5)
        canvas.drawString(MARGIN + PADDING, MARGIN, f"{WORDS['claim_id']} {paper.claim_id}")
        canvas.drawRightString(A5[0] - MARGIN - PADDING, MARGIN, f"{canvas.getPageNumber()} {WORDS['page']}")

    lines = [each for number, line in enumerate(paper.lines, start=1) for each in _line(number, line)]
    content = [*_head(paper), *lines, rule(), *_sums(paper), *_foot(paper)]
    return printed(content, size=A5, margin=MARGIN, footer=FOOTER, title=f"Receipt {paper.claim_id}", page=page)


def _head(paper: ReceiptPaper) -> list[Flowable]:
    void = [text(WORDS["void"], size=13, align="centre")] if paper.reversed else []
    if paper.reversed and paper.replaced_by:
        void.append(text(WORDS["replaced"].format(paper.replaced_by), align="centre"))
    return [
        text(WORDS["title"], size=13, align="centre"),
        *void,
        Spacer(0, 2 * mm),
        _row(_field("insurer", paper.insurer), _field("pharmacy", paper.pharmacy)),
        _row(_field("claim_id", paper.claim_id), _field("attempt", paper.attempt), widths=(0.75, 0.25)),
        text(_field("prescription_id", paper.prescription_id)),
        text(_field("supply", paper.supply)),
        text(_field("policy", paper.policy)),
        _row(_field("policy_date", paper.policy_date), _field("settled_on", paper.settled_on), WORDS["unit"]),
        rule(),
    ]


def _line(number: int, line: ReceiptLine) -> list[Flowable]:
    counted = f"{WORDS['quantity']} {line.quantity}, {WORDS['unit_price']} {line.unit_price}"
    return [
        KeepTogether(
            [
                _row(
                    text(f"{number}. {line.name}"),
                    text(counted),
                    text(f"{WORDS['amount']} {line.amount}", align="right"),
                    widths=(0.45, 0.33, 0.22),
                ),
                text(line.product, size=6.5, indent=5 * mm),
                *(_ruled(part) for part in line.parts),
                text(WORDS["paid"], size=7, indent=5 * mm),
                *(_ruled(share) for share in line.payers),
                Spacer(0, 1.5 * mm),
            ]
        )
    ]


def _sums(paper: ReceiptPaper) -> list[Flowable]:
    home = [text(WORDS["at_home"], size=7, indent=5 * mm), *(_ruled(share) for share in paper.at_home)]
    brought = [text(WORDS["brought"], size=7, indent=5 * mm), *(_ruled(fee) for fee in paper.delivery_fee)]
    return [
        text(WORDS["sums"]),
        *(_ruled(share, size=8) for share in paper.payers),
        _row(text(f"{WORDS['fund']} {paper.fund}"), text(f"{WORDS['total']} {paper.total}", align="right")),
        *(home if paper.at_home else ()),
        *(brought if paper.delivery_fee else ()),
        rule(),
    ]


def _foot(paper: ReceiptPaper) -> list[Flowable]:
    said = [text(f"{WORDS['digest']}: {paper.receipt_sha256}", size=6), text(WORDS["note"], size=6.5)]
    code = Table([[said, QrCode(paper.verification, QR)]], colWidths=(WIDTH - QR - 2 * mm, QR + 2 * mm), style=TIGHT)
    return [KeepTogether([code])]


def _ruled(found: Ruled, size: float = 7) -> Table:
    """What and how much; beside it the rule."""
    cells = text(f"{found.what} {found.amount}", size=size, indent=5 * mm), text(found.rule, size=6)
    return _row(*cells, widths=(0.4, 0.6))


def _field(word: str, value: str) -> str:
    return f"{WORDS[word]}: {value}"
