"""N2-N3: whether the prescription is written as it must be (处方审核规范 14; 处方管理办法 6, 17-19)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from services.review.domain.policy import ClassSupply
from services.review.domain.screening.rule import Hit, place
from services.review.domain.screening.subject import Prescribed, View
from services.review.domain.values import Severity
from services.seedwork.wording import phrase_in


def diagnosis_missing(view: View) -> Iterator[Hit]:
    if not view.subject.diagnoses and not view.subject.tcm_diagnoses:
        yield Hit("no diagnosis is written")


def infant_weight(view: View) -> Iterator[Hit]:
    if view.facts.age_days < view.limits.infant_days and view.facts.weight_grams is None:
        yield Hit("an infant's prescription without the weight")


def herbs_apart(view: View) -> Iterator[Hit]:
    """Pieces with anything else, or an injection of herbs with anything else. The lines that do not belong are told:
    the herbs on an ordinary prescription, the others on one of herbs. What is lawful together is the jurisdiction's."""
    pieces = {each.number for each in view.pieces}
    injections = {each.number for each in view.medicines if _herbal_injection(view, each)}
    beside = view.subject.herbal and view.limits.patents_beside_pieces
    others = {each.number for each in view.medicines if not (beside and _patent(each))} - injections
    if view.subject.herbal:
        wrong = others | injections if pieces else set()
    else:
        wrong = pieces | injections if others or (pieces and injections) else set()
    if wrong:
        yield Hit("herbs and other medicines on one prescription", tuple(sorted(wrong)))


def lines_max(view: View) -> Iterator[Hit]:
    count = len(view.subject.lines)
    if not view.subject.herbal and count > view.limits.lines_max:
        yield Hit(f"{count} lines, at most {view.limits.lines_max}")


def one_line_per_drug(view: View) -> Iterator[Hit]:
    """The same generic name, form and strength twice is one drug written on two lines; brands are no difference."""
    lines: dict[str, list[int]] = defaultdict(list)
    for each in view.prescribed:
        lines[each.line.drug_key].append(each.number)
    for drug, numbers in sorted(lines.items()):
        if len(numbers) > 1:
            yield Hit(f"{drug} on lines {', '.join(map(str, numbers))}", tuple(numbers))


def name_unknown(view: View) -> Iterator[Hit]:
    for each in view.medicines:
        if view.knowledge.named(each.line.name) is None:
            yield Hit(f"line {each.number}: {each.line.name} is no generic name of this knowledge base", (each.number,))


def vague_directions(view: View) -> Iterator[Hit]:
    for each in view.prescribed:
        line = each.line
        phrase = phrase_in(view.limits.vague_phrases, line.route, line.dose_unit, line.instructions, line.herb_note)
        if phrase:
            yield Hit(f"line {each.number} says {phrase}", (each.number,))


def longer_supply(view: View) -> Iterator[Hit]:
    if not view.reason_accepted():
        why = "the reason names none of the accepted ones" if view.subject.long_supply_reason else "no reason"
        for each, limit in _longer(view):
            yield Hit(f"line {each.number}: {each.line.days} days, limit {limit}; {why}", (each.number,))


def longer_supply_explained(view: View) -> Iterator[Hit]:
    """Told to the pharmacist, who judges whether the reason is true."""
    if view.reason_accepted():
        for each, limit in _longer(view):
            yield Hit(f"line {each.number}: {each.line.days} days, limit {limit}", (each.number,))


def validity(view: View) -> Iterator[Hit]:
    days = view.subject.validity_days
    if days > view.limits.validity_days_max:
        yield Hit(f"valid for {days} days, at most {view.limits.validity_days_max}")


def validity_reason(view: View) -> Iterator[Hit]:
    days, limits = view.subject.validity_days, view.limits
    if limits.validity_days < days <= limits.validity_days_max and not view.subject.validity_reason:
        yield Hit(f"valid for {days} days instead of {limits.validity_days}; no reason")


def class_supply(view: View) -> Iterator[Hit]:
    """Where a reason makes more of it lawful, it is told and not blocked."""
    for each in view.prescribed:
        row = next((row for row in view.limits.class_supply if _fits(row, each, view)), None)
        if row is not None and each.line.days > row.days_max:
            explained = row.reason_extends and view.reason_accepted()
            evidence = f"line {each.number} ({each.line.drug_class}): {each.line.days} days, limit {row.days_max}"
            yield Hit(evidence, (each.number,), Severity.INFO if explained else None)


def antibacterial_supply(view: View) -> Iterator[Hit]:
    limit = view.limits.antibacterial_days_max
    if view.suffers(view.limits.antibacterial_long_indications):
        return
    for each in view.medicines:
        if each.line.days > limit and _antibacterial(view, each):
            yield Hit(f"line {each.number}: {each.line.days} days, limit {limit}", (each.number,))


def herb_note_missing(view: View) -> Iterator[Hit]:
    for each in view.pieces:
        herb = view.knowledge.herb(each.line.name)
        wanted = herb.notes_required if herb else None
        if herb and wanted and wanted not in (each.line.herb_note or ""):
            yield Hit(f"line {each.number}: {each.line.name} wants {wanted}", (each.number,), entries=(place(herb),))


def _longer(view: View) -> Iterator[tuple[Prescribed, int]]:
    limit = view.limits.days_max_emergency if view.subject.emergency else view.limits.days_max
    return ((each, limit) for each in view.prescribed if each.line.days > limit)


def _fits(row: ClassSupply, each: Prescribed, view: View) -> bool:
    line = each.line
    return (
        line.drug_class in row.drug_classes
        and (not row.forms or any(form in (line.form or "") for form in row.forms))
        and (not row.atc or any(key.startswith(f"atc:{row.atc}") for key in each.substance.keys))
        and (not row.diagnoses or view.suffers(row.diagnoses))
    )


def _herbal_injection(view: View, each: Prescribed) -> bool:
    """One to inject, where it needs a prescription of its own."""
    form = view.limits.herbal_injection_form
    return form is not None and _patent(each) and form in (each.line.form or "")


def _patent(each: Prescribed) -> bool:
    """A Chinese patent medicine (中成药, code Z…)."""
    return each.line.product.startswith("Z")


def _antibacterial(view: View, each: Prescribed) -> bool:
    drug = each.substance.drug
    if drug is not None and drug.antibacterial_level is not None:
        return True
    return any(f"atc:{atc}" in each.substance.keys for atc in view.limits.antibacterial_atc)
