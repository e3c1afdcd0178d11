"""Opening stock and running orders out of a CSV file: read as a stream, sent in parts, reported row by row.

Pharmacies' systems write UTF-8 or GB18030; which it is shows when the file is read once through. A row that is wrong is
reported and the others go on. The same file again changes nothing.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from contracts.goods import ROWS, ROWS_PER_REQUEST_MAX
from rxflow.client.failures import NoAnswer, Problem
from rxflow.loading import Unloadable

ENCODINGS = ("utf-8-sig", "gb18030")
ROWS_MAX = 1_000_000
CELL_CHARACTERS_MAX = 200
PIECE_BYTES = 1 << 20
PHARMACY = "pharmacy"


@dataclass(frozen=True)
class GoodsLine:
    """One line of the file: its number as an editor shows it, whose it is, its cells; `broken`: why it is none."""

    number: int
    pharmacy: str
    cells: Mapping[str, str]
    broken: str | None = None


@dataclass(frozen=True)
class GoodsReport:
    """What became of a line: booked, unchanged or refused."""

    number: int
    key: str
    result: str
    problem: str | None = None


Send = Callable[[str, str, Sequence[Mapping[str, str]]], Sequence[Mapping[str, Any]]]
"""`send(kind, pharmacy, rows)` -> the report of each row; raises Problem or NoAnswer for all."""


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


def read_lines(path: Path, kind: str, pharmacy: str | None = None) -> Iterator[GoodsLine]:
    """The lines of a file with a header, one at a time; `pharmacy` where the file has no such column.

    Raises Unloadable for a file that cannot be one of this kind, before the first line is given.
    """
    encoding = encoding_of(path)
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.reader(file)
        header = [name.strip() for name in next(reader, ())]
        known = {PHARMACY, *ROWS[kind].model_fields}
        needed = {name for name, field in ROWS[kind].model_fields.items() if field.is_required()}
        if set(header) - known or len(set(header)) < len(header):
            raise Unloadable(f"{path} has columns that are none of {', '.join(sorted(known))}, or one twice")
        if needed - set(header):
            raise Unloadable(f"{path} lacks the columns {', '.join(sorted(needed - set(header)))}")
        if PHARMACY not in header and pharmacy is None:
            raise Unloadable(f"{path} has no column {PHARMACY}: say whose it is")
        yield from islice(_lines(reader, header, pharmacy or ""), ROWS_MAX + 1)


def _lines(reader: Any, header: Sequence[str], pharmacy: str) -> Iterator[GoodsLine]:
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield GoodsLine(reader.line_num, pharmacy, {}, str(error))
            continue
        if any(cells):
            yield _line(reader.line_num, header, cells, pharmacy)


def _line(number: int, header: Sequence[str], cells: Sequence[str], pharmacy: str) -> GoodsLine:
    if len(cells) != len(header):
        return GoodsLine(number, pharmacy, {}, f"{len(cells)} cells instead of {len(header)}")
    if max(map(len, cells)) > CELL_CHARACTERS_MAX:
        return GoodsLine(number, pharmacy, {}, f"a cell has more than {CELL_CHARACTERS_MAX} characters")
    row = {name: cell.strip() for name, cell in zip(header, cells, strict=True) if cell.strip()}
    return GoodsLine(number, row.pop(PHARMACY, pharmacy), row)


def load_goods(kind: str, lines: Iterator[GoodsLine], send: Send) -> Iterator[GoodsReport]:
    """Each line's report, as soon as it is known; at most a request's rows are in memory."""
    for pharmacy, own in groupby(lines, key=lambda line: line.pharmacy):
        while part := list(islice(own, ROWS_PER_REQUEST_MAX)):
            good = [line for line in part if line.broken is None and pharmacy]
            answers = iter(_sent(kind, pharmacy, good, send))
            for line in part:
                if line.broken is not None or not pharmacy:
                    yield GoodsReport(line.number, "", "refused", line.broken or "no pharmacy")
                else:
                    yield _report(line, next(answers))


def _sent(kind: str, pharmacy: str, lines: Sequence[GoodsLine], send: Send) -> Sequence[Mapping[str, Any]]:
    """What is refused as a whole is the fate of each."""
    if not lines:
        return []
    try:
        return send(kind, pharmacy, [line.cells for line in lines])
    except Problem as problem:
        return [{"result": "refused", "errors": [problem.code]}] * len(lines)
    except NoAnswer as error:
        return [{"result": "refused", "errors": [str(error)]}] * len(lines)


def _report(line: GoodsLine, answer: Mapping[str, Any]) -> GoodsReport:
    problem = "; ".join(answer["errors"]) if answer["result"] == "refused" else None
    return GoodsReport(line.number, str(answer.get("key", "")), str(answer["result"]), problem)
