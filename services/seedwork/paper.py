"""What printed documents are made of: text in Noto Sans SC, rows, rules, QR codes and pages.

The same content gives the same bytes: no clock, no random id. Print inside `paper_font.registered`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape

import segno
from reportlab.lib.colors import HexColor
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, HRFlowable, Paragraph, SimpleDocTemplate, Table

from services.seedwork.paper_font import FAMILY, face

PADDING = 6
"""Points that the frame around the text takes on each side."""
QR_QUIET_MODULES = 2
INK, FAINT = HexColor("#000000"), HexColor("#666666")
TIGHT: list[tuple[Any, ...]] = [
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    *((f"{side}PADDING", (0, 0), (-1, -1), 0) for side in ("LEFT", "RIGHT", "TOP", "BOTTOM")),
]
"""Cells of a table without anything around them."""
ALIGNED = {"left": 0, "centre": 1, "right": 2}


class QrCode(Flowable):
    """A QR code as filled squares, `size` points wide, so that it is sharp on any printer."""

    def __init__(self, text: str, size: float) -> None:
        super().__init__()
        self.width = self.height = size
        self.rows = [list(row) for row in segno.make_qr(text, error="m").matrix_iter(border=QR_QUIET_MODULES)]

    def draw(self) -> None:
        canvas, module = self.canv, self.width / len(self.rows)
        canvas.setFillColor(HexColor("#ffffff"))
        canvas.rect(0, 0, self.width, self.width, stroke=0, fill=1)
        canvas.setFillColor(INK)
        for down, row in enumerate(self.rows, start=1):
            for across, dark in enumerate(row):
                if dark:
                    canvas.rect(across * module, self.width - down * module, module, module, stroke=0, fill=1)


def text(words: str, *, size: float = 9, align: str = "left", indent: float = 0, leading: float = 1.45) -> Paragraph:
    """One paragraph; what looks like markup is only text, and a character that the font lacks is named."""
    style = ParagraphStyle(
        "text",
        fontName=FAMILY,
        bulletFontName=FAMILY,
        fontSize=size,
        leading=size * leading,
        alignment=ALIGNED[align],
        leftIndent=indent,
        wordWrap="CJK",  # Chinese breaks between any two characters
    )
    return Paragraph(escape(face().writable(words)), style)


def row(*cells: str | Paragraph, width: float, widths: Sequence[float] = ()) -> Table:
    """Cells beside each other; `widths` are parts of `width`, equal ones where none are named."""
    parts = widths or [1 / len(cells)] * len(cells)
    texts = [each if isinstance(each, Paragraph) else text(each) for each in cells]
    return Table([texts], colWidths=[part * width for part in parts], style=TIGHT)


def rule() -> HRFlowable:
    return HRFlowable(width="100%", thickness=0.7, color=INK, spaceBefore=2 * mm, spaceAfter=2 * mm)


def printed(
    content: Sequence[Flowable],
    *,
    size: tuple[float, float],
    margin: float,
    title: str,
    footer: float = 0,
    page: Callable[[Any, Any], None] | None = None,
) -> bytes:
    """The pages as PDF. `page(canvas, document)` draws what every page has beside its text."""
    kept = io.BytesIO()
    sheet = SimpleDocTemplate(
        kept,
        pagesize=size,
        leftMargin=margin,
        rightMargin=margin,
        topMargin=margin,
        bottomMargin=margin + footer,
        title=title,
        author="rxflow",
        lang="zh-CN",
        initialFontName=FAMILY,
        invariant=1,
    )
    each = {} if page is None else {"onFirstPage": page, "onLaterPages": page}
    sheet.build(list(content), **each)
    return kept.getvalue()


def strings(value: Any) -> Iterator[str]:
    """All the text in nested tuples, whose characters the font must have."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple | frozenset):
        for each in value:
            yield from strings(each)
