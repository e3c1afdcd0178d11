"""How every reporter stands: institutions and registers that stop are alerted as pharmacies are."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.events.dispatch_stock import RegisterEntryRecorded
from contracts.events.prescribe import RegisterEntryRecorded as InstitutionRecorded
from contracts.events.shortage_reporters import ReporterAlert
from contracts.roles import Role
from contracts.supply_reports import DirectReportRow, PriceRow, RegisterRow
from services.seedwork.calendar import civil_day
from services.seedwork.register_loading import copy_entry
from services.shortage.api import router
from services.shortage.application import imports
from services.shortage.application.import_rows import Sender, read_rows
from services.shortage.application.intake import receive_report
from services.shortage.application.officers import COPIES
from services.shortage.domain.detection.cover import SupplyStatus
from services.shortage.domain.detection.silence import Reporting, ReportingRule, awaited_days
from services.shortage.domain.regions import common_node
from services.shortage.domain.reporter import reporter_ref
from services.shortage.domain.reports import ShortageReport
from services.shortage.domain.values import SourceKind
from tests.support.http_caller import Caller
from tests.unit.shortage.conftest import DRUG, HANGZHOU, NINGBO, NOW, XIAN, Region, authority
from tests.unit.shortage.responses import Shortage

DAY = timedelta(days=1)
REGISTER_DAYS, DIRECT_DAYS = 7, 14
FORMS = {
    SourceKind.DIRECT_REPORT: DirectReportRow,
    SourceKind.REGISTER: RegisterRow,
    SourceKind.PRICE_JUMP: PriceRow,
}


def report(
    region: Region,
    who: str,
    *places: str,
    source: SourceKind = SourceKind.REGISTER,
    key: str | None = None,
    **said: Any,
) -> list[str]:
    """It brings a report of each of these places, of today unless told otherwise."""
    told = {"drug_key": DRUG, "occurred_at": region.store.time.isoformat(), "reporter": who, "status": 2, **said}
    if source is SourceKind.PRICE_JUMP:
        told |= {"price_before": 100, "price": 101}
        del told["status"]
    rows = [
        {**told, "region": place, "key": key or f"{place}-{told['occurred_at']}"} for place in places or (HANGZHOU,)
    ]
    outcome = region.store.run(imports.import_reports(source, read_rows(FORMS[source], rows), Sender()), authority())
    return [each["result"] for each in outcome.body["rows"]]


def alerts(region: Region, within: str = "") -> list[tuple[str, str, str]]:
    rows = region.store.rows("reporter_alerts", within=within, before=2**62, limit=10)
    return [(row["reporter"], row["kind"], row["source"]) for row in rows]


def told(region: Region) -> list[tuple[str, str, bool, str | None]]:
    return [(each.reporter, each.kind, each.raised, each.source) for each in region.store.told_of(ReporterAlert)]


def test_a_register_that_stops_is_alerted_until_its_next_record(region: Region) -> None:
    report(region, "openFDA", "")
    region.store.move_clock((REGISTER_DAYS - 1) * DAY)
    assert alerts(region) == []

    region.store.move_clock(DAY)
    assert alerts(region) == [("openFDA", "silent", "register")]
    (alert,) = region.store.told_of(ReporterAlert)
    assert (alert.since, alert.region) == (civil_day(NOW), "")

    report(region, "openFDA", "")
    assert alerts(region) == []
    assert told(region) == [("openFDA", "silent", True, "register"), ("openFDA", "silent", False, "register")]


def test_a_register_that_is_read_again_as_it_was_is_there(region: Region) -> None:
    for _ in range(4):
        report(region, "openFDA", "", key="K-1", occurred_at=NOW.isoformat())
        region.store.move_clock((REGISTER_DAYS - 1) * DAY)

    assert report(region, "openFDA", "", key="K-1", occurred_at=NOW.isoformat()) == ["unchanged"]
    assert alerts(region) == []


def test_an_institution_that_sends_an_old_report_again_is_not_heard_of(region: Region) -> None:
    report(region, "H1", source=SourceKind.DIRECT_REPORT, key="W-1", occurred_at=NOW.isoformat())
    region.store.move_clock(7 * DAY)
    report(region, "H1", source=SourceKind.DIRECT_REPORT)
    for _ in range(2):
        region.store.move_clock(7 * DAY)
        report(region, "H1", source=SourceKind.DIRECT_REPORT, key="W-1", occurred_at=NOW.isoformat())

    assert alerts(region) == [("H1", "silent", "direct_report")]


def test_who_has_reported_once_has_no_habit_and_nobody_waits(region: Region) -> None:
    report(region, "H1", source=SourceKind.DIRECT_REPORT)
    region.store.move_clock(365 * DAY)
    assert alerts(region) == []

    report(region, "H2", source=SourceKind.DIRECT_REPORT)
    region.store.move_clock(7 * DAY)
    report(region, "H2", source=SourceKind.DIRECT_REPORT)
    region.store.move_clock((DIRECT_DAYS - 1) * DAY)
    assert alerts(region) == []
    region.store.move_clock(DAY)
    assert alerts(region) == [("H2", "silent", "direct_report")]


def test_who_reports_monthly_is_awaited_monthly(region: Region) -> None:
    for _ in range(4):
        report(region, "M1", source=SourceKind.DIRECT_REPORT)
        region.store.move_clock(30 * DAY)
        assert alerts(region) == []

    region.store.move_clock(30 * DAY)
    assert alerts(region) == [("M1", "silent", "direct_report")]


def test_of_prices_none_is_awaited(region: Region) -> None:
    report(region, "T1", source=SourceKind.PRICE_JUMP)
    region.store.move_clock(365 * DAY)

    assert alerts(region) == []
    assert region.store.rows("reporters", **ALL) == []


def test_one_report_alone_counts_as_a_file_does(region: Region) -> None:
    single = ShortageReport(
        source=SourceKind.REGISTER,
        key="K-1",
        reporter="openFDA",
        trust="third_party",
        drug_key=DRUG,
        region="",
        status=SupplyStatus.NEARLY,
        occurred_at=NOW,
    )
    region.store.run(receive_report(single), authority())
    region.store.move_clock(3 * DAY)
    assert region.store.run(receive_report(single), authority()).body == {"taken": "known"}
    region.store.move_clock((REGISTER_DAYS - 1) * DAY)
    assert alerts(region) == []
    region.store.move_clock(DAY)

    assert alerts(region) == [("openFDA", "silent", "register")]


def test_a_report_that_is_refused_is_no_word(region: Region) -> None:
    report(region, "openFDA", "")
    region.store.move_clock(REGISTER_DAYS * DAY)
    future = (region.store.time + DAY).isoformat()
    assert report(region, "openFDA", "", occurred_at=future) == ["refused"]

    assert alerts(region) == [("openFDA", "silent", "register")]


def test_what_a_pharmacy_reports_by_file_is_not_what_its_systems_tell() -> None:
    region = Shortage()
    region.shelf("P1", 40)
    report(region, "P1", source=SourceKind.REGISTER)
    before = region.store.state(reporter_ref("P1"))
    region.store.move_clock(60 * DAY)
    assert sorted(alerts(region)) == [("P1", "silent", ""), ("P1", "silent", "register")]

    report(region, "P1", source=SourceKind.REGISTER)
    assert alerts(region) == [("P1", "silent", "")]
    assert region.store.state(reporter_ref("P1")).last == before.last
    (heard,) = region.store.rows("heard_of", drug_key=DRUG, limit=10)
    assert heard["last"] == before.last.isoformat(), "its shelf is as unknown as it was"


def test_an_authority_sees_who_reports_of_its_region_alone(region: Region) -> None:
    report(region, "H1", HANGZHOU, NINGBO)
    report(region, "H2", HANGZHOU, XIAN)
    region.store.move_clock(REGISTER_DAYS * DAY)

    assert alerts(region, "33") == [("H1", "silent", "register")]
    assert alerts(region, "3301") == []
    assert len(alerts(region)) == 2


def test_who_contradicts_itself_in_a_report_is_heard_of_and_keeps_its_region(region: Region) -> None:
    report(region, "H1", HANGZHOU, NINGBO, source=SourceKind.DIRECT_REPORT)
    told = {"source": SourceKind.DIRECT_REPORT, "status": 1, "on_hand": 0}
    report(region, "H1", HANGZHOU, key="W-2", **told)
    before = region.store.log_index
    report(region, "H1", NINGBO, key="W-3", **told)

    assert alerts(region) == [("H1", "contradictory", "direct_report")]
    assert region.store.state(reporter_ref("H1", SourceKind.DIRECT_REPORT)).region == "33"
    assert region.store.log_index == before + 1, "told once a day"


def entered(region: Region, code: str = "P1", **dates: Any) -> None:
    """The register of pharmacies has this entry of it now."""
    content = {"name": code, "region": HANGZHOU}
    dates = {"valid_from": date(2026, 1, 1), **dates}
    region.store.react(RegisterEntryRecorded(kind="pharmacy", code=code, content=content, **dates))


def standing(region: Region) -> list[tuple[str, str, str]]:
    return [(row["reporter"], row["source"], row["state"]) for row in region.store.rows("reporters", **ALL)]


@pytest.mark.parametrize("how", [{"suspended": True}, {"valid_until": date(2026, 4, 1)}])
def test_who_has_left_the_register_is_silent_no_more(region: Region, how: dict[str, Any]) -> None:
    entered(region)
    region.unfilled("P1")
    region.store.move_clock(60 * DAY)
    assert standing(region) == [("P1", "", "silent")]

    entered(region, **how)

    assert standing(region) == alerts(region) == []
    assert told(region) == [("P1", "silent", True, None), ("P1", "silent", False, None)]
    assert [each.left for each in region.store.told_of(ReporterAlert)] == [False, True]
    entered(region, **how)
    region.store.move_clock(60 * DAY)
    assert standing(region) == alerts(region) == []
    assert len(told(region)) == 2


def test_who_leaves_on_a_day_is_awaited_until_its_end(region: Region) -> None:
    entered(region, valid_until=date(2026, 4, 1))
    region.unfilled("P1")
    region.store.move_clock(20 * DAY)
    assert alerts(region) == [("P1", "silent", "")]

    region.store.move_clock(DAY * ((date(2026, 4, 1) - civil_day(region.store.time)).days))
    assert alerts(region) == [("P1", "silent", "")], "its last day"
    region.store.move_clock(DAY)

    assert standing(region) == alerts(region) == []


def test_a_word_after_it_has_left_brings_nobody_back(region: Region) -> None:
    entered(region)
    region.unfilled("P1")
    entered(region, suspended=True)
    region.store.move_clock(DAY)
    region.unfilled("P1", demand="late")
    region.store.move_clock(60 * DAY)

    assert standing(region) == alerts(region) == []


def test_who_is_back_in_the_register_is_awaited_from_its_next_word_on(region: Region) -> None:
    entered(region)
    region.unfilled("P1")
    entered(region, suspended=True)
    region.store.move_clock(200 * DAY)
    entered(region)
    region.store.move_clock(60 * DAY)
    assert standing(region) == [("P1", "", "unknown")]
    assert alerts(region) == []

    region.unfilled("P1", demand="new")
    assert standing(region) == [("P1", "", "reporting")]
    region.store.move_clock(60 * DAY)
    assert alerts(region) == [("P1", "silent", "")]


def test_who_had_left_before_that_was_known_of_is_not_alerted(region: Region) -> None:
    """What older releases stored: a copied entry, and no word about it in the reporter's stream."""
    region.unfilled("P1")
    over = RegisterEntryRecorded(
        kind="pharmacy",
        code="P1",
        content={"name": "P1", "region": HANGZHOU},
        valid_from=civil_day(NOW),
        suspended=True,
    )
    region.store.run(copy_entry(COPIES, over))
    region.store.move_clock(60 * DAY)

    assert standing(region) == alerts(region) == told(region) == []


