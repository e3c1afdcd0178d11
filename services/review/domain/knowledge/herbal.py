"""The index of herbal pieces on one day, a part of the whole index. Immutable once made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from services.review.domain.knowledge.herb_entries import (
    Herb,
    HerbContraindication,
    HerbDrug,
    HerbGroup,
    HerbPair,
    HerbPattern,
)
from services.review.domain.knowledge.words import folded, folded_allergy

OfHerbs = TypeVar("OfHerbs", HerbDrug, HerbContraindication, HerbPattern, HerbGroup)


class Medicine(Protocol):
    """A medicine by its selectors."""

    @property
    def all_keys(self) -> frozenset[str]: ...


class HerbIndex:
    """What is known of herbal pieces. `of`: the entries of a section that are in force."""

    def __init__(self, of: Callable[[str], list[Any]]) -> None:
        herbs: list[Herb] = of("herbs")
        self._herbs = {folded(name): herb for herb in herbs for name in (herb.id, *herb.names)}
        self._herb_pairs: dict[frozenset[str], HerbPair] = {
            frozenset((pair.a, pair.b)): pair for pair in of("herb_pairs")
        }
        self._herb_drug: dict[str, list[HerbDrug]] = _by_herb(of("herb_drug"))
        self._herb_against: dict[str, list[HerbContraindication]] = _by_herb(of("herb_contraindications"))
        self._herb_patterns: dict[str, list[HerbPattern]] = _by_herb(of("herb_patterns"))
        self._herb_groups: dict[str, list[HerbGroup]] = _by_herb(of("herb_groups"))

    def herb(self, name: str) -> Herb | None:
        """A herbal piece by its name."""
        return self._herbs.get(folded(name))

    def herb_of_allergy(self, written: str) -> Herb | None:
        """The piece a written allergy is to."""
        return self._herbs.get(folded_allergy(written)) or self.herb(written)

    def herb_pair(self, one: Herb, other: Herb) -> HerbPair | None:
        found: HerbPair | None = self._herb_pairs.get(frozenset((one.id, other.id)))
        return found

    def herb_drug(self, herb: Herb, medicine: Medicine) -> HerbDrug | None:
        """What is known of a herb with a medicine: the narrowest entry, then the gravest."""
        found = (each for each in self._herb_drug.get(herb.id, ()) if each.medicine.key in medicine.all_keys)
        return max(found, key=lambda each: (each.medicine.precision, each.severity, each.id), default=None)

    def herb_contraindications(self, herb: Herb) -> Sequence[HerbContraindication]:
        return self._herb_against.get(herb.id, ())

    def herb_groups(self, herb: Herb) -> Sequence[HerbGroup]:
        return self._herb_groups.get(herb.id, ())

    def herb_patterns(self, herb: Herb) -> Sequence[HerbPattern]:
        return self._herb_patterns.get(herb.id, ())


def _by_herb(entries: Iterable[OfHerbs]) -> dict[str, list[OfHerbs]]:
    found: dict[str, list[OfHerbs]] = defaultdict(list)
    for entry in sorted(entries, key=lambda each: each.id):
        for herb in entry.herbs:
            found[herb].append(entry)
    return dict(found)
