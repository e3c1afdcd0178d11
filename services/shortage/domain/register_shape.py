"""Shortages in the shape of openFDA's `drug/shortages.json` (fields/drugshortages.yaml): dates are YYYYMMDD.

That register knows presentations of makers; here it is generic name, form and strength in a region. What is unknown is
left out, as it is there; nothing is invented.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.seedwork.calendar import civil_day
from services.seedwork.clock import from_micros

DISCLAIMER = "Confirmed shortages as pharmacies and authorities told them; no statement of any maker. See related_info."
AVAILABILITY = {"I": "Unavailable", "II": "Limited Availability", "III": "Limited Availability", "IV": "Available"}
"""By grade: what a patient meets most likely; the register's own three words."""


def openfda(rows: Sequence[Mapping[str, Any]], *, skip: int, limit: int, total: int) -> dict[str, Any]:
    """`meta` and `results`. `total`: of all, not of these."""
    results = [_record(row) for row in rows]
    newest = max((record["update_date"] for record in results), default=None)
    meta = {
        "disclaimer": DISCLAIMER,
        "last_updated": newest,
        "results": {"skip": skip, "limit": limit, "total": total},
    }
    return {"meta": meta, "results": results}


def _record(row: Mapping[str, Any]) -> dict[str, Any]:
    generic, form, strength = ([*row["drug_key"].split("|"), "", ""])[:3]
    posted, changed_at = _day(row["confirmed_at"]), row["changed_at"]
    return {
        "generic_name": generic,
        "dosage_form": form,
        "strength": [strength],
        "presentation": f"{generic}, {form}, {strength}",
        "status": "Current",
        "update_type": "New" if changed_at is None else "Revised",
        "availability": AVAILABILITY[row["grade"]],
        "initial_posting_date": posted,
        "update_date": posted if changed_at is None else max(posted, _day(changed_at)),
        "related_info": f"grade {row['grade']}; region {row['region'] or 'nation'}; case {row['case_id']}",
    }


def _day(micros: int) -> str:
    return civil_day(from_micros(micros)).strftime("%Y%m%d")
