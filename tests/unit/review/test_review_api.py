"""The HTTP api of review: what a pharmacist sees, and what becomes of a request."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from contracts.events.review import CasePassed
from contracts.roles import Role
from services.review.api import router
from tests.support.http_caller import Caller
from tests.unit.review.conftest import HOSPITAL, LI, REASON, SUN, Hospital, line


class Desk:
    """One pharmacist's requests."""

    def __init__(self, caller: Caller, person: str, organisation: str = HOSPITAL, role: Role = Role.REVIEWER) -> None:
        self._caller = caller
        self._token = caller.token(person, role, organisation=organisation)

    def __call__(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        return self._caller(self._token, method, path, **arguments)


@pytest.fixture
def caller(hospital: Hospital, tmp_path: Path) -> Caller:
    return Caller(hospital.store, router, tmp_path)


@pytest.fixture
def sun(caller: Caller) -> Desk:
    return Desk(caller, SUN)


def jose(body: str) -> dict[str, Any]:
    return {"content": body, "headers": {"Content-Type": "application/jose"}}


def test_the_queue_shows_the_most_severe_first_and_then_the_oldest(hospital: Hospital, sun: Desk) -> None:
    clean = hospital.issue()
    later_clean = hospital.issue()
    serious = hospital.issue(lines=[line(days=14)])
    told = hospital.issue(lines=[line(days=14)], long_supply_reason=REASON)
    hospital.store.time = hospital.store.time.replace(hour=2)
    newest_serious = hospital.issue(lines=[line(days=14)])

    items = sun("GET", "/cases").json()["items"]

    order = [item["case_id"] for item in items]
    assert order[:3] == [str(serious), str(newest_serious), str(told)]
    assert set(order[3:]) == {str(clean), str(later_clean)}
    assert [item["severity"] for item in items] == ["serious", "serious", "info", None, None]
    assert items[0]["state"] == "queued"


def test_the_queue_comes_in_pages_without_gap_or_repeat(hospital: Hospital, sun: Desk) -> None:
    cases = {str(hospital.issue(lines=[line(days=7 + number % 2 * 7)])) for number in range(7)}

    seen: list[str] = []
    cursor = None
    while True:
        page = sun("GET", "/cases", params={"limit": 3} | ({"cursor": cursor} if cursor else {})).json()
        seen += [item["case_id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert len(seen) == 7
    assert set(seen) == cases


def test_the_queue_is_the_own_institutions(hospital: Hospital, caller: Caller) -> None:
    hospital.issue()

    assert Desk(caller, "HY330106000001", "H33010600001")("GET", "/cases").json()["items"] == []


def test_a_taken_case_shows_its_holder_and_a_decided_one_leaves_the_queue(hospital: Hospital, sun: Desk) -> None:
    case = hospital.issue()

    taken = sun("POST", f"/cases/{case}/take")
    (item,) = sun("GET", "/cases").json()["items"]
    sun("POST", f"/cases/{case}/put-back")
    (again,) = sun("GET", "/cases").json()["items"]
    sun("POST", f"/cases/{case}/take")
    passed = sun("POST", f"/cases/{case}/pass", **jose(hospital.signed(case)))

    assert taken.json()["state"] == "taken"
    assert (item["state"], item["holder"]) == ("taken", SUN)
    assert item["lease_until"].startswith("2026-03-02T01:30:00")
    assert (again["state"], again["holder"]) == ("queued", None)
    assert passed.json()["state"] == "passed"
    assert sun("GET", "/cases").json()["items"] == []
    assert len(hospital.store.told_of(CasePassed)) == 1


def test_a_reviewer_sees_lines_facts_and_findings_of_a_case(hospital: Hospital, sun: Desk) -> None:
    case = hospital.issue(lines=[line(days=14)])

    answer = sun("GET", f"/cases/{case}")

    body = answer.json()
    assert body["clinical"]["patient"]["allergies"] == ["青霉素"]
    assert body["lines"][0]["days"] == 14
    assert body["findings"][0]["severity"] == "serious"
    assert body["state"] == "queued"
    assert answer.headers["ETag"] == '"2"'


def test_a_decided_case_can_still_be_read_with_its_words(hospital: Hospital, sun: Desk) -> None:
    case = hospital.issue()
    sun("POST", f"/cases/{case}/take")
    body = {"findings": [{"code": "2-5", "lines": [1]}], "comment": "请核对剂量"}

    assert sun("POST", f"/cases/{case}/return", json=body).status_code == 200

    shown = sun("GET", f"/cases/{case}").json()
    assert (shown["state"], shown["codes"], shown["words"]) == ("returned", ["2-5"], "请核对剂量")


def test_a_case_can_be_refused(hospital: Hospital, sun: Desk) -> None:
    case = hospital.issue()
    sun("POST", f"/cases/{case}/take")

    answer = sun("POST", f"/cases/{case}/refuse", json={"codes": ["3-1"], "reason": "诊断不支持用药"})

    assert answer.json()["state"] == "refused"


def test_unknown_and_foreign_cases_are_refused(hospital: Hospital, caller: Caller, sun: Desk) -> None:
    case = hospital.issue()
    foreign = Desk(caller, "HY330106000001", "H33010600001")("GET", f"/cases/{case}")

    assert foreign.status_code == 403
    assert foreign.json()["code"] == "case.not_yours"
    assert sun("GET", f"/cases/{uuid4()}").json()["code"] == "case.unknown"
    assert sun("POST", f"/cases/{uuid4()}/take").status_code == 404


def test_another_role_has_no_access(hospital: Hospital, caller: Caller) -> None:
    prescriber = Desk(caller, "D1", role=Role.PRESCRIBER)

    assert prescriber("GET", "/cases").json()["code"] == "identity.forbidden"
    assert prescriber("POST", f"/cases/{hospital.issue()}/take").status_code == 403


def test_a_pass_must_be_signed_by_the_holder(hospital: Hospital, caller: Caller, sun: Desk) -> None:
    case = hospital.issue()
    sun("POST", f"/cases/{case}/take")

    by_li = Desk(caller, LI)("POST", f"/cases/{case}/pass", **jose(hospital.signed(case, person=LI)))
    as_json = sun("POST", f"/cases/{case}/pass", json={"case_id": str(case)})
    stolen = sun("POST", f"/cases/{case}/pass", **jose(hospital.signed(case, person=LI)))

    assert by_li.json()["code"] == "case.taken_by_another"
    assert as_json.json()["code"] == "request.media_type"
    assert stolen.json()["code"] == "signature.unknown_key"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"findings": [], "comment": "x"},
        {"findings": [{"code": "2-5"}], "comment": ""},
        {"findings": [{"code": "2-5"}], "comment": "x" * 2001},
        {"findings": [{"code": "2-5"}], "comment": "x", "more": 1},
    ],
)
def test_a_body_of_the_wrong_form_is_invalid(hospital: Hospital, sun: Desk, body: dict[str, Any]) -> None:
    case = hospital.issue()
    sun("POST", f"/cases/{case}/take")

    answer = sun("POST", f"/cases/{case}/return", json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid")


def test_the_document_describes_every_route(caller: Caller) -> None:
    paths = caller.app.openapi()["paths"]

    assert {path for path in paths if path.startswith("/cases")} == {
        "/cases",
        "/cases/{id}",
        "/cases/{id}/take",
        "/cases/{id}/take-over",
        "/cases/pass-batch",
        "/cases/{id}/put-back",
        "/cases/{id}/pass",
        "/cases/{id}/return",
        "/cases/{id}/refuse",
    }
