"""T1-T5: herbal pieces (处方审核规范 15 (二); 中国药典 一部)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from services.review.domain.knowledge.entries import Herb
from services.review.domain.knowledge.words import amount_in, plain
from services.review.domain.screening.rule import Hit, place
from services.review.domain.screening.subject import Prescribed, View
from services.review.domain.values import Severity

PREGNANT = {"forbidden": Severity.BLOCKING, "caution": Severity.CAUTION}


def tcm_diagnosis(view: View) -> Iterator[Hit]:
    if view.subject.herbal and not any(each.name and each.syndrome for each in view.subject.tcm_diagnoses):
        yield Hit("herbs without a diagnosis of Chinese medicine and its pattern")


def herb_unknown(view: View) -> Iterator[Hit]:
    for each in view.pieces:
        if view.knowledge.herb(each.line.name) is None:
            yield Hit(f"line {each.number}: {each.line.name} is not in this knowledge base", (each.number,))


def toxic_herb_dose(view: View) -> Iterator[Hit]:
    """Grams a day above what the pharmacopoeia names; of a toxic herb that is no matter of opinion."""
    for each, herb in _herbs(view):
        grams = amount_in(each.line.dose, each.line.dose_unit, "g")
        if grams is None or herb.dose_max_g is None:
            continue
        grams *= each.line.frequency_per_day
        if grams > herb.dose_max_g:
            evidence = f"line {each.number}: {each.line.name} {plain(grams)} g a day, at most {plain(herb.dose_max_g)}"
            severity = Severity.BLOCKING if herb.toxic else Severity.CAUTION
            yield Hit(evidence, (each.number,), severity, entries=(place(herb),))


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


def _herbs(view: View) -> list[tuple[Prescribed, Herb]]:
    found = [(each, view.knowledge.herb(each.line.name)) for each in view.pieces]
    return [(each, herb) for each, herb in found if herb is not None]
