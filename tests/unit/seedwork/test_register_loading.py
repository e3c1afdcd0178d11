"""Register loads: rows are recorded once and reported one by one; copies change only with their originals."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import BaseModel

from contracts.errors import CATALOGUE
from contracts.registers import EntryRow
from services.seedwork.composition import Service
from services.seedwork.model import Aggregate
from services.seedwork.ports import Outcome
from services.seedwork.reference import EntryRecorded, EntryState, entry, register
from services.seedwork.register_loading import Kind, copy_entry, record_entries
from services.seedwork.register_projection import register_entries
from tests.support.store_in_memory import StoreInMemory

NOW = datetime(2026, 3, 2, tzinfo=UTC)
OWN: Aggregate[EntryState] = register("shelves")
COPIES: Aggregate[EntryState] = register("reference")


class Shelf(BaseModel):
    metres: int


class Lift(BaseModel):
    called_at: str | None = None


KINDS = {
    "shelf": Kind(OWN, Shelf, "S[0-9]"),
    "ladder": Kind(OWN, Shelf, "L[0-9]"),
    "lift": Kind(OWN, Lift, "E[0-9]", urls=("called_at",)),
}


@pytest.fixture
def store() -> StoreInMemory:
    metadata = sa.MetaData()
    listed = register_entries(metadata, {"shelf"})
    return StoreInMemory(Service("store", 0, (OWN, COPIES), projections=(listed,), metadata=metadata), NOW)


def row(code: str = "S1", **changes: Any) -> dict[str, Any]:
    return {"code": code, "content": {"metres": 2}, "valid_from": "2026-01-01"} | changes


def load(store: StoreInMemory, *rows: dict[str, Any], kind: str = "shelf") -> Outcome:
    return store.run(record_entries(KINDS, kind, rows))


def test_a_new_entry_is_recorded_and_the_same_again_changes_nothing(store: StoreInMemory) -> None:
    first, again = load(store, row()), load(store, row())

    assert first.body == {
        "kind": "shelf",
        "recorded": 1,
        "unchanged": 0,
        "refused": 0,
        "rows": [{"code": "S1", "result": "recorded"}],
    }
    assert again.body["rows"] == [{"code": "S1", "result": "unchanged"}]
    assert store.log_index == 1
    assert store.state(entry(OWN, "shelf", "S1")).in_force(date(2026, 1, 1))


@pytest.mark.parametrize("change", [{"suspended": True}, {"valid_until": "2026-12-31"}, {"content": {"metres": 3}}])
def test_a_changed_entry_is_recorded(store: StoreInMemory, change: dict[str, Any]) -> None:
    load(store, row("S1"), row("S2"))

    changed = load(store, row("S1"), row("S2", **change))

    assert [each["result"] for each in changed.body["rows"]] == ["unchanged", "recorded"]


@pytest.mark.parametrize(
    ("url", "development", "wrong"),
    [
        (None, False, None),
        ("https://10.0.0.1/lift", False, None),
        ("http://lift.example/", False, "scheme"),
        ("http://127.0.0.1:9/", False, "scheme"),
        ("http://127.0.0.1:9/", True, None),
        ("https://user:word@lift.example/", True, "credentials"),
    ],
)
def test_a_url_that_would_not_be_called_is_not_recorded(
    store: StoreInMemory, url: str | None, development: bool, wrong: str | None
) -> None:
    rows = [row("E1", content={"called_at": url}), row("E2", content={})]
    report = store.run(record_entries(KINDS, "lift", rows, plain=development)).body

    assert report["rows"][0].get("errors") == (None if wrong is None else [f"called_at: register.url ({wrong})"])
    assert report["recorded"] == (2 if wrong is None else 1)
    assert "register.url" in CATALOGUE


def test_bad_rows_are_reported_in_their_places_and_good_ones_recorded(store: StoreInMemory) -> None:
    report = load(
        store,
        row("S2", content={"metres": "many"}),
        row("S1"),
        row("S1"),
        row("P1"),
        row("S3", valid_until="2025-12-31"),
        {"content": 3},
        row("S" * 40),
        row("S4", colour="red"),
    ).body

    assert (report["recorded"], report["unchanged"], report["refused"]) == (1, 0, 7)
    told = [(each["code"], each.get("errors", [None])[0]) for each in report["rows"]]
    assert told == [
        ("S2", "metres: Input should be a valid integer, unable to parse string as an integer"),
        ("S1", None),
        ("S1", "code: twice in one request"),
        ("P1", "code: not of the form S[0-9]"),
        ("S3", "valid_until: before valid_from"),
        ("", "code: Field required"),
        ("S" * 30, "code: String should have at most 30 characters"),
        ("S4", "colour: Extra inputs are not permitted"),
    ]


@pytest.mark.parametrize(
    ("kind", "rows", "code"),
    [
        ("box", [row()], "register.kind"),
        ("shelf", [], "register.size"),
        ("shelf", [row()] * 91, "register.size"),
    ],
)
def test_only_own_kinds_in_loads_of_a_limited_size(
    store: StoreInMemory, kind: str, rows: list[dict[str, Any]], code: str
) -> None:
    outcome = load(store, *rows, kind=kind)

    assert outcome.refusal is not None
    assert outcome.refusal.code == code


def test_a_full_load_is_one_decision(store: StoreInMemory) -> None:
    boxes = {"box": Kind(OWN, Shelf, "B[0-9]+")}

    assert len(record_entries(boxes, "box", [row(f"B{n}") for n in range(90)]).streams) == 90


def test_a_copy_changes_only_with_its_original(store: StoreInMemory) -> None:
    told = EntryRecorded(kind="drug", **dict(EntryRow.model_validate(row("X1"))))
    for _ in range(2):
        store.run(copy_entry(COPIES, told))
    store.run(copy_entry(COPIES, told.model_copy(update={"suspended": True})))

    assert store.log_index == 2
    assert not store.state(entry(COPIES, "drug", "X1")).in_force(date(2026, 1, 1))


def test_entries_of_listed_kinds_are_listed_by_code_as_they_stand(store: StoreInMemory) -> None:
    load(store, row("S3"), row("S1"), row("S2"))
    load(store, row("S2", content={"metres": 9}, valid_until="2026-12-31"))
    load(store, row("L1"), kind="ladder")

    listed = store.rows("register_entries", kind="shelf", after="S1", limit=1)

    assert listed == [
        {
            "kind": "shelf",
            "code": "S2",
            "content": {"metres": 9},
            "valid_from": "2026-01-01",
            "valid_until": "2026-12-31",
            "suspended": False,
        }
    ]
    assert store.rows("register_entries", kind="ladder", after="", limit=5) == []
