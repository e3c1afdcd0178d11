"""The registers insurance owns: insurers and designations (published), and its drug catalogue (its own)."""

from __future__ import annotations

from contracts.registers import Designation, Insurer
from services.insurance.domain.catalogue import CatalogueEntry
from services.seedwork.reference import register
from services.seedwork.register_loading import Kind, Kinds

INSURANCE_REGISTER = register("insurance_register")
CATALOGUE = register("catalogue")
CATALOGUE_KIND = "catalogue_entry"

KINDS: Kinds = {
    "insurer": Kind(INSURANCE_REGISTER, Insurer, "I[0-9]{6}"),
    "designation": Kind(INSURANCE_REGISTER, Designation, "P[0-9]{11}-I[0-9]{6}"),
    CATALOGUE_KIND: Kind(CATALOGUE, CatalogueEntry, "[XZ][0-9A-Z]{22}"),
}
"""By the division an insurer insures; by pharmacy and insurer; by 医保药品代码."""
