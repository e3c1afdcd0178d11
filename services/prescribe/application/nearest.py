"""The drugs of the register whose codes are nearest to one that it does not have."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from services.seedwork.model import Refusal
from services.seedwork.usecase import Deciding, Decision, Find

CATEGORY_CHARACTERS = 6
"""Of a 医保药品代码: its type and its class by ATC; a typing error is more likely behind them."""
CANDIDATES_MAX = 200
NEAREST_MAX = 3
Looking = Generator[Find, Sequence[Mapping[str, Any]], Decision]


def refused_with_nearest(refusal: Refusal) -> Deciding:
    """A refusal as it is; that of an unknown drug after a look at the register."""
    return _look(refusal) if refusal.code == "drug.unknown" else Decision.refused(refusal)


def _look(refusal: Refusal) -> Looking:
    product = str(refusal.facts["product"]).strip().upper()
    rows = yield Find(
        "register_entries", {"kind": "drug", "after": product[:CATEGORY_CHARACTERS], "limit": CANDIDATES_MAX}
    )
    names = {row["code"]: row["content"]["generic_name"] for row in rows}
    nearest = [
        {"product": code, "generic_name": names[code]}
        for code in get_close_matches(product, names, NEAREST_MAX)
        if code.startswith(product[:1])
    ]
    return Decision.refused(Refusal(refusal.code, {**refusal.facts, "nearest": nearest}))
