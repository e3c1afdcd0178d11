"""Loading reference data: a CSV or JSON file, row by row, to the service that owns its kind.

A row that is wrong is reported and the others go on. Loading the same file again changes nothing: the owner answers an
entry it already has without recording it again.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError

from contracts.registers import CONTENT, ENTRIES_PER_REQUEST_MAX, OWNER, EntryRow
from rxflow.client.failures import NoAnswer, Problem
from rxflow.world.catalogue import Reimbursement
from services.insurance.domain.audit.rules import RuleSet
from services.insurance.domain.delivery_fee import DeliveryTariff
from services.insurance.domain.policy import PolicyTable
from services.prescribe.domain.registers import FamilyContract

KINDS: Mapping[str, tuple[str, type[BaseModel]]] = {
    **{kind: (OWNER[kind], form) for kind, form in CONTENT.items()},
    "catalogue_entry": ("insurance", Reimbursement),
    "audit_rules": ("insurance", RuleSet),
    "benefit_policy": ("insurance", PolicyTable),
    "delivery_tariff": ("insurance", DeliveryTariff),
    "family_contract": ("prescribe", FamilyContract),
}
"""kind -> the service that owns it, and the form of its content"""

ROWS_MAX = 100_000
ENTRY_FIELDS = ("code", "valid_from", "valid_until", "suspended")
LIST_SEPARATOR = ";"


class Unloadable(Exception):  # noqa: N818
    """The file as a whole cannot be loaded."""


@dataclass(frozen=True)
class Row:
    """One row of the file: its number as an editor shows it (records of a JSON file count from 1), and its fields."""

    number: int
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class RowReport:
    """What became of one row; `problem` None: the owner has it."""

    number: int
    code: str
    problem: str | None = None


Record = Callable[[str, str, Sequence[Mapping[str, Any]]], Sequence[str | None]]
"""`record(service, kind, entries)`: per entry None, or what is wrong with it; raises Problem or NoAnswer for all"""


def load(kind: str, rows: Iterable[Row], record: Record, *, valid_from: date) -> Iterator[RowReport]:
    """Each row's report, as soon as it is known. `valid_from` is for rows that name no day."""
    owner, form = KINDS[kind]
    for part in _parts(rows):
        checked = [_checked(row, form, valid_from) for row in part]
        entries = [entry.model_dump(mode="json") for _, entry in checked if isinstance(entry, EntryRow)]
        answers = iter(_recorded(record, owner, kind, entries))
        for row, entry in checked:
            code = str(row.fields.get("code") or "")
            yield RowReport(row.number, code, entry if isinstance(entry, str) else next(answers))


def _parts(rows: Iterable[Row]) -> Iterator[tuple[Row, ...]]:
    remaining = iter(rows)
    while part := tuple(islice(remaining, ENTRIES_PER_REQUEST_MAX)):
        yield part


def _checked(row: Row, form: type[BaseModel], valid_from: date) -> tuple[Row, EntryRow | str]:
    try:
        return row, _entry(row.fields, form, valid_from)
    except ValidationError as error:
        return row, _reasons(error.errors())


def _recorded(record: Record, owner: str, kind: str, entries: Sequence[Mapping[str, Any]]) -> Sequence[str | None]:
    """What cannot be asked for as a whole is the fate of each."""
    if not entries:
        return []
    try:
        return record(owner, kind, entries)
    except Problem as problem:
        return [f"{problem.code}: {problem.detail}"] * len(entries)
    except NoAnswer as error:
        return [str(error)] * len(entries)


def read_rows(path: Path, kind: str) -> list[Row]:
    """The rows of a CSV file (first line: field names) or a JSON file (a list of objects). Raises Unloadable."""
    if kind not in KINDS:
        raise Unloadable(f"no kind {kind}; there are {', '.join(KINDS)}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Unloadable(f"{path} cannot be read: {error}") from error
    rows = _json_rows(path, text) if path.suffix == ".json" else _csv_rows(path, text, KINDS[kind][1])
    if not rows:
        raise Unloadable(f"{path} has no rows")
    if len(rows) > ROWS_MAX:
        raise Unloadable(f"{path} has {len(rows)} rows; at most {ROWS_MAX} at once")
    return rows


def _json_rows(path: Path, text: str) -> list[Row]:
    try:
        records = json.loads(text)
    except ValueError as error:
        raise Unloadable(f"{path} is no JSON: {error}") from error
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise Unloadable(f"{path} is no list of objects")
    return [Row(number, record) for number, record in enumerate(records, start=1)]


def _csv_rows(path: Path, text: str, form: type[BaseModel]) -> list[Row]:
    reader = csv.DictReader(text.splitlines())
    if "code" not in (reader.fieldnames or ()):
        raise Unloadable(f"{path} has no column code")
    try:
        return [Row(reader.line_num, _from_csv(record, form)) for record in reader]
    except (csv.Error, json.JSONDecodeError) as error:
        raise Unloadable(f"{path}, line {reader.line_num}: {error}") from error


def _from_csv(record: Mapping[str, str | None], form: type[BaseModel]) -> dict[str, Any]:
    """Empty cells are left out; cells of list fields are split at semicolons, or read as JSON where they start so."""
    fields: dict[str, Any] = {}
    for name, cell in record.items():
        if not name or not cell:
            continue
        annotation = form.model_fields[name].annotation if name in form.model_fields else None
        if cell[0] in "[{":
            fields[name] = json.loads(cell)
        elif get_origin(annotation) is tuple:
            fields[name] = [part.strip() for part in cell.split(LIST_SEPARATOR)]
        else:
            fields[name] = cell
    return fields


def _entry(fields: Mapping[str, Any], form: type[BaseModel], valid_from: date) -> EntryRow:
    """Rows are flat, or already have their content apart, as the services answer them."""
    content = fields.get("content")
    if not isinstance(content, Mapping):
        content = {name: value for name, value in fields.items() if name not in ENTRY_FIELDS}
    about = {name: fields[name] for name in ENTRY_FIELDS if fields.get(name) is not None}
    checked = form.model_validate(content).model_dump(mode="json")
    return EntryRow.model_validate({"valid_from": valid_from, **about, "content": checked})


def _reasons(errors: Iterable[Mapping[str, Any]]) -> str:
    """Which field, and why; never its value."""
    return "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in errors)
