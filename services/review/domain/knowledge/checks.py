"""What is wrong with a set and no entry shows alone: sources, references, names of two owners, competing limits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.review.domain.knowledge.dose import Dose, DoseAdvice
from services.review.domain.knowledge.entries import Header
from services.review.domain.knowledge.words import amount_in, folded


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a set: the section (the name of its file), the entry, what is wrong and why."""

    section: str
    entry: str
    what: str
    why: str


def cross_checks(entries: Mapping[str, Sequence[Any]], header: Header | None) -> Iterator[Fault]:
    """What no entry shows alone: sources, references, names that mean two things, limits that contradict."""
    known = {section: {entry.id for entry in read} for section, read in entries.items()}
    sources = header.sources.keys() if header else None
    for section, read in entries.items():
        seen: set[str] = set()
        for entry in read:
            if entry.id in seen:
                yield Fault(section, entry.id, "duplicate id", "another entry of the section has it")
            seen.add(entry.id)
            if sources is not None and entry.source not in sources:
                yield Fault(section, entry.id, "unknown source", f"{entry.source} is not among the sources of the set")
            if entry.valid_from and entry.valid_until and entry.valid_until < entry.valid_from:
                yield Fault(section, entry.id, "valid_until", "before valid_from: never in force")
            yield from _references(section, entry, known)
    yield from _names(entries["drugs"], "drugs")
    yield from _names(entries["herbs"], "herbs")
    yield from _group_circles(entries["groups"])
    yield from _contradicting(entries["doses"])
    yield from _contradicted(entries["dose_advice"], entries["doses"])


def _references(section: str, entry: Any, known: Mapping[str, set[str]]) -> Iterator[Fault]:
    drugs: list[str] = [each.drug for each in entry.selectors if each.drug]
    groups: list[str] = [each.group for each in entry.selectors if each.group]
    herbs: list[str] = []
    match section:
        case "drugs":
            drugs += entry.ingredients
            herbs += entry.pieces
        case "doses" | "dose_advice" | "essential_medicines":
            drugs.append(entry.drug)
        case "herb_pairs":
            herbs += (entry.a, entry.b)
        case "herb_drug" | "herb_contraindications" | "herb_patterns" | "herb_groups":
            herbs += entry.herbs
        case "allergy_groups":
            for cross in entry.cross:
                if cross.group not in known["allergy_groups"]:
                    yield Fault(section, entry.id, "unknown allergy group", cross.group)
    for kind, names, there in (("drug", drugs, "drugs"), ("group", groups, "groups"), ("herb", herbs, "herbs")):
        for name in sorted(set(names) - known[there]):
            yield Fault(section, entry.id, f"unknown {kind}", f"{name} is not among the {there} of the set")


def _names(entries: Iterable[Any], section: str) -> Iterator[Fault]:
    """One name means one drug: two owners would make the screening depend on the order of the file."""
    owner: dict[str, str] = {}
    for entry in entries:
        for name in (entry.id, *entry.names):
            other = owner.setdefault(folded(name), entry.id)
            if other != entry.id:
                yield Fault(section, entry.id, "ambiguous name", f"{name} is also a name of {other}")


def _group_circles(groups: Iterable[Any]) -> Iterator[Fault]:
    inside = {group.id: {member.group for member in group.members if member.group} for group in groups}
    for start, members in inside.items():
        reached: set[str] = set()
        wanted = list(members)
        while wanted:
            name = wanted.pop()
            if name not in reached:
                reached.add(name)
                wanted += inside.get(name, ())
        if start in reached:
            yield Fault("groups", start, "circle", "the group is a member of itself")


def _contradicting(doses: Iterable[Dose]) -> Iterator[Fault]:
    """Two entries with the same limit for the same people, none of them narrower, leave open which holds."""
    of_drug: dict[tuple[str, str], list[Dose]] = defaultdict(list)
    for dose in doses:
        of_drug[dose.drug, dose.route].append(dose)
    for group in of_drug.values():
        for number, one in enumerate(group):
            for other in group[number + 1 :]:
                if _compete(one, other):
                    yield Fault("doses", other.id, "overlapping limits", f"for some people {one.id} holds as well")


