"""Patent medicines (中成药) by the herbal pieces that are in them: with a decoction, with each other, by the pattern.

中成药临床应用指导原则 (国中医药医政发〔2010〕30号): together they are judged piece by piece.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from services.review.domain.knowledge.herb_entries import Herb
from services.review.domain.knowledge.index import Substance
from services.review.domain.screening.rule import Hit, gravest, named
from services.review.domain.screening.subject import View


@dataclass(frozen=True)
class _Here:
    """Pieces on a line, or (None) among what the patient takes: one of a decoction, or those of a patent medicine."""

    line: int | None
    herbs: tuple[Herb, ...]
    patent: bool


def pieces_apart(view: View) -> Iterator[Hit]:
    """Pieces that tradition keeps apart. Two of one decoction are another rule's, two that are only taken nobody's."""
    for one, other in combinations(_all(view, view.taken), 2):
        lines = _lines(one, other)
        if not lines or _one_decoction(one, other):
            continue
        pairs = [view.knowledge.herb_pair(a, b) for a in one.herbs for b in other.herbs]
        yield from gravest({pair.id: pair for pair in pairs if pair}.values(), _said(lines), lines)


def duplicate_piece(view: View) -> Iterator[Hit]:
    """One poison, or one drastic effect, from a decoction and from a patent medicine. Of two patent medicines the
    groups of duplicates tell."""
    for one, other in combinations(_all(view, view.kept), 2):
        lines = _lines(one, other)
        if not lines or one.patent == other.patent:
            continue
        groups = [
            {group.id: group for herb in each.herbs for group in view.knowledge.herb_groups(herb)}
            for each in (one, other)
        ]
        both = [group for group_id, group in groups[0].items() if group_id in groups[1]]
        yield from gravest(both, _said(lines), lines)


def pattern(view: View) -> Iterator[Hit]:
    """A patent medicine against the pattern that is written: the words of its label stand in it."""
    syndromes = [each.syndrome for each in view.subject.tcm_diagnoses if each.syndrome]
    for each in view.medicines:
        against = [
            entry
            for entry in view.knowledge.patent_patterns(each.substance)
            if any(words in syndrome for words in entry.patterns for syndrome in syndromes)
        ]
        yield from gravest(against, f"line {each.number}: {each.line.name} against the pattern", (each.number,))


def _all(view: View, taken: tuple[Substance, ...]) -> list[_Here]:
    """What has pieces that are known: lines, patent medicines among `taken`, and what is kept of another decoction.
    Nothing where no line has any: the rest is not this doctor's."""
    knowledge = view.knowledge
    here = [
        _Here(each.number, (herb,), patent=False) for each in view.pieces if (herb := knowledge.herb(each.line.name))
    ]
    here += [
        _Here(each.number, herbs, patent=True) for each in view.medicines if (herbs := knowledge.pieces(each.substance))
    ]
    if not here:
        return []
    here += [_Here(None, herbs, patent=True) for each in taken if (herbs := knowledge.pieces(each))]
    here += [_Here(None, (herb,), patent=False) for each in view.kept if (herb := knowledge.herb(each.name))]
    return here


def _one_decoction(one: _Here, other: _Here) -> bool:
    return not one.patent and not other.patent and one.line is not None and other.line is not None


def _lines(*here: _Here) -> tuple[int, ...]:
    return tuple(sorted(each.line for each in here if each.line is not None))


def _said(lines: tuple[int, ...]) -> str:
    return named(lines) if len(lines) > 1 else f"{named(lines)} and what is taken already"
