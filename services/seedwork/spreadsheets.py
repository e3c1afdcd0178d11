"""Tables as files that people open in a spreadsheet: CSV and XLSX, written row by row, with nothing that is executed.

A cell that begins with one of `=+-@`, a tab or a carriage return is a formula to a spreadsheet. Text that does so is
written with an apostrophe before it in CSV, and as text, never as a formula or a link, in XLSX
(OWASP: CSV Injection). Amounts are whole fen on the inside and yuan with two decimals, exact, on the outside.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from typing import Any, Final

import xlsxwriter

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
PIECE_ROWS: Final = 500
CSV_TYPE: Final = "text/csv; charset=utf-8"
XLSX_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHEET_ROWS_MAX: Final = 1_000_000
"""A sheet holds 1,048,576."""


def yuan(fen: int) -> Decimal:
    """Exact, with two decimals."""
    return Decimal(fen).scaleb(-2)


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def csv_pieces(
    columns: Sequence[str], rows: Iterable[Mapping[str, Any]], amounts: AbstractSet[str] = frozenset()
) -> Iterator[bytes]:
    """The file in pieces, with a byte order mark so that a spreadsheet reads it as UTF-8. `amounts`: columns in fen."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    text.write("\ufeff")
    writer.writerow([harmless(name) for name in columns])
    for number, row in enumerate(rows, 1):
        writer.writerow([_cell(name, row.get(name), amounts) for name in columns])
        if number % PIECE_ROWS == 0:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def _cell(name: str, value: Any, amounts: AbstractSet[str]) -> str:
    if value is None:
        return ""
    if name in amounts:
        return str(yuan(value))
    return str(value) if isinstance(value, int) else harmless(str(value))


def xlsx_file(
    sheet: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]], amounts: AbstractSet[str] = frozenset()
) -> bytes:
    """One sheet, written row by row; only the file itself is in memory. Raises ValueError where it is full."""
    out = io.BytesIO()
    with (
        tempfile.TemporaryDirectory(prefix="rxflow-sheet-") as directory,
        xlsxwriter.Workbook(
            out,
            {
                "constant_memory": True,
                "tmpdir": directory,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
            },
        ) as book,
    ):
        page, money = book.add_worksheet(sheet), book.add_format({"num_format": "0.00"})
        page.freeze_panes(1, 0)
        for column, name in enumerate(columns):
            page.write_string(0, column, name)
        for number, row in enumerate(rows, 1):
            if number > SHEET_ROWS_MAX:
                raise ValueError(f"{sheet} has more than {SHEET_ROWS_MAX} rows")
            for column, name in enumerate(columns):
                value = row.get(name)
                if value is None:
                    continue
                if name in amounts:
                    page.write_number(number, column, yuan(value), money)
                elif isinstance(value, int):
                    page.write_number(number, column, value)
                else:
                    page.write_string(number, column, str(value))
    return out.getvalue()
