"""The sites of a transfer plan out of the rows of what is known of supply."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from services.shortage.domain.transfer_plan import Site, TransferRules

Row = Mapping[str, Any]


def sites(
    shelves: Iterable[Row], demand: Iterable[Row], unfilled: Iterable[Row], today: date, rules: TransferRules
) -> list[Site]:
    """A pharmacy that told no level for twice the history has unknown demand. One that has no shelf of the drug at all,
    and could not give it, needs what it could not give."""
    asked = {row["pharmacy"]: row for row in demand}
    lacking = {row["pharmacy"]: row for row in unfilled}
    found = [
        Site(
            pharmacy=row["pharmacy"],
            region=row["region"],
            product=row["product"],
            free=int(row["free"]),
            usual_per_day=_usual(asked.get(row["pharmacy"]), lacking.get(row["pharmacy"]), today, rules),
            unfilled=_unfilled(lacking.get(row["pharmacy"])),
            pack_size=row["pack_size"],
            chain=row["chain"],
            latitude=row["latitude"],
            longitude=row["longitude"],
        )
        for row in shelves
    ]
    without = sorted(set(lacking) - {site.pharmacy for site in found})
    return found + [
        Site(
            pharmacy=name,
            region=lacking[name]["region"],
            product="",
            free=0,
            usual_per_day=_unfilled(lacking[name]) / rules.history_days,
            unfilled=_unfilled(lacking[name]),
            chain=lacking[name]["chain"],
            latitude=lacking[name]["latitude"],
            longitude=lacking[name]["longitude"],
        )
        for name in without
    ]


def _usual(demand: Row | None, lacking: Row | None, today: date, rules: TransferRules) -> float | None:
    """Of what was dispensed and what could not be, in a day: over the days of the history since its shelf was told of
    first, as nobody knows what was asked for before. None when no day is known."""
    if demand is None and lacking is None:
        return None
    if demand is None:
        return _unfilled(lacking) / rules.history_days
    known = min(rules.history_days, (today - date.fromisoformat(demand["first_told"])).days + 1)
    return (int(demand["dispensed"]) + _unfilled(lacking)) / known


def _unfilled(row: Row | None) -> int:
    return int(row["quantity"]) if row is not None else 0
