"""A supply's way as EPCIS 2.0 (JSON-LD), with the words of CBV 2.0: what GS1's world reads of a pack's last mile.

Commissioning is the maker's. Here: picked at the check, packed into a parcel, shipped, dispensed when it is in
somebody's hands, received back, inspected, destroyed. No patient, no prescription, no address is in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from services.dispatch.application.parcel_goods import packs_of
from services.dispatch.domain.delivery.values import Pack
from services.dispatch.domain.fulfilment.state import Supply
from services.seedwork.calendar import ZONE
from services.seedwork.model import derived_id

CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
SCHEMA_VERSION = "2.0"
PRIVATE = "urn:x-rxflow"
"""Names of ours where GS1 has none: national trace codes, pharmacies, products."""
_GS1 = re.compile(r"01(\d{14})21(.{1,20})")
"""GTIN and serial as a GS1 element string."""
Row = Mapping[str, Any]
Event = dict[str, Any]

DISPOSITIONS = {
    "restocked": ("inspecting", "sellable_accessible"),
    "quarantined": ("inspecting", "non_sellable_other"),
    "destroyed": ("destroying", "destroyed"),
    "lost": ("other", "unknown"),
}
"""What became of a pack, as business step and disposition of CBV 2.0."""


def epc(trace_code: str) -> str:
    """A pack's identity: a GS1 Digital Link URI for GTIN and serial, a name of ours for a national or maker's code."""
    found = _GS1.fullmatch(trace_code)
    if found:
        return f"https://id.gs1.org/01/{found[1]}/21/{quote(found[2], safe='')}"
    return f"{PRIVATE}:trace:{quote(trace_code, safe='')}"


def document(supply: Supply, rows: Iterable[Row], created_at: datetime) -> dict[str, Any]:
    """The EPCIS document of one supply; `rows` are its movements and its parcel's, in order."""
    packs = {pack.number: pack for pack in packs_of(supply)}
    events = [event for row in rows for event in _events(supply, packs, row)]
    return {
        "@context": [CONTEXT],
        "type": "EPCISDocument",
        "schemaVersion": SCHEMA_VERSION,
        "creationDate": created_at.astimezone(ZONE).isoformat(),
        "epcisBody": {"eventList": events},
    }


def _events(supply: Supply, packs: Mapping[int, Pack], row: Row) -> Iterator[Event]:
    content, place = row["content"], f"{PRIVATE}:pharmacy:{supply.pharmacy}"
    parcel = f"urn:uuid:{supply.delivery_id or row['subject']}"
    match row["kind"]:
        case "dispensed":
            yield _of_packs(row, packs.values(), "picking", "in_progress", place)
        case "packed":
            yield _packing(row, "ADD", parcel, packs.values(), "packing", "container_closed", place)
        case "handed_over":
            shipped = {"epcList": [parcel], "action": "OBSERVE"}
            yield _event(row, "ObjectEvent", "shipping", "in_transit", place) | shipped
        case "received":
            taken = [pack for pack in packs.values() if pack.line in content["accepted"]]
            part = "partially_dispensed" if content["rejected"] else "dispensed"
            yield _of_packs(row, taken, "dispensing", part, None)
        case "back":
            back = [packs[number] for number in content["packs"]]
            if back:  # an empty parcel is no event about packs; what was missing is told when it is looked at
                yield _of_packs(row, back, "receiving", "returned", place)
        case "undone":
            yield from _judged(row, content["packs"] or _restocked(packs.values()), place)
        case _:  # decided
            step, disposition = DISPOSITIONS[content["to"]]
            decided = [packs[number] for number in content["packs"]]
            yield _of_packs(row, decided, step, disposition, place)


def _restocked(packs: Iterable[Pack]) -> list[dict[str, Any]]:
    return [{**pack.model_dump(mode="json"), "disposition": "restocked"} for pack in packs]


def _judged(row: Row, packs: Sequence[Mapping[str, Any]], place: str) -> Iterator[Event]:
    """One event for each thing that became of packs."""
    for name, (step, disposition) in DISPOSITIONS.items():
        found = [pack for pack in packs if pack["disposition"] == name]
        if found:
            where = None if name == "lost" else place
            yield _event(row, "ObjectEvent", step, disposition, where, part=name) | {"action": "OBSERVE"} | _what(found)


def _of_packs(row: Row, packs: Iterable[Pack], step: str, disposition: str, place: str | None) -> Event:
    what = _what([pack.model_dump(mode="json") for pack in packs])
    return _event(row, "ObjectEvent", step, disposition, place) | {"action": "OBSERVE"} | what


def _packing(
    row: Row, action: str, parcel: str, packs: Iterable[Pack], step: str, disposition: str, place: str
) -> Event:
    what = _what([pack.model_dump(mode="json") for pack in packs])
    inside = {"childEPCs": what.get("epcList", []), "childQuantityList": what.get("quantityList", [])}
    event = _event(row, "AggregationEvent", step, disposition, place)
    return event | {"action": action, "parentID": parcel} | {name: each for name, each in inside.items() if each}


def _what(packs: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Packs by their codes; goods without codes by product, lot and quantity in base units."""
    coded = [epc(pack["trace_code"]) for pack in packs if pack["trace_code"]]
    loose = [
        {
            "epcClass": f"{PRIVATE}:product:{quote(pack['product'], safe='')}:lot:{quote(pack['lot'], safe='')}",
            "quantity": pack["quantity"],
        }
        for pack in packs
        if not pack["trace_code"]
    ]
    found = {"epcList": coded, "quantityList": loose}
    return {name: each for name, each in found.items() if each}


def _event(row: Row, kind: str, step: str, disposition: str, place: str | None, part: str = "") -> Event:
    at: datetime = row["at"]
    event_id: UUID = derived_id("epcis_event", row["log_index"], part)
    event: Event = {
        "type": kind,
        "eventID": f"urn:uuid:{event_id}",
        "eventTime": at.astimezone(ZONE).isoformat(),
        "eventTimeZoneOffset": "+08:00",
        "recordTime": at.astimezone(ZONE).isoformat(),
        "bizStep": step,
        "disposition": disposition,
    }
    if place:
        event |= {"readPoint": {"id": place}, "bizLocation": {"id": place}}
    return event
