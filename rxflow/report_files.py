"""Files of reports and registers, read as a stream: CSV in UTF-8 or GB18030, JSON, XLSX. At most one row is in memory.

A row that cannot be read is told with its number; what follows it is read on. Of a JSON file that breaks off nothing
can be read after the break: that is told as its last row.
"""

from __future__ import annotations

import codecs
import csv
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import ijson
from openpyxl import load_workbook

from rxflow.bulk_loading import CELL_CHARACTERS_MAX, encoding_of
from rxflow.loading import Unloadable

ROWS_MAX = 1_000_000
CELLS_MAX = 200
HEADER_BYTES_MAX = 64 * 1024
DIGITS_MAX, DEPTH_MAX = 18, 20
TEXT_CHARACTERS_MAX = 20_000
"""Of one value in a JSON record or a sheet."""
UNPACKED_BYTES_MAX = 1 << 30
"""Of a workbook, which is a packed file: more is taken for an attack."""
Told = Callable[[float], None]


@dataclass(frozen=True)
class FileRow:
    """One row: its number as an editor shows it (records of a JSON file count from 1); `broken`: why it is none."""

    number: int
    fields: Mapping[str, Any]
    broken: str | None = None


def read_file(path: Path, list_name: str = "rows", done: Told = lambda _share: None) -> Iterator[FileRow]:
    """The rows of a file by its suffix. `list_name`: under what a JSON object has its records; `done`: is told the
    share of the file that is read.

    Raises Unloadable for a file that cannot be read as a whole, before the first row is given.
    """
    readers = {".csv": _csv, ".json": _json, ".xlsx": _xlsx}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise Unloadable(f"{path} is none of {', '.join(readers)}")
    yield from islice(reader(path, list_name, done), ROWS_MAX + 1)


def _csv(path: Path, _list_name: str, done: Told) -> Iterator[FileRow]:
    encoding = _encoding_of(path)
    size = max(1, path.stat().st_size)
    with path.open("rb") as raw, _Decoded(raw, encoding) as lines:
        reader = csv.reader(lines)
        header = [name.strip() for name in next(reader, ())]
        if not any(header) or len(set(header)) < len(header):
            raise Unloadable(f"{path} has no header, or a column twice")
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield FileRow(reader.line_num, {}, str(error))
                continue
            if any(cells):
                done(raw.tell() / size)
                yield _row(reader.line_num, header, cells)


def _encoding_of(path: Path) -> str:
    """UTF-8 where the whole file can be read in neither of the two: a few bytes are broken then, and their rows told.
    It is never guessed to be GB18030, as which almost anything can be read as something else."""
    try:
        return encoding_of(path)
    except Unloadable:
        with path.open("rb") as raw:
            try:
                raw.readline(HEADER_BYTES_MAX).decode()
            except UnicodeDecodeError:
                raise Unloadable(f"{path} is neither UTF-8 nor GB18030") from None
        return "utf-8"


class _Decoded:
    """Lines of a file in its encoding, so that where the file is read to can be told."""

    def __init__(self, raw: BinaryIO, encoding: str) -> None:
        self._raw, self._encoding = raw, encoding

    def __enter__(self) -> Iterator[str]:
        # a byte of a line break stands in no character of the two encodings
        mark = "\ufeff"
        return (
            line.decode("utf-8" if self._encoding == "utf-8-sig" else self._encoding, "surrogateescape").removeprefix(
                mark
            )
            for line in iter(self._raw.readline, b"")
        )

    def __exit__(self, *_error: object) -> None: ...


def _row(number: int, header: Sequence[str], cells: Sequence[str]) -> FileRow:
    if len(cells) != len(header):
        return FileRow(number, {}, f"{len(cells)} cells instead of {len(header)}")
    if max(map(len, cells)) > 10 * CELL_CHARACTERS_MAX:
        return FileRow(number, {}, f"a cell has more than {10 * CELL_CHARACTERS_MAX} characters")
    try:
        filled = {name: _text(cell.strip()) for name, cell in zip(header, cells, strict=True) if name and cell.strip()}
    except _Unsendable as error:
        return FileRow(number, {}, str(error))
    return FileRow(number, filled)


