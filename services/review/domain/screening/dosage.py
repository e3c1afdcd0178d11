"""A3: how much, how often, how long (处方审核规范 15 (一) 3). For each limit the narrowest entry that fits holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from services.review.domain.knowledge.dose import COUNTS, Dose
from services.review.domain.knowledge.words import amount_in, plain, route_of, strength_amount
from services.review.domain.screening.rule import Hit, place
from services.review.domain.screening.subject import Prescribed, View
from services.review.domain.values import Severity

AGE_DAYS_MAX = 60_000
"""Older than anybody: an entry without an upper age reaches this far."""
WEEK_DAYS = 7
MOST = ("single_max", "daily_max", "frequency_max", "weekly_max", "days_max")
WORDS = {
    "single_max": "at once {amount} {unit}, at most {limit}",
    "daily_max": "a day {amount} {unit}, at most {limit}",
    "single_min": "at once {amount} {unit}, at least {limit}",
    "daily_min": "a day {amount} {unit}, at least {limit}",
    "frequency_max": "{amount} times a day, at most {limit}",
    "weekly_max": "{amount} times a week, at most {limit}",
    "days_max": "for {amount} days, at most {limit}",
}


@dataclass(frozen=True)
class _Limit:
    """One limit, from the entry that holds for this line."""

    name: str
    entry: Dose
    value: Decimal


def single_dose(view: View) -> Iterator[Hit]:
    return _usual(view, ("single_max",))


def daily_dose(view: View) -> Iterator[Hit]:
    return _usual(view, ("daily_max",))


def low_dose(view: View) -> Iterator[Hit]:
    """Too little does no harm at once: at most a caution, however grave too much would be. What is taken as needed may
    be less on any day."""
    return _usual(view, ("single_min", "daily_min"), Severity.CAUTION)


def frequency(view: View) -> Iterator[Hit]:
    return _usual(view, ("frequency_max", "weekly_max"))


def duration(view: View) -> Iterator[Hit]:
    return _usual(view, ("days_max",))


def renal_dose(view: View) -> Iterator[Hit]:
    """By the clearance that is stated; the entry's range reaches from its least up to, not with, its greatest."""
    clearance = view.facts.creatinine_clearance_ml_min
    if clearance is None:
        return
    for each in view.medicines:
        fitting = [
            dose
            for dose in view.knowledge.doses(each.substance)
            if dose.renal and _within(clearance, dose.crcl_min, dose.crcl_max) and _child_pugh(dose, view)
        ]
        yield from _passed(view, each, fitting, MOST)


def hepatic_dose(view: View) -> Iterator[Hit]:
    for each in view.medicines:
        fitting = [
            dose
            for dose in view.knowledge.doses(each.substance)
            if dose.hepatic and not dose.renal and _child_pugh(dose, view)
        ]
        yield from _passed(view, each, fitting, MOST)


def renal_unknown(view: View) -> Iterator[Hit]:
    if view.facts.renal_impairment is not True or view.facts.creatinine_clearance_ml_min is not None:
        return
    for each in view.medicines:
        entries = [dose for dose in view.knowledge.doses(each.substance) if dose.renal]
        against = [entry for entry in view.knowledge.contraindications(each.substance) if entry.crcl_below is not None]
        if entries or against:
            named = tuple(place(entry) for entry in (*entries, *against))
            yield Hit(f"line {each.number}: {each.line.name} is dosed by the clearance", (each.number,), entries=named)


def weight_unknown(view: View) -> Iterator[Hit]:
    """A child's largest dose by weight that nothing can be compared with, and no other one for its age: it would pass
    as clean although nobody has looked. Of an infant another rule asks the weight, too."""
    if view.facts.weight_grams is not None:
        return
    for each in view.medicines:
        doses = [dose for dose in view.knowledge.doses(each.substance) if not dose.renal and not dose.hepatic]
        limiting = [dose for dose in doses if _fits(dose, each, view, weighed=True) and _limits_amount(dose)]
        of_a_child = [dose for dose in limiting if dose.age_days_max is not None]
        if of_a_child and not any(_fits(dose, each, view) for dose in limiting):
            named = tuple(place(dose) for dose in of_a_child)
            yield Hit(f"line {each.number}: {each.line.name} is dosed by the weight", (each.number,), entries=named)


def _limits_amount(dose: Dose) -> bool:
    return dose.single_max is not None or dose.daily_max is not None


def _usual(view: View, names: tuple[str, ...], severity_max: Severity | None = None) -> Iterator[Hit]:
    for each in view.medicines:
        doses = [dose for dose in view.knowledge.doses(each.substance) if not dose.renal and not dose.hepatic]
        yield from _passed(view, each, doses, names, severity_max)


