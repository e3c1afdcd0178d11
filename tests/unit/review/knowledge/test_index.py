"""Medicines are found however they are written, and what is known of them by drug, class and group."""

from datetime import date

import pytest

from services.review.domain.knowledge import words
from services.review.domain.knowledge.index import Knowledge, usual_together
from tests.support.knowledge import SMALL, drug, entry, knowledge_set

DAY = date(2026, 3, 2)


@pytest.fixture
def knowledge() -> Knowledge:
    return knowledge_set().on(DAY)


@pytest.mark.parametrize("name", ["缬沙坦", "Valsartan", "valsartan ", "VALSARTAN"])
def test_a_drug_is_found_by_any_spelling(knowledge: Knowledge, name: str) -> None:
    found = knowledge.substance(name)

    assert found.known
    assert found.ingredients == {"valsartan"}
    assert knowledge.substance(name) is found


def test_a_drug_is_found_by_its_english_name_or_its_code(knowledge: Knowledge) -> None:
    assert knowledge.substance("某片", "valsartan").known
    assert knowledge.substance("某片", "", "C09CA03").known
    assert not knowledge.substance("某片", "", "C09CA01").known


def test_a_code_of_two_drugs_says_the_class_only() -> None:
    knowledge = knowledge_set(drugs=[*SMALL["drugs"], drug("dexibuprofen", atc="M01AE01")]).on(DAY)
    found = knowledge.substance("某布洛芬", "", "M01AE01")

    assert not found.known
    assert "group:nsaids" in found.keys
    assert found.ingredients == frozenset()
    assert knowledge.doses(found) == ()


def test_groups_of_groups_are_followed(knowledge: Knowledge) -> None:
    assert {"group:nsaids", "group:bleeding", "atc:M01", "drug:ibuprofen"} <= knowledge.substance("布洛芬").keys


def test_a_combination_is_also_its_ingredients(knowledge: Knowledge) -> None:
    mix = knowledge.substance("缬沙坦氨氯地平")

    assert mix.ingredients == {"amlodipine", "valsartan"}
    assert "atc:C08CA01" in mix.all_keys
    assert "atc:C08CA01" not in mix.keys


def test_a_pair_is_found_in_either_order_and_by_group(knowledge: Knowledge) -> None:
    warfarin, ibuprofen = knowledge.substance("华法林钠"), knowledge.substance("布洛芬")

    for one, other in ((warfarin, ibuprofen), (ibuprofen, warfarin)):
        found = knowledge.interaction(one, other)
        assert found is not None
        assert found.id == "warfarin-nsaids"
    assert knowledge.interaction(warfarin, knowledge.substance("缬沙坦")) is None
    assert knowledge.incompatibility(warfarin, ibuprofen) is None


def test_the_narrower_entry_of_a_pair_says_more_than_the_graver() -> None:
    pair = {"a": {"drug": "warfarin"}, "effect": "x"}
    interactions = [
        entry("wide", **pair, b={"atc": "M01"}, severity="blocking"),
        entry("narrow", **pair, b={"drug": "ibuprofen"}, severity="caution"),
        entry("same", a={"drug": "ibuprofen"}, b={"drug": "ibuprofen"}, effect="x", severity="info"),
    ]
    knowledge = knowledge_set(interactions=interactions).on(DAY)
    found = knowledge.interaction(knowledge.substance("华法林钠"), knowledge.substance("布洛芬"))

    assert found is not None
    assert found.id == "narrow"


def test_allergies_are_named_by_group_or_drug_and_bring_the_drugs_groups() -> None:
    groups = [entry("cephalosporins", names=["头孢菌素", "cephalosporins"], members=[{"atc": "J01DD"}])]
    knowledge = knowledge_set(allergy_groups=groups).on(DAY)

    assert knowledge.allergies("对头孢菌素类药物过敏") == (frozenset(), {"cephalosporins"})
    assert knowledge.allergies("cephalosporin allergy") == (frozenset(), {"cephalosporins"})
    assert knowledge.allergies("头孢曲松钠") == ({"ceftriaxone"}, {"cephalosporins"})
    assert knowledge.allergies("warfarin") == ({"warfarin"}, frozenset())
    assert knowledge.allergies("花粉") == (frozenset(), frozenset())
    assert knowledge.allergies("过敏") == (frozenset(), frozenset())


