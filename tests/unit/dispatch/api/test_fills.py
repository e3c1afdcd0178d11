"""Many fills in one request: each row for itself, with the rights and rules of the single command."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.dispatch.api.fills import ROWS_MAX
from tests.unit.dispatch.api.test_dispatch_api import Desk, Street, code_of
from tests.unit.dispatch.town import SYRUP, Town


@pytest.fixture
def street(town: Town, tmp_path: Path) -> Street:
    return Street(town, tmp_path)


def accepted(street: Street, quantity: int = 40) -> dict[str, Any]:
    """A reviewed hold, as a row needs it."""
    fulfilment = street.town.release(quantity)
    held = street.hold(fulfilment, quantity).json()
    path = f"/fulfilments/{fulfilment}/holds/{held['hold_id']}/review"
    assert street.pharmacist.post(path, secret=held["secret"]).status_code == 200
    return {"fulfilment_id": str(fulfilment), "hold_id": held["hold_id"], "secret": held["secret"]}


def prepare(street: Street, hold: dict[str, Any], key: str, **changes: Any) -> dict[str, Any]:
    pick = street.town.pick(**{"quantity": 40, **changes}).model_dump(mode="json")
    return {"row_key": key, "step": "prepare", **hold, "lines": [pick]}


def check(hold: dict[str, Any], supply_id: str, key: str) -> dict[str, Any]:
    about = {"fulfilment_id": hold["fulfilment_id"], "supply_id": supply_id, "secret": hold["secret"]}
    return {"row_key": key, "step": "check", **about}


def sent(desk: Desk, *rows: dict[str, Any]) -> dict[str, Any]:
    response = desk.post("/fills", rows=list(rows))
    assert response.status_code == 200, response.text
    report: dict[str, Any] = response.json()
    assert [row["row_key"] for row in report["rows"]] == [row.get("row_key", "") for row in rows]
    return report


def status(street: Street, hold: dict[str, Any], supply_id: str) -> str:
    return street.town.state(UUID(hold["fulfilment_id"])).supplies[UUID(supply_id)].status


def test_rows_are_prepared_and_then_checked_by_another_person(street: Street) -> None:
    holds = [accepted(street), accepted(street)]
    report = sent(street.preparer, *(prepare(street, hold, f"prepare-{n}") for n, hold in enumerate(holds)))
    assert (report["done"], report["refused"], report["undecided"]) == (2, 0, 0)
    supplies = [row["body"]["supply_id"] for row in report["rows"]]
    assert [row["body"]["status"] for row in report["rows"]] == ["prepared", "prepared"]

    rows = [check(hold, supply, f"check-it-{supply}") for hold, supply in zip(holds, supplies, strict=True)]
    report = sent(street.checker, *rows)

    assert report["done"] == 2
    assert [status(street, hold, supply) for hold, supply in zip(holds, supplies, strict=True)] == ["dispensed"] * 2
    assert "secret" not in str(report)


def test_a_row_that_breaks_a_rule_holds_up_no_other(street: Street) -> None:
    good, other, third = accepted(street), accepted(street), accepted(street)
    elsewhere = {**accepted(street), "secret": "guessed"}
    dear = prepare(street, other, "wrong-product", product=SYRUP, lot="S1")
    report = sent(
        street.preparer,
        prepare(street, elsewhere, "wrong-secret"),
        dear,
        {"row_key": "no-lines", "step": "prepare", **third, "lines": []},
        {"row_key": "no-step-at-all", **third},
        {"step": "prepare", **third},
        check(third, str(uuid4()), "not-a-checker"),
        prepare(street, good, "good-row-1"),
        {**prepare(street, third, "unknown-hold"), "hold_id": str(uuid4())},
    )

    assert [row.get("problem") for row in report["rows"]] == [
        "hold.wrong_secret",
        "supply.other_product",
        "request.invalid",
        "request.invalid",
        "request.invalid",
        "identity.forbidden",
        None,
        "hold.wrong_secret",
    ]
    assert (report["done"], report["refused"]) == (1, 7)
    assert report["rows"][2]["facts"]["errors"][0]["at"] == "prepare.lines"
    assert third["secret"] not in str(report["rows"])
    assert not street.town.state(UUID(third["fulfilment_id"])).supplies


def test_the_same_packs_twice_in_a_request_are_refused_the_second_time(street: Street) -> None:
    first, second = accepted(street), accepted(street)
    row = prepare(street, first, "first-packs")
    again = {**row, **second, "row_key": "again-these-packs"}

    report = sent(street.preparer, row, again)

    assert [each.get("problem") for each in report["rows"]] == [None, "trace_code.not_free"]


def test_who_prepared_it_does_not_check_it_in_bulk_either(street: Street) -> None:
    hold = accepted(street)
    supply = sent(street.pharmacist, prepare(street, hold, "prepared-1"))["rows"][0]["body"]["supply_id"]

    report = sent(street.pharmacist, check(hold, supply, "checked-1"))

    assert report["rows"][0]["problem"] == "supply.checker_is_preparer"
    assert status(street, hold, supply) == "prepared"


def test_a_repeated_trace_code_is_refused_and_told_from_here_too(street: Street) -> None:
    sold = accepted(street)
    row = prepare(street, sold, "sold-packs-1")
    supply = sent(street.preparer, row)["rows"][0]["body"]["supply_id"]
    sent(street.checker, check(sold, supply, "check-sold-1"))
    second = accepted(street)

    report = sent(street.preparer, {**row, **second, "row_key": "the-same-codes"})

    assert report["rows"][0]["problem"] == "trace_code.repeated"
    assert any(event.TYPE == "dispatch.trace_code_repeated.v1" for event in street.town.store.told)


@pytest.mark.parametrize("rows", [0, ROWS_MAX + 1])
def test_a_request_carries_some_rows_and_not_too_many(street: Street, rows: int) -> None:
    hold = accepted(street, 20)
    row = {"step": "check", "fulfilment_id": hold["fulfilment_id"], "supply_id": str(uuid4()), "secret": "x"}

    response = street.checker.post("/fills", rows=[{**row, "row_key": f"row-number-{n}"} for n in range(rows)])

    assert code_of(response) == "import.size"


def test_it_is_for_those_who_fill(street: Street) -> None:
    assert code_of(street.courier.post("/fills", rows=[{}])) == "identity.forbidden"
    assert code_of(street.patient.post("/fills", rows=[{}])) == "identity.forbidden"
