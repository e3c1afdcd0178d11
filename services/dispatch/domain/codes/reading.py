"""Reads what a scanner gives: 20 digits (药品追溯码), a GS1 element string, or a maker's own code.

One pack has one normal form, however it was scanned: national and makers' codes as printed, GS1 as the element string
of GTIN and serial alone. A normal form reads as itself. Sources: 药品追溯码 of 20 digits, first 7 the product
(药品标识码), the rest serial and cipher without a published check digit; GS1 General Specifications 3 and 7.8. FMD and
DSCSA name a pack by GTIN and serial.
"""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Literal

from biip import ParseError
from biip.gs1_element_strings import GS1ElementString
from biip.gs1_messages import GS1Message

from services.dispatch.domain.codes.makers import MAKERS, MakerPattern
from services.seedwork.model import Immutable, Refusal

SCANNED_LENGTH_MAX = 128
"""GTIN, expiry, lot, serial and their separators need 75."""
SEPARATOR = "\x1d"
"""What scanners send for FNC1."""
NATIONAL = re.compile(r"8[0-9]{19}")
"""码上放心: 20 digits; the platform gives out codes that begin with 8."""
NATIONAL_PRODUCT_DIGITS = 7
SYMBOLOGIES = ("]d2", "]C1", "]Q3", "]e0")
"""GS1 DataMatrix, GS1-128, GS1 QR, GS1 DataBar (ISO/IEC 15424), which some scanners send first."""
GTIN, EXPIRY, LOT, SERIAL = "01", "17", "10", "21"
SPELLINGS = ("<GS>", "{GS}", "\\x1d", "\x1e", "\u241d")
"""Other ways in which a separator reaches us, by scanner and keyboard."""

Kind = Literal["national", "gs1", "maker"]


class PackCode(Immutable):
    """What a code says. `product` names the product: `cn:` and 7 digits, `gtin:` and 14, `maker:` maker and its number.

    Lot and expiry (YYMMDD; day 00: the month's last) are there only where the code carries them.
    """

    normal: str
    kind: Kind
    product: str
    lot: str | None = None
    expiry: str | None = None

    def is_of(self, lot: str, expiry: date) -> bool:
        """Whether the code does not contradict the lot and expiry that were read from the pack."""
        return self.lot in {None, lot} and self.expiry in {None, *_spelt(expiry)}


def _spelt(day: date) -> Iterable[str]:
    yield day.strftime("%y%m%d")
    if day.day == monthrange(day.year, day.month)[1]:
        yield day.strftime("%y%m00")


def read_code(scanned: str, day: date, makers: Iterable[MakerPattern] = MAKERS) -> PackCode | Refusal:
    """The code of a pack, or what is wrong with it. Never raises, whatever was scanned."""
    if len(scanned) > SCANNED_LENGTH_MAX:
        return _malformed("too long")
    text = _cleaned(scanned)
    if not text.isascii():
        return _malformed("not ASCII")
    digits = re.sub(r"[ \-]", "", text)
    if NATIONAL.fullmatch(digits):
        return PackCode(normal=digits, kind="national", product=f"cn:{digits[:NATIONAL_PRODUCT_DIGITS]}")
    found = _gs1(text)
    if isinstance(found, Refusal) and found.code == "trace_code.malformed":
        return next(_makers(text, day, makers), found)
    return found


def _makers(text: str, day: date, makers: Iterable[MakerPattern]) -> Iterator[PackCode | Refusal]:
    for maker in makers:
        found = maker.read(text, day)
        if found is None:
            continue
        product, normal = found
        if maker.checks(normal):
            yield PackCode(normal=normal, kind="maker", product=f"maker:{maker.maker}:{product}")
        else:
            yield Refusal("trace_code.wrong_check_digit", {"kind": "maker", "maker": maker.maker})


def _cleaned(scanned: str) -> str:
    """Full-width digits of an input method, blanks around it, and every spelling of the separator."""
    text = unicodedata.normalize("NFKC", scanned)
    for spelling in SPELLINGS:
        text = text.replace(spelling, SEPARATOR)
    text = text.strip(" \t\r\n")
    for symbology in SYMBOLOGIES:
        text = text.removeprefix(symbology)
    return text.strip(SEPARATOR)


def _gs1(text: str) -> PackCode | Refusal:
    try:
        elements = _elements(text)
    except (ParseError, ValueError) as error:  # the library's own, and that of dates and numbers within
        return _malformed(type(error).__name__)
    twice = sorted(name for name, found in elements.items() if len({each.value for each in found}) > 1)
    if twice:
        return _malformed(f"({twice[0]}) twice")
    one = {name: found[0] for name, found in elements.items()}
    if GTIN not in one:
        return _malformed("no GTIN (01)")
    if one[GTIN].gtin is None:
        return Refusal("trace_code.wrong_check_digit", {"kind": "gs1", "gtin": one[GTIN].value})
    if SERIAL not in one:
        return Refusal("trace_code.no_serial", {"gtin": one[GTIN].value})
    gtin = one[GTIN].value
    return PackCode(
        normal=f"{GTIN}{gtin}{SERIAL}{one[SERIAL].value}",
        kind="gs1",
        product=f"gtin:{gtin}",
        lot=one[LOT].value if LOT in one else None,
        expiry=one[EXPIRY].value if EXPIRY in one else None,
    )


def _elements(text: str) -> dict[str, list[GS1ElementString]]:
    """By application identifier. With brackets it is the line printed for people, which has no separators: a value with
    brackets of its own cannot be told from the next element there, so it is not read at all."""
    if text.startswith("("):
        message = GS1Message.parse_hri(text)
        read = "".join(f"({each.ai.ai}){each.value}" for each in message.element_strings)
        if read != "".join(text.split()):
            raise ParseError("brackets within a value")
    else:
        message = GS1Message.parse(text)
    found: dict[str, list[GS1ElementString]] = {}
    for element in message.element_strings:
        found.setdefault(element.ai.ai, []).append(element)
    return found


def _malformed(why: str) -> Refusal:
    return Refusal("trace_code.malformed", {"why": why})
