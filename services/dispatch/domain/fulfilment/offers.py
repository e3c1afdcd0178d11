"""When a hold ends, where the patient could go instead: the nearest pharmacies that have all that is still wanted.

A hint out of read models, recorded as it was given; a pharmacy still has to hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from services.dispatch.domain.fulfilment.events import HoldEnded
from services.dispatch.domain.fulfilment.evolve import evolve
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.dispatch.domain.geography import distance_metres
from services.dispatch.domain.values import Bucket, Offer
from services.seedwork.model import DomainEvent

Place = tuple[float, float]
"""Latitude and longitude in degrees."""
CANDIDATES_MAX = 500
"""Pharmacies that are looked at, the nearest first."""
DRUGS_AT_ONCE_MAX = 5
"""Drugs that one query asks about: as many as a prescription of medicines has lines. What is beyond is asked apart."""
SHORTLIST_EXTRA = 2
"""So many more pharmacies than are offered are fetched: where the hold has ended is among them, and the query orders
them as if the earth were flat, which so near by mistakes only those that are as far off to a thousandth."""
RADIUS_PARTS = (4, 1)
"""First within a fourth of the radius, a sixteenth of the area, then within all of it."""


def still_wanted(state: FulfilmentState, events: Iterable[DomainEvent], now: datetime) -> Mapping[str, int]:
    """Drug key -> base units that any pharmacy may hold once these events have happened.

    Nothing, where no hold among them has freed a quantity for others.
    """
    freed = False
    for event in events:
        if isinstance(event, HoldEnded):
            freed = freed or any(row.bucket is Bucket.REMAINING for row in event.freed)
        state = evolve(state, event)
    if not freed or state.status != "open" or now > state.closes_at:
        return {}
    wanted: dict[str, int] = {}
    for number, line in state.lines.items():
        if line.buckets.remaining and number not in state.blocked_lines:
            key = line.content.drug_key
            wanted[key] = wanted.get(key, 0) + line.buckets.remaining
    return wanted


def nearest_with_all(
    start: Place,
    pharmacies: Sequence[Mapping[str, Any]],
    free: Mapping[str, Mapping[str, int]],
    wanted: Mapping[str, int],
    *,
    without: str,
    radius_metres: int,
    offers_max: int,
) -> tuple[Offer, ...]:
    """The nearest first. `free`: drug key -> pharmacy -> base units that nobody reserved."""
    found: list[Offer] = []
    for row in pharmacies:
        code, distance = row["code"], distance_metres(start, (row["latitude"], row["longitude"]))
        has_all = all(free.get(drug, {}).get(code, 0) >= quantity for drug, quantity in wanted.items())
        if has_all and code != without and distance <= radius_metres:
            found.append(Offer(pharmacy=code, distance_metres=distance))
    return tuple(sorted(found, key=lambda offer: (offer.distance_metres, offer.pharmacy))[:offers_max])


def with_offers(events: Iterable[DomainEvent], offers: Mapping[str, tuple[Offer, ...]]) -> list[DomainEvent]:
    """The events, where a hold that freed something says what is offered instead. `offers`: by hold, as text."""

    def told(event: DomainEvent) -> DomainEvent:
        if isinstance(event, HoldEnded) and any(row.bucket is Bucket.REMAINING for row in event.freed):
            return event.model_copy(update={"offers": offers.get(str(event.hold_id), ())})
        return event

    return [told(event) for event in events]
