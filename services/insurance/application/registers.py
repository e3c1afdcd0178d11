"""The registers insurance owns: insurers and designations (published); its drug catalogue and benefit policies (its
own)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from contracts.registers import Designation, Insurer
from services.insurance.domain.catalogue import CatalogueEntry
from services.insurance.domain.places import places
from services.insurance.domain.policy import COMPLAINTS_MAX, PolicyTable
from services.seedwork.reference import EntryState, register
from services.seedwork.register_loading import Kind, Kinds

INSURANCE_REGISTER = register("insurance_register")
CATALOGUE = register("catalogue")
CATALOGUE_KIND = "catalogue_entry"

BENEFIT_POLICIES = register("benefit_policies")
BENEFIT_POLICY_KIND = "benefit_policy"


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


KINDS: Kinds = {
    "insurer": Kind(INSURANCE_REGISTER, Insurer, "I[0-9]{6}"),
    "designation": Kind(INSURANCE_REGISTER, Designation, "P[0-9]{11}-I[0-9]{6}"),
    CATALOGUE_KIND: Kind(CATALOGUE, CatalogueEntry, "[XZ][0-9A-Z]{22}"),
    BENEFIT_POLICY_KIND: Kind(BENEFIT_POLICIES, PolicyTable, "[0-9]{6}-[0-9]{3}", policy_complaint),
}
"""By the division an insurer insures; by pharmacy and insurer; by 医保药品代码; by place and scheme (险种)."""
