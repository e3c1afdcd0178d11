"""What prescribers and pharmacies are told of a drug that is short: how bad it is, how much may be given, what else
there is and where. Suspicions are in none of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from services.seedwork.clock import from_micros
from services.seedwork.ports import Reader
from services.shortage.domain.regions import Level, node_at
from services.shortage.domain.values import ResponseKind

ALTERNATIVES_MAX = 10
PHARMACIES_MAX = 10
RESPONSES_MAX = 50
OTHER_STRENGTH = "another form or strength of the same generic name: a prescription of its own"
Row = Mapping[str, Any]


async def in_force(read: Reader, drug_key: str, county: str, today: date) -> tuple[list[dict[str, Any]], list[Row]]:
    """The limits and the protocols for this drug that hold in this county."""
    rows = await read.find("responses_in_force", drug_key=drug_key, today=today.isoformat(), limit=RESPONSES_MAX)
    limits = [
        {"allocation_id": row["response_id"], **_only(row, "max_days", "priority_diagnoses", "valid_from", "region")}
        for row in rows
        if row["kind"] == ResponseKind.ALLOCATION and county.startswith(row["facts"]["region"])
    ]
    protocols = [row for row in rows if row["kind"] == ResponseKind.PROTOCOL and protocol_holds(row, county, today)]
    return limits, protocols


async def alternatives(
    read: Reader, drug_key: str, county: str, protocols: Iterable[Row], today: date
) -> list[dict[str, Any]]:
    """What could be given instead, those that a protocol allows first, with the pharmacies of the city that have it."""
    near = node_at(county, Level.CITY)
    allowed = {row["facts"]["to_drug_key"]: row for row in protocols}
    generic = drug_key.split("|", 1)[0]
    other = await read.find("drugs_like", generic=generic, within=near, limit=ALTERNATIVES_MAX + 1)
    keys = [*allowed, *(row["drug_key"] for row in other if row["drug_key"] not in {drug_key, *allowed})]
    found = []
    for key in keys[:ALTERNATIVES_MAX]:
        rows = await read.find("stock_of", drug_key=key, within=near, today=today.isoformat(), limit=PHARMACIES_MAX)
        found.append(
            {
                "drug_key": key,
                **_how(allowed.get(key)),
                "pharmacies": [_place(row, county) for row in _sorted(rows, county)],
            }
        )
    return found


def _how(protocol: Row | None) -> dict[str, Any]:
    if protocol is None:
        return {"protocol": None, "how": OTHER_STRENGTH}
    shown = _only(
        protocol, "numerator", "denominator", "mode", "excluded", "max_days", "regions", "valid_from", "valid_until"
    )
    return {
        "protocol": {"protocol_id": protocol["response_id"], "ends_on": protocol["ends_on"], **shown},
        "how": shown["mode"],
    }


def _sorted(rows: Iterable[Row], county: str) -> list[Row]:
    """The own county first; then whoever has most."""
    return sorted(rows, key=lambda row: (row["region"] != county, -int(row["free"]), row["pharmacy"]))


def _place(row: Row, county: str) -> dict[str, Any]:
    return {
        "pharmacy": row["pharmacy"],
        "name": row["name"],
        "region": row["region"],
        "same_county": row["region"] == county,
        "free": int(row["free"]),
        "told_at": from_micros(row["told_at"]),
    }


def protocol_holds(row: Row, county: str, today: date) -> bool:
    """Whether this protocol, a row of `responses_in_force`, holds in the county on this day."""
    facts = row["facts"]
    last = [day for day in (facts["valid_until"], row["ends_on"]) if day is not None]
    in_time = facts["valid_from"] <= today.isoformat() and all(today.isoformat() <= day for day in last)
    return in_time and any(county.startswith(node) for node in facts["regions"])


def _only(row: Row, *names: str) -> dict[str, Any]:
    return {name: row["facts"][name] for name in names}
