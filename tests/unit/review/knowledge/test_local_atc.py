"""Eye drops are no tablets: of a drug's ATC codes those count that its route can have."""

from datetime import date
from typing import Any

import pytest

from services.review.domain.knowledge.index import Knowledge
from services.review.domain.knowledge.local_atc import local_routes, of_route
from tests.support.knowledge import SMALL, drug, entry, knowledge_set

DAY = date(2026, 3, 2)
ACICLOVIR = ("J05AB01", "D06BB03", "S01AD03")
"""Tablets and infusion, cream, eye ointment."""
OFLOXACIN = {
    "names": ["ofloxacin", "氧氟沙星"],
    "atc": ["J01MA01", "S01AE01", "S02AA16"],
    "routes": ["oral", "ophthalmic"],
}


@pytest.mark.parametrize(
    ("route", "atc", "counting"),
    [
        ("oral", "", ("J05AB01",)),
        ("iv", "", ("J05AB01",)),
        ("topical", "", ("D06BB03",)),
        ("ophthalmic", "", ("S01AD03",)),
        ("ophthalmic", "J05AB01", ("S01AD03",)),
        (None, "S01AD03", ("S01AD03",)),
        (None, "J05AB01", ("J05AB01",)),
        (None, "", ACICLOVIR),
        (None, "C09CA03", ACICLOVIR),
    ],
    ids=["oral", "iv", "topical", "eye", "route before code", "local code", "general code", "nothing", "foreign code"],
)
def test_the_route_decides_else_the_written_code_else_all_count(
    route: str | None, atc: str, counting: tuple[str, ...]
) -> None:
    assert of_route(ACICLOVIR, route, atc) == counting


def test_what_is_not_known_is_not_taken_away() -> None:
    assert of_route(("S01AD03",), "oral") == ("S01AD03",)
    assert of_route(("B01AC06", "N02BA01"), None, "N02BA01") == ("B01AC06", "N02BA01")
    assert of_route(("A07AA09", "J01XA01"), "oral") == ("A07AA09", "J01XA01")


def test_codes_that_are_swallowed_are_not_local() -> None:
    assert [local_routes(code) for code in ("D01BA02", "D05BB02", "D11AH05", "R03DC03", "N01BB02")] == [None] * 5
    assert local_routes("R03AC02") == frozenset({"inhaled"})
    assert local_routes("S03CA01") == frozenset({"ophthalmic", "otic"})


@pytest.fixture
def knowledge() -> Knowledge:
    both = drug("ofloxacin-prednisolone", "氧氟沙星泼尼松龙", atc="S01CA02", ingredients=["ofloxacin"])
    sections: dict[str, Any] = {
        "drugs": [*SMALL["drugs"], entry("ofloxacin", **OFLOXACIN), both],
        "interactions": [
            entry("warfarin-j01ma", a={"drug": "warfarin"}, b={"atc": "J01MA"}, severity="caution", effect="INR"),
        ],
        "allergy_groups": [entry("quinolones", names=["喹诺酮"], members=[{"atc": "J01M"}])],
    }
    return knowledge_set(**sections).on(DAY)


def test_tablets_interact_where_eye_drops_do_not(knowledge: Knowledge) -> None:
    warfarin = knowledge.substance("华法林钠", "", "", "oral")
    tablets = knowledge.substance("氧氟沙星", "", "", "oral")
    drops = knowledge.substance("氧氟沙星", "", "", "ophthalmic")
    mixed = knowledge.substance("氧氟沙星泼尼松龙", "", "", "ophthalmic")

    assert knowledge.interaction(warfarin, tablets) is not None
    assert knowledge.interaction(warfarin, drops) is None
    assert knowledge.interaction(warfarin, mixed) is None
    assert knowledge.interaction(warfarin, knowledge.substance("氧氟沙星")) is not None


def test_an_allergy_does_not_ask_how_a_drug_is_given(knowledge: Knowledge) -> None:
    for route in ("oral", "ophthalmic", None):
        for name in ("氧氟沙星", "氧氟沙星泼尼松龙"):
            assert knowledge.allergy_groups_of(knowledge.substance(name, "", "", route)) == {"quinolones"}
