"""Files of reports: three formats, broken rows in the middle, any length in the same memory, progress."""

import json
import tracemalloc
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from rich.console import Console

from contracts.supply_reports import ROWS_PER_REQUEST_MAX
from rxflow import report_files, report_loading
from rxflow.client.failures import NoAnswer, Problem
from rxflow.loading import Unloadable
from rxflow.report_cli import follow
from rxflow.report_files import FileRow, read_file
from rxflow.report_loading import ReportReport, load_reports, read_mapping

HEADER = "key,drug_key,region,status,occurred_at"
LINE = "W-1,头孢克肟|胶囊剂|100mg,330102,3,2026-03-02T00:00:00+08:00"


class Owner:
    """Records every row, and keeps what came."""

    def __init__(self, error: Exception | None = None) -> None:
        self.requests: list[list[dict[str, Any]]] = []
        self.rows = 0
        self._error = error

    def __call__(self, kind: str, rows: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        assert kind in report_loading.REPORT_KINDS
        if self._error:
            raise self._error
        self.rows += len(rows)
        if self.rows < 1000:
            self.requests.append([dict(row) for row in rows])
        return [
            {"key": row.get("key", ""), "result": "refused", "errors": ["report.drug_unknown"]}
            if row.get("drug_key") == "X"
            else {"key": row.get("key", ""), "result": "recorded", "contradicts": None}
            for row in rows
        ]


def written(directory: Path, name: str, content: str | bytes) -> Path:
    path = directory / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def loaded(path: Path, owner: Owner, kind: str = "direct_reports") -> list[ReportReport]:
    return list(load_reports(kind, read_file(path, report_loading.SUFFICES[kind]), owner))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_file_is_read_row_by_row_in_the_encodings_of_hospitals(tmp_path: Path, encoding: str) -> None:
    text = f"{HEADER}\r\n{LINE}\r\n\r\nW-2,X,,,\r\nW-3,too,few\r\n"
    owner = Owner()

    told = loaded(written(tmp_path, "a.csv", text.encode(encoding)), owner)

    assert [(each.number, each.result, each.problem) for each in told] == [
        (2, "recorded", None),
        (4, "refused", "report.drug_unknown"),
        (5, "refused", "3 cells instead of 5"),
    ]
    first = dict(zip(HEADER.split(","), LINE.split(","), strict=True))
    assert owner.requests == [[first, {"key": "W-2", "drug_key": "X"}]]


def test_a_cell_that_never_ends_is_told_and_the_rows_behind_it_are_read(tmp_path: Path) -> None:
    text = f"{HEADER}\nW-1,{'x' * 3000},,,\nW-1,{'x' * 200_000},,,\n{LINE}\n"

    told = loaded(written(tmp_path, "a.csv", text), Owner())

    assert [each.result for each in told] == ["refused", "refused", "recorded"]
    assert "more than" in str(told[0].problem)
    assert "field larger" in str(told[1].problem)


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_json_is_read_from_a_list_or_from_under_the_registers_name(tmp_path: Path, bom: bytes) -> None:
    records = [{"key": "1", "on_hand": 3, "note": None}, "no record", {"key": "2", "x": [1.5, {"y": "z"}]}]
    a_list = written(tmp_path, "a.json", bom + json.dumps(records).encode())
    whole = {"meta": {"results": {"total": 3}}, "results": records}
    fda = written(tmp_path, "b.json", bom + json.dumps(whole).encode())
    owner = Owner()

    for path, kind in ((a_list, "direct_reports"), (fda, "openfda_shortages")):
        told = loaded(path, owner, kind)
        assert [(each.number, each.result) for each in told] == [(1, "recorded"), (2, "refused"), (3, "recorded")]
        assert owner.requests[-1] == [{"key": "1", "on_hand": 3}, {"key": "2", "x": [1.5, {"y": "z"}]}]


def test_json_that_breaks_off_has_given_what_stands_before_the_break(tmp_path: Path) -> None:
    path = written(tmp_path, "a.json", '[{"key": "1"}, {"key": "2"}, {"key": ')

    told = loaded(path, Owner())

    assert [each.result for each in told] == ["recorded", "recorded", "refused"]
    assert "breaks off" in str(told[2].problem)


@pytest.mark.parametrize(
    "value",
    [
        "1e400",
        "9" * 30,
        "-" + "9" * 30,
        "1e99999999",
        '"a\\u0000b"',
        "[" * 30 + "]" * 30,
        '{"\\u0000": 1}',
    ],
)
def test_a_record_that_fits_into_no_request_is_told_and_those_around_it_are_sent(tmp_path: Path, value: str) -> None:
    path = written(tmp_path, "a.json", f'[{{"key": "1"}}, {{"key": "2", "on_hand": {value}}}, {{"key": "3"}}]')
    owner = Owner()

    told = loaded(path, owner)

    assert [each.result for each in told] == ["recorded", "refused", "recorded"]
    assert [row["key"] for rows in owner.requests for row in rows] == ["1", "3"]


def test_numbers_of_a_record_are_as_they_stand(tmp_path: Path) -> None:
    path = written(tmp_path, "a.json", '[{"a": 1.5, "b": 2.0, "c": -7, "d": true, "e": 1e3, "f": 1e-99999999}]')
    owner = Owner()
    loaded(path, owner)

    assert owner.requests == [[{"a": 1.5, "b": 2, "c": -7, "d": True, "e": 1000, "f": 0.0}]]


def test_bytes_that_are_no_characters_are_their_rows_fault_alone(tmp_path: Path) -> None:
    head, good = f"{HEADER}\n".encode(), f"{LINE}\n".encode()
    broken = b"W-2,\xff\xfe,330102,3,x\n"
    owner = Owner()

    told = loaded(written(tmp_path, "a.csv", head + good + broken + b"W-\0,X,,,\n" + good), owner)

    assert [each.result for each in told] == ["recorded", "refused", "refused", "recorded"]
    assert {row["drug_key"] for rows in owner.requests for row in rows} == {"头孢克肟|胶囊剂|100mg"}
    assert loaded(written(tmp_path, "b.csv", head + broken + good), Owner())[0].problem


def test_a_workbook_is_read_from_its_first_sheet(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.worksheets[0]
    header = ["key", "drug_key", None, "status", "occurred_at"]
    for row in (header, ["W-1", "药", "?", 3.0, date(2026, 3, 2)], [], ["W-2", "X"]):
        sheet.append(row)
    book.save(tmp_path / "a.xlsx")
    owner = Owner()

    told = loaded(tmp_path / "a.xlsx", owner)

    assert [(each.number, each.result) for each in told] == [(2, "recorded"), (4, "refused")]
    first = owner.requests[0][0]
    assert (first["key"], first["status"], first["occurred_at"][:10]) == ("W-1", "3", "2026-03-02")


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.txt", "x", "is none of"),
        ("a.csv", "", "no header"),
        ("a.csv", "key,key\n1,2\n", "a column twice"),
        ("a.csv", b"\xff\xff\x00", "neither UTF-8"),
        ("a.json", "7", "neither a JSON list"),
        ("a.json", '{"other": []}', "no records under rows"),
        ("a.xlsx", "no workbook", "is no workbook"),
    ],
)
def test_what_is_no_such_file_cannot_be_loaded(tmp_path: Path, name: str, content: str | bytes, why: str) -> None:
    with pytest.raises(Unloadable, match=why):
        loaded(written(tmp_path, name, content), Owner())


