"""The codes of ICD-10: whether a diagnosis has a place in the classification, and what is nearest if not.

Checked are category and fourth character. `x` in the fourth place says that the category is not divided, in the edition
that a national extension was built on (I10.x00). What follows is the extension's own (国临版, 医保版: 6 characters and
more), of which only the shape is known, by the policy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from orjson import loads

CATEGORY_CHARACTERS = 3
FOURTH = 4
"""The place of the fourth character, behind the point."""
UNDIVIDED = "x"
NEAREST_MAX = 3
_BEGINNING = re.compile(r"([A-Z][0-9]{2})\W*(\w?)")
_MISREAD = str.maketrans("OQIL", "0011")
"""Letters that are taken for digits, where only digits stand."""


@cache
def _table() -> Mapping[str, Any]:
    table: Mapping[str, Any] = loads(files("services.prescribe.domain").joinpath("icd10.json").read_bytes())
    return table


@cache
def _fourth_characters() -> Mapping[str, str]:
    """Category -> its fourth characters: of the edition, of those before it, and places where something occurred."""
    table = _table()
    found = {category: set(digits) for category, digits in table["categories"].items()}
    for category, digits in table["withdrawn"].items():
        found.setdefault(category, set()).update(digits)
    places = table["place_of_occurrence"]
    for category, digits in found.items():
        if places["from"] <= category <= places["to"] and category not in places["not"]:
            digits.update("0123456789")
    return {category: "".join(sorted(digits)) for category, digits in found.items()}


def is_code(code: str) -> bool:
    """Whether the classification has the code's category and, where one is written, its fourth character."""
    digits = _fourth_characters().get(code[:CATEGORY_CHARACTERS])
    if digits is None:
        return False
    fourth = code[FOURTH : FOURTH + 1]
    return fourth in digits or fourth.lower() == UNDIVIDED


def nearest(code: str) -> tuple[str, ...]:
    """What could have been meant by a code that there is none of: subcategories, else categories, else blocks."""
    category, fourth = code[:CATEGORY_CHARACTERS], code[FOURTH : FOURTH + 1]
    known = _fourth_characters()
    if category in known:
        digits = sorted(known[category], key=lambda digit: (abs(ord(digit) - ord(fourth)), digit))[:NEAREST_MAX]
        return tuple(f"{category}.{digit}" for digit in digits) or (category, f"{category}.{UNDIVIDED}00")
    number = int(category[1:])
    if any(block[:3] <= category <= block[4:] for block in _table()["blocks"]):
        of_letter = [each for each in known if each[0] == category[0]]
        return tuple(sorted(of_letter, key=lambda each: (abs(int(each[1:]) - number), each))[:NEAREST_MAX])
    blocks = [block for block in _table()["blocks"] if block[0] == category[0]]
    return tuple(sorted(blocks, key=lambda block: _distance(block, number))[:NEAREST_MAX])


def meant(code: str) -> tuple[str, ...]:
    """What could have been meant by what is not even of the shape of a code: small letters, blanks, no point, letters
    in the place of digits, too few characters."""
    said = code.strip().upper()
    written = _BEGINNING.match(said[:1] + said[1:CATEGORY_CHARACTERS].translate(_MISREAD) + said[CATEGORY_CHARACTERS:])
    if written is None:
        begun = said[:2] if len(said) > 1 else None
        return tuple(sorted(each for each in _fourth_characters() if begun and each.startswith(begun))[:NEAREST_MAX])
    category, fourth = written.groups()
    plain = f"{category}.{fourth}" if fourth and fourth.lower() != UNDIVIDED else category
    return (plain,) if is_code(plain) else nearest(plain)


def _distance(block: str, number: int) -> int:
    return min(abs(number - int(block[1:3])), abs(number - int(block[5:7])))
