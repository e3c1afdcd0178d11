"""A3: what labels say of kidneys and liver without a figure, and a liver of unknown degree (处方审核规范 15 (一) 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from services.review.domain.knowledge.dose import DoseAdvice
from services.review.domain.knowledge.words import route_of
from services.review.domain.screening.rule import Hit, place
from services.review.domain.screening.subject import View

WORDS = {"with_care": "with care", "no_recommendation": "without a recommendation of the label"}


def renal_advice(view: View) -> Iterator[Hit]:
    clearance = view.facts.creatinine_clearance_ml_min

    def concerns(advice: DoseAdvice) -> bool:
        least, most = advice.crcl_min, advice.crcl_max
        return (
            clearance is not None
            and advice.concern == "renal"
            and (least is None or clearance >= least)
            and (most is None or clearance < most)
        )

    return _told(view, concerns, "by the kidneys")


def hepatic_advice(view: View) -> Iterator[Hit]:
    def concerns(advice: DoseAdvice) -> bool:
        return advice.concern == "hepatic" and view.facts.child_pugh in advice.child_pugh

    return _told(view, concerns, "by the liver")


def hepatic_unknown(view: View) -> Iterator[Hit]:
    """A sick liver of unknown degree, and a medicine whose limit goes by the degree."""
    if view.facts.hepatic_impairment is not True or view.facts.child_pugh is not None:
        return
    for each in view.medicines:
        route = route_of(each.line.route)
        entries = [dose for dose in view.knowledge.doses(each.substance) if dose.hepatic and dose.route == route]
        against = [entry for entry in view.knowledge.contraindications(each.substance) if entry.child_pugh is not None]
        if entries or against:
            named = tuple(place(entry) for entry in (*entries, *against))
            yield Hit(f"line {each.number}: {each.line.name} is dosed by the degree", (each.number,), entries=named)


def _told(view: View, concerns: Callable[[DoseAdvice], bool], words: str) -> Iterator[Hit]:
    """One hit for each line with advice that a pharmacist should know of."""
    for each in view.medicines:
        route = route_of(each.line.route)
        for advice in view.knowledge.dose_advice(each.substance):
            if advice.advises and (advice.route is None or advice.route == route) and concerns(advice):
                evidence = f"line {each.number}: {each.line.name} {words}, {WORDS[advice.says]}"
                yield Hit(evidence, (each.number,), severity=advice.severity, entries=(place(advice),))
                break
