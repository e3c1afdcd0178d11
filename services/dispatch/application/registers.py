"""Registers: pharmacies and couriers are dispatch's own; people, drugs and designations are copies, obeyed at once."""

from __future__ import annotations

from collections.abc import Iterable

from contracts.registers import Courier, Drug, Pharmacy
from contracts.registers import Designation as DesignationContent
from services.dispatch.domain.delivery.values import Storage
from services.dispatch.domain.values import Designation, ProductFacts
from services.seedwork.calendar import civil_day
from services.seedwork.model import Loaded, Refusal, StreamRef
from services.seedwork.reference import EntryState, entry, register
from services.seedwork.register_loading import Kind, Kinds, url_complaint
from services.seedwork.usecase import Moment

PHARMACY_REGISTER = register("pharmacy_register")
REFERENCE = register("reference")


def courier_complaint(_code: str, courier: Courier) -> str | None:
    """Who takes orders by messages has an address."""
    nowhere = courier.interface == "webhook" and not courier.booking_url
    return url_complaint("booking_url") if nowhere else None


KINDS: Kinds = {
    "pharmacy": Kind(PHARMACY_REGISTER, Pharmacy, "P[0-9]{11}"),
    "courier": Kind(PHARMACY_REGISTER, Courier, "[0-9A-HJ-NP-RTUW-Y]{18}", courier_complaint, urls=("booking_url",)),
}
"""By 定点零售药店 code; a courier is known by its unified social credit code (统一社会信用代码)."""


def pharmacy_ref(code: str) -> StreamRef[EntryState]:
    return entry(PHARMACY_REGISTER, "pharmacy", code)


def courier_ref(code: str) -> StreamRef[EntryState]:
    return entry(PHARMACY_REGISTER, "courier", code)


def person_ref(code: str) -> StreamRef[EntryState]:
    return entry(REFERENCE, "person", code)


def drug_refs(products: Iterable[str]) -> tuple[StreamRef[EntryState], ...]:
    return tuple(entry(REFERENCE, "drug", product) for product in sorted(set(products)))


def admitted_pharmacy(state: EntryState, moment: Moment) -> Pharmacy | Refusal:
    """A pharmacy that may serve today."""
    pharmacy = state.read(Pharmacy) if state.in_force(civil_day(moment.now)) else None
    if pharmacy is None:
        return Refusal("pharmacy.not_admitted", {"pharmacy": state.code})
    return pharmacy


def admitted_courier(state: EntryState, moment: Moment, *, storage: Storage) -> Courier | Refusal:
    """A courier that may carry this parcel today: in force, agreement running, able to keep it cold where needed."""
    today = civil_day(moment.now)
    courier = state.read(Courier) if state.in_force(today) else None
    if courier is None:
        return Refusal("courier.not_admitted", {"courier": state.code})
    if not courier.qualified(today, storage):
        facts = {"agreement_until": courier.agreement_until.isoformat(), "storage": storage}
        return Refusal("courier.not_qualified", facts)
    return courier


def asked_by_interface(state: EntryState) -> bool:
    """Whether the courier takes orders by an interface."""
    courier = state.read(Courier)
    return courier is not None and courier.interface != "none"


def may_not_send(pharmacy: EntryState, courier: EntryState, moment: Moment, *, storage: Storage) -> Refusal | None:
    """None when today this pharmacy may give this courier the parcel."""
    for found in (admitted_pharmacy(pharmacy, moment), admitted_courier(courier, moment, storage=storage)):
        if isinstance(found, Refusal):
            return found
    return None


def not_qualified(person: EntryState, moment: Moment, organisation: str, professions: set[str]) -> Refusal | None:
    """None when the register knows this person in one of these professions at this pharmacy today."""
    content = person.content or {}
    known = person.in_force(civil_day(moment.now)) and content.get("organisation") == organisation
    if known and professions & set(content.get("professions", ())):
        return None
    return Refusal("person.not_qualified", {"needed": sorted(professions), "organisation": organisation})


def not_serving(
    pharmacy: EntryState, person: EntryState, moment: Moment, organisation: str, professions: set[str]
) -> Refusal | None:
    """None when the pharmacy is admitted today and the person qualified for a step in it."""
    place = admitted_pharmacy(pharmacy, moment)
    if isinstance(place, Refusal):
        return place
    return not_qualified(person, moment, organisation, professions)


def product_facts(entries: Iterable[Loaded[EntryState]]) -> tuple[ProductFacts, ...]:
    """What the register of drugs says; a product that is not in it is left out."""
    facts: list[ProductFacts] = []
    for loaded in entries:
        drug = loaded.state.read(Drug)
        if drug is not None:
            facts.append(
                ProductFacts(
                    product=loaded.state.code,
                    drug_key=drug.drug_key,
                    generic_name=drug.generic_name,
                    pack_size=drug.pack_size,
                    medicine_type=drug.medicine_type,
                    splittable=drug.splittable,
                    form=drug.form,
                    strength=drug.strength,
                    english_name=drug.english_name,
                    atc=drug.atc,
                    dose_unit=drug.dose_unit,
                    dose_per_base_unit=drug.dose_per_base_unit,
                    base_unit=drug.base_unit,
                    trace_ids=drug.trace_ids,
                )
            )
    return tuple(facts)


def designations_in_force(entries: Iterable[Loaded[EntryState]], moment: Moment) -> tuple[Designation, ...]:
    """The agreements that hold today, in a stable order."""
    today = civil_day(moment.now)
    contents = (each.state.read(DesignationContent) for each in entries if each.state.in_force(today))
    found = (Designation(insurer=row.insurer, channels=row.channels) for row in contents if row)
    return tuple(sorted(found, key=lambda row: row.insurer))
