"""The layout of a prescription's document: head (前记), body (正文) and foot (后记), on as many pages as it takes.

The same content gives the same bytes: no clock, no random id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple
from functools import partial
from string import printable
from typing import Any

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A5
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.platypus import Flowable, KeepTogether, Spacer, Table

from services.prescribe.adapters.paper.forms import FORMS, Form
from services.prescribe.application.documents import Paper, PaperLine
from services.seedwork.paper import FAINT, INK, PADDING, TIGHT, QrCode, printed, row, rule, strings, text
from services.seedwork.paper_font import FAMILY, MISSING, registered

MARGIN, FOOTER = 11 * mm, 5 * mm
WIDTH = A5[0] - 2 * (MARGIN + PADDING)
QR = 27 * mm
_row = partial(row, width=WIDTH)
WORDS: Mapping[str, str] = {
    "title": "处 方 笺",
    "fee": "费别",
    "number": "处方编号",
    "revision": "版次",
    "patient": "姓名",
    "sex": "性别",
    "age": "年龄",
    "diagnoses": "临床诊断",
    "issued_at": "开具日期",
    "valid_until": "有效期至",
    "times": "×",
    "directions": "用法",
    "end": "—— 以下空白 ——",
    "prescriber": "医师",
    "reviewers": "审核药师",
    "not_reviewed": "待审核",
    "price": "药品金额",
    "prepared": "调配",
    "checked": "核对、发药",
    "at_the_pharmacy": "由调剂药店填写",
    "digest": "签名数据 SHA-256",
    "note": "具有法律效力的是经电子签名的数据电文, 本页为其可读版式。扫码得处方编号、版次与签名数据摘要。",
    "page": "页",
}


def render(paper: Paper) -> bytes:
    """The document as PDF. Takes some tenths of a second: not for an event loop."""
    form = FORMS.of(paper)
    characters = {*printable, *form.mark, *MISSING, *"".join(WORDS.values()), *"".join(strings(astuple(paper)))}
    with registered(characters):
        return _printed(paper, form)


def _printed(paper: Paper, form: Form) -> bytes:
    def page(canvas: Any, _document: Any) -> None:
        canvas.setFillColor(HexColor(form.paper))
        canvas.rect(0, 0, *A5, stroke=0, fill=1)
        _corner(canvas, form.mark)
        canvas.setFillColor(FAINT)
        canvas.setFont(FAMILY, 6.5)
        names = f"{WORDS['number']} {paper.prescription_id}   {WORDS['revision']} {paper.revision}"
        canvas.drawString(MARGIN + PADDING, MARGIN, names)
        canvas.drawRightString(A5[0] - MARGIN - PADDING, MARGIN, f"{canvas.getPageNumber()} {WORDS['page']}")

    content = [*_head(paper), *_body(paper), *_foot(paper)]
    title = f"Prescription {paper.prescription_id}"
    return printed(content, size=A5, margin=MARGIN, footer=FOOTER, title=title, page=page)


def _head(paper: Paper) -> list[Flowable]:
    """前记."""
    return [
        text(paper.institution, size=13, align="centre"),
        text(WORDS["title"], size=13, align="centre"),
        Spacer(0, 2 * mm),
        _row(_field("fee", paper.fee), _field("issued_at", paper.issued_at), widths=(0.4, 0.6)),
        _row(_field("patient", paper.patient), _field("sex", paper.sex), _field("age", paper.age)),
        text(_field("diagnoses", paper.diagnoses)),
        rule(),
    ]


def _body(paper: Paper) -> list[Flowable]:
    """正文: Rp, one drug after another, and where they end."""
    lines = [flowable for number, line in enumerate(paper.lines, start=1) for flowable in _drug(number, line)]
    reasons = [text(reason, size=8) for reason in paper.reasons]
    return [text("Rp", size=14), *lines, text(WORDS["end"], size=8, align="centre"), *reasons, rule()]


def _drug(number: int, line: PaperLine) -> list[Flowable]:
    return [
        KeepTogether(
            [
                _row(text(f"{number}. {line.drug}"), text(f"{WORDS['times']} {line.quantity}"), widths=(0.78, 0.22)),
                text(_field("directions", line.directions), indent=5 * mm),
                Spacer(0, 1.5 * mm),
            ]
        )
    ]


def _foot(paper: Paper) -> list[Flowable]:
    """后记: who signed, who reviewed, what the pharmacy fills in, and the code to compare with."""
    signed = [
        text(_field("prescriber", paper.prescriber)),
        *(text(each, size=7) for each in paper.signature),
        text(_field("reviewers", paper.reviewers or WORDS["not_reviewed"])),
        *(text(_field(each, WORDS["at_the_pharmacy"])) for each in ("price", "prepared", "checked")),
        text(_field("valid_until", paper.valid_until)),
    ]
    code = Table([[signed, QrCode(paper.verification, QR)]], colWidths=(WIDTH - QR - 2 * mm, QR + 2 * mm), style=TIGHT)
    digest = text(f"{WORDS['digest']}: {paper.signed_sha256}", size=6)
    return [KeepTogether([code, Spacer(0, 1 * mm), digest, text(WORDS["note"], size=6.5)])]


def _corner(canvas: Any, mark: str) -> None:
    """The mark of the form, top right."""
    if not mark:
        return
    width = pdfmetrics.stringWidth(mark, FAMILY, 11) + 4 * mm
    left, bottom = A5[0] - MARGIN - PADDING - width, A5[1] - MARGIN - 5 * mm
    canvas.setStrokeColor(INK)
    canvas.setFillColor(INK)
    canvas.rect(left, bottom, width, 7 * mm, stroke=1, fill=0)
    canvas.setFont(FAMILY, 11)
    canvas.drawCentredString(left + width / 2, bottom + 2 * mm, mark)


def _field(word: str, value: str) -> str:
    return f"{WORDS[word]}: {value}"
