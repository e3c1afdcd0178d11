"""What the simulated insurer has booked: an authorisation per message, what became of it, and every member's year.

Everything follows from records that are applied in order, so that a journal of them brings the books back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal, NamedTuple

import orjson

from services.insurance.domain.accumulator import NOTHING_USED, YearFigures
from services.insurance.domain.amounts import Adjudication

State = Literal["reserved", "booked", "taken_back"]


class Record(NamedTuple):
    """One change of the books. `day` as the calendar says it at the insurer."""

    kind: Literal["reserve", "book", "complete", "take_back", "never"]
    msgid: str
    day: date
    content: Mapping[str, Any]

    def line(self) -> bytes:
        """As one line of a journal."""
        return orjson.dumps([self.kind, self.msgid, self.day.isoformat(), self.content]) + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Record:
        """Raises ValueError for a line that was not written to its end."""
        kind, msgid, day, content = orjson.loads(line)
        return cls(kind, msgid, date.fromisoformat(day), content)


@dataclass(frozen=True)
class Entry:
    """One authorisation as it stands. `off`: by how many fen the books say more than was answered. `taken_by`: the
    institution's number (medins_setl_id) of the message that took it back."""

    msgid: str
    medins_setl_id: str
    setl_id: str
    psn_no: str
    pharmacy: str
    digest: str
    state: State
    amounts: Adjudication
    figures: YearFigures
    year: int
    booked_on: date | None = None
    taken_on: date | None = None
    taken_by: str | None = None
    off: int = 0


class Item(NamedTuple):
    """One line of a day's statement: a booking, or (`back`) its exact negation; amounts in fen. `number`: what the
    institution calls the message that moved it (its medins_setl_id)."""

    number: str
    msgid: str
    medins_setl_id: str
    setl_id: str
    psn_no: str
    pharmacy: str
    total: int
    fund: int
    account: int
    back: bool


@dataclass
class Books:
    """All that was booked."""

    entries: dict[str, Entry] = field(default_factory=dict)
    never: set[str] = field(default_factory=set)
    """Messages that were reversed before they came: they are refused for good."""
    used: dict[str, YearFigures] = field(default_factory=dict)
    """By member number and year."""
    spent: dict[str, int] = field(default_factory=dict)

    def apply(self, record: Record) -> None:
        match record.kind:
            case "reserve" | "book":
                entry = _entry(record)
                self.entries[record.msgid] = entry
                self._move(entry, 1)
            case "complete":
                entry = self.entries[record.msgid]
                self.entries[record.msgid] = replace(entry, state="booked", booked_on=record.day)
            case "take_back":
                entry = self.entries[record.msgid]
                by = record.content.get("by")
                self.entries[record.msgid] = replace(entry, state="taken_back", taken_on=record.day, taken_by=by)
                self._move(entry, -1)
            case "never":
                self.never.add(record.msgid)

    def _move(self, entry: Entry, sign: int) -> None:
        key = f"{entry.psn_no}/{entry.year}"
        before = self.used.get(key, NOTHING_USED)
        self.used[key] = before.plus(entry.figures) if sign > 0 else before.minus(entry.figures)
        self.spent[entry.psn_no] = self.spent.get(entry.psn_no, 0) + sign * entry.amounts.paid_by("acct")

    def items(self, first: date, last: date, pharmacy: str | None = None) -> list[Item]:
        """What was booked and taken back between two days, both included."""
        return [item for item in self._items(first, last) if pharmacy in {None, item.pharmacy}]

    def _items(self, first: date, last: date) -> Iterable[Item]:
        for entry in self.entries.values():
            if entry.booked_on is None:
                continue
            if first <= entry.booked_on <= last:
                yield _item(entry, 1)
            if entry.taken_on is not None and first <= entry.taken_on <= last:
                yield _item(entry, -1)


def _item(entry: Entry, sign: int) -> Item:
    back = sign < 0
    return Item(
        number=(entry.taken_by or entry.medins_setl_id) if back else entry.medins_setl_id,
        msgid=entry.msgid,
        medins_setl_id=entry.medins_setl_id,
        setl_id=entry.setl_id,
        psn_no=entry.psn_no,
        pharmacy=entry.pharmacy,
        total=sign * (entry.amounts.total + entry.off),
        fund=sign * (entry.amounts.fund + entry.off),
        account=sign * entry.amounts.paid_by("acct"),
        back=back,
    )


def _entry(record: Record) -> Entry:
    content = record.content
    booked = record.kind == "book"
    return Entry(
        msgid=record.msgid,
        medins_setl_id=content["medins_setl_id"],
        setl_id=content["setl_id"],
        psn_no=content["psn_no"],
        pharmacy=content["pharmacy"],
        digest=content["digest"],
        state="booked" if booked else "reserved",
        amounts=Adjudication.model_validate(content["amounts"]),
        figures=YearFigures.model_validate(content["figures"]),
        year=record.day.year,
        booked_on=record.day if booked else None,
        off=content["off"],
    )


def digest_of(said: Any) -> str:
    """Of what a message asks for; the credential may differ from one time to the next."""
    druginfo = {name: value for name, value in said.get("druginfo", {}).items() if name != "mdtrt_cert_no"}
    content = orjson.dumps({**said, "druginfo": druginfo}, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(content).hexdigest()
