"""Reports, prices, registers and stop notices in bulk: each row for itself, each once, nothing fatal."""

from datetime import timedelta
from typing import Any

import pytest

from contracts.events.shortage import ShortageCaseConfirmed, ShortageCaseEnded, ShortageCaseSuspected
from contracts.supply_reports import (
    ROWS_PER_REQUEST_MAX,
    DirectReportRow,
    PriceRow,
    RegisterMapping,
    RegisterRow,
    StopRow,
)
from services.seedwork.calendar import civil_day
from services.seedwork.ports import Outcome
from services.shortage.adapters.registers import readings
from services.shortage.application import imports
from services.shortage.application.import_rows import Read, Sender, read_row, read_rows
from services.shortage.application.intake import judge_signs
from services.shortage.domain.case import CaseState
from services.shortage.domain.reports import reports_ref
from services.shortage.domain.values import SourceKind
from services.shortage.domain.watch import WatchState, watch_ref
from tests.unit.shortage.conftest import DRUG, HANGZHOU, HOUR, NOW, OTHER_DRUG, XIAN, Region, authority

MINUTE = timedelta(minutes=1)


def row(key: str = "W-1", **changed: Any) -> dict[str, Any]:
    told = {"key": key, "drug_key": DRUG, "region": HANGZHOU, "status": 3, "occurred_at": NOW.isoformat()}
    return {**told, **changed}


def load(
    region: Region,
    *rows: dict[str, Any],
    source: SourceKind = SourceKind.DIRECT_REPORT,
    sender: Sender = Sender("H9"),  # noqa: B008 - frozen
) -> Outcome:
    form = PriceRow if source is SourceKind.PRICE_JUMP else DirectReportRow
    return region.store.run(imports.import_reports(source, read_rows(form, rows), sender), authority())


def results(outcome: Outcome) -> list[str]:
    return [each["result"] for each in outcome.body["rows"]]


def errors(outcome: Outcome) -> list[str]:
    return [error for each in outcome.body["rows"] for error in each.get("errors", ())]


def watch(region: Region, drug: str = DRUG) -> WatchState:
    state: WatchState = region.store.state(watch_ref(drug))
    return state


def test_a_file_of_reports_opens_a_case_at_the_next_tick(region: Region) -> None:
    outcome = load(region, row(), row("W-2", status=2), row("W-3", region=XIAN, status=4))

    assert (outcome.body["recorded"], results(outcome)) == (3, ["recorded"] * 3)
    assert region.store.told_of(ShortageCaseSuspected) == [], "noted, and judged by the clock"
    region.store.move_clock(MINUTE)
    region.store.move_clock(timedelta())
    told = region.store.told_of(ShortageCaseSuspected)
    assert sorted(each.region for each in told) == ["33", "61"]
    assert region.case().events == ("direct_report/H9/W-1",)
    assert watch(region).judge_at is None


def test_a_province_named_by_its_division_code_is_no_county(region: Region) -> None:
    load(region, row(region="330000"), row("W-2", region="330000"), row("W-3", region="330100"))
    assert errors(load(region, row("W-4", region="000000"))) == ["report.region_unknown"]
    region.store.move_clock(MINUTE)

    assert region.case().reporters == {"H9": ("3301", region.store.time)}
    evidence = region.case().evidence
    assert evidence is not None
    assert (evidence.counties, evidence.provinces) == (0, 1)


