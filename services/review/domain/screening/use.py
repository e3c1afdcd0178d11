"""A2, A4, A8, A9: skin test, way, infusion, how many (处方审核规范 15)."""

from __future__ import annotations

from collections.abc import Iterator

from services.review.domain.knowledge.words import amount_in, plain, route_of, solvent_of, strength_amount
from services.review.domain.screening.rule import Hit, place
from services.review.domain.screening.subject import View

POSITIVE = "positive"


def skin_test_missing(view: View) -> Iterator[Hit]:
    for each in view.medicines:
        entries = view.knowledge.skin_tests(each.substance)
        needed = bool(entries) or bool(each.substance.drug and each.substance.drug.skin_test)
        if needed and each.line.skin_test is None:
            named = tuple(place(entry) for entry in entries)
            yield Hit(
                f"line {each.number}: {each.line.name} wants a skin test, none is stated", (each.number,), entries=named
            )


def skin_test_positive(view: View) -> Iterator[Hit]:
    for each in view.medicines:
        if each.line.skin_test == POSITIVE:
            yield Hit(f"line {each.number}: {each.line.name} after a positive skin test", (each.number,))


def route(view: View) -> Iterator[Hit]:
    """A route written in a way that nobody knows cannot be compared."""
    for each in view.medicines:
        drug, written = each.substance.drug, route_of(each.line.route)
        if drug and drug.routes and written is not None and written not in drug.routes:
            yield Hit(
                f"line {each.number}: {each.line.name} {written}, known: {', '.join(drug.routes)}",
                (each.number,),
                entries=(place(drug),),
            )


def solvent(view: View) -> Iterator[Hit]:
    for each in view.medicines:
        written = solvent_of(each.line.solvent or "")
        for entry in view.knowledge.solvents(each.substance):
            if written is None or not (entry.allowed or entry.forbidden):
                continue
            if written in entry.forbidden or (entry.allowed and written not in entry.allowed):
                yield Hit(f"line {each.number}: {each.line.name} in {written}", (each.number,), entries=(place(entry),))
                break


def concentration(view: View) -> Iterator[Hit]:
    for each in view.medicines:
        line = each.line
        milligrams = amount_in(line.dose, line.dose_unit, "mg")
        if milligrams is None:
            milligrams = strength_amount(line.dose, line.dose_unit, line.strength or "", "mg")
        if milligrams is None or not line.solvent_ml or line.solvent_ml < 0:
            continue
        for entry in view.knowledge.solvents(each.substance):
            limit = entry.concentration_max
            if limit is not None and milligrams > limit * line.solvent_ml:
                evidence = f"{plain(milligrams / line.solvent_ml)} mg/ml, at most {plain(limit)}"
                yield Hit(f"line {each.number}: {evidence}", (each.number,), entries=(place(entry),))
                break


def drip(view: View) -> Iterator[Hit]:
    for each in view.medicines:
        minutes = each.line.drip_minutes
        for entry in view.knowledge.solvents(each.substance):
            least = entry.drip_minutes_min
            if minutes is not None and least is not None and minutes < least:
                evidence = f"line {each.number}: in {minutes} minutes, at least {least}"
                yield Hit(evidence, (each.number,), entries=(place(entry),))
                break


def not_screened(view: View) -> Iterator[Hit]:
    """What no rule could look at is looked at by a person: lines of medicines and pieces that nobody knows, and what
    the patient takes of which nothing is known. A class alone, by the code, is not what the medicine is."""
    for each in view.prescribed:
        piece = view.is_piece(each.line)
        known = view.knowledge.herb(each.line.name) is not None if piece else each.substance.known
        if not known:
            yield Hit(f"line {each.number}: nothing is known of {each.line.name}, nothing was compared", (each.number,))
    unknown = [each for each in view.taken if not each.known and view.knowledge.herb(each.name) is None]
    if unknown:
        yield Hit(f"nothing is known of {len(unknown)} of what is taken already")


def many_medicines(view: View) -> Iterator[Hit]:
    names = {_identity(each.substance.name, each.substance.drug) for each in view.medicines}
    names |= {_identity(each.name, each.drug) for each in view.taken}
    if len(names) >= view.limits.many_medicines:
        yield Hit(f"{len(names)} different medicines at once")


def _identity(name: str, drug: object) -> str:
    return str(getattr(drug, "id", name))