def test_a_pair_that_is_usual_together_is_so_in_either_order() -> None:
    group = entry(
        "pressure",
        name="x",
        members=[{"atc": "C08"}, {"atc": "C09"}],
        severity="caution",
        **{"except": [[{"drug": "amlodipine"}, {"drug": "valsartan"}]]},
    )
    knowledge = knowledge_set(duplicate_groups=[group]).on(DAY)
    one, other = knowledge.substance("amlodipine"), knowledge.substance("valsartan")

    assert knowledge.duplicate_groups_of(one) == {"pressure"}
    assert usual_together(knowledge.duplicate_groups["pressure"], one, other)
    assert usual_together(knowledge.duplicate_groups["pressure"], other, one)
    assert not usual_together(knowledge.duplicate_groups["pressure"], one, one)


@pytest.mark.parametrize(
    ("amount", "unit", "wanted", "expected"),
    [
        ("0.5", "g", "mg", "500"),
        ("250", "µg", "mg", "0.25"),
        ("250", "μg", "mg", "0.25"),
        ("2", "万单位", "IU", "20000"),
        ("2", "吸", "puff", "2"),
    ],
)
def test_amounts_are_compared_within_a_kind_of_unit(amount: str, unit: str, wanted: str, expected: str) -> None:
    found = words.amount_in(amount, unit, wanted)

    assert found is not None
    assert words.plain(found) == expected


@pytest.mark.parametrize(("amount", "unit"), [("1", "ml"), ("1", "勺"), ("some", "mg"), ("NaN", "mg"), ("1", "")])
def test_what_cannot_be_compared_is_not(amount: str, unit: str) -> None:
    assert words.amount_in(amount, unit, "mg") is None


def test_routes_and_solvents_have_one_word() -> None:
    assert words.route_of("静脉滴注") == words.route_of("iv") == "iv"
    assert words.route_of("随便") is None
    assert words.solvent_of("生理盐水") == words.solvent_of("0.9%氯化钠注射液") == "0.9% sodium chloride"
    assert words.solvent_of("茶") is None


def test_what_is_known_of_a_drug_is_asked_section_by_section() -> None:
    about = {"selector": {"group": "nsaids"}, "severity": "caution", "why": "x"}
    knowledge = knowledge_set(
        indications=[entry("a", selector={"drug": "ibuprofen"}, icd10=["M05"])],
        solvents=[entry("b", selector={"drug": "ibuprofen"}, allowed=["ringer"])],
        contraindications=[entry("c", **about, age_days_below=180)],
        pregnancy=[entry("d", **about, weeks_from=28)],
        lactation=[entry("e", **about)],
        allergy_groups=[entry("f", names=["f"], members=[{"group": "nsaids"}])],
        herbs=[entry("gancao", names=["甘草"]), entry("gansui", names=["甘遂"], toxic=True)],
        herb_pairs=[entry("g", a="gancao", b="gansui", kind="eighteen")],
    ).on(DAY)
    ibuprofen, warfarin = knowledge.substance("布洛芬"), knowledge.substance("华法林钠")

    for ask, name in (
        (knowledge.indications, "a"),
        (knowledge.solvents, "b"),
        (knowledge.contraindications, "c"),
        (knowledge.pregnancy, "d"),
        (knowledge.lactation, "e"),
    ):
        assert [found.id for found in ask(ibuprofen)] == [name]
        assert ask(warfarin) == []
    assert [dose.id for dose in knowledge.doses(ibuprofen)] == ["ibuprofen-child", "ibuprofen-oral"]
    assert knowledge.allergy_groups_of(ibuprofen) == {"f"}
    gancao, gansui = knowledge.herb("甘草"), knowledge.herb("gansui")
    assert gancao is not None
    assert gansui is not None
    assert knowledge.herb_pair(gansui, gancao) is not None
    assert knowledge.herb_pair(gancao, gancao) is None
    assert knowledge.herb("人参") is None


def test_two_groups_may_lead_to_the_same_third() -> None:
    groups = [
        entry("nsaids", name="a", members=[{"atc": "M01A"}]),
        entry("painkillers", name="b", members=[{"atc": "M01A"}]),
        entry("bleeding", name="c", members=[{"group": "nsaids"}, {"group": "painkillers"}]),
        entry("all", name="d", members=[{"group": "bleeding"}, {"group": "nsaids"}]),
    ]
    knowledge = knowledge_set(groups=groups).on(DAY)

    assert "group:all" in knowledge.substance("布洛芬").keys
