"""The registers prescribe owns: people, institutions, review agreements and drugs (准入, 退出).

Each entry is dated and obeyed at once.
"""

from __future__ import annotations

import re

from stdnum import numdb
from stdnum.cn import uscc

from contracts.registers import Drug, Institution, Person, ReviewAgreement, agreement_code
from services.prescribe.domain.registers import FamilyContract
from services.prescribe.domain.registration import person_register
from services.seedwork.reference import register
from services.seedwork.register_loading import Kind, Kinds

REGISTER = person_register("register")

FAMILY_CONTRACTS = register("family_contracts")
"""Nobody else obeys them, and nobody else need know who is whose patient: they are told to nobody."""

OFFICER = "authority"
NATION = "000000"
_DIVISION = re.compile(r"[A-Z]{1,2}([0-9]{6})")


def _in_a_known_division(code: str) -> str | None:
    """The six digits behind the letters are a division of GB/T 2260."""
    division = _DIVISION.match(code)
    if division and all(found for _, found in numdb.get("cn/loc").info(division[1])):
        return None
    return "code: names no division of GB/T 2260"


def _person(code: str, person: Person) -> str | None:
    if OFFICER not in person.professions:
        return "code: R is of those who sign for an authority" if code.startswith("R") else _in_a_known_division(code)
    if code[:7] != f"R{person.organisation}":
        return "code: not of the division that the organisation is"
    return None if person.organisation == NATION else _in_a_known_division(code)


def _institution(code: str, institution: Institution) -> str | None:
    if institution.social_credit_code is not None and not uscc.is_valid(institution.social_credit_code):
        return "content.social_credit_code: 18 characters with a check character (GB 32100)"
    return _in_a_known_division(code)


def _agreement(code: str, agreement: ReviewAgreement) -> str | None:
    if code == agreement_code(agreement.institution, agreement.reviewed_by):
        return None
    return "code: not the one of its content"


KINDS: Kinds = {
    "person": Kind(REGISTER, Person, "[DNR][0-9]{12}|H[JY][0-9]{12}", _person),
    "institution": Kind(REGISTER, Institution, "H[0-9]{11}", _institution),
    "review_agreement": Kind(REGISTER, ReviewAgreement, "H[0-9]{11}-H[0-9]{11}", _agreement),
    "drug": Kind(REGISTER, Drug, "[XZ][0-9A-Z]{22}|T[0-9]{9}"),
    "family_contract": Kind(FAMILY_CONTRACTS, FamilyContract, "FC[0-9]{6,20}"),
}
"""By the national codes: 医保医师 D, 护士 N, 药师 HY, 技术人员 HJ; 定点医疗机构 H; 医保药品代码 of 23 characters,
中药饮片 T and nine digits. Those who sign for an authority have no national code: R, its division and six digits."""
