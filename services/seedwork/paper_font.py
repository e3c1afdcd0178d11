"""Noto Sans SC (SIL Open Font License) for embedding: the characters of one document as a TrueType font.

The package `noto-cjk-sans-otc` ships the family as one OpenType collection with cubic outlines, which reportlab cannot
embed. So the outlines that a document needs are taken out of it and converted to quadratic ones.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from noto_cjk_sans_otc import FONT_PATH
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont as PrintedFont

FAMILY = "Noto Sans CJK SC"
FACES_MAX = 16
CONVERSION_ERROR_UNITS = 1.0
"""Of a thousandth of the font's size: nothing that an eye or a printer sees."""
MISSING = "〓"
"""Stands for a character that the font lacks; which one it is follows in words."""
_ONE_AT_A_TIME = Lock()
"""reportlab keeps its fonts in one place per process."""


@dataclass(frozen=True)
class Face:
    """The Simplified Chinese face of the collection."""

    font: Any
    glyph_of: dict[int, str]

    def writable(self, text: str) -> str:
        """The text with its missing characters named: rare ones in personal names are real."""
        return "".join(
            character if ord(character) in self.glyph_of else f"{MISSING}(U+{ord(character):04X})"
            for character in text
            if character.isprintable()
        )

    def subset(self, characters: Iterable[str]) -> bytes:
        """A TrueType font with these characters; the same for the same ones."""
        wanted = {ord(each): self.glyph_of[ord(each)] for each in sorted(set(characters) | {" "})}
        names = [".notdef", *dict.fromkeys(wanted.values())]
        outlines, metrics = self.font.getGlyphSet(), self.font["hmtx"]
        head = self.font["head"]
        builder = FontBuilder(head.unitsPerEm, isTTF=True)
        builder.updateHead(created=head.created, modified=head.modified)  # no clock: the same bytes again
        builder.font.recalcTimestamp = False
        builder.setupGlyphOrder(names)
        builder.setupCharacterMap(wanted)
        builder.setupGlyf({name: _quadratic(outlines[name]) for name in names})
        builder.setupHorizontalMetrics({name: metrics[name] for name in names})
        across = self.font["hhea"]
        builder.setupHorizontalHeader(ascent=across.ascent, descent=across.descent)
        builder.setupNameTable({"familyName": FAMILY, "styleName": "Regular", "psName": "NotoSansCJKsc-Regular"})
        builder.setupOS2(sTypoAscender=across.ascent, sTypoDescender=across.descent, sCapHeight=733)
        builder.setupPost(keepGlyphNames=False)
        content = io.BytesIO()
        builder.save(content)
        return content.getvalue()


@lru_cache(maxsize=1)
def face() -> Face:
    """Opened once per process; outlines are read as they are needed."""
    for number in range(FACES_MAX):
        font = TTFont(str(FONT_PATH), fontNumber=number, lazy=True)
        if font["name"].getDebugName(1) == FAMILY:
            return Face(font, font.getBestCmap())
    raise LookupError(f"{FONT_PATH} has no face {FAMILY}")


@contextmanager
def registered(characters: Iterable[str]) -> Iterator[None]:
    """While it lasts, reportlab prints these characters in `FAMILY`; one document of the process at a time."""
    known = [each for each in characters if ord(each) in face().glyph_of]
    with _ONE_AT_A_TIME:
        font = PrintedFont(FAMILY, io.BytesIO(face().subset(known)))
        pdfmetrics.registerFont(font)
        try:
            yield
        finally:
            font.unregister()  # the next document brings its own characters under the same name


def _quadratic(outline: Any) -> Any:
    pen = TTGlyphPen(None)
    outline.draw(Cu2QuPen(pen, CONVERSION_ERROR_UNITS, reverse_direction=True))
    return pen.glyph()
