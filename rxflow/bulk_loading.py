"""Rows in bulk out of a CSV file, of pharmacies' goods or insurers' members: a stream, in parts, reported row by row.

The systems they come from write UTF-8 or GB18030; which it is shows when the file is read once through. A row that is
wrong is reported and the others go on. The same file again changes nothing.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from contracts.goods import ROWS
from contracts.insured import INSURED_ROWS
from contracts.rows import ROWS_PER_REQUEST_MAX, ImportRow
from rxflow.client.failures import NoAnswer, Problem
from rxflow.loading import Unloadable

ENCODINGS = ("utf-8-sig", "gb18030")
ROWS_MAX = 1_000_000
CELL_CHARACTERS_MAX = 200
PIECE_BYTES = 1 << 16
PHARMACY = "pharmacy"


@dataclass(frozen=True)
class BulkKind:
    """The form of a kind's rows, and the column that says whose they are; None: each row says it in its own way."""

    form: type[ImportRow]
    whose: str | None = None


BULK_KINDS: Mapping[str, BulkKind] = {
    **{kind: BulkKind(form, PHARMACY) for kind, form in ROWS.items()},
    **{kind: BulkKind(form) for kind, form in INSURED_ROWS.items()},
}


@dataclass(frozen=True)
class Line:
    """One line of the file: its number as an editor shows it, whose it is, its cells; `broken`: why it is none."""

    number: int
    whose: str
    cells: Mapping[str, str]
    broken: str | None = None


@dataclass(frozen=True)
class LineReport:
    """What became of a line: booked, unchanged or refused."""

    number: int
    key: str
    result: str
    problem: str | None = None


Send = Callable[[str, str, Sequence[Mapping[str, str]]], Sequence[Mapping[str, Any]]]
"""`send(kind, whose, rows)` -> the report of each row; raises Problem or NoAnswer for all."""


def encoding_of(path: Path) -> str:
    """The first encoding in which the whole file can be read. Raises Unloadable."""
    for encoding in ENCODINGS:
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            with path.open("rb") as file:
                while piece := file.read(PIECE_BYTES):
                    decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        except OSError as error:
            raise Unloadable(f"{path} cannot be read: {error}") from error
        return encoding
    raise Unloadable(f"{path} is neither UTF-8 nor GB18030")


def read_lines(path: Path, kind: str, whose: str | None = None) -> Iterator[Line]:
    """The lines of a file with a header, one at a time; `whose` they are where the file has no such column.

    Raises Unloadable for a file that cannot be one of this kind, before the first line is given.
    """
    encoding = encoding_of(path)
    with path.open(encoding=encoding, newline="") as file:
        lines = enumerate(file, 1)
        header = [name.strip() for name in _header(lines, path)]
        about = BULK_KINDS[kind]
        column = {about.whose} if about.whose else set()
        known = column | about.form.model_fields.keys()
        needed = {name for name, field in about.form.model_fields.items() if field.is_required()}
        if set(header) - known or len(set(header)) < len(header):
            raise Unloadable(f"{path} has columns that are none of {', '.join(sorted(known))}, or one twice")
        if needed - set(header):
            raise Unloadable(f"{path} lacks the columns {', '.join(sorted(needed - set(header)))}")
        if about.whose is not None and about.whose not in header and whose is None:
            raise Unloadable(f"{path} has no column {about.whose}: say whose it is")
        yield from islice(_lines(lines, header, about.whose, whose or ""), ROWS_MAX + 1)


def _header(lines: Iterator[tuple[int, str]], path: Path) -> list[str]:
    try:
        return next((_cells(text) for _, text in lines), [])
    except csv.Error as error:
        raise Unloadable(f"{path} has no header: {error}") from error


def _cells(text: str) -> list[str]:
    """Of one line. No row of these kinds goes over several: a quote that is never closed would swallow the next."""
    return next(csv.reader([text], strict=True), [])


def _lines(lines: Iterator[tuple[int, str]], header: Sequence[str], column: str | None, whose: str) -> Iterator[Line]:
    for number, text in lines:
        try:
            cells = _cells(text)
        except csv.Error as error:
            yield Line(number, whose, {}, str(error))
            continue
        if any(cells):
            yield _line(number, header, cells, column, whose)


def _line(number: int, header: Sequence[str], cells: Sequence[str], column: str | None, whose: str) -> Line:
    if len(cells) != len(header):
        return Line(number, whose, {}, f"{len(cells)} cells instead of {len(header)}")
    if max(map(len, cells)) > CELL_CHARACTERS_MAX:
        return Line(number, whose, {}, f"a cell has more than {CELL_CHARACTERS_MAX} characters")
    if any("\0" in cell for cell in cells):
        return Line(number, whose, {}, "a cell holds a NUL character")
    row = {name: cell.strip() for name, cell in zip(header, cells, strict=True) if cell.strip()}
    if column is None:
        return Line(number, "", row)
    whose = row.pop(column, whose)
    return Line(number, whose, row, None if whose else f"no {column}")


def load_lines(kind: str, lines: Iterator[Line], send: Send) -> Iterator[LineReport]:
    """Each line's report, as soon as it is known; at most a request's rows are in memory."""
    for whose, own in groupby(lines, key=lambda line: line.whose):
        while part := list(islice(own, ROWS_PER_REQUEST_MAX)):
            answers = iter(_sent(kind, whose, [line for line in part if line.broken is None], send))
            for line in part:
                if line.broken is not None:
                    yield LineReport(line.number, "", "refused", line.broken)
                else:
                    yield _report(line, next(answers))


def _sent(kind: str, whose: str, lines: Sequence[Line], send: Send) -> Sequence[Mapping[str, Any]]:
    """What is refused as a whole is the fate of each."""
    if not lines:
        return []
    try:
        return send(kind, whose, [line.cells for line in lines])
    except Problem as problem:
        return [{"result": "refused", "errors": [problem.code]}] * len(lines)
    except NoAnswer as error:
        return [{"result": "refused", "errors": [str(error)]}] * len(lines)


def _report(line: Line, answer: Mapping[str, Any]) -> LineReport:
    problem = "; ".join(answer["errors"]) if answer["result"] == "refused" else None
    return LineReport(line.number, str(answer.get("key", "")), str(answer["result"]), problem)