def test_an_institution_that_left_is_awaited_by_nobody(region: Region) -> None:
    for _ in range(2):
        report(region, "H1", source=SourceKind.DIRECT_REPORT)
        region.store.move_clock(7 * DAY)
    region.store.move_clock(60 * DAY)
    assert alerts(region) == [("H1", "silent", "direct_report")]

    content = {"name": "H1", "region": HANGZHOU, "level": 3}
    region.store.react(
        InstitutionRecorded(
            kind="institution", code="H1", content=content, valid_from=date(2020, 1, 1), valid_until=civil_day(NOW)
        )
    )

    assert standing(region) == alerts(region) == []


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("330102", "330102", "330102"),
        ("330102", "330106", "3301"),
        ("3301", "3302", "33"),
        ("33", "330102", "33"),
        ("33", "61", ""),
        ("", "330102", ""),
    ],
)
def test_two_places_lie_in_the_smallest_node_that_holds_both(one: str, other: str, both: str) -> None:
    assert common_node(one, other) == common_node(other, one) == both


@pytest.mark.parametrize(
    ("told", "days", "awaited"),
    [(1, 1, None), (2, 2, 14), (2, 8, 14), (2, 9, 16), (5, 29, 14), (4, 91, 60), (1, 1000, None)],
)
def test_the_next_report_is_awaited_for_two_usual_gaps(told: int, days: int, awaited: int | None) -> None:
    reporting = Reporting(days=days, told=told, last_told=civil_day(NOW))

    assert awaited_days(reporting, ReportingRule(days=14, reports_min=2)) == awaited


