"""Reports, prices, stop notices and registers out of a file: read as a stream, sent in parts, reported row by row.

A row that is wrong is reported and the others go on. The same file again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from contracts.supply_reports import REGISTERS, ROWS, ROWS_PER_REQUEST_MAX, RegisterMapping
from rxflow.client.failures import NoAnswer, Problem
from rxflow.loading import Unloadable
from rxflow.report_files import FileRow

REPORT_KINDS = (*ROWS, *REGISTERS)
SUFFICES: Mapping[str, str] = {**dict.fromkeys(ROWS, "rows"), **REGISTERS}
"""Under what a JSON object has its records, by kind."""
MAPPING_BYTES_MAX = 1 << 20
REQUEST_BYTES_MAX = 512 * 1024
"""Of the rows of one request; a service takes 1 MiB, and the mapping goes along."""


@dataclass(frozen=True)
class ReportReport:
    """What became of a row: recorded, unchanged or refused."""

    number: int
    key: str
    result: str
    problem: str | None = None
    contradicts: str | None = None


Send = Callable[[str, Sequence[Mapping[str, Any]]], Sequence[Mapping[str, Any]]]
"""`send(kind, rows)` -> the report of each row; raises Problem or NoAnswer for all."""


def read_mapping(path: Path) -> RegisterMapping:
    """A mapping file (JSON). Raises Unloadable."""
    try:
        if path.stat().st_size > MAPPING_BYTES_MAX:
            raise Unloadable(f"{path} has more than {MAPPING_BYTES_MAX} bytes")
        return RegisterMapping.model_validate(orjson.loads(path.read_bytes()))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:20])
        raise Unloadable(f"{path} is no mapping: {wrong}") from error
    except (OSError, ValueError) as error:
        raise Unloadable(f"{path} is no mapping: {error}") from error


def load_reports(kind: str, rows: Iterable[FileRow], send: Send) -> Iterator[ReportReport]:
    """Each row's report, as soon as it is known; at most a request's rows are in memory."""
    for part in _parts(rows):
        good = [row for row in part if row.broken is None]
        answers = iter(_sent(kind, good, send))
        for row in part:
            if row.broken is not None:
                yield ReportReport(row.number, "", "refused", row.broken)
                continue
            answer = next(answers)
            problem = "; ".join(answer["errors"]) if answer["result"] == "refused" else None
            key, result = str(answer.get("key", "")), str(answer["result"])
            yield ReportReport(row.number, key, result, problem, answer.get("contradicts"))


def _parts(rows: Iterable[FileRow]) -> Iterator[list[FileRow]]:
    """As many rows as a request takes, fewer where they are large."""
    remaining = iter(rows)
    kept: list[FileRow] = []
    while taken := [*kept, *islice(remaining, ROWS_PER_REQUEST_MAX - len(kept))]:
        size, part = 0, 0
        for row in taken:
            size += len(orjson.dumps(dict(row.fields)))
            if part and size > REQUEST_BYTES_MAX:
                break
            part += 1
        kept = taken[part:]
        yield taken[:part]


def _sent(kind: str, rows: Sequence[FileRow], send: Send) -> Sequence[Mapping[str, Any]]:
    """What is refused as a whole is the fate of each."""
    if not rows:
        return []
    try:
        return send(kind, [row.fields for row in rows])
    except Problem as problem:
        return [{"result": "refused", "errors": [problem.code]}] * len(rows)
    except NoAnswer as error:
        return [{"result": "refused", "errors": [str(error)]}] * len(rows)
