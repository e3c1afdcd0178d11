"""The registers insurance owns: insurers and designations (published); its drug catalogue, benefit policies, tariffs of
delivery and rules of audit (its own)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from contracts.registers import Designation, Insurer
from services.insurance.domain.audit.rules import SHIPPED, RuleSet
from services.insurance.domain.catalogue import CatalogueEntry
from services.insurance.domain.delivery_fee import TARIFF_KIND, DeliveryTariff
from services.insurance.domain.places import places
from services.insurance.domain.policy import COMPLAINTS_MAX, PolicyTable
from services.seedwork.model import StreamRef
from services.seedwork.reference import EntryState, entry, register
from services.seedwork.register_loading import Kind, Kinds, url_complaint

INSURANCE_REGISTER = register("insurance_register")
CATALOGUE = register("catalogue")
CATALOGUE_KIND = "catalogue_entry"

AUDIT_RULES = register("audit_rules")
AUDIT_RULES_KIND = "audit_rules"

BENEFIT_POLICIES = register("benefit_policies")
BENEFIT_POLICY_KIND = "benefit_policy"

DELIVERY_TARIFFS = register("delivery_tariffs")


def policy_complaint(code: str, table: PolicyTable) -> str | None:
    """A table holds the rows of one place and one scheme, so that what overlaps or is missing is seen in it."""
    strange = [row.id for row in table.rows if f"{row.insuplc}-{row.insutype}" != code]
    return f"rows: {', '.join(strange[:COMPLAINTS_MAX])} are not of {code}" if strange else None


def policy_codes(insurer: EntryState, insutype: str) -> tuple[str, ...]:
    """The tables that may hold a row for who is insured there, from the place outwards."""
    found = insurer.read(Insurer)
    return tuple(f"{place}-{insutype}" for place in places(found.region)) if found else ()


def regional_tables(entries: Sequence[EntryState], day: date) -> tuple[PolicyTable, ...]:
    """The loaded tables that hold on a day."""
    read = (found.read(PolicyTable) for found in entries if found.in_force(day))
    return tuple(table for table in read if table is not None)


def tariff_refs(region: str) -> tuple[StreamRef[EntryState], ...]:
    """The tariffs of a place and those around it, nearest first."""
    return tuple(entry(DELIVERY_TARIFFS, TARIFF_KIND, place) for place in places(region))


def rules_in_force(loaded: EntryState, day: date, jurisdiction: str) -> RuleSet:
    """The loaded set of the audit's rules where it is in force, or the shipped one."""
    found = loaded.read(RuleSet) if loaded.in_force(day) else None
    return found or SHIPPED.on(day, jurisdiction)


def insurer_complaint(_code: str, insurer: Insurer) -> str | None:
    """Who is reached by messages has an address, and only they reserve before they book."""
    if insurer.interface == "national":
        return None if insurer.url else url_complaint("url")
    return "steps: an insurer adjudicated here books at once" if insurer.steps == "two_step" else None


KINDS: Kinds = {
    "insurer": Kind(INSURANCE_REGISTER, Insurer, "I[0-9]{6}", insurer_complaint, urls=("url",)),
    "designation": Kind(INSURANCE_REGISTER, Designation, "P[0-9]{11}-I[0-9]{6}"),
    CATALOGUE_KIND: Kind(CATALOGUE, CatalogueEntry, "[XZ][0-9A-Z]{22}"),
    AUDIT_RULES_KIND: Kind(AUDIT_RULES, RuleSet, "[a-z]{2}(-[a-z]{2,10})?"),
    BENEFIT_POLICY_KIND: Kind(BENEFIT_POLICIES, PolicyTable, "[0-9]{6}-[0-9]{3}", policy_complaint),
    TARIFF_KIND: Kind(DELIVERY_TARIFFS, DeliveryTariff, "[0-9]{6}"),
}
"""By the division an insurer insures; by pharmacy and insurer; by 医保药品代码; by jurisdiction; by place and scheme
(险种); by the place of the pharmacies."""