def test_the_same_file_again_changes_nothing_and_another_content_is_recorded(region: Region) -> None:
    load(region, row(), row("W-2", status=1))
    before = region.store.log_index

    assert results(load(region, row(), row("W-2", status=1))) == ["unchanged", "unchanged"]
    assert region.store.log_index == before
    assert results(load(region, row(on_hand=4))) == ["recorded"]
    assert results(load(region, row(reported_at=NOW.isoformat()))) == ["recorded"]


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"occurred_at": (NOW + HOUR).isoformat()}, "report.in_the_future"),
        ({"reported_at": (NOW + HOUR).isoformat()}, "report.in_the_future"),
        ({"on_hand": -1}, "on_hand: "),
        ({"status": 5}, "status: "),
        ({"drug_key": "没有的药|片剂|1mg"}, "report.drug_unknown"),
        ({"region": "999999"}, "report.region_unknown"),
        ({"region": "330199"}, "report.region_unknown"),
        ({"region": "33010"}, "region: "),
        ({"occurred_at": "2026-02-30T00:00:00Z"}, "occurred_at: "),
        ({"occurred_at": "9999-12-31T23:30:00Z"}, "occurred_at: "),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "occurred_at: "),
        ({"reported_at": "9999-12-31T23:30:00Z"}, "reported_at: "),
        ({"on_hand": float("nan")}, "on_hand: "),
        ({"on_hand": 1e400}, "on_hand: "),
        ({"on_hand": "Infinity"}, "on_hand: "),
        ({"occurred_at": "2026-02-03T00:00:00"}, "occurred_at: "),
        ({"colour": "red"}, "colour: "),
    ],
)
def test_a_bad_row_is_told_and_holds_up_no_other(region: Region, changed: dict[str, Any], error: str) -> None:
    outcome = load(region, row("W-1", **changed), row("W-2"))

    assert results(outcome) == ["refused", "recorded"]
    assert errors(outcome)[0].startswith(error)
    known = region.store.state(reports_ref("H9", civil_day(NOW), DRUG)).digests
    assert "W-1" not in {key for keys in known.values() for key in keys}


def test_a_request_has_a_limited_number_of_rows(region: Region) -> None:
    for rows in ([], [row(str(n)) for n in range(ROWS_PER_REQUEST_MAX + 1)]):
        refused = load(region, *rows)
        assert refused.refusal is not None
        assert refused.refusal.code == "import.size"
    assert region.store.run(imports.import_stops([], Sender())).refusal is not None


def test_a_full_request_of_different_drugs_and_days_stays_within_one_save(region: Region) -> None:
    drugs = [f"药品{n}|片剂|{n + 1}mg" for n in range(ROWS_PER_REQUEST_MAX)]
    for drug in drugs:
        region.register(drug)
    rows = [
        row(str(n), drug_key=drug, occurred_at=(NOW - timedelta(hours=25 * n)).isoformat())
        for n, drug in enumerate(drugs)
    ]
    wanted: list[int] = []
    granted = region.store._granted

    def counted(wish: Any) -> Any:
        wanted.append(len(getattr(wish, "refs", ())))
        return granted(wish)

    region.store._granted = counted  # type: ignore[method-assign]

    assert set(results(load(region, *rows))) == {"recorded"}
    assert sum(wanted) <= 100


def test_reports_that_contradict_each_other_are_both_kept_and_marked(region: Region) -> None:
    load(region, row("W-1", status=4))
    outcome = load(region, row("W-2", status=1), row("W-3", region=XIAN, status=1), row("W-4", status=None))

    assert [each.get("contradicts") for each in outcome.body["rows"]] == ["W-1", None, None]
    assert load(region, row("W-5", status=1, region=XIAN, on_hand=0)).body["rows"][0]["contradicts"] == "own figures"
    rows = region.store.rows("reporter_alerts", within="33", before=2**62, limit=10)
    assert [(each["reporter"], each["kind"], each["against"]) for each in rows] == [("H9", "contradictory", "W-1")]


def test_who_may_speak_for_themselves_only_does(region: Region) -> None:
    own = Sender("M1", "own", only=True)
    outcome = load(region, row(reporter="M1", trust="official"), row("W-2", reporter="M2"), sender=own)

    assert results(outcome) == ["recorded", "refused"]
    assert errors(outcome) == ["report.not_yours"]
    received = region.store.streams[reports_ref("M1", civil_day(NOW), DRUG).stream_id][0]
    assert received.report.trust == "own"  # type: ignore[attr-defined]
    assert errors(load(region, row("W-3"), sender=Sender())) == ["report.not_yours"], "nobody says who reports"


def test_what_a_third_party_tells_opens_no_case_but_joins_one(region: Region) -> None:
    third = Sender("blog", "third_party")
    load(region, row(), sender=third)
    region.store.move_clock(MINUTE)
    assert region.case() == CaseState()

    region.unfilled("P1")
    region.unfilled("P2")
    load(region, row("W-2"), sender=third)
    region.store.move_clock(MINUTE)

    (told,) = region.store.told_of(ShortageCaseConfirmed)
    assert told.confirmed_by == "sources"


