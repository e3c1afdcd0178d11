"""A parcel's label as PDF, 100 x 100 mm, with a bar code of the delivery's id. The same parcel gives the same bytes."""

from __future__ import annotations

from functools import partial
from string import printable
from typing import Any

from reportlab.graphics.barcode.code128 import Code128
from reportlab.lib.units import mm
from reportlab.platypus import Spacer

from services.dispatch.application.labels import Label
from services.seedwork.paper import printed, rule, text
from services.seedwork.paper_font import MISSING, registered

SIZE = (100 * mm, 100 * mm)
MARGIN = 5 * mm
_text = partial(text, leading=1.4)
WORDS = {"parcel": "包裹号", "name": "收件人", "phone": "电话", "address": "地址", "seal": "封签号"}


def render(label: Label, code: str) -> bytes:
    """The label; `code` is what is scanned. Takes a tenth of a second: not for an event loop."""
    texts = [label.name, label.phone, label.address, label.seal_no, label.parcel_no, *label.flags, *WORDS.values()]
    with registered({*printable, *MISSING, *"".join(texts)}):
        return _printed(label, code)


def _printed(label: Label, code: str) -> bytes:
    bars: Any = Code128(code, barHeight=12 * mm, barWidth=0.24 * mm, humanReadable=False)
    return printed(
        [
            _text(f"{WORDS['parcel']} {label.parcel_no}", size=14),
            bars,
            rule(),
            _text(f"{WORDS['name']}  {label.name}    {WORDS['phone']}  {label.phone}", size=11),
            _text(f"{WORDS['address']}  {label.address}", size=10),
            Spacer(0, 2 * mm),
            *(_text(flag, size=12) for flag in label.flags),
            _text(f"{WORDS['seal']}  {label.seal_no}", size=9),
        ],
        size=SIZE,
        margin=MARGIN,
        title=f"Parcel {label.parcel_no}",
    )
