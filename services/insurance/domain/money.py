"""Exact arithmetic in fen (分). Nothing here knows a fraction of a fen; nothing is ever lost or made.

Rounding happens in two ways only: HALF_UP where one amount is derived from another by a ratio, and by the largest
remainder where a whole is divided among parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

BASIS_POINTS = 10_000
"""One hundred percent."""


def part_of(amount: int, ratio_bp: int) -> int:
    """The part of a non-negative amount by a ratio in basis points, rounded HALF_UP."""
    return (2 * amount * ratio_bp + BASIS_POINTS) // (2 * BASIS_POINTS)


def portion(amount: int, part: int, whole: int) -> int:
    """The part of a non-negative amount that falls on `part` of `whole` units, rounded HALF_UP."""
    return (2 * amount * part + whole) // (2 * whole)


def parts_of(slices: Iterable[tuple[int, int]]) -> int:
    """The sum of parts of several non-negative amounts, each by its ratio in basis points; rounded HALF_UP once."""
    return (2 * sum(amount * ratio_bp for amount, ratio_bp in slices) + BASIS_POINTS) // (2 * BASIS_POINTS)


def divide(total: int, weights: Sequence[int]) -> list[int]:
    """Divide a non-negative total by weights so that the parts sum to it exactly (largest remainder).

    Each part is its exact quota rounded down or up; among equal remainders the earlier part gets the fen. Where only
    two parts have a fraction this is HALF_UP for the earlier one. All weights zero: only a total of zero can be
    divided.
    """
    whole = sum(weights)
    if whole == 0:
        if total:
            raise ValueError(f"{total} fen cannot be divided among nothing")
        return [0 for _ in weights]
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda index: -(total * weights[index] % whole))
    for index in by_remainder[: total - sum(parts)]:
        parts[index] += 1
    return parts
