"""A rule, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from services.review.domain.knowledge.entries import SECTIONS
from services.review.domain.knowledge.forms import Entry
from services.review.domain.screening.subject import View
from services.review.domain.values import Severity

_SECTION_OF = {form: section for section, form in SECTIONS.items()}


@dataclass(frozen=True)
class Hit:
    """Where a rule found something, and the numbers that show it; never anything about the patient.

    `severity`, `code`: where the entry, or the case, weighs otherwise than the rule's row.
    """

    evidence: str
    lines: tuple[int, ...] = ()
    severity: Severity | None = None
    code: str | None = None
    entries: tuple[str, ...] = ()


Check = Callable[[View], Iterable[Hit]]


@dataclass(frozen=True)
class Rule:
    """One named, separate rule. `severity` None: the knowledge entry says. `confirmable`: the prescriber may insist
    by a second signature, as long as the finding is not blocking and more than information."""

    name: str
    title: str
    source: str
    severity: Severity | None
    code: str | None
    check: Check
    confirmable: bool = False


def place(entry: Entry) -> str:
    """Where an entry is found: section and id."""
    return f"{_SECTION_OF[type(entry)]}/{entry.id}"


def named(lines: tuple[int, ...]) -> str:
    """Lines as evidence says them."""
    return f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines))}"


def gravest(found: Iterable[Any], evidence: str, lines: tuple[int, ...], code: str | None = None) -> Iterable[Hit]:
    """One hit for all entries that say the same of the same lines, as grave as the gravest of them."""
    entries = sorted(found, key=lambda entry: str(entry.id))
    if entries:
        severity = max(entry.severity for entry in entries)
        yield Hit(evidence, lines, severity, code, tuple(place(entry) for entry in entries))
