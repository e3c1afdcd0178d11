"""Loading of register entries at their owner, and copying them at those who obey them.

A load is reported row by row: what is new or changed is recorded, the same again changes nothing, and a row that is
wrong holds up no other. What the kinds are, and what their entries say, is each owner's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from contracts.registers import CODE_CHARACTERS_MAX, ENTRIES_PER_REQUEST_MAX, EntryRow
from services.seedwork.model import Aggregate, Loaded, Refusal
from services.seedwork.reference import EntryRecorded, EntryState, entry
from services.seedwork.usecase import Answer, Change, Decision, Moment, UseCase
from services.seedwork.webhooks.addresses import wrong_with

COMPLAINTS_MAX = 20
"""More fields of one row that are wrong are not told."""
URL = "register.url"
"""The problem of a row whose URL would not be called, or that has none though messages are to be sent."""
CONTENT_CHARACTERS_MAX = 16_384
"""Of one entry, so that the event which tells it to the others fits into a message."""


@dataclass(frozen=True)
class Kind:
    """One kind of entry an owner keeps: the register it stands in, the form of its content, the shape of its codes.

    `complaint(code, content)` says what else is wrong with an entry, a check digit for instance. `urls` are the fields
    of its content that say where messages are sent: what would not be called is not recorded.
    """

    register: Aggregate[EntryState]
    form: type[BaseModel]
    code_pattern: str
    complaint: Callable[[str, Any], str | None] = lambda _code, _content: None
    urls: tuple[str, ...] = ()


Kinds = Mapping[str, Kind]


class EntryTold(Protocol):
    """An owner's public word on one entry."""

    @property
    def kind(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def content(self) -> dict[str, Any]: ...
    @property
    def valid_from(self) -> date: ...
    @property
    def valid_until(self) -> date | None: ...
    @property
    def suspended(self) -> bool: ...


@dataclass(frozen=True)
class _Row:
    """A row as it was read: the event it wants, or what is wrong with it."""

    code: str
    event: EntryRecorded | None
    errors: tuple[str, ...] = ()

    def report(self, changed: Container[str]) -> dict[str, Any]:
        """What the loader is told of this row, once it is known which codes changed."""
        if self.event is None:
            return {"code": self.code, "result": "refused", "errors": list(self.errors)}
        return {"code": self.code, "result": "recorded" if self.code in changed else "unchanged"}


def record_entries(kinds: Kinds, kind: str, rows: Sequence[Mapping[str, Any]], *, plain: bool = False) -> UseCase:
    """Record what is new or changed among these rows, in order; needs 1 to 90 of them and a kind of this owner.
    `plain`: systems that a row names may be called without TLS."""
    if kind not in kinds:
        return _refused(Refusal("register.kind", {"kind": kind, "kinds": sorted(kinds)}))
    if not 1 <= len(rows) <= ENTRIES_PER_REQUEST_MAX:
        return _refused(Refusal("register.size", {"entries": len(rows), "max": ENTRIES_PER_REQUEST_MAX}))
    read = _read(kind, kinds[kind], rows, plain=plain)
    wanted = [row.event for row in read if row.event]

    def decide(_moment: Moment, *entries: Loaded[EntryState]) -> Decision:
        new = [
            (known, event) for known, event in zip(entries, wanted, strict=True) if known.after([event]) != known.state
        ]
        changed = {event.code for _, event in new}
        report = [row.report(changed) for row in read]
        results = [row["result"] for row in report]
        counts = {result: results.count(result) for result in ("recorded", "unchanged", "refused")}
        changes = tuple(Change(known, (event,)) for known, event in new)
        return Decision(changes, Answer(body={"kind": kind, **counts, "rows": report}))

    return UseCase(tuple(entry(kinds[kind].register, kind, event.code) for event in wanted), decide)


def copy_entry(copies: Aggregate[EntryState], told: EntryTold) -> UseCase:
    """Keep a copy of another service's entry; the same again changes nothing."""
    recorded = EntryRecorded(
        kind=told.kind,
        code=told.code,
        content=told.content,
        valid_from=told.valid_from,
        valid_until=told.valid_until,
        suspended=told.suspended,
    )

    def decide(_moment: Moment, known: Loaded[EntryState]) -> Decision:
        if known.after([recorded]) == known.state:
            return Decision.nothing()
        return Decision.on(known, [recorded])

    return UseCase((entry(copies, told.kind, told.code),), decide)


def _refused(refusal: Refusal) -> UseCase:
    return UseCase((), lambda _moment: Decision.refused(refusal))


def _read(kind: str, about: Kind, rows: Sequence[Mapping[str, Any]], *, plain: bool) -> list[_Row]:
    read: list[_Row] = []
    for raw in rows:
        row = _row(kind, about, raw, plain=plain)
        if row.event and any(row.code == other.code for other in read):
            row = _Row(row.code, None, ("code: twice in one request",))
        read.append(row)
    return read


def _row(kind: str, about: Kind, raw: Mapping[str, Any], *, plain: bool) -> _Row:
    try:
        row = EntryRow.model_validate(raw)
        content = about.form.model_validate(row.content)
    except ValidationError as error:
        return _Row(str(raw.get("code", ""))[:CODE_CHARACTERS_MAX], None, tuple(_complaints(error)))
    if len(content.model_dump_json()) > CONTENT_CHARACTERS_MAX:
        return _Row(row.code, None, (f"content: more than {CONTENT_CHARACTERS_MAX} characters",))
    if not re.fullmatch(about.code_pattern, row.code):
        return _Row(row.code, None, (f"code: not of the form {about.code_pattern}",))
    if complaint := about.complaint(row.code, content) or _not_called(about, content, plain=plain):
        return _Row(row.code, None, (complaint,))
    if row.valid_until and row.valid_until < row.valid_from:
        return _Row(row.code, None, ("valid_until: before valid_from",))
    fields = {**dict(row), "content": content.model_dump(mode="json")}
    return _Row(row.code, EntryRecorded(kind=kind, **fields))


def _not_called(about: Kind, content: BaseModel, *, plain: bool) -> str | None:
    """The same rule as for who subscribes, but that an administrator may name a place in a private network."""
    for field, url in ((field, getattr(content, field)) for field in about.urls):
        wrong = None if url is None else wrong_with(url, development=False, private=True, plain=plain)
        if wrong is not None:
            return url_complaint(field, wrong)
    return None


def url_complaint(field: str, wrong: str = "missing") -> str:
    """What is wrong with the URL in that field of a row, by the code of the error catalogue."""
    return f"{field}: {URL} ({wrong})"


def _complaints(error: ValidationError) -> list[str]:
    """Field and message; never the value."""
    return [f"{'.'.join(map(str, each['loc'])) or 'row'}: {each['msg']}" for each in error.errors()[:COMPLAINTS_MAX]]