def test_a_workbook_without_header_or_that_unpacks_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Workbook().save(tmp_path / "a.xlsx")
    with pytest.raises(Unloadable, match="no header"):
        loaded(tmp_path / "a.xlsx", Owner())
    monkeypatch.setattr(report_files, "UNPACKED_BYTES_MAX", 100)
    with pytest.raises(Unloadable, match="unpacks to more"):
        loaded(tmp_path / "a.xlsx", Owner())


def test_parts_are_as_large_as_a_request_takes(tmp_path: Path) -> None:
    owner = Owner()
    small = [FileRow(n, {"key": str(n)}) for n in range(ROWS_PER_REQUEST_MAX + 1)]
    large = [FileRow(n, {"key": str(n), "note": "x" * 200_000}) for n in range(4)]

    assert [each.number for each in load_reports("direct_reports", [*small, *large], owner)] == [
        row.number for row in [*small, *large]
    ]
    assert [len(rows) for rows in owner.requests] == [ROWS_PER_REQUEST_MAX, 3, 2]


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (Problem("import.size", 422), "import.size"),
        (NoAnswer("nobody"), "nobody"),
    ],
)
def test_what_is_refused_as_a_whole_is_the_fate_of_each(error: Exception, problem: str) -> None:
    rows = [FileRow(1, {"key": "1"}), FileRow(2, {}, "broken")]

    assert [each.problem for each in load_reports("direct_reports", rows, Owner(error))] == [problem, "broken"]


