"""What may be prescribed by whom: classes in circulation, rights by class, antibacterials by level."""

from __future__ import annotations

from collections.abc import Iterator

from services.prescribe.domain.issue_checks.written import Written
from services.prescribe.domain.policy import Antibacterials
from services.prescribe.domain.values import WrittenLine
from services.seedwork.model import Refusal


def class_circulates(written: Written) -> Refusal | None:
    """Narcotics, first-class psychotropics, radioactive drugs and precursors are not retailed (药品管理法 §61)."""
    for line, drug in written.lines():
        if drug.drug_class in written.policy.never_circulate:
            return Refusal("drug.never_circulates", {"line": line.line, "drug_class": drug.drug_class})
    return None


def prescribing_right(written: Written) -> Refusal | None:
    """L3: the prescriber holds the right for each drug's class, today."""
    rights = written.known.prescriber.rights if written.known.prescriber else {}
    for line, drug in written.lines():
        facts = {"line": line.line, "drug_class": drug.drug_class}
        if drug.drug_class not in rights:
            return Refusal("prescriber.no_right", facts)
        if not rights[drug.drug_class]:
            return Refusal("prescriber.right_not_in_force", facts)
    return None


def antibacterial_level(written: Written) -> Refusal | None:
    """The right for the level; never the special one for outpatients (抗菌药物临床应用管理办法 §24, §27, §28).

    In an emergency one level beyond the own right is lawful for a day, when the need is written down (越级使用).
    """
    content = written.content
    for rules, line, level, beyond in _antibacterials(written):
        facts = {"line": line.line, "level": level}
        if content.visit_kind == "outpatient" and level in rules.never_outpatient:
            return Refusal("antibacterial.not_outpatient", facts)
        if beyond <= 0:
            continue
        if content.visit_kind != "emergency" or beyond > 1:
            return Refusal("antibacterial.no_right", facts)
        if not content.beyond_level_reason:
            return Refusal("antibacterial.reason_missing", facts)
        if line.days > rules.beyond_level_days:
            return Refusal("antibacterial.too_long", {**facts, "days": line.days, "max": rules.beyond_level_days})
    return None


def antibacterial_title(written: Written) -> Refusal | None:
    """The title that the right for a level asks for (§24); what is beyond the right is not prescribed by it."""
    prescriber, policy = written.known.prescriber, written.policy
    title = (prescriber.title if prescriber else None) or ""
    for rules, line, level, beyond in _antibacterials(written):
        lowest = rules.titles[level]
        if beyond <= 0 and policy.titles.get(title, 0) < policy.titles[lowest]:
            return Refusal("prescriber.title", {"line": line.line, "level": level, "lowest": lowest})
    return None


def _antibacterials(written: Written) -> Iterator[tuple[Antibacterials, WrittenLine, str, int]]:
    """Lines with an antibacterial: the rules, its level, and how many levels that is beyond the prescriber's right.

    None where the jurisdiction has no such rules.
    """
    rules, prescriber = written.policy.antibacterials, written.known.prescriber
    if rules is None:
        return
    rights = prescriber.antibacterial_levels if prescriber else frozenset()
    held = max((rules.levels.index(each) for each in rights), default=-1)
    for line, drug in written.lines():
        if drug.antibacterial_level is not None:
            level = drug.antibacterial_level
            yield rules, line, level, rules.levels.index(level) - held
