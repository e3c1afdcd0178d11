"""The HTTP api of shortage: hints for those who prescribe and dispense, cases for authorities."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from contracts.roles import Role
from services.shortage.api import router
from tests.support.http_caller import Caller
from tests.unit.shortage.conftest import DRUG, HOUR, NINGBO, OTHER_DRUG, XIAN, Region


class Desks:
    """Requests of a prescriber, of authorities and of a patient."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self.app = caller.app
        self._tokens = {
            "prescriber": caller.token("D1", Role.PRESCRIBER, organisation="H1"),
            "zhejiang": caller.token("R33", Role.REGULATOR, region="330000"),
            "hangzhou": caller.token("R3301", Role.REGULATOR, region="330100"),
            "shaanxi": caller.token("R61", Role.REGULATOR, region="610000"),
            "nation": caller.token("R0", Role.REGULATOR, region="000000"),
            "patient": caller.token("p", Role.PATIENT),
            "maker": caller.token("m", Role.MAKER, organisation="M1"),
        }

    def get(self, who: str, path: str, **query: str) -> Any:
        return self._caller(self._tokens[who], "GET", path, params=query)

    def post(self, who: str, path: str, body: Any) -> Any:
        return self._caller(self._tokens[who], "POST", path, json=body)

    def states(self, who: str, **query: str) -> list[str]:
        return [item["state"] for item in self.get(who, "/shortages", **query).json()["items"]]


@pytest.fixture
def desks(region: Region, tmp_path: Path) -> Desks:
    return Desks(Caller(region.store, router, tmp_path))


def test_a_suspicion_is_shown_to_the_authorities_of_its_region_only(region: Region, desks: Desks) -> None:
    region.unfilled("P1")
    region.unfilled("P2")

    assert desks.states("zhejiang") == ["suspected"]
    assert desks.states("nation") == ["suspected"]
    assert desks.states("zhejiang", region="330102") == ["suspected"]
    assert desks.states("prescriber") == []
    assert desks.states("shaanxi") == []
    assert desks.states("shaanxi", region="330102") == []
    assert desks.states("hangzhou", region="330000") == []
    assert desks.states("hangzhou") == []
    assert desks.states("hangzhou", region="330102") == []
    assert desks.get("prescriber", f"/shortages/{region.id()}").json()["code"] == "shortage.unknown"
    assert desks.get("zhejiang", f"/shortages/{region.id()}").json()["state"] == "suspected"


def test_a_confirmed_case_is_a_hint_to_prescribers_without_its_evidence(region: Region, desks: Desks) -> None:
    for pharmacy in ("P1", "P2", "P3"):
        region.unfilled(pharmacy)

    (hint,) = desks.get("prescriber", "/shortages", region="330102", drug_key=DRUG).json()["items"]
    one = desks.get("prescriber", f"/shortages/{region.id()}").json()

    assert hint == one | {"confirmed_at": hint["confirmed_at"]}
    assert set(hint) == {"case_id", "drug_key", "region", "state", "grade", "confirmed_at"}
    assert hint["grade"] == "III"
    assert desks.states("prescriber", region=XIAN) == []
    assert desks.states("prescriber", drug_key="阿司匹林|片剂|100mg") == []
    assert desks.get("shaanxi", f"/shortages/{region.id()}").json().keys() == hint.keys()
    (below,) = desks.get("hangzhou", "/shortages").json()["items"]
    assert below.keys() == desks.get("hangzhou", f"/shortages/{region.id()}").json().keys() == hint.keys()
    (whole,) = desks.get("zhejiang", "/shortages").json()["items"]
    assert (whole["pharmacies"], whole["demands"]) == (3, 1)


def test_an_authority_confirms_or_dismisses_with_a_reason(region: Region, desks: Desks) -> None:
    for drug in (DRUG, OTHER_DRUG):
        region.unfilled("P1", drug=drug)
        region.unfilled("P2", drug=drug)
    first, second = [item["case_id"] for item in desks.get("zhejiang", "/shortages").json()["items"]]

    confirmed = desks.post("zhejiang", f"/shortages/{first}/confirm", {"reason": "多家药店报告"})
    dismissed = desks.post("zhejiang", f"/shortages/{second}/dismiss", {"reason": "到货在途"})

    assert confirmed.json()["state"] == "confirmed"
    assert dismissed.json()["state"] == "dismissed"
    assert desks.states("zhejiang") == ["confirmed"]
    ended = desks.get("zhejiang", f"/shortages/{second}").json()
    assert ended["ended"]["reason"] == "到货在途"
    assert desks.post("shaanxi", f"/shortages/{first}/dismiss", {"reason": "x"}).status_code == 403
    assert desks.post("zhejiang", f"/shortages/{first}/dismiss", {"reason": ""}).status_code == 422
    assert desks.post("prescriber", f"/shortages/{first}/confirm", {"reason": "x"}).status_code == 403
    assert desks.post("zhejiang", f"/shortages/{uuid4()}/confirm", {"reason": "x"}).status_code == 404


