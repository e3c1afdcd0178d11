"""Divisions of the country by their codes (GB/T 2260): what lies in what."""

from __future__ import annotations

NATION = "000000"


def places(region: str) -> tuple[str, ...]:
    """A division and those around it: county, city, province, nation."""
    return tuple(dict.fromkeys((region, f"{region[:4]}00", f"{region[:2]}0000", NATION)))
