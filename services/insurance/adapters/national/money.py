"""Amounts as messages carry them: yuan with two digits after the point. Here they are fen, always whole."""

from __future__ import annotations

import re
from typing import Any

FEN_PER_YUAN = 100
_AMOUNT = re.compile(r"(-?)(\d{1,13})(?:\.(\d{1,2}))?")


class Unreadable(ValueError):  # noqa: N818
    """What was answered is no amount, or amounts that do not add up."""


def yuan(fen: int) -> str:
    """`1234` as `12.34`."""
    whole, rest = divmod(abs(fen), FEN_PER_YUAN)
    return f"{'-' if fen < 0 else ''}{whole}.{rest:02d}"


def fen(said: Any) -> int:
    """`12.3` as `1230`. Raises Unreadable for what has more digits, or is none."""
    found = _AMOUNT.fullmatch(said) if isinstance(said, str) else None
    if found is None:
        raise Unreadable("no amount")
    sign, whole, rest = found.groups()
    return int(f"{sign}{whole}{(rest or '').ljust(2, '0')}")
