"""Finds, when holds end, where the patient could go instead."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from datetime import date
from typing import Any

from contracts.registers import Pharmacy
from services.dispatch.application.registers import pharmacy_ref
from services.dispatch.domain.fulfilment import offers
from services.dispatch.domain.fulfilment.events import HoldEnded
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.dispatch.domain.geography import box
from services.dispatch.domain.policy import Policy
from services.dispatch.domain.values import Offer
from services.seedwork.model import DomainEvent, Loaded
from services.seedwork.reference import EntryState
from services.seedwork.usecase import Find, Load

Finding = Generator[Load | Find, Any, list[DomainEvent]]


def with_offers(
    state: FulfilmentState, events: list[DomainEvent], wanted: Mapping[str, int], today: date, policy: Policy
) -> Finding:
    """The events, with what is offered instead of each hold that has ended among them."""
    ended = [event for event in events if isinstance(event, HoldEnded)]
    names = sorted({state.holds[event.hold_id].pharmacy for event in ended})
    entries: tuple[Loaded[EntryState], ...] = yield Load(tuple(map(pharmacy_ref, names)))
    by_pharmacy: dict[str, tuple[Offer, ...]] = {}
    for name, entry in zip(names, entries, strict=True):
        place = entry.state.read(Pharmacy)
        if place is not None:
            by_pharmacy[name] = yield from nearest(place, name, wanted, today, policy)
    return offers.with_offers(events, _by_hold(state, ended, by_pharmacy))


def nearest(
    place: Pharmacy, code: str, wanted: Mapping[str, int], today: date, policy: Policy
) -> Generator[Find, Any, tuple[Offer, ...]]:
    """Those around a pharmacy that have all of it. `wanted`: drug key -> base units.

    Looked for close by first: where enough have all, those farther off are not even put in order.
    """
    found: tuple[Offer, ...] = ()
    for part in offers.RADIUS_PARTS:
        found = yield from _within(policy.offer_radius_metres // part, place, code, wanted, today, policy)
        if len(found) == policy.offers_max:
            break
    return found


def _within(
    radius_metres: int, place: Pharmacy, code: str, wanted: Mapping[str, int], today: date, policy: Policy
) -> Generator[Find, Any, tuple[Offer, ...]]:
    area = {**box(place.latitude, place.longitude, radius_metres), "today": today.isoformat()}
    drugs = sorted(wanted)
    looked_for, beside = drugs[: offers.DRUGS_AT_ONCE_MAX], drugs[offers.DRUGS_AT_ONCE_MAX :]
    asked: dict[str, Any] = {f"drug_{n}": drug for n, drug in enumerate(looked_for)}
    asked |= {f"quantity_{n}": wanted[drug] for n, drug in enumerate(looked_for)}
    limit = offers.CANDIDATES_MAX if beside else policy.offers_max + offers.SHORTLIST_EXTRA
    pharmacies = yield Find(f"pharmacies_with_{len(looked_for)}", {**area, **asked, "limit": limit})
    free: dict[str, dict[str, int]] = {}
    for drug in beside:
        rows = yield Find("stock_near", {**area, "drug_key": drug})
        free[drug] = {row["pharmacy"]: int(row["free"]) for row in rows}
    return offers.nearest_with_all(
        (place.latitude, place.longitude),
        pharmacies,
        free,
        {drug: wanted[drug] for drug in beside},
        without=code,
        radius_metres=radius_metres,
        offers_max=policy.offers_max,
    )


def _by_hold(
    state: FulfilmentState, ended: Iterable[HoldEnded], by_pharmacy: Mapping[str, tuple[Offer, ...]]
) -> dict[str, tuple[Offer, ...]]:
    return {str(each.hold_id): by_pharmacy.get(state.holds[each.hold_id].pharmacy, ()) for each in ended}