ALL = {"within": "", "own": "", "state": "", "after": "", "after_source": "", "limit": 50}


class Desks:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._tokens = {
            "zhejiang": caller.token("R33", Role.REGULATOR, region="330000"),
            "nation": caller.token("R0", Role.REGULATOR, region="000000"),
            "nowhere": caller.token("R", Role.REGULATOR),
            "P1": caller.token("A1", Role.PHARMACIST, organisation="P1"),
            "P9": caller.token("A9", Role.QUALITY_MANAGER, organisation="P9"),
            "H1": caller.token("O1", Role.MEDICAL_OFFICE, organisation="H1"),
            "nobody": caller.token("A0", Role.PHARMACIST),
            "patient": caller.token("p", Role.PATIENT),
        }

    def reporters(self, who: str, **query: Any) -> Any:
        return self._caller(self._tokens[who], "GET", "/reporters", params=query)

    def names(self, who: str, **query: Any) -> list[tuple[str, str | None, str]]:
        return [(row["reporter"], row["source"], row["state"]) for row in self.reporters(who, **query).json()["items"]]


@pytest.fixture
def desks(region: Region, tmp_path: Path) -> Desks:
    """A silent register, a silent and a reporting pharmacy, one that was never heard of, an institution elsewhere."""
    content = {"name": "P9", "region": HANGZHOU}
    region.store.react(RegisterEntryRecorded(kind="pharmacy", code="P9", content=content, valid_from=civil_day(NOW)))
    region.unfilled("P1")
    report(region, "openFDA", "")
    region.store.move_clock(40 * DAY)
    region.unfilled("P2")
    report(region, "H1", XIAN, source=SourceKind.DIRECT_REPORT)
    return Desks(Caller(region.store, router, tmp_path))