def _passed(
    view: View, each: Prescribed, doses: Iterable[Dose], names: tuple[str, ...], severity_max: Severity | None = None
) -> Iterator[Hit]:
    """One hit per line for all limits that it passes."""
    fitting = [dose for dose in doses if _fits(dose, each, view)]
    passed = [
        (limit, amount) for limit in _limits(each, fitting, names) if (amount := _beyond(limit, each, view)) is not None
    ]
    if not passed:
        return
    severity = max(limit.entry.severity for limit, _ in passed)
    said = "; ".join(_said(limit, amount) for limit, amount in passed)
    yield Hit(
        f"line {each.number}: {each.line.name} {said}",
        (each.number,),
        severity if severity_max is None else min(severity, severity_max),
        entries=tuple(sorted({place(limit.entry) for limit, _ in passed})),
    )


def _limits(each: Prescribed, fitting: Iterable[Dose], names: tuple[str, ...]) -> Iterator[_Limit]:
    """For each limit, by weight and not, the narrowest entry; an amount by one that this line can be compared with: a
    label has one for tablets and one for sachets. A least amount by weight leaves no other least amount."""
    narrowest: dict[tuple[str, bool], Dose] = {}
    for dose in sorted(fitting, key=lambda each: (_narrowness(each), each.id)):
        for limit in dose.limits():
            if limit[0] in names and (limit[0] in COUNTS or _amount(each, dose.unit) is not None):
                narrowest[limit] = dose
    for name in names:
        for per_kg in (True, False):
            holds = narrowest.get((name, per_kg))
            by_weight_instead = name.endswith("_min") and not per_kg and (name, True) in narrowest
            if holds is not None and not by_weight_instead:
                yield _Limit(name, holds, Decimal(getattr(holds, name)))


def _beyond(limit: _Limit, each: Prescribed, view: View) -> Decimal | None:
    """The prescribed amount, when it passes the limit; None where it does not, or cannot be compared."""
    line, entry = each.line, limit.entry
    a_day = Decimal(line.frequency_per_day) / max(line.per_days, 1)
    counted = {
        "frequency_max": a_day,
        "weekly_max": (a_day * min(line.days, WEEK_DAYS)).to_integral_value(ROUND_CEILING),
        "days_max": Decimal(line.days),
    }
    if limit.name in counted:
        return counted[limit.name] if counted[limit.name] > limit.value else None
    amount = _amount(each, entry.unit)
    if amount is None or (limit.name == "daily_min" and line.as_needed):
        return None
    if limit.name.startswith("daily"):
        amount *= a_day
    value = limit.value * Decimal(view.facts.weight_grams or 0) / 1000 if entry.per_kg else limit.value
    beyond = amount < value if limit.name.endswith("_min") else amount > value
    return amount if beyond else None


def _amount(each: Prescribed, unit: str) -> Decimal | None:
    """The dose in a unit, if need be by what one piece holds; None where the two cannot be compared."""
    line = each.line
    amount = amount_in(line.dose, line.dose_unit, unit)
    return amount if amount is not None else strength_amount(line.dose, line.dose_unit, line.strength or "", unit)


def _said(limit: _Limit, amount: Decimal) -> str:
    unit = limit.entry.unit
    per = f" {unit}/kg" if limit.entry.per_kg and limit.name not in COUNTS else ""
    return WORDS[limit.name].format(amount=plain(amount), unit=unit, limit=plain(limit.value) + per)


def _fits(dose: Dose, each: Prescribed, view: View, *, weighed: bool = False) -> bool:
    """For this route and these people. What is not known of the patient fits no entry that asks for it; `weighed`:
    whatever the weight."""
    facts = view.facts
    weight = facts.weight_grams
    asks_weight = not weighed and (
        dose.per_kg or dose.weight_grams_min is not None or dose.weight_grams_max is not None
    )
    return (
        route_of(each.line.route) == dose.route
        and (dose.age_days_min is None or facts.age_days >= dose.age_days_min)
        and (dose.age_days_max is None or facts.age_days <= dose.age_days_max)
        and (not asks_weight or (bool(weight) and _within(weight or 0, dose.weight_grams_min, dose.weight_grams_max)))
        and (not dose.indication or view.suffers(dose.indication))
    )


def _narrowness(dose: Dose) -> tuple[bool, bool, bool, int, int]:
    """The last in this order holds: one for the indication, then for the liver and kidneys, then for the weight, then
    for the shorter ages."""
    weighs = dose.weight_grams_min is not None or dose.weight_grams_max is not None
    oldest = AGE_DAYS_MAX if dose.age_days_max is None else dose.age_days_max
    ages = oldest - (dose.age_days_min or 0)
    organs = int(dose.hepatic) + int(dose.crcl_min is not None) + int(dose.crcl_max is not None)
    return bool(dose.indication), dose.hepatic, weighs, organs, -ages


def _within(value: int, least: Decimal | int | None, most: Decimal | int | None) -> bool:
    return (least is None or value >= least) and (most is None or value < most)


def _child_pugh(dose: Dose, view: View) -> bool:
    return not dose.child_pugh or view.facts.child_pugh in dose.child_pugh
