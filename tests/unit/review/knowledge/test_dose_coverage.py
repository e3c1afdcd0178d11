"""The shipped set says of every drug of the demo world what its dose is by age, weight, kidneys and liver.

A limit, a contraindication, or what the source says instead: that nothing changes, that it doses by fixed amounts, that
it has no recommendation, that it is silent. What nobody was sure of is named here, and nowhere else.
"""

from collections.abc import Iterator

import pytest

from rxflow.world.catalogue import load_products
from services.review.domain.knowledge.dose import Dose
from services.review.domain.knowledge.entries import Contraindication
from services.review.domain.knowledge.files import shipped_sets
from services.review.domain.knowledge.index import Knowledge
from services.review.domain.knowledge.reading import KnowledgeSet
from services.review.domain.knowledge.words import route_of
from tests.support.knowledge import drug, entry, knowledge_set

NEWEST = shipped_sets()[-1]
CONCERNS = ("age", "weight", "renal", "hepatic")
NOT_SURE = {("骨化三醇", "oral", "hepatic")}
"""Of these it was not known for sure what the label says."""


def by_dose(dose: Dose) -> Iterator[str]:
    if dose.age_days_min is not None or dose.age_days_max is not None:
        yield "age"
    if dose.per_kg or dose.weight_grams_min is not None or dose.weight_grams_max is not None:
        yield "weight"
    if dose.renal:
        yield "renal"
    if dose.hepatic:
        yield "hepatic"


def by_contraindication(entry: Contraindication) -> Iterator[str]:
    if entry.crcl_below is not None:
        yield "renal"
    if entry.child_pugh is not None:
        yield "hepatic"


def said(knowledge: Knowledge, name: str, english_name: str, atc: str, route: str | None) -> set[str]:
    """The concerns of which the knowledge says something, for a drug by this way."""
    substance = knowledge.substance(name, english_name, atc, route)
    found = {each for dose in knowledge.doses(substance) if dose.route == route for each in by_dose(dose)}
    found |= {each for against in knowledge.contraindications(substance) for each in by_contraindication(against)}
    return found | {advice.concern for advice in knowledge.dose_advice(substance) if advice.route in (None, route)}


def unsaid(read: KnowledgeSet) -> set[tuple[str, str | None, str]]:
    knowledge = read.on(read.header.valid_from)
    drugs = {
        (each.drug.generic_name, each.drug.english_name or "", each.drug.atc or "", each.regimen.route)
        for each in load_products()
    }
    return {
        (name, route_of(route), concern)
        for name, english_name, atc, route in drugs
        for concern in set(CONCERNS) - said(knowledge, name, english_name, atc, route_of(route))
    }


def test_every_drug_of_the_demo_world_has_a_word_on_age_weight_kidneys_and_liver() -> None:
    assert unsaid(NEWEST) == NOT_SURE


@pytest.mark.parametrize("section", ["doses", "dose_advice", "contraindications"])
def test_without_a_section_it_would_not(section: str) -> None:
    without = KnowledgeSet(NEWEST.header, "", {**NEWEST.entries, section: ()})

    assert len(unsaid(without)) > len(NOT_SURE) + 5


def test_a_drug_the_set_does_not_have_is_missed_in_all_four() -> None:
    small = knowledge_set(
        drugs=[drug("amlodipine", "苯磺酸氨氯地平", atc="C08CA01")], groups=[], doses=[], interactions=[]
    )

    assert {("苯磺酸氨氯地平", "oral", concern) for concern in CONCERNS} <= unsaid(small)


def test_a_word_about_another_way_is_none_about_this_one() -> None:
    advice = [entry("eye", drug="levofloxacin", route="ophthalmic", concern="hepatic", says="silent")]
    drugs = [drug("levofloxacin", "左氧氟沙星", atc="J01MA12", routes=["oral", "ophthalmic"])]
    small = knowledge_set(drugs=drugs, groups=[], doses=[], interactions=[], dose_advice=advice)

    missing = {each for each in unsaid(small) if each[2] == "hepatic" and each[0] == "左氧氟沙星"}
    assert missing == {("左氧氟沙星", "oral", "hepatic")}
