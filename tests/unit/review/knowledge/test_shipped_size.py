"""What the shipped set holds: as many drugs, pairs and limits as were asked for, each with its source."""

import pytest

from rxflow.world.catalogue import load_products
from services.review.domain.knowledge.entries import SECTIONS
from services.review.domain.knowledge.files import shipped_sets
from services.review.domain.knowledge.forms import Selector
from services.review.domain.knowledge.reading import KnowledgeSet, read_set
from services.review.domain.knowledge.words import route_of
from tests.support.knowledge import document, drug

NEWEST = shipped_sets()[-1]
TODAY = NEWEST.on(NEWEST.header.valid_from)


def demo_drugs() -> list[tuple[str, str, str, str]]:
    return sorted(
        {
            (each.drug.generic_name, each.drug.english_name or "", each.drug.atc or "", each.regimen.route)
            for each in load_products()
        }
    )


def pairs(read: KnowledgeSet) -> set[frozenset[Selector]]:
    return {frozenset((each.a, each.b)) for each in read.entries["interactions"]}


def test_there_are_three_hundred_drugs_with_the_sixty_of_the_demo_world() -> None:
    unknown = [name for name, english, atc, _route in demo_drugs() if not TODAY.substance(name, english, atc).known]

    assert NEWEST.counts()["drugs"] >= 300
    assert len({name for name, *_ in demo_drugs()}) >= 60
    assert unknown == []


def test_there_are_two_hundred_and_fifty_pairs_each_said_once() -> None:
    assert len(pairs(NEWEST)) >= 250
    assert len(pairs(NEWEST)) == NEWEST.counts()["interactions"]


def test_every_drug_of_the_demo_world_has_a_limit_of_its_dose() -> None:
    without = [
        name
        for name, english, atc, route in demo_drugs()
        if not any(
            dose.limits() and dose.route == route_of(route)
            for dose in TODAY.doses(TODAY.substance(name, english, atc, route_of(route)))
        )
    ]

    assert without == []


def test_every_entry_names_a_document_of_the_set_and_its_place_there() -> None:
    for section, entries in NEWEST.entries.items():
        assert entries, f"{section} is empty"
        for each in entries:
            assert each.source in NEWEST.header.sources, f"{section}/{each.id}"
            assert each.section.strip(), f"{section}/{each.id}"
    assert set(NEWEST.entries) == set(SECTIONS)


def test_every_document_is_one_that_something_rests_on() -> None:
    used = {each.source for entries in NEWEST.entries.values() for each in entries}

    assert set(NEWEST.header.sources) - used <= {"cn-pieces-2007", "cn-narcotics-2013"}, "named in a note of poppy husk"


def test_contraindications_are_by_disease_age_sex_kidneys_and_liver() -> None:
    against = NEWEST.entries["contraindications"]

    for kind in ("icd10", "age_days_below", "sex", "crcl_below", "child_pugh"):
        assert any(getattr(each, kind) is not None for each in against), kind
    assert "not clinical advice" in NEWEST.header.notice


@pytest.mark.parametrize("left_out", ["source", "section"])
def test_an_entry_without_a_source_is_not_loaded_and_nothing_with_it(left_out: str) -> None:
    unsourced = {key: value for key, value in drug("x", "药", atc="X01AA01").items() if key != left_out}

    read = read_set(document(drugs=[drug("y", "药二", atc="X02AA01"), unsourced], doses=[], interactions=[], groups=[]))

    assert isinstance(read, list)
    assert [(fault.section, fault.entry, fault.what) for fault in read] == [("drugs", "x", left_out)]