def test_a_report_about_long_ago_is_kept_and_no_sign(region: Region) -> None:
    assert results(load(region, row(occurred_at=(NOW - timedelta(days=20)).isoformat()))) == ["recorded"]
    assert watch(region).judge_at is None


def test_signs_count_only_when_they_happened_after_the_last_case(region: Region) -> None:
    region.unfilled("P1")
    region.unfilled("P2")
    region.store.time += HOUR
    region.dismiss(region.id(), authority())

    load(region, row(occurred_at=(NOW + timedelta(minutes=30)).isoformat()))
    region.store.move_clock(MINUTE)
    assert region.case(2) == CaseState()

    load(region, row("W-2", occurred_at=region.store.time.isoformat()))
    region.store.move_clock(MINUTE)
    assert region.case(2).status == "suspected"


def test_many_signs_of_one_kind_and_place_cost_one_decision(region: Region) -> None:
    for n in range(4):
        load(region, *(row(f"W-{n}-{m}") for m in range(16)))

    region.store.move_clock(MINUTE)

    assert len(region.case().events) == 50, "as many as a sign names, the latest"
    assert len(region.store.told_of(ShortageCaseSuspected)) == 1


def test_a_watch_that_is_asked_too_early_or_too_often_changes_nothing(region: Region) -> None:
    load(region, row())
    before = region.store.log_index
    region.store.run(judge_signs(watch_ref(DRUG).stream_id))
    region.store.run(judge_signs(watch_ref(OTHER_DRUG).stream_id))

    assert region.store.log_index == before


def test_a_price_that_jumps_is_a_sign_of_its_own_kind(region: Region) -> None:
    def priced(key: str, price: int) -> dict[str, Any]:
        told = {"key": key, "drug_key": DRUG, "region": HANGZHOU, "occurred_at": NOW.isoformat()}
        return {**told, "price_before": 1000, "price": price}

    load(region, priced("p1", 1499), source=SourceKind.PRICE_JUMP)
    assert watch(region).judge_at is None
    outcome = load(region, priced("p2", 1500), {**priced("p3", 2), "price": 0}, source=SourceKind.PRICE_JUMP)
    region.store.move_clock(MINUTE)

    assert results(outcome) == ["recorded", "refused"]
    assert region.case().sources.keys() == {SourceKind.PRICE_JUMP}


def stop(**changed: Any) -> dict[str, Any]:
    told = {"reference": "N-1", "maker": "M1", "drug_key": DRUG, "stops_on": "2026-10-01", "reason": "原料药停产"}
    return {**told, "sole_supplier": "true", **changed}


def stopped(region: Region, *rows: dict[str, Any], sender: Sender = Sender()) -> Outcome:  # noqa: B008 - frozen
    return region.store.run(imports.import_stops(read_rows(StopRow, rows, "reference"), sender), authority("000000"))


def test_makers_notices_confirm_the_nations_case_and_end_it_when_they_end(region: Region) -> None:
    assert results(stopped(region, stop(), stop(reference="N-2", restored_by="2026-12-01"))) == ["recorded"] * 2
    region.store.move_clock(MINUTE)
    assert (region.case(region="").status, len(region.case(region="").notices)) == ("confirmed", 2)

    assert results(stopped(region, stop())) == ["unchanged"]
    assert results(stopped(region, stop(stops_on="2026-11-01"), stop(reference="N-2", how_ended="withdrawn"))) == [
        "recorded",
        "recorded",
    ]
    region.store.move_clock(MINUTE)
    assert len(region.case(region="").notices) == 1
    stopped(region, stop(how_ended="withdrawn"))
    assert results(stopped(region, stop(how_ended="withdrawn"))) == ["unchanged"]
    region.store.move_clock(MINUTE)

    (ended,) = region.store.told_of(ShortageCaseEnded)
    assert ended.ended_as == "avoided"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"stops_on": "2036-01-01"}, "stop_notice.dates"),
        ({"drug_key": "没有的药|片剂|1mg"}, "report.drug_unknown"),
        ({"maker": "M2"}, "report.not_yours"),
        ({"reason": ""}, "reason: "),
        ({"planned": "perhaps"}, "planned: "),
    ],
)
def test_a_bad_notice_is_told(region: Region, changed: dict[str, Any], error: str) -> None:
    outcome = stopped(region, stop(**changed), sender=Sender("M1", "own", only=True))

    assert errors(outcome)[0].startswith(error)
    assert watch(region).judge_at is None


