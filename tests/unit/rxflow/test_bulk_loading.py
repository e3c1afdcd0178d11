"""Files of goods as pharmacies' systems write them: two encodings, broken lines, any length."""

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from contracts.rows import ROWS_PER_REQUEST_MAX
from rxflow.bulk_loading import BULK_KINDS, LineReport, encoding_of, load_lines, read_lines
from rxflow.cli import IN_BULK
from rxflow.client.failures import NoAnswer, Problem
from rxflow.loading import Unloadable

HEADER = "pharmacy,product,lot,quantity,unit_price\n"


class Owner:
    """Books every row, and keeps what came."""

    def __init__(self, error: Exception | None = None) -> None:
        self.requests: list[tuple[str, str, list[dict[str, str]]]] = []
        self._error = error

    def __call__(self, kind: str, pharmacy: str, rows: Sequence[Mapping[str, str]]) -> Sequence[Mapping[str, Any]]:
        if self._error:
            raise self._error
        self.requests.append((kind, pharmacy, [dict(row) for row in rows]))
        return [
            {"key": row["product"], "result": "refused", "errors": ["product.unknown"]}
            if row["product"] == "X"
            else {"key": row["product"], "result": "booked"}
            for row in rows
        ]


def written(directory: Path, text: str, encoding: str = "utf-8") -> Path:
    path = directory / "goods.csv"
    path.write_bytes(text.encode(encoding))
    return path


def loaded(path: Path, owner: Owner, pharmacy: str | None = None) -> list[LineReport]:
    return list(load_lines("stock", read_lines(path, "stock", pharmacy), owner))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_both_encodings_of_pharmacies_systems_are_read(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, HEADER + "P1,T,批号甲,40,1300\n", encoding)
    owner = Owner()

    assert [report.result for report in loaded(path, owner)] == ["booked"]
    assert owner.requests == [
        ("stock", "P1", [{"product": "T", "lot": "批号甲", "quantity": "40", "unit_price": "1300"}])
    ]


def test_what_is_neither_encoding_or_no_such_file_cannot_be_loaded(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"\xff\xff\x00")
    with pytest.raises(Unloadable, match="neither"):
        encoding_of(path)
    with pytest.raises(Unloadable, match="cannot be read"):
        encoding_of(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("pharmacy,product,quantity,unit_price,colour", "none of"),
        ("pharmacy,product,product,quantity,unit_price", "twice"),
        ("pharmacy,product", "lacks"),
        ("product,quantity,unit_price", "say whose"),
        ("", "lacks"),
    ],
    ids=["unknown", "twice", "missing", "whose", "empty"],
)
def test_a_file_of_another_form_is_refused_as_a_whole(tmp_path: Path, header: str, said: str) -> None:
    with pytest.raises(Unloadable, match=said):
        list(read_lines(written(tmp_path, header), "stock"))


def test_broken_lines_are_told_by_their_number_and_the_others_go_on(tmp_path: Path) -> None:
    rows = ["P1,T,A,40,1", "P1,T", f"P1,T,{'x' * 201},40,1", ",,,,", "P1,X,A,40,1", ",T,B,40,1", "P2,T,C,40,1"]
    reports = loaded(written(tmp_path, HEADER + "\n".join(rows)), Owner())

    assert [(report.number, report.result, report.problem) for report in reports] == [
        (2, "booked", None),
        (3, "refused", "2 cells instead of 5"),
        (4, "refused", "a cell has more than 200 characters"),
        (6, "refused", "product.unknown"),
        (7, "refused", "no pharmacy"),
        (8, "booked", None),
    ]


def test_a_cell_beyond_what_a_reader_takes_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + f"P1,T,{'x' * 140_000},40,1\nP1,T,A,40,1\n")
    reports = loaded(path, Owner())

    assert [report.result for report in reports] == ["refused", "booked"]
    assert "field larger" in str(reports[0].problem)


def test_a_quote_that_is_never_closed_breaks_its_own_line_only(tmp_path: Path) -> None:
    """And what would make a whole request unreadable breaks none but its own either."""
    text = HEADER + 'P1,"A,L,1,1\nP1,"B",L,1,1\nP1,C\0,L,1,1\r\nP1,D,"L""1",1,1\nP1,"E"x,L,1,1\n'
    owner = Owner()

    reports = loaded(written(tmp_path, text), owner)

    assert [(report.number, report.result) for report in reports] == [
        (2, "refused"),
        (3, "booked"),
        (4, "refused"),
        (5, "booked"),
        (6, "refused"),
    ]
    assert [row["product"] for _, _, rows in owner.requests for row in rows] == ["B", "D"]
    with pytest.raises(Unloadable, match="no header"):
        list(read_lines(written(tmp_path, 'pharmacy,"product\nP1,T\n'), "stock"))


def test_rows_go_in_parts_of_one_pharmacy(tmp_path: Path) -> None:
    rows = "".join(f"P1,T,{n},40,1\n" for n in range(ROWS_PER_REQUEST_MAX + 1)) + "P2,T,A,40,1\n"
    owner = Owner()
    loaded(written(tmp_path, HEADER + rows), owner)

    sizes = [(pharmacy, len(sent)) for _, pharmacy, sent in owner.requests]
    assert sizes == [("P1", ROWS_PER_REQUEST_MAX), ("P1", 1), ("P2", 1)]


def test_a_file_is_read_as_it_is_sent(tmp_path: Path) -> None:
    rows = "".join(f"T,{n},40,1\n" for n in range(100_000))
    owner = Owner()
    lines = read_lines(written(tmp_path, "product,lot,quantity,unit_price\n" + rows), "stock", "P1")

    first = list(islice(load_lines("stock", lines, owner), 5))

    assert [report.number for report in first] == [2, 3, 4, 5, 6]
    assert len(owner.requests) == 1


@pytest.mark.parametrize("error", [Problem("request.overloaded", 503), NoAnswer("nobody")], ids=["problem", "none"])
def test_a_request_that_is_refused_is_the_fate_of_its_rows(tmp_path: Path, error: Exception) -> None:
    path = written(tmp_path, HEADER + "P1,T,A,40,1\n,T,A,40,1\n")
    assert {report.result for report in loaded(path, Owner(error))} == {"refused"}


def test_rows_about_people_need_nobody_to_be_said(tmp_path: Path) -> None:
    header = "patient_ref,as_of,identity,valid_from\n"
    path = written(tmp_path, header + "".join(f"{n:032x},2026-03-01,低保,2026-01-01\n" for n in range(3)), "gb18030")
    sent: list[tuple[str, str, int]] = []

    def owner(kind: str, whose: str, rows: Sequence[Mapping[str, str]]) -> Sequence[Mapping[str, Any]]:
        sent.append((kind, whose, len(rows)))
        return [{"key": row["patient_ref"], "result": "booked"} for row in rows]

    reports = list(load_lines("assistance", read_lines(path, "assistance"), owner))

    assert sent == [("assistance", "", 3)]
    assert [report.result for report in reports] == ["booked"] * 3


def test_the_command_line_knows_every_kind_in_bulk() -> None:
    assert BULK_KINDS.keys() == IN_BULK
