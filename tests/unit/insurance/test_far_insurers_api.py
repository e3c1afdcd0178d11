"""Over HTTP: insurers' rows in bulk, and a credential that is passed on once the request is saved."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.roles import Role
from services.insurance.api import asking
from tests.unit.insurance.far import Far
from tests.unit.insurance.memory import PATIENT, insured_world
from tests.unit.insurance.test_insurance_api import CLAIM, Desk, problem

ROW = {"patient_ref": str(PATIENT), "as_of": "2026-03-01", "valid_from": "2026-01-01"}


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("members", {"insurer": "I310100", "insutype": "390", "psn_type": "居民", "insured_from": "2020-01-01"}),
        ("assistance", {"identity": "低保"}),
        ("filings", {"region": "330100", "kind": "resident"}),
    ],
)
def test_rows_are_taken_over_and_reported_one_by_one(tmp_path: Path, kind: str, row: dict[str, str]) -> None:
    desk = Desk(insured_world(), tmp_path)
    whole = {name: value for name, value in ROW.items() if kind != "members" or name != "valid_from"} | row
    told = desk.admin(f"/imports/{kind}", {"rows": [whole, {**whole, "as_of": "yesterday"}]}).json()
    assert [each["result"] for each in told["rows"]] == ["booked", "refused"]
    assert problem(desk.admin(f"/imports/{kind}", {"rows": []})) == (422, "import.size")
    refused = desk.send("POST", f"/imports/{kind}", Role.INSURANCE_OFFICER, {"rows": [whole]}, organisation="I310100")
    assert problem(refused) == (403, "identity.forbidden")


def test_a_credential_is_passed_on_once_the_request_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far = Far()
    monkeypatch.setattr(asking, "OUTSIDE", far.memory.outside)
    desk = Desk(far.memory, tmp_path)
    far.hear()

    nobody = desk.patient("POST", f"/claims/{CLAIM}/authorise", {"credential": "card-1"}, patient_ref=CLAIM)
    assert (problem(nobody), far.messages) == ((403, "claim.not_yours"), [])
    first = desk.patient("POST", f"/claims/{CLAIM}/authorise", {"credential": "card-1"})

    assert first.json()["state"] == "authorising"
    assert desk.patient("GET", f"/claims/{CLAIM}").json()["state"] == "authorised"
    assert len(far.theirs()) == 1
    again = desk.patient("POST", f"/claims/{CLAIM}/authorise", {"credential": "card-1"})
    assert (problem(again), len(far.theirs())) == ((409, "claim.wrong_state"), 1)
