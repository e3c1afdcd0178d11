"""A5, A6: the same twice, and what does not go together (处方审核规范 15 (一) 5, 6)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from services.review.domain.knowledge.herb_entries import Herb
from services.review.domain.knowledge.index import Substance, usual_together
from services.review.domain.screening.rule import Hit, named, place
from services.review.domain.screening.subject import View

ON_THIS_PRESCRIPTION = "3-4"
WITH_OTHERS = "2-7"


@dataclass(frozen=True)
class _Here:
    """A medicine on a line, or (None) among those the patient takes."""

    substance: Substance
    line: int | None


def _all(view: View, taken: tuple[Substance, ...]) -> list[_Here]:
    here = [_Here(each.substance, each.number) for each in view.medicines]
    return here + [_Here(substance, None) for substance in taken]


def _same(one: Substance, other: Substance) -> bool:
    return bool(one.ingredients) and one.ingredients == other.ingredients


def _lines(*here: _Here) -> tuple[int, ...]:
    return tuple(sorted({each.line for each in here if each.line is not None}))


def duplicate_ingredient(view: View) -> Iterator[Hit]:
    """One ingredient on two lines, or on a line and among what the patient takes and goes on taking."""
    holding: dict[str, list[_Here]] = defaultdict(list)
    for each in _all(view, view.kept):
        for ingredient in each.substance.ingredients:
            holding[ingredient].append(each)
    told = set()
    for ingredient, here in sorted(holding.items()):
        lines = _lines(*here)
        if lines and len(here) > 1 and lines not in told:
            told.add(lines)
            besides = " and among what is taken already" if any(each.line is None for each in here) else ""
            yield Hit(f"{ingredient} on {named(lines)}{besides}", lines)


def duplicate_therapy(view: View) -> Iterator[Hit]:
    """More medicines of one effect than belong together. The same ingredient twice is another rule's."""
    members: dict[str, list[_Here]] = defaultdict(list)
    for each in _all(view, view.taken):
        for group_id in view.knowledge.duplicate_groups_of(each.substance):
            members[group_id].append(each)
    for group_id, here in sorted(members.items()):
        group = view.knowledge.duplicate_groups[group_id]
        apart = [
            (one, other)
            for one, other in combinations(here, 2)
            if not one.substance.ingredients & other.substance.ingredients
            and not usual_together(group, one.substance, other.substance)
        ]
        meeting = sorted(
            {each for pair in apart for each in pair}, key=lambda each: (each.line or 0, each.substance.name)
        )
        if len({each.substance.ingredients or each.substance.name for each in meeting}) <= group.together_max:
            continue
        lines = _lines(*meeting)
        if lines:
            code = ON_THIS_PRESCRIPTION if all(each.line for each in meeting) else WITH_OTHERS
            evidence = f"{len(meeting)} of {group.name}, at most {group.together_max} at once; {named(lines)}"
            yield Hit(evidence, lines, group.severity, code, (place(group),))


def interaction(view: View) -> Iterator[Hit]:
    """Each pair once, by the entry that says most about it. Two medicines that are only taken are not this doctor's."""
    told: set[tuple[tuple[int, ...], str]] = set()
    for one, other in combinations(_all(view, view.taken), 2):
        lines = _lines(one, other)
        if not lines or _same(one.substance, other.substance):
            continue
        entry = view.knowledge.interaction(one.substance, other.substance)
        if entry is not None and (lines, entry.id) not in told:
            told.add((lines, entry.id))
            besides = " and what is taken already" if len(lines) == 1 else ""
            yield Hit(f"{named(lines)}{besides}", lines, entry.severity, entries=(place(entry),))


def combination(view: View) -> Iterator[Hit]:
    """One takes away what the other is given for. Two medicines that are only taken are not this doctor's."""
    told: set[tuple[tuple[int, ...], str]] = set()
    concerned = [each for each in _all(view, view.taken) if view.knowledge.combines(each.substance)]
    for one, other in combinations(concerned, 2):
        lines = _lines(one, other)
        entry = view.knowledge.combination(one.substance, other.substance) if lines else None
        if entry is not None and (lines, entry.id) not in told:
            told.add((lines, entry.id))
            besides = " and what is taken already" if len(lines) == 1 else ""
            yield Hit(f"{named(lines)}{besides}", lines, entry.severity, entries=(place(entry),))


def herb_drug(view: View) -> Iterator[Hit]:
    """Herbal pieces against medicines, on lines or among what is taken (处方审核规范 15 (一) 5: 中西药).
    Where both are only taken it is not this doctor's."""
    herbs: list[tuple[Herb | None, int | None]] = [
        (view.knowledge.herb(each.line.name), each.number) for each in view.pieces
    ]
    herbs += [(herb, None) for herb in view.taken_herbs]
    medicines = [_Here(each.substance, each.number) for each in view.medicines]
    medicines += [_Here(substance, None) for substance in view.taken]
    told: set[tuple[tuple[int, ...], str]] = set()
    for herb, number in herbs:
        for other in medicines:
            lines = tuple(sorted(each for each in (number, other.line) if each is not None))
            entry = view.knowledge.herb_drug(herb, other.substance) if herb and lines else None
            if entry is not None and (lines, entry.id) not in told:
                told.add((lines, entry.id))
                besides = " and what is taken already" if len(lines) == 1 else ""
                yield Hit(f"{named(lines)}{besides}", lines, entry.severity, entries=(place(entry),))


def incompatible_mix(view: View) -> Iterator[Hit]:
    for one, other in combinations(view.medicines, 2):
        if _infusion(view, one.number) != _infusion(view, other.number):
            continue
        entry = view.knowledge.incompatibility(one.substance, other.substance)
        if entry is not None:
            lines = (one.number, other.number)
            yield Hit(f"{named(lines)} in one infusion", lines, entry.severity, entries=(place(entry),))


def _infusion(view: View, number: int) -> int:
    """The line everything is mixed into, followed from line to line; a circle ends where it began."""
    into = {each.number: each.line.mixed_with for each in view.medicines}
    seen: list[int] = []
    here: int | None = number
    while here is not None and here not in seen:
        seen.append(here)
        here = into.get(here)
    return min(seen[seen.index(here) :]) if here is not None else seen[-1]