@pytest.mark.parametrize("stops_on", ["0001-01-01", "1950-01-01", "9999-12-31"])
def test_a_stop_in_no_time_of_ours_is_told_and_holds_up_no_other(region: Region, stops_on: str) -> None:
    outcome = stopped(region, stop(stops_on=stops_on), stop(reference="N-2"))

    assert (results(outcome), errors(outcome)) == (["refused", "recorded"], ["stop_notice.dates"])


def test_a_notice_whose_end_is_refused_is_told(region: Region) -> None:
    region.register(OTHER_DRUG)
    stopped(region, stop())

    assert errors(stopped(region, stop(drug_key=OTHER_DRUG, how_ended="restored"))) == ["stop_notice.another_drug"]


def register(region: Region, shape: str, *records: dict[str, Any], **mapping: Any) -> Outcome:
    read = [
        Read(each.key, None, (each.problem,)) if each.problem else read_row(RegisterRow, each.fields, each.key)
        for each in readings(shape, records, RegisterMapping.model_validate(mapping))
    ]
    return region.store.run(imports.import_reports(SourceKind.REGISTER, read, Sender("list")), authority())


FDA = {
    "package_ndc": "68180-202-03",
    "generic_name": "Cefixime Capsule",
    "company_name": "Lupin",
    "dosage_form": "Capsule",
    "strength": ["100 mg"],
    "status": "Current",
    "availability": "Limited Availability",
    "shortage_reason": "Demand increase for the drug",
    "initial_posting_date": "20260105",
    "update_date": "02/20/2026",
    "openfda": {"route": ["ORAL"]},
}


def test_a_record_of_openfda_is_found_by_its_words_and_tells_of_the_nation(region: Region) -> None:
    outcome = register(region, "openfda_shortages", FDA)
    region.store.move_clock(MINUTE)

    assert results(outcome) == ["recorded"]
    case = region.case(region="")
    assert case.events == ("register/openFDA drug shortages/68180-202-03",)
    assert results(register(region, "openfda_shortages", FDA)) == ["unchanged"]


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"generic_name": "Cefalexin Capsule"}, "report.drug_unknown"),
        ({"strength": ["400 mg"]}, "report.drug_unknown"),
        ({"dosage_form": "Tablet", "generic_name": "Cefixime"}, "report.drug_unknown"),
        ({"status": "Perhaps"}, "status: 'Perhaps'"),
        ({"initial_posting_date": "2026-13-01"}, "date: "),
        ({"initial_posting_date": None, "update_date": 7.5}, "date: "),
        ({"initial_posting_date": "", "update_date": ""}, "initial_posting_date: missing"),
        ({"package_ndc": None}, "key: "),
        ({"generic_name": {}}, "report.drug_unknown"),
    ],
)
def test_a_record_of_openfda_that_cannot_be_read_is_told(region: Region, changed: dict[str, Any], error: str) -> None:
    outcome = register(region, "openfda_shortages", {**FDA, **changed}, {**FDA, "package_ndc": "2"})

    assert results(outcome) == ["refused", "recorded"]
    assert errors(outcome)[0].startswith(error)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"availability": "Unavailable"}, 4),
        ({"availability": "Available"}, 2),
        ({"availability": "?"}, 3),
        ({"status": "Resolved", "change_date": "20260220"}, 1),
        ({"status": "To Be Discontinued"}, None),
    ],
)
def test_what_openfda_says_of_supply_is_a_table(region: Region, changed: dict[str, Any], status: int | None) -> None:
    (read,) = readings("openfda_shortages", [{**FDA, **changed}], RegisterMapping())

    assert read.fields["status"] == status


