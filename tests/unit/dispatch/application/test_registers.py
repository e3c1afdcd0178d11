"""Pharmacies and couriers are dispatch's own; other entries are copies."""

import pytest

from tests.unit.dispatch.town import COURIER, A, Town, drug, fine, place


def test_an_own_entry_is_recorded_once_and_changed_when_it_changes(town: Town) -> None:
    code, content = "P43010200009", place(28, 113, "430102")
    first = fine(town.load("pharmacy", code, content)).body
    again = fine(town.load("pharmacy", code, content)).body
    suspended = fine(town.load("pharmacy", code, content, suspended=True)).body

    assert [body["recorded"] for body in (first, again, suspended)] == [1, 0, 1]


@pytest.mark.parametrize(("kind", "code"), [("pharmacy", "P1"), ("courier", "91430100MA4L0000I1")])
def test_a_code_has_the_form_of_its_kind(town: Town, kind: str, code: str) -> None:
    known = town.store.rows("register_entries", kind=kind, after="", limit=1)[0]

    (row,) = fine(town.load(kind, code, known["content"])).body["rows"]

    assert row["errors"][0].startswith("code: not of the form")


def test_copies_stay_inside_and_a_repeat_changes_nothing(town: Town) -> None:
    before = len(town.store.told), town.store.log_index
    facts = {"generic_name": "卡托普利", "form": "片剂", "strength": "25mg", "pack_size": 20}
    town.refer("drug", "XA", drug(**facts))
    town.refer("drug", "XA", drug(**facts))

    assert (len(town.store.told), town.store.log_index) == (before[0], before[1] + 1)


def test_own_entries_and_designations_are_listed_other_copies_are_not(town: Town) -> None:
    assert [row["code"] for row in town.store.rows("register_entries", kind="pharmacy", after=A, limit=5)] != []
    assert town.store.rows("register_entries", kind="courier", after="", limit=5)[0]["code"] == COURIER
    assert town.store.rows("register_entries", kind="drug", after="", limit=5) == []
    assert town.store.rows("register_entries", kind="designation", after="", limit=5) == []
    assert town.store.rows("designations_of", pharmacy=A) == [{"code": f"{A}-430100"}]
