"""The registers prescribe owns: people, institutions and drugs (准入, 退出), each entry dated and obeyed at once."""

from __future__ import annotations

from contracts.registers import Drug, Institution, Person
from services.prescribe.domain.registers import FamilyContract
from services.prescribe.domain.registration import person_register
from services.seedwork.reference import register
from services.seedwork.register_loading import Kind, Kinds

REGISTER = person_register("register")

FAMILY_CONTRACTS = register("family_contracts")
"""Nobody else obeys them, and nobody else need know who is whose patient: they are told to nobody."""

KINDS: Kinds = {
    "person": Kind(REGISTER, Person, "[A-Z]{1,2}[0-9]{12}"),
    "institution": Kind(REGISTER, Institution, "H[0-9]{11}"),
    "drug": Kind(REGISTER, Drug, "[XZ][0-9A-Z]{22}"),
    "family_contract": Kind(FAMILY_CONTRACTS, FamilyContract, "FC[0-9]{6,20}"),
}
"""By the national codes: 医保医师 D, 药师 HY, 技术人员 HJ; 定点医疗机构 H; 医保药品代码 of 23 characters."""
