"""Rows in bulk, each read and decided for itself, all saved together, and reported one by one.

A row that is wrong is reported, nothing of it is booked, and it holds up no other. What the rows are and what booking
them means is each service's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import ValidationError

from contracts.rows import ROW_KEY_LENGTH_MAX, ROWS_PER_REQUEST_MAX, ImportRow
from services.seedwork.model import DomainEvent, Loaded, Outcome, Refusal, StreamRef
from services.seedwork.usecase import Answer, Change, Decision, Moment, UseCase

COMPLAINTS_MAX = 20
"""More fields of one row that are wrong are not told."""
RowForm = TypeVar("RowForm", bound=ImportRow)


@dataclass(frozen=True)
class ReadRow(Generic[RowForm]):
    """A row as it was read: its content, or what is wrong with it."""

    key: str
    row: RowForm | None
    errors: tuple[str, ...] = ()


@dataclass
class Books:
    """The streams of one request, each with what the rows so far have added to it."""

    loaded: Mapping[UUID, Loaded[Any]]
    events: dict[UUID, list[DomainEvent]] = field(default_factory=dict)

    def state(self, ref: StreamRef[Any]) -> Any:
        return self.loaded[ref.stream_id].after(self.events.get(ref.stream_id, ()))

    def add(self, ref: StreamRef[Any], events: Iterable[DomainEvent]) -> None:
        self.events.setdefault(ref.stream_id, []).extend(events)

    def changes(self) -> tuple[Change, ...]:
        return tuple(Change(self.loaded[stream], tuple(new)) for stream, new in self.events.items() if new)


@dataclass(frozen=True)
class Importing(Generic[RowForm]):
    """How rows of one form are booked.

    `streams(row)` are those it may change, `facts(row)` those it only reads. `book(row, books, moment)` adds events to
    the books, or adds nothing and returns the refusal; what it returns otherwise says whether anything was booked.
    """

    form: type[RowForm]
    streams: Callable[[RowForm], Iterable[StreamRef[Any]]]
    facts: Callable[[RowForm], Iterable[StreamRef[Any]]]
    book: Callable[[RowForm, Books, Moment], Outcome]
    about: Mapping[str, Any] = field(default_factory=dict)
    """What the answer says besides the report of the rows."""


def import_rows(importing: Importing[RowForm], rows: Sequence[Mapping[str, Any]]) -> UseCase:
    """Books these rows, 1 to `ROWS_PER_REQUEST_MAX`; the answer counts and reports them in their order."""
    if not 1 <= len(rows) <= ROWS_PER_REQUEST_MAX:
        refusal = Refusal("import.size", {"rows": len(rows), "max": ROWS_PER_REQUEST_MAX})
        return UseCase((), lambda _moment: Decision.refused(refusal))
    read = [read_row(importing.form, raw) for raw in rows]
    good = [each.row for each in read if each.row is not None]
    changed = {ref.stream_id: ref for row in good for ref in importing.streams(row)}
    only_read = {ref.stream_id: ref for row in good for ref in importing.facts(row) if ref.stream_id not in changed}

    def decide(moment: Moment, *loaded: Loaded[Any]) -> Decision:
        books = Books({each.stream_id: each for each in loaded})
        report = [_reported(each, importing, books, moment) for each in read]
        results = [row["result"] for row in report]
        counts = {result: results.count(result) for result in ("booked", "unchanged", "refused")}
        return Decision(books.changes(), Answer(body={**importing.about, **counts, "rows": report}))

    return UseCase(tuple(changed.values()), decide, relaxed=tuple(only_read.values()))


def _reported(read: ReadRow[RowForm], importing: Importing[RowForm], books: Books, moment: Moment) -> dict[str, Any]:
    if read.row is None:
        return {"key": read.key, "result": "refused", "errors": list(read.errors)}
    outcome = importing.book(read.row, books, moment)
    if isinstance(outcome, Refusal):
        return {"key": read.key, "result": "refused", "errors": [outcome.code]}
    return {"key": read.key, "result": "booked" if outcome else "unchanged"}


def read_row(form: type[RowForm], raw: Mapping[str, Any]) -> ReadRow[RowForm]:
    """The row, or field and message of what is wrong; never a value."""
    try:
        row = form.model_validate(raw)
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, each['loc'])) or 'row'}: {each['msg']}" for each in error.errors()]
        return ReadRow(str(raw.get("row_key") or "")[:ROW_KEY_LENGTH_MAX], None, tuple(wrong[:COMPLAINTS_MAX]))
    return ReadRow(row.key, row)