def test_a_regulator_lists_how_the_reporters_of_its_region_stand(desks: Desks) -> None:
    assert desks.names("zhejiang") == [
        ("P1", None, "silent"),
        ("P2", None, "reporting"),
        ("P9", None, "unknown"),
    ]
    assert desks.names("zhejiang", state="silent") == [("P1", None, "silent")]
    assert desks.names("zhejiang", state="unknown", region=HANGZHOU) == [("P9", None, "unknown")]
    assert desks.names("zhejiang", region=NINGBO) == []
    assert desks.names("nation", state="silent") == [("P1", None, "silent"), ("openFDA", "register", "silent")]
    assert desks.names("nation", region="610000") == [("H1", "direct_report", "reporting")]
    assert desks.reporters("zhejiang", region=XIAN).json()["code"] == "shortage.not_your_region"
    assert desks.reporters("nowhere").json()["code"] == "shortage.not_your_region"
    assert desks.reporters("patient").status_code == 403


def test_a_row_says_when_it_was_heard_of_how_far_it_is_trusted_and_since_when_it_is_silent(desks: Desks) -> None:
    silent, reporting, unknown = desks.reporters("zhejiang").json()["items"]

    assert silent == {
        "reporter": "P1",
        "source": None,
        "region": HANGZHOU,
        "state": "silent",
        "trust": "own",
        "last": "2026-03-02",
        "silent_since": "2026-03-02",
        "awaited_by": None,
        "contradicted": None,
    }
    assert (reporting["last"], reporting["silent_since"]) == ("2026-04-11", None)
    assert reporting["awaited_by"] > "2026-04-11"
    assert [unknown[name] for name in ("last", "trust", "silent_since", "awaited_by")] == [None] * 4
    (register,) = desks.reporters("nation", state="silent").json()["items"][1:]
    assert (register["trust"], register["region"]) == ("official", "")


def test_the_list_comes_in_pages(desks: Desks) -> None:
    first = desks.reporters("nation", limit=3).json()
    second = desks.reporters("nation", limit=3, cursor=first["next"]).json()

    named = [row["reporter"] for row in (*first["items"], *second["items"])]
    assert named == ["H1", "P1", "P2", "P9", "openFDA"]
    assert second["next"] is None


def test_who_reports_sees_itself_alone(desks: Desks) -> None:
    assert desks.names("P1") == [("P1", None, "silent")]
    assert desks.names("P9", region=HANGZHOU) == [("P9", None, "unknown")]
    assert desks.names("H1") == [("H1", "direct_report", "reporting")]
    assert desks.names("P1", state="reporting") == []
    assert desks.names("nobody") == []
