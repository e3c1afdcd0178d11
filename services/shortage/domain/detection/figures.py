"""Figures that may be unknown. Unknown is a value with a reason: never 0, never infinite, never NaN.

Systems that divide by nothing show 0 for what is sold out and infinity for what nobody asks for; either misleads.
"""

from __future__ import annotations

from enum import StrEnum


class Unknown(StrEnum):
    """Why there is no figure."""

    NOTHING_REPORTED = "nothing_reported"
    ALWAYS_OUT = "always_out"
    """Out of stock all the time: what was asked for cannot be seen (censored)."""
    TOO_FEW = "too_few"
    """Too few days or transactions to say anything."""
    NO_DEMAND = "no_demand"
    """Known to be asked for by nobody: how long stock lasts is undefined."""


Figure = float | Unknown


def known(figure: Figure) -> float | None:
    """The number, or None where there is none."""
    return None if isinstance(figure, Unknown) else figure
