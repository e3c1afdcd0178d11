"""Reports as of any past instant: the same bytes for ever, also after late commits and a rebuild; files for people."""

from __future__ import annotations

import base64
import csv
import io
import zipfile
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest
from pypdf import PdfReader

from contracts.roles import Role
from services.seedwork.calendar import civil_day
from services.shortage.adapters.report_files import harmless
from services.shortage.api import router
from services.shortage.application import reports
from services.shortage.domain import report_formulas
from services.shortage.domain.events import CaseSuspected
from services.shortage.domain.report import Facts, Question, build, rate
from services.shortage.domain.report_formulas import Formula
from services.shortage.domain.report_issue import REPORT_ISSUE
from tests.support.http_caller import Caller
from tests.support.store_in_memory import StoreInMemory
from tests.unit.shortage.conftest import DRUG
from tests.unit.shortage.responses import DAY, Shortage

MINUTE = timedelta(minutes=1)


class Desk:
    """Authorities that ask for reports, and somebody who follows changes."""

    def __init__(self, world: Shortage, tmp_path: Path) -> None:
        self.world = world
        self._caller = Caller(world.store, router, tmp_path)
        token = self._caller.token
        self._tokens = {
            "zhejiang": token("R33", Role.REGULATOR, region="330000"),
            "nation": token("R0", Role.REGULATOR, region="000000"),
            "shaanxi": token("R61", Role.REGULATOR, region="610000"),
            "prescriber": token("D1", Role.PRESCRIBER, organisation="H1"),
        }

    def get(self, who: str, path: str, **query: Any) -> Any:
        return self._caller(self._tokens[who], "GET", path, params=query)

    def seal(self) -> None:
        """What has happened is sealed now; an instant before knows nothing of it."""
        self.world.store.rows("case_changes", after=0, limit=1)

    def report(self, kind: str = "weekly", **query: Any) -> Any:
        return self.get("zhejiang", "/shortage-reports", kind=kind, region="330000", **query)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    world = Shortage()
    world.pharmacy("P1")
    world.pharmacy("P9", chain="=cmd|x")
    world.order(100, 50)
    world.shelf("P9", 30, dispensed=12)
    world.confirmed()
    found = Desk(world, tmp_path)
    found.seal()
    return found


def test_an_instant_has_the_same_bytes_for_ever(desk: Desk) -> None:
    store = desk.world.store
    instant = store.time.isoformat()
    store.time += MINUTE
    first = desk.report(as_of=instant)
    assert first.status_code == 200, first.text

    # when: more happens, and what was recorded before is sealed late
    store.lists_lag = True
    desk.world.order(100, 100)
    store.time += DAY
    store.lists_lag = False
    desk.world.unfilled("P7", "330203", demand="x")
    store.rebuild()
    again = desk.report(as_of=instant)
    in_chinese_time = desk.report(as_of=store.time.replace(year=2026).isoformat())

    # then
    assert again.content == first.content
    assert again.headers["etag"] == first.headers["etag"]
    assert in_chinese_time.json()["code"] == "report.too_recent"
    # and not only because the first issue is kept: made anew it is the same
    without_first_issues(store)
    assert desk.report(as_of=instant).content == first.content
    later = desk.report(as_of=(store.time - MINUTE).isoformat()).json()
    assert later["log_index"] >= first.json()["log_index"]


def without_first_issues(store: StoreInMemory) -> None:
    """Whatever is asked for now is made anew."""
    for ref in [ref for ref in store.refs.values() if ref.aggregate is REPORT_ISSUE]:
        store.streams.pop(ref.stream_id, None)


