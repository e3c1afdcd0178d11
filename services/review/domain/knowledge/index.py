"""The index of one set on one day: what the rules ask, found by keys instead of searched. Immutable once made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.review.domain.knowledge.dose import Dose, DoseAdvice
from services.review.domain.knowledge.entries import (
    AllergyGroup,
    Combination,
    Contraindication,
    Drug,
    DuplicateGroup,
    EssentialMedicine,
    Group,
    Header,
    Incompatibility,
    Indication,
    Interaction,
    Lactation,
    NoIndication,
    OffLabel,
    Pregnancy,
    SkinTest,
    SolventRule,
)
from services.review.domain.knowledge.herb_entries import Herb, PatentPattern
from services.review.domain.knowledge.herbal import HerbIndex
from services.review.domain.knowledge.local_atc import of_route
from services.review.domain.knowledge.lookup import Found, Pairs
from services.review.domain.knowledge.words import folded, folded_allergy

Entries = Mapping[str, Sequence[Any]]
NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Substance:
    """A medicine as the knowledge base sees it. `drug` is None where only its ATC code, or nothing, is known.

    `keys`: the selectors that mean the medicine itself; `all_keys`: or one of its ingredients. `ingredients`: what
    is in it, by drug id; nobody knows what is in an unknown one.
    """

    name: str
    drug: Drug | None
    keys: frozenset[str]
    all_keys: frozenset[str]
    ingredients: frozenset[str]
    by_any_route: frozenset[str] = NOTHING
    """`all_keys` with the codes of every way of use: an allergy does not ask how a drug is given."""

    @property
    def known(self) -> bool:
        return self.drug is not None


class Knowledge(HerbIndex):
    """A set of entries on one day. Ask it for a medicine first, then for what is known of it."""

    def __init__(self, header: Header, digest: str, entries: Entries, day: date) -> None:
        def of(section: str) -> list[Any]:
            return [entry for entry in entries.get(section, ()) if entry.in_force(day)]

        super().__init__(of)
        self.version = header.version
        self.digest = digest
        drugs: list[Drug] = of("drugs")
        self._drugs = {drug.id: drug for drug in drugs}
        self._by_name = {folded(name): drug for drug in drugs for name in (drug.id, *drug.names)}
        self._by_atc: dict[str, list[Drug]] = defaultdict(list)
        for drug in drugs:
            for atc in drug.atc:
                self._by_atc[atc].append(drug)
        self._groups = _memberships(of("groups"), "group")
        self._doses: dict[str, list[Dose]] = defaultdict(list)
        for dose in sorted(of("doses"), key=lambda each: str(each.id)):
            self._doses[dose.drug].append(dose)
        self._advice: dict[str, list[DoseAdvice]] = defaultdict(list)
        for advice in sorted(of("dose_advice"), key=lambda each: str(each.id)):
            self._advice[advice.drug].append(advice)
        self._indications = Found(of("indications"))
        self._no_indications = Found(of("no_indications"))
        self._off_label = Found(of("off_label"))
        self._essential: dict[str, EssentialMedicine] = {entry.drug: entry for entry in of("essential_medicines")}
        self._listed: dict[str, list[EssentialMedicine]] = defaultdict(list)
        for drug_id, entry in sorted(self._essential.items()):
            for subgroup in sorted({atc[:5] for atc in self._drugs[drug_id].atc if entry.listed}):
                self._listed[f"atc:{subgroup}"].append(entry)
        self._patent_patterns = Found(of("patent_patterns"))
        self._skin_tests = Found(of("skin_tests"))
        self._solvents = Found(of("solvents"))
        self._contraindications = Found(of("contraindications"))
        self._pregnancy = Found(of("pregnancy"))
        self._lactation = Found(of("lactation"))
        self._interactions = Pairs(of("interactions"))
        self._combinations = Pairs(of("combinations"))
        self._incompatibilities = Pairs(of("incompatibilities"))
        self.allergy_groups: dict[str, AllergyGroup] = {group.id: group for group in of("allergy_groups")}
        self._allergy_names = {
            folded_allergy(name): group for group in self.allergy_groups.values() for name in (group.id, *group.names)
        }
        self._allergies = _memberships(self.allergy_groups.values(), "allergy")
        self.duplicate_groups: dict[str, DuplicateGroup] = {group.id: group for group in of("duplicate_groups")}
        self._duplicates = _memberships(self.duplicate_groups.values(), "duplicate")
        self._substances: dict[tuple[str, str, str | None], Substance] = {}

    def named(self, name: str) -> Drug | None:
        """The drug of a generic name, in any of its spellings."""
        return self._by_name.get(folded(name))

    def substance(
        self, generic_name: str, english_name: str = "", atc: str = "", route: str | None = None
    ) -> Substance:
        """A medicine by its generic name, else by its ATC code; what is in neither is still somebody's medicine.

        Of a drug with several codes those count that the route can have: eye drops are no tablets.
        """
        key = (generic_name, atc, route)
        if key not in self._substances:
            found = self._substance(generic_name, english_name, atc, route)
            if found.drug is None:  # names nobody knows are without number: they are not kept
                return found
            self._substances[key] = found
        return self._substances[key]

    def _substance(self, generic_name: str, english_name: str, atc: str, route: str | None) -> Substance:
        drug = self.named(generic_name) or (self.named(english_name) if english_name else None)
        if drug is None and len(self._by_atc.get(atc, ())) == 1:
            (drug,) = self._by_atc[atc]
        if drug is None:
            keys = self._closed(_atc_keys((atc,)))
            return Substance(generic_name, None, keys, keys, NOTHING, keys)
        keys, all_keys = self._keys(drug, route, atc)
        _own, anyhow = self._keys(drug)
        return Substance(generic_name, drug, keys, all_keys, frozenset(drug.ingredients or (drug.id,)), anyhow)

    def _keys(self, drug: Drug, route: str | None = None, atc: str = "") -> tuple[frozenset[str], frozenset[str]]:
        own = self._closed({f"drug:{drug.id}", *_atc_keys(of_route(drug.atc, route, atc))})
        parts = [self._drugs[each] for each in drug.ingredients if each in self._drugs]
        inside = {key for part in parts for key in (f"drug:{part.id}", *_atc_keys(of_route(part.atc, route)))}
        inside |= {f"drug:{each}" for each in drug.ingredients}
        return own, own | self._closed(inside)

    def _closed(self, keys: Iterable[str]) -> frozenset[str]:
        """The keys and every group they belong to, groups of groups included."""
        found: set[str] = set()
        wanted = list(keys)
        while wanted:
            key = wanted.pop()
            if key not in found:
                found.add(key)
                wanted += self._groups.get(key, ())
        return frozenset(found)

    def doses(self, substance: Substance) -> Sequence[Dose]:
        return self._doses.get(substance.drug.id, ()) if substance.drug else ()

    def dose_advice(self, substance: Substance) -> Sequence[DoseAdvice]:
        """What sources say of the dose without a figure."""
        return self._advice.get(substance.drug.id, ()) if substance.drug else ()

    def indications(self, substance: Substance) -> Sequence[Indication]:
        return self._indications.of(substance.keys)

    def no_indications(self, substance: Substance) -> Sequence[NoIndication]:
        return self._no_indications.of(substance.keys)

    def off_label(self, substance: Substance) -> Sequence[OffLabel]:
        return self._off_label.of(substance.keys)

    def essential(self, substance: Substance) -> EssentialMedicine | None:
        """What the list of essential medicines says of it; None: nobody has looked it up."""
        return self._essential.get(substance.drug.id) if substance.drug else None

    def essential_beside(self, substance: Substance) -> Sequence[EssentialMedicine]:
        """Listed drugs of the same chemical subgroup (ATC, five characters)."""
        return [entry for key in sorted(substance.keys) for entry in self._listed.get(key, ())]

    def pieces(self, substance: Substance) -> tuple[Herb, ...]:
        """The herbal pieces that are known to be in a patent medicine."""
        held = (self.herb(each) for each in substance.drug.pieces) if substance.drug else ()
        return tuple(herb for herb in held if herb is not None)

    def patent_patterns(self, substance: Substance) -> Sequence[PatentPattern]:
        return self._patent_patterns.of(substance.keys)

    def skin_tests(self, substance: Substance) -> Sequence[SkinTest]:
        return self._skin_tests.of(substance.all_keys)

    def solvents(self, substance: Substance) -> Sequence[SolventRule]:
        return self._solvents.of(substance.keys)

    def contraindications(self, substance: Substance) -> Sequence[Contraindication]:
        return self._contraindications.of(substance.all_keys)

    def pregnancy(self, substance: Substance) -> Sequence[Pregnancy]:
        return self._pregnancy.of(substance.all_keys)

    def lactation(self, substance: Substance) -> Sequence[Lactation]:
        return self._lactation.of(substance.all_keys)

    def interaction(self, one: Substance, other: Substance) -> Interaction | None:
        """What is known of two medicines together."""
        found: Interaction | None = self._interactions.of(one.all_keys, other.all_keys)
        return found

    def combines(self, substance: Substance) -> bool:
        """Whether there is anything that one of its combinations could be told by."""
        return self._combinations.about(substance.all_keys)

    def combination(self, one: Substance, other: Substance) -> Combination | None:
        """Whether one takes away what the other is given for."""
        found: Combination | None = self._combinations.of(one.all_keys, other.all_keys)
        return found

    def incompatibility(self, one: Substance, other: Substance) -> Incompatibility | None:
        """What is known of two medicines in one infusion."""
        found: Incompatibility | None = self._incompatibilities.of(one.all_keys, other.all_keys)
        return found

    def allergies(self, written: str) -> tuple[frozenset[str], frozenset[str]]:
        """What a written allergy is to: drug ids, and allergy groups. A drug's groups count as named with it."""
        name = folded_allergy(written)
        group = self._allergy_names.get(name)
        if group is not None:
            return NOTHING, frozenset({group.id})
        drug = self._by_name.get(name) or self.named(written)
        if drug is None:
            return NOTHING, NOTHING
        _own, keys = self._keys(drug)
        return frozenset({drug.id, *drug.ingredients}), self._members_of(self._allergies, keys)

    def allergy_groups_of(self, substance: Substance) -> frozenset[str]:
        return self._members_of(self._allergies, substance.by_any_route)

    def duplicate_groups_of(self, substance: Substance) -> frozenset[str]:
        return self._members_of(self._duplicates, substance.all_keys)

    @staticmethod
    def _members_of(memberships: Mapping[str, list[str]], keys: Iterable[str]) -> frozenset[str]:
        return frozenset(group.partition(":")[2] for key in keys for group in memberships.get(key, ()))


def _atc_keys(codes: Iterable[str]) -> Iterator[str]:
    """A code and the classes above it."""
    for code in codes:
        for length in (3, 4, 5, 7):
            if len(code) >= length:
                yield f"atc:{code[:length]}"


def _memberships(groups: Iterable[Group | AllergyGroup | DuplicateGroup], kind: str) -> dict[str, list[str]]:
    """Key of a member -> keys of the groups it belongs to."""
    found: dict[str, list[str]] = defaultdict(list)
    for group in groups:
        for member in group.members:
            found[member.key].append(f"{kind}:{group.id}")
    return dict(found)


def usual_together(group: DuplicateGroup, one: Substance, other: Substance) -> bool:
    """Whether a group makes an exception of this pair, in either order."""
    return any(
        (a.key in one.all_keys and b.key in other.all_keys) or (b.key in one.all_keys and a.key in other.all_keys)
        for a, b in group.usual
    )