def test_words_that_fit_several_drugs_name_none_and_the_mapping_says_which(region: Region) -> None:
    region.register("头孢克肟|胶囊剂|50mg", english_name="Cefixime")
    loose = {**FDA, "strength": []}

    assert errors(register(region, "openfda_shortages", loose)) == ["report.drug_unknown"]
    assert results(register(region, "openfda_shortages", loose, drugs={"68180-202-03": DRUG})) == ["recorded"]


CANADIAN = {
    "id": 4711,
    "din": "02195984",
    "drug": {"brand_name": "SUPRAX"},
    "en_ingredients": "CEFIXIME",
    "atc_number": "J01DD",
    "drug_strength": "100MG",
    "dosage_form": "CAPSULE",
    "company_name": "Odan",
    "status": "active_confirmed",
    "tier_3": True,
    "actual_start_date": "2026-02-10",
    "created_date": "2026-02-12T10:00:00Z",
    "updated_date": "2026-02-14T10:00:00-05:00",
}


def test_a_report_of_drug_shortages_canada_is_read(region: Region) -> None:
    assert results(register(region, "canada_shortages", CANADIAN)) == ["recorded"]
    region.store.move_clock(MINUTE)

    assert region.case(region="").status == "suspected"
    (read,) = readings("canada_shortages", [CANADIAN], RegisterMapping())
    assert (read.key, read.fields["status"]) == ("4711", 4)
    assert read.fields["occurred_at"].isoformat() == "2026-02-10T00:00:00+08:00"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"atc_number": "N02BE"}, "report.drug_unknown"),
        ({"status": "?"}, "status: "),
        ({"drug": None, "en_ingredients": None}, "report.drug_unknown"),
    ],
)
def test_a_canadian_report_that_cannot_be_read_is_told(region: Region, changed: dict[str, Any], error: str) -> None:
    assert errors(register(region, "canada_shortages", {**CANADIAN, **changed}))[0].startswith(error)


GENERIC = {
    "columns": {
        "key": "编号",
        "drug_key": ["通用名", "剂型", "规格"],
        "status": "供应",
        "occurred_at": "日期",
        "reported_at": "上报",
    },
    "constants": {"region": "33", "reporter": "浙江短缺清单", "trust": "official"},
    "status": {"短缺": 3, "正常": 1, "": None},
    "date_format": "%Y/%m/%d",
}
LISTED = {"编号": "7", "通用名": "头孢克肟", "剂型": "胶囊剂", "规格": "100mg", "供应": "短缺", "日期": "2026/02/20"}


def test_any_register_is_read_by_its_mapping(region: Region) -> None:
    assert results(register(region, "shortage_register", LISTED, **GENERIC)) == ["recorded"]
    region.store.move_clock(MINUTE)

    assert region.case().events == ("register/浙江短缺清单/7",)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"供应": "?"}, "status: '?'"),
        ({"日期": "20 Feb"}, "date: "),
        ({"编号": None}, "key: "),
        ({"规格": "9mg"}, "report.drug_unknown"),
    ],
)
def test_a_row_its_mapping_does_not_fit_is_told(region: Region, changed: dict[str, Any], error: str) -> None:
    assert errors(register(region, "shortage_register", {**LISTED, **changed}, **GENERIC))[0].startswith(error)


@pytest.mark.parametrize("date_format", ["%Y%Y", "%d.%d", "%Q", "%", "%z%z", "("])
def test_a_date_by_a_format_that_is_none_is_told_as_unreadable(region: Region, date_format: str) -> None:
    told = errors(register(region, "shortage_register", LISTED, **{**GENERIC, "date_format": date_format}))

    assert told == ["date: not one that can be read"]


def test_a_mapping_may_leave_status_and_dates_as_they_are_and_name_drugs(region: Region) -> None:
    mapping = {
        "columns": {"key": "id", "name": "drug", "status": "level", "occurred_at": "on"},
        "drugs": {"Suprax": DRUG},
    }
    record = {"id": "1", "drug": "Suprax", "level": "3", "on": "2026-02-20T08:00:00"}

    assert results(register(region, "shortage_register", record, **mapping)) == ["recorded"]


def test_what_is_told_of_other_registers_than_drugs_is_nothing_new(region: Region) -> None:
    before = region.store.log_index
    region.register(DRUG, english_name="Cefixime")

    assert region.store.log_index == before
