"""Reading a set: all of it is good, or every row that is not is told and nothing is taken."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from services.review.domain.knowledge.checks import Fault, cross_checks
from services.review.domain.knowledge.entries import SECTIONS, Header
from services.review.domain.knowledge.forms import Entry
from services.review.domain.knowledge.index import Knowledge

HEADER = "set"
"""Where a fault of the header is reported."""
DAYS_KEPT_MAX = 64
ENTRIES_MAX = 100_000


@dataclass(frozen=True)
class KnowledgeSet:
    """A set that was read without fault. The same content has the same digest, in whatever order its entries stand."""

    header: Header
    digest: str
    entries: Mapping[str, Sequence[Any]]
    _days: dict[date, Knowledge] = field(default_factory=dict, init=False, repr=False, compare=False)

    def on(self, day: date) -> Knowledge:
        """The index of a day. Days between which no entry begins or ends share one."""
        first = max((each for each in self._turns if each <= day), default=date.min)
        if first not in self._days:
            if len(self._days) >= DAYS_KEPT_MAX:
                self._days.clear()
            self._days[first] = Knowledge(self.header, self.digest, self.entries, day)
        return self._days[first]

    @cached_property
    def _turns(self) -> tuple[date, ...]:
        """Days on which an entry begins to hold, or no longer does."""
        all_entries = [entry for section in self.entries.values() for entry in section]
        begins = {entry.valid_from for entry in all_entries if entry.valid_from}
        ends = {entry.valid_until for entry in all_entries if entry.valid_until}
        return tuple(sorted(begins | {end + timedelta(days=1) for end in ends if end < date.max}))

    def entry(self, section: str, entry_id: str) -> Entry | None:
        """One entry, so that everybody can see why."""
        found = (entry for entry in self.entries.get(section, ()) if entry.id == entry_id)
        return next(found, None)

    def counts(self) -> dict[str, int]:
        return {section: len(self.entries.get(section, ())) for section in SECTIONS}


def canonical(document: Mapping[str, Any]) -> str:
    """One text for one content: keys sorted, entries by id."""
    ordered = {
        name: sorted(value, key=_id_of) if name in SECTIONS and isinstance(value, list) else value
        for name, value in document.items()
    }
    return json.dumps(ordered, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _id_of(raw: Any) -> str:
    return str(raw.get("id")) if isinstance(raw, Mapping) else ""


def read_set(document: Mapping[str, Any]) -> KnowledgeSet | list[Fault]:
    """A document of a header and sections: the set, or everything that is wrong with it."""
    faults = [
        Fault(HEADER, name, "unknown section", f"sections are {', '.join(SECTIONS)}")
        for name in document
        if name not in SECTIONS and name not in Header.model_fields
    ]
    header: Header | None = None
    try:
        header = Header.model_validate({name: document[name] for name in Header.model_fields if name in document})
    except ValidationError as error:
        faults += [Fault(HEADER, "", what, why) for what, why in _complaints(error)]
    entries: dict[str, list[Any]] = {}
    for section, form in SECTIONS.items():
        read, wrong = _section(section, form, document.get(section, []))
        entries[section] = read
        faults += wrong
    if not document.get("drugs"):
        faults.append(Fault("drugs", "", "no entries", "a set that knows no drug would find nothing wrong with any"))
    faults += cross_checks(entries, header)
    if faults or header is None:
        return faults
    digest = hashlib.sha256(canonical(document).encode()).hexdigest()
    return KnowledgeSet(header, digest, {section: tuple(read) for section, read in entries.items()})


def _section(section: str, form: type[Entry], raw: Any) -> tuple[list[Any], list[Fault]]:
    if not isinstance(raw, list) or len(raw) > ENTRIES_MAX:
        return [], [Fault(section, "", "no list", f"a section is a list of at most {ENTRIES_MAX} entries")]
    read: list[Any] = []
    faults: list[Fault] = []
    for number, each in enumerate(raw, start=1):
        name = _id_of(each) or f"entry {number}"
        try:
            read.append(form.model_validate(each))
        except ValidationError as error:
            faults += [Fault(section, name, what, why) for what, why in _complaints(error)]
    return read, faults


def _complaints(error: ValidationError) -> Iterator[tuple[str, str]]:
    for each in error.errors():
        yield ".".join(map(str, each["loc"])) or "entry", each["msg"].removeprefix("Value error, ")
