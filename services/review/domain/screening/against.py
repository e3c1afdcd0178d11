"""A7: who must not have a medicine (处方审核规范 15 (一) 7). What was not asked is not known, and that is not "no".

The evidence names lines and entries. What it is about the patient that makes it so stays in the clinical facts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from services.review.domain.knowledge.entries import Contraindication, Pregnancy
from services.review.domain.knowledge.words import folded_allergy
from services.review.domain.screening.rule import Hit, gravest, place
from services.review.domain.screening.subject import Prescribed, View
from services.review.domain.values import Severity

FEMALE = "female"


def age(view: View) -> Iterator[Hit]:
    days = view.facts.age_days

    def concerns(entry: Contraindication) -> bool:
        below = entry.age_days_below is not None and days < entry.age_days_below
        return below or (entry.age_days_from is not None and days >= entry.age_days_from)

    return _contraindicated(view, concerns, "not at this age")


def sex(view: View) -> Iterator[Hit]:
    return _contraindicated(view, lambda entry: entry.sex == view.facts.sex, "not for this sex")


def condition(view: View) -> Iterator[Hit]:
    def concerns(entry: Contraindication) -> bool:
        return entry.icd10 is not None and view.suffers(entry.icd10)

    return _contraindicated(view, concerns, "against a diagnosis or a standing disease")


def renal(view: View) -> Iterator[Hit]:
    clearance = view.facts.creatinine_clearance_ml_min

    def concerns(entry: Contraindication) -> bool:
        return clearance is not None and entry.crcl_below is not None and clearance < entry.crcl_below

    return _contraindicated(view, concerns, "against the kidneys' clearance")


def hepatic(view: View) -> Iterator[Hit]:
    def concerns(entry: Contraindication) -> bool:
        return entry.child_pugh is not None and view.facts.child_pugh in entry.child_pugh

    return _contraindicated(view, concerns, "against the liver's function")


def pregnancy(view: View) -> Iterator[Hit]:
    """An unknown week may be any week. The entry about the drug itself goes before the one about its class."""
    if view.facts.pregnant is not True:
        return
    for each in view.medicines:
        entries = [entry for entry in view.knowledge.pregnancy(each.substance) if _in_week(entry, view)]
        yield from gravest(_narrowest(entries), _said(each, "in this pregnancy"), (each.number,))


def pregnancy_unknown(view: View) -> Iterator[Hit]:
    youngest, oldest = view.limits.childbearing_days
    facts = view.facts
    if facts.pregnant is not None or facts.sex != FEMALE or not youngest <= facts.age_days <= oldest:
        return
    for each in view.medicines:
        entries = view.knowledge.pregnancy(each.substance)
        blocking = [entry for entry in entries if entry.severity is Severity.BLOCKING]
        if blocking:
            named = tuple(place(entry) for entry in blocking)
            yield Hit(
                f"line {each.number}: pregnancy was not asked for {each.line.name}", (each.number,), entries=named
            )


def lactation(view: View) -> Iterator[Hit]:
    if view.facts.lactating is not True:
        return
    for each in view.medicines:
        entries = view.knowledge.lactation(each.substance)
        yield from gravest(_narrowest(entries), _said(each, "while breast-feeding"), (each.number,))


def allergy(view: View) -> Iterator[Hit]:
    drugs, groups = _allergic_to(view)
    for each in view.medicines:
        named = groups & view.knowledge.allergy_groups_of(each.substance)
        own = {each.substance.drug.id} if each.substance.drug else set()
        if named or drugs & (each.substance.ingredients | own):
            entries = tuple(f"allergy_groups/{group}" for group in sorted(named))
            yield Hit(_said(each, "against a stated allergy"), (each.number,), entries=entries)


def allergy_cross(view: View) -> Iterator[Hit]:
    """What is known to cross with a stated allergy, unless it is itself stated."""
    _drugs, groups = _allergic_to(view)
    for each in view.medicines:
        own = view.knowledge.allergy_groups_of(each.substance)
        if groups & own:
            continue
        crossing = [
            (cross.severity, name)
            for name in sorted(groups)
            for cross in view.knowledge.allergy_groups[name].cross
            if cross.group in own
        ]
        if crossing:
            entries = tuple(dict.fromkeys(f"allergy_groups/{name}" for _severity, name in crossing))
            severity = max(severity for severity, _name in crossing)
            yield Hit(_said(each, "may cross with a stated allergy"), (each.number,), severity, entries=entries)


def allergy_unknown(view: View) -> Iterator[Hit]:
    """One question for the whole prescription: any medicine may be the one."""
    if view.facts.allergies is None and view.medicines:
        yield Hit("allergies were not asked")


def allergy_unread(view: View) -> Iterator[Hit]:
    """Stated allergies that compare with nothing. To what is no medicine (pollen, seafood) they are only told; to what
    may be one they are a question, because what was not compared is not without risk."""
    known = {folded_allergy(word) for word in view.limits.allergens_besides_medicines}
    unread = [each for each in view.facts.allergies or () if not _read(view, each)]
    if unread:
        besides = all(folded_allergy(each) in known for each in unread)
        count = f"{len(unread)} stated allerg{'y compares' if len(unread) == 1 else 'ies compare'}"
        yield Hit(f"{count} with nothing in this knowledge base", severity=Severity.INFO if besides else None)


def _read(view: View, written: str) -> bool:
    return any(view.knowledge.allergies(written)) or view.knowledge.herb_of_allergy(written) is not None


def _contraindicated(view: View, concerns: Callable[[Contraindication], bool], words: str) -> Iterator[Hit]:
    for each in view.medicines:
        entries = [entry for entry in view.knowledge.contraindications(each.substance) if concerns(entry)]
        yield from gravest(entries, _said(each, words), (each.number,))


def _said(each: Prescribed, words: str) -> str:
    return f"line {each.number}: {each.line.name} {words}"


def _in_week(entry: Pregnancy, view: View) -> bool:
    week = view.facts.gestation_weeks
    if week is None:
        return True
    return (entry.weeks_from is None or week >= entry.weeks_from) and (entry.weeks_to is None or week <= entry.weeks_to)


def _narrowest(entries: list[Any] | Any) -> list[Any]:
    """Those of the most precise selector: an entry about the drug is an exception from its class's."""
    most = max((entry.selector.precision for entry in entries), default=0)
    return [entry for entry in entries if entry.selector.precision == most]


def _allergic_to(view: View) -> tuple[frozenset[str], frozenset[str]]:
    drugs: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    for written in view.facts.allergies or ():
        more_drugs, more_groups = view.knowledge.allergies(written)
        drugs, groups = drugs | more_drugs, groups | more_groups
    return drugs, groups
