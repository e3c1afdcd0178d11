"""Golden prescriptions for issuing (tests/golden/issuing): each against the checks and the policy of its day.

Or against all checks but one, or another policy: a row that is taken out, or moved by one, must be missed by a case.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import chain, count, islice, pairwise
from typing import Any
from uuid import UUID

from contracts import registers as content
from rxflow.docs.golden_cases import GOLDEN, written_cases
from rxflow.docs.issuing_rows import Change, Row, rows
from services.prescribe.application.known import known
from services.prescribe.domain.commands import IssuePrescription
from services.prescribe.domain.issue_checks import WHAT, WHO, IssueRule, Written
from services.prescribe.domain.patient_record import LEAVING, Identity, PatientState
from services.prescribe.domain.policy import POLICIES, Policy
from services.prescribe.domain.registers import Known
from services.prescribe.domain.values import StandingFacts
from services.seedwork.reference import EntryRecorded, EntryState, evolve_entry

CASES = GOLDEN / "issuing" / "cases"
RULES = (*WHO, *WHAT)
IDENTIFIER = UUID("0190a0a0-0000-7000-8000-000000000001")
"""Prescription and patient of every case: no check looks at more than whether there is one."""
INFANTS = timedelta(days=3 * 365)
A_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Answer:
    """How a check refuses; or, of an issued prescription, the lines that go over the counter only.

    `refused`: check and problem. `counter_only` None: refused, or nothing that the next check could go on with.
    """

    refused: tuple[str, str] | None = None
    counter_only: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Case:
    """One golden prescription, written by hand from its source."""

    id: str
    title: str
    source: str
    faulty: bool
    jurisdiction: str
    within_hospital: bool
    content: IssuePrescription
    known: Known
    on: date
    expected: Answer

    @property
    def policy(self) -> Policy:
        """In force on its day."""
        return POLICIES.on(self.on, self.jurisdiction)


@cache
def cases() -> tuple[Case, ...]:
    """Each as it is written, and on a day of every earlier version in which its paragraphs held."""
    return tuple(map(_read, chain.from_iterable(map(_on_its_days, written_cases(CASES)))))


@cache
def policy_rows() -> tuple[Row, ...]:
    """The rows of every version of every jurisdiction, the default one's first."""
    return tuple(chain.from_iterable(rows(POLICIES.of(name)) for name in sorted(POLICIES.names)))


def found(case: Case, rules: Iterable[IssueRule] = RULES, instead: Policy | None = None) -> Answer:
    """What the rules answer by the policy of the day, or by another instead."""
    policy = instead or case.policy
    if case.within_hospital:
        policy = policy.model_copy(update={"never_circulate": frozenset()})
    written = Written(case.content, case.known, policy, case.on)
    try:
        for rule in rules:
            if refusal := rule.check(written):
                return Answer((rule.name, refusal.code))
        counter = tuple(line.line for line, drug in written.lines() if not policy.may_be_delivered(drug))
        return Answer(counter_only=counter)
    except (LookupError, TypeError, ValueError):  # what a check has let through, the next one cannot work with
        return Answer()


@cache
def sound() -> tuple[Case, ...]:
    """The cases that are answered as they should be: one that fails anyway shows nothing."""
    return tuple(case for case in cases() if found(case) == case.expected)


@cache
def _decided_by(version: str) -> tuple[Case, ...]:
    """The sound cases of the days on which a version was in force."""
    return tuple(case for case in sound() if case.policy.version == version)


def failing_without(name: str, problem: str) -> list[str]:
    """The cases of this check and this problem that fail once the check is taken out."""
    left = [rule for rule in RULES if rule.name != name]
    about = [case for case in sound() if case.expected.refused == (name, problem)]
    return list(dict.fromkeys(case.id for case in about if found(case, left) != case.expected))


@cache
def failing_row(row: Row) -> tuple[str, ...]:
    """The cases that fail when the row is changed; none where one of its changes is missed by no case.

    All of them in the newest version that the row stands in; in each earlier one, one is enough.
    """
    known: dict[str, None] = {}
    for change in row.changes:
        missed = _missed_by(change, known)
        ids = list(missed if change.version is row.versions[-1] else islice(missed, 1))
        if not ids:
            return ()
        known |= dict.fromkeys(ids)
    return tuple(sorted(known))


