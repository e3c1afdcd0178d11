"""Public registers of shortages in their own shapes, brought into one: pure, record by record.

What a register's words mean here is data: `OPENFDA_STATUS`, `CANADA_STATUS`, and the mapping file of the generic shape.
A record that cannot be read is told with its key and why; it holds up no other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.supply_reports import Record, RegisterMapping
from services.seedwork.calendar import ZONE

NOTE_CHARACTERS_MAX = 2000
KEY_CHARACTERS_MAX = 300
DATE_FORMATS = ("%Y%m%d", "%m/%d/%Y")
"""Of openFDA: the field reference says the first, the interface answers the second."""
OPENFDA = "openFDA drug shortages"
CANADA = "Drug Shortages Canada"

OPENFDA_STATUS: Mapping[tuple[str, str], int | None] = {
    ("Current", "Unavailable"): 4,
    ("Current", "Limited Availability"): 3,
    ("Current", "Available"): 2,
    ("Current", ""): 3,
    ("Resolved", ""): 1,
    ("To Be Discontinued", ""): None,
}
"""(status, availability) -> 供应状态; `""`: whatever the availability is (FDA/open.fda.gov, drugshortages.yaml:
the two are independent of each other)."""
CANADA_STATUS: Mapping[str, int | None] = {
    "anticipated_shortage": 2,
    "active_confirmed": 3,
    "resolved": 1,
    "avoided_shortage": 1,
    "to_be_discontinued": None,
    "discontinued": None,
    "reversed": 1,
}
"""Status machine of the API v1 of Drug Shortages Canada; tier 3, critical for the nation, is severely short."""
SEVERELY_SHORT = 4


@dataclass(frozen=True)
class Unreadable(Exception):  # noqa: N818
    """Why a record says nothing that could be read."""

    reason: str


def openfda(record: Record, mapping: RegisterMapping) -> dict[str, Any]:
    """One presentation of `drug/shortages.json`."""
    key = _words(record, "package_ndc")
    status = _words(record, "status")
    availability = _words(record, "availability")
    states = (each for each in ((status, availability), (status, "")) if each in OPENFDA_STATUS)
    found = next(states, None)
    if found is None:
        raise Unreadable(f"status: {status!r} is none of the register's")
    over = status == "Resolved"
    since = ("change_date", "update_date") if over else ("initial_posting_date", "update_date")
    details = ("company_name", "presentation", "shortage_reason", "related_info", "resolved_note")
    return {
        "key": key,
        "drug_key": mapping.drugs.get(key) or mapping.drugs.get(_words(record, "generic_name")),
        "name": _words(record, "generic_name"),
        "form": _words(record, "dosage_form"),
        "strength": _first(record.get("strength")),
        "status": OPENFDA_STATUS[found],
        "occurred_at": _first_day(record, since),
        "reported_at": _first_day(record, ("update_date", "initial_posting_date")),
        "reporter": OPENFDA,
        "note": _note(record, details),
    }


def canada(record: Record, mapping: RegisterMapping) -> dict[str, Any]:
    """One report of a shortage or discontinuation of Drug Shortages Canada."""
    key = _words(record, "id")
    status = _words(record, "status")
    if status not in CANADA_STATUS:
        raise Unreadable(f"status: {status!r} is none of the register's")
    drug = record.get("drug")
    named = drug if isinstance(drug, dict) else {}
    name = _words(record, "en_drug_brand_name") or _words(named, "brand_name") or _words(record, "en_ingredients")
    since = {
        "resolved": ("actual_end_date", "updated_date"),
        "active_confirmed": ("actual_start_date", "created_date"),
    }.get(status, ("created_date", "updated_date"))
    grade = CANADA_STATUS[status]
    severe = grade == 3 and record.get("tier_3") is True
    details = ("company_name", "en_comments", "supply_disruption_mitigation", "estimated_end_date")
    return {
        "key": key,
        "drug_key": mapping.drugs.get(_words(record, "din")) or mapping.drugs.get(name),
        "name": _words(record, "en_ingredients") or name,
        "form": _words(record, "dosage_form") or _words(record, "drug_dosage_form"),
        "strength": _words(record, "drug_strength"),
        "atc": _words(record, "atc_number"),
        "status": SEVERELY_SHORT if severe else grade,
        "occurred_at": _first_day(record, since),
        "reported_at": _first_day(record, ("updated_date", "created_date")),
        "reporter": CANADA,
        "note": _note(record, details),
    }


def generic(record: Record, mapping: RegisterMapping) -> dict[str, Any]:
    """A row of any register, by its mapping."""
    fields: dict[str, Any] = dict(mapping.constants)
    for field, columns in mapping.columns.items():
        told = "|".join(_words(record, each) for each in ([columns] if isinstance(columns, str) else columns))
        if told.strip("|"):
            fields[field] = told
    word = fields.get("status", "")
    if mapping.status:
        if word not in mapping.status:
            raise Unreadable(f"status: {word!r} stands not in the mapping")
        fields["status"] = mapping.status[word]
    for field in ("occurred_at", "reported_at"):
        if field in fields:
            fields[field] = _moment(fields[field], (mapping.date_format,) if mapping.date_format else ())
    about = (fields.get(name, "") for name in ("drug_key", "key", "name"))
    known = next((mapping.drugs[word] for word in about if word in mapping.drugs), None)
    return {**fields, "drug_key": known} if known else fields


SHAPES: Mapping[str, Callable[[Record, RegisterMapping], dict[str, Any]]] = {
    "openfda_shortages": openfda,
    "canada_shortages": canada,
    "shortage_register": generic,
}


@dataclass(frozen=True)
class Reading:
    """A record as it was read: fields of a `RegisterRow`, or why there are none."""

    key: str
    fields: dict[str, Any]
    problem: str | None = None


def readings(shape: str, records: Sequence[Record], mapping: RegisterMapping) -> list[Reading]:
    """Each record in the one form, in order."""
    return [_reading(SHAPES[shape], record, mapping) for record in records]


def _reading(
    shape: Callable[[Record, RegisterMapping], dict[str, Any]], record: Record, mapping: RegisterMapping
) -> Reading:
    try:
        fields = shape(record, mapping)
    except Unreadable as error:
        told = record.get("package_ndc") or record.get("id") or ""
        return Reading(str(told)[:KEY_CHARACTERS_MAX], {}, error.reason)
    return Reading(str(fields.get("key") or "")[:KEY_CHARACTERS_MAX], fields)


def _words(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    return value.strip() if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""


def _first(value: Any) -> str:
    if isinstance(value, list):
        return next((each.strip() for each in value if isinstance(each, str)), "")
    return value.strip() if isinstance(value, str) else ""


def _note(record: Mapping[str, Any], names: Sequence[str]) -> str:
    return "; ".join(told for name in names if (told := _words(record, name)))[:NOTE_CHARACTERS_MAX]


def _first_day(record: Mapping[str, Any], names: Sequence[str]) -> datetime:
    """The first of these dates that the record has."""
    for name in names:
        if told := _words(record, name):
            return _moment(told, DATE_FORMATS)
    raise Unreadable(f"{names[0]}: missing")


def _moment(told: str, formats: Sequence[str]) -> datetime:
    """A moment as it is told; a day without a time begins at midnight of the civil day."""
    for each in formats:
        try:
            return datetime.strptime(told, each).replace(tzinfo=ZONE)
        except (ValueError, re.error):  # a field twice in a format makes an expression that cannot be compiled
            continue
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        raise Unreadable("date: not one that can be read") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZONE)
