"""What lists say of drugs: loaded by date, row by row, obeyed when a case is graded, shown in reports."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.roles import Role
from contracts.supply_reports import LISTS, ROWS_PER_REQUEST_MAX, ListedRow
from rxflow.world.catalogue import load_lists, load_products
from services.seedwork.ports import Outcome
from services.shortage.adapters.report_files import parts
from services.shortage.api import router
from services.shortage.application.drug_lists import import_lists
from services.shortage.application.import_rows import read_rows
from services.shortage.application.intake import receive_stop
from services.shortage.domain.grading import Grade
from services.shortage.domain.known_drugs import LISTINGS_MAX, KnownDrugState, known_drug_ref
from services.shortage.domain.report import Facts, Question, build, build_with_lists
from services.shortage.domain.report_formulas import formula_on
from services.shortage.domain.stop_notice import ReportStop
from services.shortage.domain.values import DrugClass, DrugList, DrugProfile
from tests.support.http_caller import Caller
from tests.unit.shortage.conftest import DRUG, NINGBO, OTHER_DRUG, Region, authority

TODAY, DAY = date(2026, 3, 2), timedelta(days=1)
A_ON_A_LIST = {"drug_class": "A", "lists": "key_monitoring|essential"}


def row(**changed: Any) -> dict[str, Any]:
    return {"drug_key": DRUG, "valid_from": "2026-01-01", "source": "国卫药政发〔2020〕", **A_ON_A_LIST, **changed}


def load(region: Region, *rows: dict[str, Any]) -> Outcome:
    return region.store.run(import_lists(read_rows(ListedRow, rows, "drug_key")), authority())


def results(outcome: Outcome) -> list[str]:
    return [each["result"] for each in outcome.body["rows"]]


def drug(region: Region) -> KnownDrugState:
    state: KnownDrugState = region.store.state(known_drug_ref(DRUG))
    return state


def three_pharmacies(region: Region) -> None:
    for number, place in enumerate(("330102", "330106", NINGBO)):
        region.unfilled(f"P{number}", place)


def test_the_contract_knows_the_lists_of_the_domain() -> None:
    assert set(LISTS) == {each.value for each in DrugList}


def test_a_list_says_what_holds_from_a_day_on(region: Region) -> None:
    assert results(load(region, row(), row(valid_from="2026-06-01", drug_class="C", lists=""))) == ["recorded"] * 2

    known = drug(region)
    assert known.profile(date(2025, 12, 31)) is None
    assert known.profile(date(2026, 5, 31)) == DrugProfile(
        drug_class=DrugClass.A, lists=(DrugList.ESSENTIAL, DrugList.KEY_MONITORING)
    )
    assert known.profile(date(2026, 6, 1)) == DrugProfile(drug_class=DrugClass.C)
    load(region, row(valid_from="2026-09-01", valid_until="2026-09-30"))
    assert known.known == drug(region).known, "the register's word stands"
    assert drug(region).profile(date(2026, 9, 30)) is not None
    assert drug(region).profile(date(2026, 10, 1)) is None, "nobody says that what was before holds again"


def test_the_same_again_changes_nothing_and_another_word_of_the_same_day_takes_its_place(region: Region) -> None:
    load(region, row())
    before = region.store.log_index

    assert results(load(region, row(), row(lists="essential|key_monitoring"))) == ["unchanged"] * 2
    assert region.store.log_index == before
    assert results(load(region, row(drug_class="B"))) == ["recorded"]
    assert drug(region).profile(TODAY) == DrugProfile(lists=(DrugList.ESSENTIAL, DrugList.KEY_MONITORING))


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"drug_key": "没有的药|片剂|1mg"}, "report.drug_unknown"),
        ({"drug_class": "D"}, "drug_class: "),
        ({"lists": "national_shortage|nothing"}, "lists: "),
        ({"valid_from": "2026-02-30"}, "valid_from: "),
        ({"valid_until": "2025-12-31"}, "row: "),
        ({"source": ""}, "source: "),
        ({"colour": "red"}, "colour: "),
    ],
)
def test_a_bad_row_is_told_and_holds_up_no_other(region: Region, changed: dict[str, Any], error: str) -> None:
    outcome = load(region, row(**changed), row())

    assert results(outcome) == ["refused", "recorded"]
    assert outcome.body["rows"][0]["errors"][0].startswith(error)


def test_requests_and_what_is_said_of_one_drug_are_limited(region: Region) -> None:
    refused = load(region, *[row() for _ in range(ROWS_PER_REQUEST_MAX + 1)])
    assert refused.refusal is not None
    days = [row(valid_from=(TODAY + n * DAY).isoformat()) for n in range(LISTINGS_MAX + 1)]
    for first in range(0, LISTINGS_MAX, ROWS_PER_REQUEST_MAX):
        load(region, *days[first : min(first + ROWS_PER_REQUEST_MAX, LISTINGS_MAX)])

    assert load(region, days[-1]).body["rows"][0]["errors"] == ["drug_list.too_many"]
    assert results(load(region, row(valid_from=TODAY.isoformat(), drug_class="B"))) == ["recorded"]


@pytest.mark.parametrize(
    ("listed", "grade"),
    [
        (None, Grade.II),
        (A_ON_A_LIST, Grade.I),
        ({"drug_class": "A", "lists": "essential"}, Grade.II),
        ({"drug_class": "B", "lists": "national_shortage"}, Grade.II),
        ({"drug_class": "C", "lists": "national_shortage"}, Grade.III),
        ({**A_ON_A_LIST, "valid_from": "2026-03-03"}, Grade.II),
    ],
)
def test_a_case_is_graded_by_what_the_lists_say_today(
    region: Region, listed: dict[str, Any] | None, grade: Grade
) -> None:
    if listed is not None:
        load(region, row(**listed))
    three_pharmacies(region)

    assert region.case().grade == grade


def test_a_word_of_the_lists_counts_when_an_open_case_is_judged_next(region: Region) -> None:
    three_pharmacies(region)
    assert region.case().grade == Grade.II
    load(region, row())
    assert region.case().grade == Grade.II

    region.unfilled("P4", demand="line-2")
    assert region.case().grade == Grade.I, "worse at once"


def test_people_stops_and_periods_grade_by_the_lists_too(region: Region) -> None:
    load(region, row())
    region.unfilled("P1")
    region.unfilled("P2")
    region.confirm(region.id(), authority())
    confirmed = region.case()
    stop = ReportStop(
        reference="S-1",
        maker="M1",
        drug_key=DRUG,
        stops_on=TODAY,
        planned=False,
        sole_supplier=True,
        restored_by=None,
        reason="设备",
    )
    region.store.run(receive_stop(stop), authority("000000"))
    region.store.move_clock(timedelta(hours=72))

    assert confirmed.inputs is not None
    assert (confirmed.inputs.drug_class, confirmed.inputs.nationally_listed) == (DrugClass.A, True)
    assert region.case(region="").grade == Grade.I


def test_reports_show_class_and_list_from_the_day_of_their_formula_on() -> None:
    assert formula_on(date(2026, 11, 30)).build is build
    assert formula_on(date(2026, 12, 1)).build is build_with_lists


def test_a_report_shows_what_the_lists_said_of_a_case_when_it_was_graded(region: Region) -> None:
    load(region, row())
    three_pharmacies(region)
    region.unfilled("P1", drug=OTHER_DRUG)
    region.unfilled("P2", drug=OTHER_DRUG)
    question = Question(
        kind="cases",
        region="",
        first=TODAY,
        last=TODAY,
        as_of=region.store.time,
        log_index=region.store.log_index,
        jurisdiction="cn",
        policy="cn-2020-07",
        algorithm="report-2",
    )
    rows = region.store.rows("cases_at", log_index=question.log_index, within="", since=0, limit=100)
    facts = Facts(rows, [], {"newest_at": None, "told": 0, "expected": 0})

    cases = {each["drug_key"]: each for each in build_with_lists(question, facts)["cases"]}
    assert (cases[DRUG]["drug_class"], cases[DRUG]["nationally_listed"]) == ("A", True)
    suspected = cases[OTHER_DRUG]
    assert (suspected["drug_class"], suspected["nationally_listed"]) == (None, None)
    assert "drug_class" not in build(question, facts)["cases"][0]


def test_files_have_columns_for_lists_where_the_report_has_them() -> None:
    report = {
        **dict.fromkeys(("report", "region", "first", "last", "as_of", "log_index", "policy", "jurisdiction")),
        "freshness": {"newest_fact_recorded_at": None},
        "completeness": {"percent": None},
        "figures": [],
        "cases": [],
    }
    columns = [parts({**report, "algorithm": name}, "")[-1][1] for name in ("report-1", "report-2")]

    assert set(columns[1]) - set(columns[0]) == {"drug_class", "nationally_listed"}


def test_the_lists_of_the_demo_world_are_of_its_drugs() -> None:
    keys = {product.drug.drug_key for product in load_products()}
    rows = read_rows(ListedRow, load_lists(), "drug_key")

    assert rows
    assert all(each.row is not None and each.row.drug_key in keys for each in rows)


def test_an_authority_or_the_administrator_loads_lists_and_nobody_else(region: Region, tmp_path: Path) -> None:
    caller = Caller(region.store, router, tmp_path)
    tokens = {
        Role.REGULATOR: caller.token("R33", Role.REGULATOR, region="330000"),
        Role.SYSTEM_ADMIN: caller.token("admin", Role.SYSTEM_ADMIN),
        Role.MAKER: caller.token("m", Role.MAKER, organisation="M1"),
    }
    answers = {
        role: caller(token, "POST", "/imports/drug-lists", json={"rows": [row()]}) for role, token in tokens.items()
    }

    assert answers[Role.REGULATOR].json()["recorded"] == 1
    assert answers[Role.SYSTEM_ADMIN].json()["unchanged"] == 1
    assert answers[Role.MAKER].status_code == 403
    three_pharmacies(region)
    graded_by = caller(tokens[Role.REGULATOR], "GET", f"/shortages/{region.id()}").json()["graded_by"]
    assert (graded_by["drug_class"], graded_by["nationally_listed"]) == ("A", True)