def test_a_mapping_file_is_checked_before_anything_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = written(tmp_path, "m.json", '{"columns": {"key": "no", "drug_key": ["a", "b"]}}')
    assert read_mapping(good).columns == {"key": "no", "drug_key": ["a", "b"]}
    for bad in ('{"column": {}}', "{", '{"status": {"x": 9}}'):
        with pytest.raises(Unloadable, match="no mapping"):
            read_mapping(written(tmp_path, "m.json", bad))
    monkeypatch.setattr(report_loading, "MAPPING_BYTES_MAX", 3)
    with pytest.raises(Unloadable, match="bytes"):
        read_mapping(good)


@pytest.mark.parametrize("count", [20_000, pytest.param(720_000, marks=pytest.mark.nightly, id="50 MB")])
def test_a_large_file_with_broken_rows_goes_through_in_one_pass_and_flat_memory(tmp_path: Path, count: int) -> None:
    path = tmp_path / "large.csv"
    with path.open("w") as file:
        file.write(HEADER + "\n")
        for n in range(count):
            file.write(f"W-{n},broken\n" if n % 1000 == 7 else f"W-{n}{LINE[3:]}\n")
    shares: list[float] = []
    owner = Owner()
    reports = load_reports("direct_reports", read_file(path, done=shares.append), owner)
    list(islice(reports, 5_000))
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    refused = sum(each.result == "refused" for each in _forgotten(reports, shares))
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (owner.rows, refused) == (count - count // 1000, count // 1000 - 5)
    assert count < 100_000 or path.stat().st_size > 50_000_000
    assert peak - before < 1_000_000, "one request's rows at a time"
    assert after - before < 200_000
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def _forgotten(reports: Iterator[ReportReport], shares: list[float]) -> Iterator[ReportReport]:
    """The shares of progress are no part of the memory that is measured."""
    for report in reports:
        del shares[:-1]
        yield report


def test_the_command_tells_what_became_of_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    console, errors = Console(), Console(stderr=True)
    good = written(tmp_path, "a.csv", f"{HEADER}\n{LINE}\n")
    bad = written(tmp_path, "b.csv", f"{HEADER}\n{LINE}\nW-2,X,,,\nW\n")
    empty = written(tmp_path, "c.csv", f"{HEADER}\n")

    codes = [
        follow(console, errors, "direct_reports", path, Owner(), quiet=True)
        for path in (good, bad, empty, written(tmp_path, "d.txt", ""))
    ]

    told = capsys.readouterr()
    assert codes == [0, 1, 1, 2]
    assert "3 rows: 1 recorded, 0 unchanged, 2 refused, 0 contradictory" in told.out
    assert "row 3: W-2: report.drug_unknown" in told.err
    assert "row 4: 1 cells instead of 5" in told.err


def test_more_rows_than_a_file_may_have_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("rxflow.report_files.ROWS_MAX", 1)
    monkeypatch.setattr("rxflow.report_cli.ROWS_MAX", 1)
    path = written(tmp_path, "a.csv", f"{HEADER}\n{LINE}\n{LINE}\n{LINE}\n")

    assert follow(Console(), Console(stderr=True), "direct_reports", path, Owner(), quiet=False) == 1
    assert "others were not read" in capsys.readouterr().err
