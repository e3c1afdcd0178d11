"""Which pharmacy near a place has what."""

import pytest

from services.dispatch.application.registers import KINDS
from services.dispatch.domain.geography import box, distance_metres
from services.dispatch.projections.availability import CANDIDATES_MAX, ranked
from services.seedwork.register_loading import record_entries
from tests.unit.dispatch.town import DRUGS, SINCE, TABLETS, A, B, Town, place

HERE = (28.20, 112.98)
NEAR = {"code": "N", "name": "n", "region": "430102", "address": "a", "latitude": 28.20, "longitude": 112.98}
FAR = {"code": "F", "name": "f", "region": "440101", "address": "a", "latitude": 28.25, "longitude": 112.98}


def test_distances_are_great_circles() -> None:
    assert distance_metres((39.9042, 116.4074), (31.2304, 121.4737)) == pytest.approx(1_067_000, rel=0.01)


def test_the_box_holds_the_circle() -> None:
    area = box(*HERE, 5_000)

    assert distance_metres(HERE, (area["north"], HERE[1])) >= 4_990
    assert distance_metres(HERE, (HERE[0], area["east"])) >= 4_990
    assert box(90, 0, 1_000)["east"] < 180


def test_who_has_everything_comes_before_who_is_near() -> None:
    rows = ranked(HERE, [NEAR, FAR], {"d": {"F": 20}}, {})

    assert [(row["pharmacy"], row["has_all"]) for row in rows] == [("F", True), ("N", False)]
    assert rows[0]["available"] == {"d": 20}


def test_where_a_drug_is_short_others_come_first() -> None:
    free = {"d": {"N": 20, "F": 20}}

    assert [row["pharmacy"] for row in ranked(HERE, [NEAR, FAR], free, {})] == ["N", "F"]
    rows = ranked(HERE, [NEAR, FAR], free, {"d": ["4301"]})
    assert [(row["pharmacy"], row["short"]) for row in rows] == [("F", []), ("N", ["d"])]
    national = ranked(HERE, [NEAR, FAR], free, {"d": [""]})
    assert [row["pharmacy"] for row in national] == ["N", "F"]


def test_of_more_pharmacies_than_are_looked_at_the_nearest_are(town: Town) -> None:
    far = [f"P110101{number:05d}" for number in range(CANDIDATES_MAX)]
    for start in range(0, len(far), 50):
        content = place(28.60, 112.98, "110101")
        rows = [{"code": code, "content": content, "valid_from": SINCE.isoformat()} for code in far[start : start + 50]]
        town.store.run(record_entries(KINDS, "pharmacy", rows))
    for code in far:
        town.receive(code, TABLETS, "L1", 20)
    area = {**box(*HERE, 80_000), "today": "2026-03-02"}

    pharmacies = town.store.rows("pharmacies_near", **area)
    stocked = town.store.rows(
        "stock_near", drug_key="{generic_name}|{form}|{strength}".format(**DRUGS[TABLETS]), **area
    )

    for found in ([row["code"] for row in pharmacies], [row["pharmacy"] for row in stocked]):
        assert found[:2] == [A, B]
        assert len(found) == CANDIDATES_MAX