def _missed_by(change: Change, known: Container[str]) -> Iterator[str]:
    """The cases that are answered otherwise by the changed policy; first those that missed the change elsewhere."""
    for case in sorted(_decided_by(change.version.version), key=lambda case: case.id not in known):
        if change.on in {None, case.on} and found(case, instead=change.instead) != case.expected:
            yield case.id


def _on_its_days(raw: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """As it is written; then as many months earlier as it takes to stand in each version since its `since`."""
    yield raw
    if "since" not in raw:
        return
    on, since = date.fromisoformat(raw["on"]), date.fromisoformat(raw["since"])
    for version, following in pairwise(POLICIES.of(raw["jurisdiction"]).versions):
        months = next(months for months in count() if _earlier(on, months) < following.valid_from)
        if months and _earlier(on, months) >= max(since, version.valid_from):
            dated = {field: raw[field] for field in ("on", "registers", "patient", "prescription")}
            yield _as_old(raw, raw | _moved(dated, months))


def _as_old(raw: dict[str, Any], moved: dict[str, Any]) -> dict[str, Any]:
    """Infants are as many days old as they were, whatever the leap years between (处方管理办法 6: 日、月龄)."""
    if raw["patient"] is None:
        return moved
    age = date.fromisoformat(raw["on"]) - date.fromisoformat(raw["patient"]["birth_date"])
    if age > INFANTS:
        return moved
    born = date.fromisoformat(moved["on"]) - age
    return moved | {"patient": moved["patient"] | {"birth_date": born.isoformat()}}


def _moved(written: Any, months: int) -> Any:
    """All its dates so many months earlier: whoever is six years old is so then."""
    match written:
        case dict():
            return {field: _moved(value, months) for field, value in written.items()}
        case list():
            return [_moved(value, months) for value in written]
        case str() if A_DATE.fullmatch(written):
            return _earlier(date.fromisoformat(written), months).isoformat()
    return written


def _earlier(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _read(raw: dict[str, Any]) -> Case:
    day = date.fromisoformat(raw["on"])
    written = raw["prescription"]
    lawful = {"prescription_id": IDENTIFIER, "patient_ref": IDENTIFIER, "prescriber": "D330102000001"}
    command = IssuePrescription.model_validate(lawful | {"institution": "H33010200001"} | written)
    refused = raw["expected"]
    return Case(
        raw["id"],
        raw["title"],
        raw["source"],
        raw["faulty"],
        raw["jurisdiction"],
        raw.get("within_hospital", False),
        command,
        _known(raw["registers"], raw["patient"], command, day),
        day,
        Answer((refused["check"], refused["code"])) if refused else Answer(counter_only=tuple(raw["counter_only"])),
    )


def _known(registers: dict[str, Any], patient: dict[str, Any] | None, command: IssuePrescription, day: date) -> Known:
    return known(
        _patient(patient),
        _entry("person", command.prescriber, registers["prescriber"], content.Person),
        _entry("institution", command.institution, registers["institution"], content.Institution),
        [_entry("drug", code, row, content.Drug) for code, row in registers["drugs"].items()],
        day,
    )


def _entry(kind: str, code: str, row: dict[str, Any] | None, form: type[content.RegisterContent]) -> EntryState:
    """The entry as the register would hold it: its content is that of the contract."""
    if row is None:
        return EntryState()
    form.model_validate(row["content"])
    return evolve_entry(EntryState(), EntryRecorded.model_validate({"kind": kind, "code": code} | row))


def _patient(raw: dict[str, Any] | None) -> PatientState:
    if raw is None:
        return PatientState()
    identity = Identity(identity_number="", name="-", sex=raw["sex"], birth_date=date.fromisoformat(raw["birth_date"]))
    facts = StandingFacts.model_validate(raw.get("facts", {}))
    return PatientState(status=LEAVING if raw.get("leaving") else "known", identity=identity, facts=facts)
