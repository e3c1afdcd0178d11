"""A1: what a medicine is for (处方审核规范 15 (一) 1).

In the words of the catalogue of results: an indication that does not fit (2-1), none at all (3-1), a use outside the
label (3-3), one that is no essential medicine (2-4).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.review.domain.knowledge.entries import NoIndication, OffLabel
from services.review.domain.screening.rule import Hit, gravest, place
from services.review.domain.screening.subject import Prescribed, View


def indication(view: View) -> Iterator[Hit]:
    """Where no diagnosis is written at all, another rule says so; and so where a source says more."""
    if not view.subject.diagnoses:
        return
    for each in view.medicines:
        entries = view.knowledge.indications(each.substance)
        if entries and not _indicated(view, each) and not _without_any(view, each) and not _outside(view, each):
            yield Hit(
                f"line {each.number}: no diagnosis and no standing disease is an indication of {each.line.name}",
                (each.number,),
                entries=tuple(place(entry) for entry in entries),
            )


def no_indication(view: View) -> Iterator[Hit]:
    for each in view.medicines:
        evidence = f"line {each.number}: {each.line.name} has no indication in what is diagnosed"
        yield from gravest(_without_any(view, each), evidence, (each.number,))


def off_label(view: View) -> Iterator[Hit]:
    """Lawful with a good reason and the patient's consent, which the prescriber states by a second signature."""
    for each in view.medicines:
        entries = _outside(view, each)
        if entries:
            yield Hit(
                f"line {each.number}: {each.line.name} outside its label; reason and consent are to be on record",
                (each.number,),
                entries=tuple(place(entry) for entry in entries),
            )


def essential_first(view: View) -> Iterator[Hit]:
    """Told only: whether the reason is good a person judges, and a prescription has no field for it."""
    for each in view.medicines:
        entry = view.knowledge.essential(each.substance)
        beside = view.knowledge.essential_beside(each.substance)
        if entry is not None and not entry.listed and beside:
            yield Hit(
                f"line {each.number}: {each.line.name} is no essential medicine, of its subgroup are "
                + ", ".join(other.drug for other in beside),
                (each.number,),
                entries=tuple(place(other) for other in (entry, *beside)),
            )


def _indicated(view: View, each: Prescribed) -> bool:
    return any(view.suffers(entry.icd10) for entry in view.knowledge.indications(each.substance))


def _without_any(view: View, each: Prescribed) -> Sequence[NoIndication]:
    """Entries that say of all that is diagnosed today that it is none. Of a medicine whose indications nobody has
    written down, a standing disease may be one."""
    if not view.subject.diagnoses or _indicated(view, each):
        return ()
    today = tuple(diagnosis.code for diagnosis in view.subject.diagnoses)
    codes = today if view.knowledge.indications(each.substance) else view.codes
    entries = view.knowledge.no_indications(each.substance)
    return [entry for entry in entries if all(code.startswith(entry.icd10) for code in codes)]


def _outside(view: View, each: Prescribed) -> Sequence[OffLabel]:
    if _indicated(view, each):
        return ()
    return [entry for entry in view.knowledge.off_label(each.substance) if view.suffers(entry.icd10)]