def test_an_instant_has_the_same_bytes_after_an_upgrade_that_counts_otherwise(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = desk.world.store
    instant = store.time.isoformat()
    store.time += MINUTE
    before = desk.report(as_of=instant)

    def counted_otherwise(question: Question, facts: Facts) -> dict[str, Any]:
        return {**build(question, facts), "figures": []}

    tomorrow = civil_day(store.time + DAY)
    newer = Formula("report-9", tomorrow, counted_otherwise)
    monkeypatch.setattr(report_formulas, "FORMULAS", (*report_formulas.FORMULAS, newer))
    without_first_issues(store)
    store.time += 2 * DAY
    desk.seal()

    assert desk.report(as_of=instant).content == before.content
    after = desk.report(as_of=(store.time - MINUTE).isoformat())
    assert (after.json()["algorithm"], after.json()["figures"]) == ("report-9", [])
    issued = [store.state(ref).issued for ref in store.refs.values() if ref.aggregate is REPORT_ISSUE]
    assert {each.algorithm for each in issued} == {"report-1", "report-9"}
    assert report_formulas.formula_on(tomorrow - DAY).version == "report-1"


def test_an_instant_has_the_same_bytes_after_an_upgrade_that_stores_otherwise(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The history keeps events as the release that wrote them had them; a later one brings them into its own form."""
    store = desk.world.store
    instant = store.time.isoformat()
    store.time += MINUTE
    before = desk.report(as_of=instant)

    def upcast_v1_v2(state: dict[str, Any]) -> None:
        state["suspected_at"] = state.pop("begun_at")

    monkeypatch.setattr(CaseSuspected, "class_version", 2)
    monkeypatch.setattr(CaseSuspected, "upcast_v1_v2", staticmethod(upcast_v1_v2), raising=False)
    found = store.rows

    def as_the_older_release_wrote(query: str, **about: Any) -> Any:
        rows = found(query, **about)
        return [older(row) for row in rows] if query == "cases_at" else rows

    def older(row: dict[str, Any]) -> dict[str, Any]:
        if row["topic"] != CaseSuspected.TOPIC:
            return row
        fields = dict(row["state"])
        return {**row, "state": {**fields, "begun_at": fields.pop("suspected_at")}}

    without_first_issues(store)
    with monkeypatch.context() as old_rows:
        old_rows.setattr(store, "rows", as_the_older_release_wrote)
        assert desk.report(as_of=instant).content == before.content
    without_first_issues(store)
    store.rebuild()  # by this release: its own form, told as such
    assert desk.report(as_of=instant).content == before.content


def test_what_stands_in_a_report(desk: Desk) -> None:
    desk.world.store.time += MINUTE
    content = desk.report().json()
    assert (content["region"], content["policy"], content["algorithm"]) == ("33", "cn-2020-07", "report-1")
    figures = {row["name"]: row for row in content["figures"]}
    assert figures["confirmed_grade_II"]["value"] == 1
    assert figures["new_in_period"]["value"] == 1
    assert figures["order_fill_percent"]["inputs"] == {"filled": 50, "wanted": 100}
    assert figures["order_fill_percent"]["value"] == "50.00"
    assert all(row["formula"] and row["inputs"] for row in content["figures"])
    (drug,) = content["drugs"]
    assert (drug["drug_key"], drug["dispensed"], drug["unfilled"]) == (DRUG, 12, 36)
    assert drug["demand_fill_percent"] == "25.00"
    (case,) = content["cases"]
    assert (case["state"], case["grade"], case["pharmacies"]) == ("confirmed", "II", 3)
    assert content["completeness"]["inputs"] == {"told": 4, "expected": 2}
    assert content["freshness"]["newest_fact_recorded_at"] == "2026-03-02T01:00:00+00:00"
    assert "drugs" not in desk.report("cases").json()
    assert "cases" not in desk.report("dashboard").json()


def test_nothing_wanted_is_unknown_and_no_rate() -> None:
    assert [rate(*counts) for counts in ((0, 0), (0, 5), (1, 3), (2, 3), (5, 5))] == [
        None,
        "0.00",
        "33.33",
        "66.67",
        "100.00",
    ]


def test_a_week_is_as_it_was_known_at_its_end(desk: Desk) -> None:
    assert desk.report(week="2026-W10").json()["code"] == "report.too_recent"
    assert desk.report(week="2026-W60").json()["code"] == "report.days"
    for _ in range(8):
        desk.world.store.move_clock(DAY)
        desk.seal()
    content = desk.report(week="2026-W10").json()
    assert (content["first"], content["last"]) == ("2026-03-02", "2026-03-08")
    assert content["as_of"] == "2026-03-08T16:00:00+00:00"
    before = desk.report(week="2026-W09", as_of="2026-03-08T16:00:00Z").json()
    assert before["drugs"] == []
    # what has ended before the days asked for is in no report of them
    for _ in range(8):
        desk.world.store.move_clock(3 * DAY)
    desk.seal()
    desk.world.store.time += 30 * DAY
    assert desk.report().json()["cases"] == []


def test_reports_are_of_the_own_region_and_wait_for_their_rows(desk: Desk) -> None:
    desk.world.store.time += MINUTE
    foreign = desk.get("shaanxi", "/shortage-reports", region="330000")
    assert foreign.json()["code"] == "shortage.not_your_region"
    assert desk.get("prescriber", "/shortage-reports", region="330000").status_code == 403
    ahead = (desk.world.store.time + DAY).isoformat()
    assert desk.report(as_of=ahead).json()["code"] == "report.too_recent"


def test_a_report_as_csv_xlsx_and_pdf_in_two_languages(desk: Desk) -> None:
    desk.world.store.time += MINUTE
    content = desk.report()
    signed = content.headers["x-report-signature"].split(".")[1]
    payload = orjson.loads(base64.urlsafe_b64decode(signed + "=" * (-len(signed) % 4)))
    assert payload["sha256"] == content.headers["etag"].strip('"') == sha256(content.content).hexdigest()

    table = desk.report(format="csv", language="en")
    rows = list(csv.reader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert ["Order fill rate %", "50.00"] in [row[:2] for row in rows]
    assert [content.headers["etag"].strip('"')] == [row[1] for row in rows if row and row[0] == "Digest of the JSON"]
    book = zipfile.ZipFile(io.BytesIO(desk.report(format="xlsx").content))
    assert {"xl/worksheets/sheet1.xml", "xl/worksheets/sheet4.xml"} <= set(book.namelist())
    assert "药品短缺监测周报" in book.read("xl/sharedStrings.xml").decode()
    for language, title in (("zh", "药品短缺监测周报"), ("en", "Weekly report")):
        paper = desk.report(format="pdf", language=language)
        assert paper.headers["content-type"] == "application/pdf"
        text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(paper.content)).pages)
        assert title in text
    assert [harmless(cell) for cell in ("=1+1", "＝1+1", "\n=1")] == ["'=1+1", "'＝1+1", "'\n=1"]


def test_a_file_speaks_its_language_throughout_and_what_there_is_not_is_no_formula(desk: Desk) -> None:
    desk.world.store.time += MINUTE
    told = {
        language: list(
            csv.reader(io.StringIO(desk.report(format="csv", language=language).content.decode("utf-8-sig")))
        )
        for language in ("zh", "en")
    }

    assert ["已确认案例 II级", "1", "案例数", "案例: 1"] in told["zh"]
    assert ["Confirmed cases of grade II", "1", "count of cases", "Cases: 1"] in told["en"]
    (case,) = [row for row in told["zh"] if row and row[0] == "头孢克肟|胶囊剂|100mg" and len(row) > 8]
    assert case[2:5] == ["已确认", "II", "省级"]
    assert case[-1] == "—", "it has not ended"
    assert not [cell for row in told["zh"] for cell in row if cell.startswith("'")]


def test_changes_are_followed_in_order(desk: Desk) -> None:
    store = desk.world.store
    seen = desk.get("prescriber", "/shortage-changes").json()
    assert [(row["change"], row["state"]) for row in seen["items"]] == [("new", "confirmed")]
    own = desk.get("zhejiang", "/shortage-changes").json()
    assert [row["change"] for row in own["items"]] == ["new", "new"]
    assert [row["state"] for row in own["items"]] == ["suspected", "confirmed"]
    after = seen["next"]
    assert desk.get("prescriber", "/shortage-changes", cursor=after).json() == {"items": [], "next": after}

    for _ in range(8):
        store.move_clock(3 * DAY)
    told = desk.get("prescriber", "/shortage-changes", cursor=after).json()
    assert [row["change"] for row in told["items"]] == ["eased", "ended"]
    for pharmacy in ("P1", "P2", "P3"):
        desk.world.unfilled(pharmacy, demand=f"again-{pharmacy}")
    again = desk.get("prescriber", "/shortage-changes", cursor=told["next"]).json()
    assert [row["change"] for row in again["items"]] == ["back_again"]
    assert again["items"][0]["previous_case"] == str(desk.world.id())


def test_the_shape_of_openfda(desk: Desk) -> None:
    desk.world.unfilled("P1", drug="阿司匹林|片剂|100mg")
    desk.world.unfilled("P2", drug="阿司匹林|片剂|100mg")  # suspected only
    document = orjson.loads(desk.get("prescriber", "/drug/shortages.json", limit=5).content)
    assert document["meta"]["results"] == {"skip": 0, "limit": 5, "total": 1}
    beyond = orjson.loads(desk.get("prescriber", "/drug/shortages.json", skip=1).content)
    assert (beyond["results"], beyond["meta"]["results"]["total"]) == ([], 1), "the total is of all, not of these"
    (record,) = document["results"]
    assert (record["generic_name"], record["dosage_form"], record["strength"]) == ("头孢克肟", "胶囊剂", ["100mg"])
    assert (record["status"], record["availability"]) == ("Current", "Limited Availability")
    assert record["initial_posting_date"] == "20260302"
    assert "grade II; region 33" in record["related_info"]
    assert (record["update_type"], record["update_date"]) == ("New", "20260302")


def test_in_the_shape_of_openfda_a_case_that_was_graded_anew_is_revised_on_that_day(desk: Desk) -> None:
    store = desk.world.store
    for _ in range(12):
        if desk.world.case().grade != "II":
            break
        store.move_clock(DAY)
    today = civil_day(store.time).strftime("%Y%m%d")

    document = orjson.loads(desk.get("prescriber", "/drug/shortages.json").content)

    (record,) = document["results"]
    assert (record["initial_posting_date"], record["update_type"], record["update_date"]) == (
        "20260302",
        "Revised",
        today,
    )
    assert document["meta"]["last_updated"] == today > "20260302"
    assert "grade III" in record["related_info"]


def test_a_report_whose_rows_have_not_come_so_far_is_not_made_of_less(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.world.store.time += MINUTE
    instant = desk.world.store.time.isoformat()
    desk.world.store.time += MINUTE
    store, find = desk.world.store, desk.world.store.rows
    behind = {"log_index": 7, "shown": 6}
    monkeypatch.setattr(
        store, "rows", lambda query, **asked: [behind] if query == "sealed_by" else find(query, **asked)
    )
    refused = desk.report(as_of=instant)
    assert (refused.json()["code"], refused.headers["content-type"]) == ("report.not_ready", "application/problem+json")

    behind["shown"] = 7
    assert desk.report(as_of=instant).status_code == 200


@pytest.mark.parametrize(("limit", "query"), [("CASE_ROWS_MAX", "cases_at"), ("DRUGS_MAX", "supply_at")])
def test_a_report_of_more_than_its_rows_is_refused_and_not_cut_off(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, limit: str, query: str
) -> None:
    desk.world.store.time += MINUTE
    rows = desk.world.store.rows
    found: dict[str, int] = {}

    def counting(name: str, **asked: Any) -> list[dict[str, Any]]:
        answer = rows(name, **asked)
        found[name] = len(answer)
        return answer

    monkeypatch.setattr(desk.world.store, "rows", counting)
    desk.report()
    monkeypatch.setattr(reports, limit, found[query])
    desk.world.store.time += MINUTE
    assert desk.report().status_code == 200
    monkeypatch.setattr(reports, limit, found[query] - 1)
    desk.world.store.time += MINUTE  # an instant that nobody has asked for yet
    assert desk.report().json()["code"] == "report.too_large"
