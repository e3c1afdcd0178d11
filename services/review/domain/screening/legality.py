"""L1-L3: whether the prescriber may prescribe this (处方审核规范 13), and N1, how the signature was checked."""

from __future__ import annotations

from collections.abc import Iterator

from services.review.domain.screening.rule import Hit
from services.review.domain.screening.subject import View
from services.review.domain.values import Severity

LEVELS = ("unrestricted", "restricted", "special")
"""Of antibacterials, each includes those before (抗菌药物临床应用管理办法 6, 24)."""


def prescriber_registered(view: View) -> Iterator[Hit]:
    """Who the registers have not told review of yet was registered when prescribe took the prescription: a person
    looks, nothing is blocked."""
    prescriber = view.subject.prescriber
    if prescriber is None:
        yield Hit("the register has not told review of the prescriber yet", severity=Severity.CAUTION)
    elif not prescriber.registered:
        yield Hit("not in the register of prescribers")
    elif not prescriber.in_force:
        yield Hit("the registration is not in force today")


def practice_site(view: View) -> Iterator[Hit]:
    prescriber = view.subject.prescriber
    if prescriber is not None and prescriber.registered and not prescriber.at_site:
        yield Hit("the institution is no practice site of the prescriber")


def class_right(view: View) -> Iterator[Hit]:
    prescriber = view.subject.prescriber
    if prescriber is None or not prescriber.registered:
        return
    for each in view.prescribed:
        drug_class = each.line.drug_class
        if drug_class and drug_class not in prescriber.rights:
            yield Hit(f"line {each.number} is {drug_class}", (each.number,))


def antibacterial_level(view: View) -> Iterator[Hit]:
    for number, level, lawful in _beyond_level(view):
        if not lawful:
            yield Hit(f"line {number} is of level {level}", (number,))


def antibacterial_beyond_level(view: View) -> Iterator[Hit]:
    """Told to the pharmacist, who judges whether the reason is true."""
    for number, level, lawful in _beyond_level(view):
        if lawful:
            yield Hit(f"line {number} is of level {level}, the next one, in an emergency", (number,))


def _beyond_level(view: View) -> Iterator[tuple[int, str | None, bool]]:
    """Lines with an antibacterial beyond the prescriber's level, and whether that is lawful (越级使用): the next level,
    in an emergency, with a reason and for no longer than the policy says. None where rights do not go by level.

    Who has no level of their own has the first one: it comes with the right to prescribe and its training.
    """
    prescriber, days_max = view.subject.prescriber, view.limits.antibacterial_beyond_level_days
    if prescriber is None or not prescriber.registered or days_max is None:
        return
    held = _rank(prescriber.antibacterial_level)
    urgent = view.subject.emergency and bool(view.subject.beyond_level_reason)
    for each in view.medicines:
        level = each.substance.drug.antibacterial_level if each.substance.drug else None
        beyond = _rank(level) - held
        if beyond > 0:
            yield each.number, level, urgent and beyond == 1 and each.line.days <= days_max


def signature_degraded(view: View) -> Iterator[Hit]:
    signature = view.subject.signature
    if signature.degraded:
        why = f": {signature.reason}" if signature.reason else ""
        yield Hit(f"the signature holds, but not everything about its key could be checked{why}")


def _rank(level: str | None) -> int:
    return LEVELS.index(level) if level in LEVELS else 0
