"""The blocks of ICD-10: whether a code's category is one the classification has, and which are nearest if not."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from orjson import loads

CATEGORY_CHARACTERS = 3
NEAREST_MAX = 3


@cache
def _blocks() -> tuple[str, ...]:
    table = loads(files("services.prescribe.domain").joinpath("icd10.json").read_bytes())
    return tuple(table["blocks"])


@cache
def _categories() -> frozenset[str]:
    """Every three characters that lie in a block; blocks do not go beyond their letter."""
    return frozenset(
        f"{block[0]}{number:02}" for block in _blocks() for number in range(int(block[1:3]), int(block[5:7]) + 1)
    )


def is_category(code: str) -> bool:
    """Whether the code's category (its first three characters) lies in a block."""
    return code[:CATEGORY_CHARACTERS] in _categories()


def nearest_blocks(code: str) -> tuple[str, ...]:
    """The blocks nearest to a code that lies in none, of the same letter; none where no chapter has this letter."""
    letter, number = code[:1], code[1:CATEGORY_CHARACTERS]
    of_letter = [block for block in _blocks() if block.startswith(letter)]
    return tuple(sorted(of_letter, key=lambda block: _distance(block, number))[:NEAREST_MAX])


def _distance(block: str, number: str) -> int:
    wanted = int(number)
    return min(abs(wanted - int(block[1:3])), abs(wanted - int(block[5:7])))