def test_more_evidence_shows_in_the_list(region: Region, desks: Desks) -> None:
    region.unfilled("P1")
    region.unfilled("P2")
    region.unfilled("P2", demand="line-2")

    (item,) = desks.get("zhejiang", "/shortages").json()["items"]

    assert (item["pharmacies"], item["demands"]) == (2, 2)


def test_the_list_comes_in_pages_newest_first(region: Region, desks: Desks) -> None:
    for number in range(5):
        region.unfilled("P1", drug=f"药品{number}")
        region.unfilled("P2", drug=f"药品{number}")
        region.store.time += HOUR * (number % 2)

    seen: list[str] = []
    cursor = None
    while True:
        page = desks.get("zhejiang", "/shortages", limit="2", **({"cursor": cursor} if cursor else {})).json()
        seen += [item["drug_key"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert seen[0] == "药品4"
    assert sorted(seen) == [f"药品{number}" for number in range(5)]


def test_other_roles_and_bad_queries_are_refused(desks: Desks) -> None:
    assert desks.get("patient", "/shortages").json()["code"] == "identity.forbidden"
    assert desks.get("prescriber", "/shortages", region="33").json()["code"] == "request.invalid"


def test_the_document_describes_every_route(desks: Desks) -> None:
    paths = desks.app.openapi()["paths"]

    assert {path for path in paths if path.startswith("/shortages")} == {
        "/shortages",
        "/shortages/{id}",
        "/shortages/{id}/confirm",
        "/shortages/{id}/dismiss",
        "/shortages/{id}/acknowledge",
        "/shortages/{id}/tasks",
        "/shortages/{id}/tasks/{number}/complete",
        "/shortages/{id}/protocols",
        "/shortages/{id}/allocations",
        "/shortages/{id}/transfers",
        "/shortages/{id}/reserves",
        "/shortages/{id}/responses",
    }
    assert {"/stop-notices", "/stop-notices/{id}/end", "/shortage-reports"} <= paths.keys()


def test_an_authority_sees_a_case_whole_and_works_on_it(region: Region, desks: Desks) -> None:
    for pharmacy in ("P1", "P2", "P3"):
        region.unfilled(pharmacy)
    path = f"/shortages/{region.id()}"
    due_at = (region.store.time + 5 * HOUR).isoformat()
    task = {"kind": "distributors", "owner_level": "city", "due_at": due_at}

    assert desks.post("zhejiang", f"{path}/acknowledge", {"reason": "已知悉"}).status_code == 200
    assert desks.post("zhejiang", f"{path}/tasks", task).status_code == 200
    whole = desks.get("zhejiang", path).json()
    number = next(each["number"] for each in whole["tasks"] if each["owner_level"] == "city" and each["due_at"])
    assert desks.post("zhejiang", f"{path}/tasks/{number}/complete", {"reason": "完成"}).status_code == 200

    assert whole["acknowledged"]
    assert whole["sources"] == ["unfilled"]
    assert whole["events"], "the very events it rests on"
    assert number not in {each["number"] for each in desks.get("zhejiang", path).json()["tasks"]}
    assert desks.post("zhejiang", f"{path}/tasks/0/complete", {"reason": "完成"}).json()["code"] == "request.invalid"


def test_a_stop_notice_and_a_report_are_taken_from_an_authority(region: Region, desks: Desks) -> None:
    stop = {
        "reference": "N-1",
        "maker": "M1",
        "drug_key": DRUG,
        "stops_on": "2026-10-01",
        "planned": True,
        "sole_supplier": True,
        "reason": "原料药停产",
    }
    told = desks.post("nation", "/stop-notices", stop)
    report = {
        "source": "direct_report",
        "key": "W-1",
        "reporter": "H9",
        "trust": "official",
        "drug_key": DRUG,
        "region": "330102",
        "status": 3,
        "occurred_at": region.store.time.isoformat(),
    }

    assert told.status_code == 201
    (case,) = desks.get("nation", "/shortages").json()["items"]
    assert (case["region"], case["grade"]) == ("", "II")
    notice = told.json()["notice_id"]
    assert (
        desks.post("nation", f"/stop-notices/{notice}/end", {"how": "withdrawn", "reason": "复产"}).status_code == 200
    )
    assert desks.get("nation", "/shortages").json()["items"] == []
    assert desks.post("zhejiang", "/shortage-reports", report).json() == {"taken": "new"}
    assert desks.states("zhejiang") == ["suspected"]
    assert desks.post("zhejiang", "/shortage-reports", report | {"on_hand": -1}).json()["code"] == "request.invalid"
    assert desks.post("prescriber", "/shortage-reports", report).status_code == 403


def test_a_grade_that_rises_shows_in_the_list(region: Region, desks: Desks) -> None:
    for pharmacy in ("P1", "P2", "P3"):
        region.unfilled(pharmacy)
    region.unfilled("P4", NINGBO, demand="line-4")

    (item,) = desks.get("zhejiang", "/shortages").json()["items"]

    assert (item["grade"], item["owner_level"]) == ("II", "province")


REPORTED = {"key": "W-1", "drug_key": DRUG, "region": "330102", "status": 3, "occurred_at": "2026-03-02T00:00:00Z"}
FDA = {
    "package_ndc": "1",
    "generic_name": "Cefixime Capsule",
    "strength": ["100 mg"],
    "status": "Current",
    "update_date": "20260220",
}
CANADIAN = {
    "id": 1,
    "en_ingredients": "CEFIXIME",
    "drug_strength": "100MG",
    "status": "active_confirmed",
    "created_date": "2026-02-20",
}
STOP = {"reference": "N-1", "maker": "M1", "drug_key": DRUG, "stops_on": "2026-10-01", "reason": "停产"}
PRICE = {"key": "p", "drug_key": DRUG, "price_before": 100, "price": 200, "occurred_at": "2026-03-02T00:00:00Z"}
MAPPED = {"columns": {"key": "no", "drug_key": "drug", "occurred_at": "on"}, "constants": {"region": "33"}}


@pytest.mark.parametrize(
    ("path", "row", "mapping"),
    [
        ("direct-reports", REPORTED, None),
        ("price-jumps", PRICE, None),
        ("stop-notices", STOP, None),
        ("registers/openfda", FDA, {}),
        ("registers/drug-shortages-canada", CANADIAN, {}),
        ("registers/generic", {"no": "1", "drug": DRUG, "on": "2026-02-20"}, MAPPED),
    ],
)
def test_every_source_comes_in_bulk_row_by_row(
    desks: Desks, path: str, row: dict[str, Any], mapping: dict[str, Any] | None
) -> None:
    body = {"rows": [row, {}], "reporter": "R", **({} if mapping is None else {"mapping": mapping})}

    told = desks.post("nation", f"/imports/{path}", body).json()

    assert (told["recorded"], told["unchanged"], told["refused"]) == (1, 0, 1)
    assert desks.post("nation", f"/imports/{path}", body).json()["unchanged"] == 1
    assert desks.post("nation", f"/imports/{path}", {**body, "rows": []}).json()["code"] == "import.size"
    assert desks.post("patient", f"/imports/{path}", body).status_code == 403


def test_a_maker_reports_of_its_own_only(region: Region, desks: Desks) -> None:
    row = {**REPORTED, "reporter": "M1"}
    told = {**row, "source": "direct_report", "trust": "own"}
    stop = {**STOP, "planned": True, "sole_supplier": False}

    assert desks.post("maker", "/imports/direct-reports", {"rows": [row, {**row, "reporter": "M2"}]}).json()[
        "rows"
    ] == [{"key": "W-1", "result": "recorded"}, {"key": "W-1", "result": "refused", "errors": ["report.not_yours"]}]
    assert desks.post("maker", "/shortage-reports", told).json() == {"taken": "known"}
    notice = desks.post("maker", "/stop-notices", stop).json()["notice_id"]
    others = desks.post("nation", "/stop-notices", {**stop, "maker": "M2"}).json()["notice_id"]
    end = {"how": "withdrawn", "reason": "复产"}
    assert desks.post("maker", f"/stop-notices/{notice}/end", end).status_code == 200
    for path, body in (
        ("/imports/direct-reports", {"rows": [row], "reporter": "M2"}),
        ("/imports/registers/openfda", {"rows": [FDA]}),
        ("/shortage-reports", {**told, "reporter": "M2"}),
        ("/stop-notices", {**stop, "maker": "M2"}),
        (f"/stop-notices/{others}/end", end),
    ):
        assert desks.post("maker", path, body).json()["code"] == "report.not_yours"


def test_alerts_about_reporters_are_shown_to_the_authorities_of_their_region(region: Region, desks: Desks) -> None:
    region.unfilled("P1", on_hand=40)

    (alert,) = desks.get("zhejiang", "/reporter-alerts").json()["items"]
    assert (alert["reporter"], alert["kind"], alert["since"]) == ("P1", "contradictory", "2026-03-02")
    assert desks.get("shaanxi", "/reporter-alerts").json()["items"] == []
    assert desks.get("prescriber", "/reporter-alerts").status_code == 403
