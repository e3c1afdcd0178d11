"""T1-T5: herbal pieces (处方审核规范 15 (二); 中国药典 一部)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

from services.review.domain.knowledge.herb_entries import Herb, HerbContraindication
from services.review.domain.knowledge.words import amount_in, plain
from services.review.domain.screening.rule import Hit, gravest, place
from services.review.domain.screening.subject import Prescribed, View
from services.review.domain.values import Severity

IMPAIRED_BELOW_ML_MIN = 60
"""Clearance of kidneys that a source calls impaired without a degree (as in the doses of the shipped set)."""
PREGNANT = {"forbidden": Severity.BLOCKING, "caution": Severity.CAUTION}


def tcm_diagnosis(view: View) -> Iterator[Hit]:
    wanted = view.subject.herbal and view.limits.pieces_for_pattern
    if wanted and not any(each.name and each.syndrome for each in view.subject.tcm_diagnoses):
        yield Hit("herbs without a diagnosis of Chinese medicine and its pattern")


def pattern(view: View) -> Iterator[Hit]:
    """A piece against the pattern that is written: the words of the entry stand in it."""
    syndromes = [each.syndrome for each in view.subject.tcm_diagnoses if each.syndrome]
    for each, herb in _herbs(view):
        against = [
            entry
            for entry in view.knowledge.herb_patterns(herb)
            if any(words in syndrome for words in entry.patterns for syndrome in syndromes)
        ]
        yield from gravest(against, f"line {each.number}: {each.line.name} against the pattern", (each.number,))


def herb_unknown(view: View) -> Iterator[Hit]:
    for each in view.pieces:
        if view.knowledge.herb(each.line.name) is None:
            yield Hit(f"line {each.number}: {each.line.name} is not in this knowledge base", (each.number,))


def toxic_herb_dose(view: View) -> Iterator[Hit]:
    """Grams a day above what the pharmacopoeia names; of a toxic herb that is no matter of opinion. Doses that are some
    in several days are taken on days of their own."""
    for each, herb in _herbs(view):
        grams = amount_in(each.line.dose, each.line.dose_unit, "g")
        if grams is None or herb.dose_max_g is None:
            continue
        grams *= -(-each.line.frequency_per_day // max(each.line.per_days, 1))  # of a day on which it is taken
        if grams > herb.dose_max_g:
            evidence = f"line {each.number}: {each.line.name} {plain(grams)} g a day, at most {plain(herb.dose_max_g)}"
            severity = Severity.BLOCKING if herb.toxic else Severity.CAUTION
            yield Hit(evidence, (each.number,), severity, entries=(place(herb),))


def controlled_class(view: View) -> Iterator[Hit]:
    """A piece that the law controls, written as if it did not: the limits of its class would not be looked at."""
    for each, herb in _herbs(view):
        if herb.controlled and each.line.drug_class != herb.controlled:
            evidence = f"line {each.number}: {each.line.name} is {herb.controlled} by law"
            yield Hit(evidence, (each.number,), entries=(place(herb),))


def never_alone(view: View) -> Iterator[Hit]:
    herbs = _herbs(view)
    if len(view.pieces) == 1 and herbs and herbs[0][1].never_alone:
        ((each, herb),) = herbs
        yield Hit(f"line {each.number}: {each.line.name} by itself", (each.number,), entries=(place(herb),))


def herb_condition(view: View) -> Iterator[Hit]:
    """A diagnosis, a standing disease, kidneys or liver that are impaired: where a source names no degree, in any."""
    facts = view.facts
    clearance = facts.creatinine_clearance_ml_min
    impaired = {
        "kidneys": facts.renal_impairment is True or (clearance is not None and clearance < IMPAIRED_BELOW_ML_MIN),
        "liver": facts.hepatic_impairment is True or facts.child_pugh is not None,
    }

    def concerns(entry: HerbContraindication) -> bool:
        diseased = entry.icd10 is not None and view.suffers(entry.icd10)
        return diseased or (entry.organ is not None and impaired[entry.organ])

    return _against(view, concerns, "against a disease, or an organ's function")


def herb_age(view: View) -> Iterator[Hit]:
    days = view.facts.age_days
    return _against(
        view, lambda entry: entry.age_days_below is not None and days < entry.age_days_below, "not at this age"
    )


def herb_lactation(view: View) -> Iterator[Hit]:
    nurses = view.facts.lactating is True
    return _against(view, lambda entry: nurses and entry.lactating is True, "while breast-feeding")


def herb_allergy(view: View) -> Iterator[Hit]:
    """A piece by itself, or in a patent medicine."""
    stated = {herb.id for written in view.facts.allergies or () if (herb := view.knowledge.herb_of_allergy(written))}
    inside = [(each, herb) for each in view.medicines for herb in view.knowledge.pieces(each.substance)]
    for each, herb in (*_herbs(view), *inside):
        if herb.id in stated:
            evidence = f"line {each.number}: {each.line.name} against a stated allergy"
            yield Hit(evidence, (each.number,), entries=(place(herb),))


def herb_pregnancy(view: View) -> Iterator[Hit]:
    if view.facts.pregnant is not True:
        return
    for each, herb in _herbs(view):
        if herb.pregnancy:
            severity = PREGNANT[herb.pregnancy]
            yield Hit(
                f"line {each.number}: {each.line.name} in this pregnancy",
                (each.number,),
                severity,
                entries=(place(herb),),
            )


def herb_pair(view: View) -> Iterator[Hit]:
    for (one, herb), (other, other_herb) in combinations(_herbs(view), 2):
        pair = view.knowledge.herb_pair(herb, other_herb)
        if pair is not None:
            lines = (one.number, other.number)
            evidence = f"lines {one.number}, {other.number}: {one.line.name} with {other.line.name}"
            yield Hit(evidence, lines, pair.severity, entries=(place(pair),))


def _against(view: View, concerns: Callable[[HerbContraindication], bool], words: str) -> Iterator[Hit]:
    for each, herb in _herbs(view):
        entries = [entry for entry in view.knowledge.herb_contraindications(herb) if concerns(entry)]
        yield from gravest(entries, f"line {each.number}: {each.line.name} {words}", (each.number,))


def _herbs(view: View) -> list[tuple[Prescribed, Herb]]:
    found = [(each, view.knowledge.herb(each.line.name)) for each in view.pieces]
    return [(each, herb) for each, herb in found if herb is not None]