def _contradicted(advice: Sequence[DoseAdvice], doses: Iterable[Dose]) -> Iterator[Fault]:
    """For the same people a source cannot say two things, nor that nothing changes where another entry has a limit."""
    for number, one in enumerate(advice):
        for other in advice[number + 1 :]:
            if one.concern == other.concern and _same_reach(one, other):
                yield Fault("dose_advice", other.id, "said twice", f"for some people {one.id} holds as well")
    of_drug: dict[str, list[DoseAdvice]] = defaultdict(list)
    for each in advice:
        of_drug[each.drug].append(each)
    for dose in doses:
        limited = ("renal", dose.renal), ("hepatic", dose.hepatic)
        concerns = {concern for concern, holds in limited if holds}
        for each in of_drug[dose.drug]:
            if not each.advises and each.concern in concerns and _same_reach(each, dose):
                yield Fault("dose_advice", each.id, "a limit all the same", f"for some people {dose.id} has one")


def _same_reach(one: DoseAdvice, other: DoseAdvice | Dose) -> bool:
    """Whether both speak of the same drug by the same way and of some of the same people."""
    if one.drug != other.drug or not (one.by(other.route) or other.route is None):
        return False
    if one.child_pugh and other.child_pugh and not set(one.child_pugh) & set(other.child_pugh):
        return False
    days = _meet(_validity(one), _validity(other), closed=True)
    return days and _meet((one.crcl_min, one.crcl_max), (other.crcl_min, other.crcl_max))


def _compete(one: Dose, other: Dose) -> bool:
    same_kind = (one.renal, one.hepatic) == (other.renal, other.hepatic)
    same_days = _meet(_validity(one), _validity(other), closed=True)
    same_limit = bool(set(one.limits()) & set(other.limits()))
    return same_kind and same_days and same_limit and _same_people(one, other) and _same_measure(one, other)


def _same_measure(one: Dose, other: Dose) -> bool:
    return amount_in("1", one.unit, other.unit) is not None


def _same_people(one: Dose, other: Dose) -> bool:
    if set(one.child_pugh) and not set(one.child_pugh) & set(other.child_pugh):
        return False
    if bool(one.indication) != bool(other.indication):
        return False
    if one.indication and not any(a.startswith(b) or b.startswith(a) for a in one.indication for b in other.indication):
        return False
    ages = (one.age_days_min, one.age_days_max), (other.age_days_min, other.age_days_max)
    weights = (one.weight_grams_min, one.weight_grams_max), (other.weight_grams_min, other.weight_grams_max)
    clearances = (one.crcl_min, one.crcl_max), (other.crcl_min, other.crcl_max)
    if not (_meet(*ages, closed=True) and _meet(*weights) and _meet(*clearances)):
        return False
    return not any(_within(*pair) for pair in (ages, weights, clearances))


def _meet(one: tuple[Any, Any], other: tuple[Any, Any], *, closed: bool = False) -> bool:
    """Whether two ranges share somebody; `closed`: the end belongs to the range."""
    for (_low, high), (low, _high) in ((one, other), (other, one)):
        if high is not None and low is not None and (high < low if closed else high <= low):
            return False
    return True


def _within(one: tuple[Any, Any], other: tuple[Any, Any]) -> bool:
    """Whether one range lies inside the other and is not the same: the narrower one then holds."""
    return one != other and (_covers(one, other) or _covers(other, one))


def _covers(outer: tuple[Any, Any], inner: tuple[Any, Any]) -> bool:
    low = outer[0] is None or (inner[0] is not None and outer[0] <= inner[0])
    high = outer[1] is None or (inner[1] is not None and inner[1] <= outer[1])
    return low and high


def _validity(dose: Dose | DoseAdvice) -> tuple[date | None, date | None]:
    return dose.valid_from, dose.valid_until