def _json(path: Path, list_name: str, done: Told) -> Iterator[FileRow]:
    size = max(1, path.stat().st_size)
    number = 0
    with path.open("rb") as raw:
        head = raw.read(4096)
        begin = head.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
        if begin not in {b"[", b"{"}:
            raise Unloadable(f"{path} is neither a JSON list nor an object")
        raw.seek(len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0)
        records = ijson.items(raw, "item" if begin == b"[" else f"{list_name}.item")
        while True:
            number += 1
            try:
                record = next(records)
            except StopIteration:
                if number == 1:
                    raise Unloadable(f"{path} has no records under {list_name}") from None
                return
            except (ijson.JSONError, UnicodeDecodeError) as error:
                yield FileRow(number, {}, f"the file breaks off here: {type(error).__name__}")
                return
            done(raw.tell() / size)
            yield _record(number, record)


def _record(number: int, record: Any) -> FileRow:
    if not isinstance(record, dict):
        return FileRow(number, {}, "not an object")
    try:
        return FileRow(number, {_text(name): _plain(value) for name, value in record.items() if value is not None})
    except _Unsendable as error:
        return FileRow(number, {}, str(error))


class _Unsendable(ValueError):  # noqa: N818 - what the row is
    """What stands in a row can be in no request; the others of its request would be refused with it."""


def _plain(value: Any, depth: int = 0) -> Any:
    """Numbers of the parser as JSON has them; texts are cut, so that no row outgrows a request."""
    if depth > DEPTH_MAX:
        raise _Unsendable(f"nested more than {DEPTH_MAX} times")
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return _number(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return [_plain(each, depth + 1) for each in value[:CELLS_MAX]]
    if isinstance(value, dict):
        return {_text(name): _plain(each, depth + 1) for name, each in islice(value.items(), CELLS_MAX)}
    return value


def _number(value: Decimal | int) -> int | float:
    """Looked at by its exponent first: to write 1e99999999 as a number takes minutes and all memory."""
    too_long = value.adjusted() > DIGITS_MAX if isinstance(value, Decimal) else abs(value) >= 10**DIGITS_MAX
    if too_long:
        raise _Unsendable(f"a number of more than {DIGITS_MAX} digits")
    return int(value) if value == int(value) else float(value)


def _text(value: str) -> str:
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise _Unsendable("a NUL, half a character, or bytes that are none")
    return value[:TEXT_CHARACTERS_MAX]


def _xlsx(path: Path, _list_name: str, done: Told) -> Iterator[FileRow]:
    """The first sheet, its first row the header."""
    try:
        with zipfile.ZipFile(path) as packed:
            if sum(part.file_size for part in packed.infolist()) > UNPACKED_BYTES_MAX:
                raise Unloadable(f"{path} unpacks to more than {UNPACKED_BYTES_MAX} bytes")
        book = load_workbook(path, read_only=True, data_only=True)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise Unloadable(f"{path} is no workbook: {type(error).__name__}") from error
    try:
        sheet = book.worksheets[0]
        rows = enumerate(sheet.iter_rows(values_only=True, max_col=CELLS_MAX), start=1)
        total = max(1, sheet.max_row or 1)
        _, first = next(rows, (0, ()))
        header = [str(name).strip() if name is not None else "" for name in first]
        named = [name for name in header if name]
        if not named or len(set(named)) < len(named):
            raise Unloadable(f"{path} has no header, or a column twice")
        for number, cells in rows:
            if any(cell is not None for cell in cells):
                done(number / total)
                filled = {name: _cell(cell) for name, cell in zip(header, cells, strict=False) if name}
                yield FileRow(number, {name: cell for name, cell in filled.items() if cell})
    finally:
        book.close()


def _cell(value: Any) -> str:
    """As a CSV file would have it: whole numbers without a point, times in the zone of the civil day."""
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()[:TEXT_CHARACTERS_MAX]
