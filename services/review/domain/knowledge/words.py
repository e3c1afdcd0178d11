"""How names, units, routes and solvents are written, brought to one form. Pure tables; no judgement in them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

_FILLERS = re.compile(r"[\s\-_·,，()（）\[\]【】]+")
_ALLERGY_WORDS = re.compile(r"^对|(过敏史?|类药物|类药品|类药|类|药物|allergy|allergies|s)$")

ROUTES: Mapping[str, tuple[str, ...]] = {
    "oral": ("口服", "嚼服", "冲服", "顿服", "po", "by mouth"),
    "iv": ("静脉滴注", "静滴", "静脉注射", "静注", "静脉推注", "静推", "静脉输液", "intravenous", "ivgtt"),
    "im": ("肌内注射", "肌肉注射", "肌注", "intramuscular"),
    "sc": ("皮下注射", "皮下", "subcutaneous"),
    "inhaled": ("吸入", "雾化吸入", "雾化", "inhalation"),
    "nasal": ("滴鼻", "鼻喷", "鼻腔给药", "喷鼻", "鼻用", "intranasal"),
    "ophthalmic": ("滴眼", "眼用", "涂眼", "eye"),
    "otic": ("滴耳", "耳用", "ear"),
    "topical": ("外用", "涂搽", "涂擦", "局部外用", "cutaneous"),
    "transdermal": ("贴皮", "透皮", "贴敷", "经皮"),
    "rectal": ("直肠给药", "塞肛", "灌肠", "纳肛"),
    "vaginal": ("阴道给药", "阴道用药", "塞阴道"),
    "sublingual": ("舌下", "舌下含服", "舌下给药"),
    "intradermal": ("皮内注射", "皮内", "皮试"),
}
"""Route of the knowledge base -> how prescriptions write it."""

_UNITS: Mapping[str, tuple[str, str]] = {
    "mg": ("mass", "1"),
    "毫克": ("mass", "1"),
    "g": ("mass", "1000"),
    "克": ("mass", "1000"),
    "μg": ("mass", "0.001"),
    "ug": ("mass", "0.001"),
    "mcg": ("mass", "0.001"),
    "微克": ("mass", "0.001"),
    "ml": ("volume", "1"),
    "毫升": ("volume", "1"),
    "l": ("volume", "1000"),
    "单位": ("units", "1"),
    "iu": ("units", "1"),
    "u": ("units", "1"),
    "国际单位": ("units", "1"),
    "unit": ("units", "1"),
    "units": ("units", "1"),
    "万单位": ("units", "10000"),
    "万u": ("units", "10000"),
    "mmol": ("amount", "1"),
    "puff": ("puff", "1"),
    "吸": ("puff", "1"),
    "喷": ("puff", "1"),
    "揿": ("puff", "1"),
    "滴": ("drop", "1"),
    "drop": ("drop", "1"),
    "片": ("tablet", "1"),
    "粒": ("capsule", "1"),
    "丸": ("pill", "1"),
    "袋": ("sachet", "1"),
}
"""Unit as written, folded -> what it measures, and how many of the first unit of its kind it is."""

SOLVENTS: Mapping[str, tuple[str, ...]] = {
    "0.9% sodium chloride": ("0.9%氯化钠注射液", "0.9%氯化钠", "氯化钠注射液", "生理盐水", "normal saline"),
    "5% glucose": ("5%葡萄糖注射液", "5%葡萄糖", "5% dextrose"),
    "10% glucose": ("10%葡萄糖注射液", "10%葡萄糖", "10% dextrose"),
    "glucose-saline": ("葡萄糖氯化钠注射液", "5%葡萄糖氯化钠注射液", "葡萄糖氯化钠", "糖盐水", "glucose saline"),
    "ringer": ("复方氯化钠注射液", "林格液", "林格氏液", "乳酸钠林格注射液", "ringer's solution"),
    "water for injection": ("灭菌注射用水", "注射用水"),
}
"""Solvent of the knowledge base -> how prescriptions write it."""


def folded(name: str) -> str:
    """One form of a name: full-width and case differences, spaces, hyphens and brackets do not tell drugs apart."""
    return _FILLERS.sub("", unicodedata.normalize("NFKC", name).casefold())


def folded_allergy(name: str) -> str:
    """An allergy by what it is to: 对青霉素类药物过敏 is 青霉素, penicillins is penicillin."""
    left = folded(name)
    while shorter := _ALLERGY_WORDS.sub("", left):
        if shorter == left:
            break
        left = shorter
    return left


_ROUTE_OF = {folded(word): route for route, words in ROUTES.items() for word in (route, *words)}
_SOLVENT_OF = {folded(word): solvent for solvent, words in SOLVENTS.items() for word in (solvent, *words)}
_UNIT_OF = {folded(word): (kind, Decimal(factor)) for word, (kind, factor) in _UNITS.items()}


def route_of(written: str) -> str | None:
    """The knowledge base's word for a route; None where it is written in a way nobody knows."""
    return _ROUTE_OF.get(folded(written))


def solvent_of(written: str) -> str | None:
    """The knowledge base's word for a solvent; None where it is another one."""
    return _SOLVENT_OF.get(folded(written))


def known_unit(written: str) -> bool:
    return folded(written) in _UNIT_OF


def amount_in(amount: str | Decimal, unit: str, wanted: str) -> Decimal | None:
    """An amount in another unit of the same kind; None where the two cannot be compared, or it is no number."""
    kind, factor = _UNIT_OF.get(folded(unit), ("", Decimal(1)))
    wanted_kind, wanted_factor = _UNIT_OF.get(folded(wanted), (None, Decimal(1)))
    if kind != wanted_kind:
        return None
    number = decimal_of(amount)
    return None if number is None else number * factor / wanted_factor


_NUMBER = r"(\d+(?:\.\d+)?)"
_IN_VOLUME = re.compile(rf"^{_NUMBER}(ml|g):{_NUMBER}([^\d:/×x*]+)$")
_IN_PIECE = re.compile(rf"^{_NUMBER}([^\d:/×x*]+)$")
_PIECES = frozenset(["片", "粒", "枚", "袋", "支", "丸", "瓶", "包", "tablet", "capsule"])


def strength_amount(amount: str, unit: str, strength: str, wanted: str) -> Decimal | None:
    """An amount of a preparation (10 ml of 30ml:0.6g, two tablets of 5mg) as what it holds, in the wanted unit."""
    written = unicodedata.normalize("NFKC", strength).replace(" ", "").replace("：", ":")
    whole = _IN_VOLUME.match(written)
    if whole:
        per, per_unit, held, held_unit = whole.groups()
        volume = amount_in(amount, unit, per_unit)
        content = amount_in(held, held_unit, wanted)
        if folded(unit) in _PIECES:  # a bottle or an ampoule of it
            volume = decimal_of(amount) and Decimal(amount) * Decimal(per)
        if volume is None or content is None or not Decimal(per):
            return None
        return volume * content / Decimal(per)
    piece = _IN_PIECE.match(written)
    if piece and folded(unit) in _PIECES:
        number, content = decimal_of(amount), amount_in(piece[1], piece[2], wanted)
        return None if number is None or content is None else number * content
    return None


def decimal_of(written: str | Decimal) -> Decimal | None:
    """A finite number, or None: what a prescription says may be anything."""
    try:
        number = Decimal(written)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def plain(number: Decimal) -> str:
    """A number as people write it: no exponent, no trailing zeros, at most four decimals."""
    text = f"{number:.4f}"
    return text.rstrip("0").rstrip(".")
