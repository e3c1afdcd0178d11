"""A payer's file: read strictly, sorted on disk, closed against the claims; memory does not grow with it."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxflow.loading import Unloadable
from rxflow.payer_file import PROVIDERS, RUNS_AT_ONCE, PayerRow, SortedFile, fen, read_rows
from rxflow.reconcile_cli import close_day, told
from services.insurance.domain.payer_items import message_key

HEADER = "psn_no,mdtrt_id,setl_id,msgid,stmt_rslt,refd_setl_flag,memo,medfee_sumamt,fund_pay_sumamt,acct_pay"
NUMBERS = st.integers(min_value=0, max_value=10**9)


def written(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.write_text("\n".join((HEADER, *lines)) + "\n", encoding=encoding)
    return path


def test_amounts_are_read_to_the_fen_and_never_rounded() -> None:
    assert [fen(text) for text in ("0", "12", "12.3", "12.30", "-0.05")] == [0, 1200, 1230, 1230, -5]
    assert [fen(text) for text in ("", "1.234", "1e3", "12,30", "NaN", "--1")] == [None] * 6


def test_what_was_taken_back_is_negative_however_it_is_written(tmp_path: Path) -> None:
    file = written(
        tmp_path / "day.csv",
        "p,m,s,A,0,0,,225.00,123.00,60.00",
        "",
        "p,m,s,B,0,1,退费,225.00,123.00,60.00",
        "p,m,s,C,0,1,退费,-225.00,-123.00,-60.00",
        encoding="gb18030",
    )
    assert [row[1:] for row in read_rows(file)] == [
        ("A", 22500, 12300, 6000),
        ("B", -22500, -12300, -6000),
        ("C", -22500, -12300, -6000),
    ]


def test_however_long_the_day_is_few_of_its_runs_are_open_at_once(tmp_path: Path) -> None:
    rows = [PayerRow(UUID(int=(7919 * number) % 1009), str(number), number, 0, 0) for number in range(1000)]

    kept = SortedFile.of(rows, tmp_path, 1)

    assert len(list(tmp_path.iterdir())) == len(kept.runs) <= 3 * RUNS_AT_ONCE
    assert list(kept.rows()) == sorted(rows)


def test_tabs_are_as_good_as_commas(tmp_path: Path) -> None:
    file = tmp_path / "day.txt"
    file.write_text("msgid\trefd_setl_flag\tmedfee_sumamt\tfund_pay_sumamt\tacct_pay\nA\t0\t1.00\t0.50\t0\n")
    assert [row[1:] for row in read_rows(file)] == [("A", 100, 50, 0)]


@pytest.mark.parametrize(
    "line",
    [
        "p,m,s,A,0,0,,225.001,123.00,60.00",
        "p,m,s,A,0,2,,225.00,123.00,60.00",
        "p,m,s,,0,0,,225.00,123.00,60.00",
        "p,m,s,A,0,0,,-225.00,123.00,60.00",
        "p,m,s,A,0,0",
        'p,m,s,A,0,0,"' + "x" * 200_000 + '",1,1,1',
    ],
)
def test_a_file_with_a_wrong_line_is_no_basis(tmp_path: Path, line: str) -> None:
    with pytest.raises(Unloadable, match="line 2"):
        list(read_rows(written(tmp_path / "day.csv", line)))


def test_a_file_without_the_columns_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "day.csv"
    file.write_text("msgid,medfee_sumamt\nA,1\n")
    with pytest.raises(Unloadable, match="refd_setl_flag"):
        list(read_rows(file))


PROVIDERS_HEADER = "transaction_id,out_trade_no,out_refund_no,amount"


def test_a_payment_providers_lines_are_known_by_payment_and_refund(tmp_path: Path) -> None:
    file = tmp_path / "day.csv"
    lines = ("4200,A,,42.00", "4200,A,B,7.80", "4200,A,C,-34.20")
    file.write_text("\n".join((PROVIDERS_HEADER, *lines)))
    assert [row[1:] for row in read_rows(file, PROVIDERS)] == [("A", 4200, 0, 0), ("B", -780, 0, 0), ("C", -3420, 0, 0)]


@pytest.mark.parametrize("line", ["4200,,,42.00", "4200,A,,-42.00", "4200,A,,42.001", "4200,A,42.00"])
def test_a_providers_file_with_a_wrong_line_is_no_basis(tmp_path: Path, line: str) -> None:
    file = tmp_path / "day.csv"
    file.write_text("\n".join((PROVIDERS_HEADER, line)))
    with pytest.raises(Unloadable, match="line 2"):
        list(read_rows(file, PROVIDERS))


@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=40), st.integers(1, 7), st.integers(1, 7))
def test_parts_hold_all_rows_in_order_and_keep_repetitions_together(
    tmp_path_factory: Any, found: list[tuple[int, int]], run_rows: int, size: int
) -> None:
    rows = [PayerRow(message_key(f"M{number % 9}"), f"M{number % 9}", amount, 0, 0) for number, amount in found]
    kept = SortedFile.of(rows, tmp_path_factory.mktemp("runs"), run_rows)

    parts = list(kept.parts(size))

    assert [row for part, _ in parts for row in part] == sorted(rows)
    assert [last for _, last in parts] == [False] * (len(parts) - 1) + [True]
    keys = [{row.key for row in part} for part, _ in parts]
    assert sum(map(len, keys)) == len(set().union(*keys))
    assert kept.totals == {"count": len(rows), "total": sum(row.total for row in rows), "fund": 0, "account": 0}


class Officer:
    """What a day is told, and how it would stand."""

    def __init__(self, state: str) -> None:
        self._state = state
        self.totals: dict[str, int] = {}
        self.rows: list[dict[str, Any]] = []
        self.lasts: list[bool] = []

    def tell_totals(self, _day: str, totals: dict[str, int]) -> dict[str, Any]:
        self.totals = totals
        return {"state": self._state}

    def tell_items(self, _day: str, rows: list[dict[str, Any]], *, last: bool) -> None:
        self.rows += rows
        self.lasts.append(last)

    def reconciliation(self, day: str) -> dict[str, Any]:
        figures = {"count": 2, "total": 0, "fund": 0, "account": 0}
        item = {"message_id": "A", "kind": "amount", "owner": "insurer", "age_days": 1, "missing": figures}
        items = [{**item, "answered": None}, {**item, "message_id": "B", "answered": {"answer": "insurer_books"}}]
        named = {"day": day, "insurer": "I310100", "ours": figures, "theirs": figures, "open": 1, "items": items}
        return {**named, "state": self._state, "how": "zero" if self._state == "closed" else None}


def many(path: Path) -> Path:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(HEADER.split(","))
        rows.writerows(["p", "m", "s", f"M{number}", 0, 0, "", "1.00", "0.50", "0"] for number in range(3_100))
    return path


def test_items_are_told_only_where_totals_differ(tmp_path: Path) -> None:
    file = many(tmp_path / "day.csv")
    equal, other = Officer("closed"), Officer("differing")

    close_day(equal, file, "2026-03-02")
    shown = close_day(other, file, "2026-03-02")

    assert equal.totals == {"count": 3_100, "total": 310_000, "fund": 155_000, "account": 0}
    assert equal.rows == []
    assert other.lasts == [False, False, True]
    assert sorted(row["msgid"] for row in other.rows) == sorted(f"M{number}" for number in range(3_100))
    assert set(other.rows[0]) == {"msgid", "total", "fund", "account"}
    assert told(shown).count("\n") == 1
    assert "closed at zero" in told(equal.reconciliation("2026-03-02"))
