"""Golden prescriptions for issuing (tests/golden/issuing): each against the checks and the policy of its day.

Or against all checks but one, or another policy: a row that is taken out, or moved by one, must be missed by a case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from contracts import registers as content
from rxflow.docs.golden_cases import GOLDEN, written_cases
from rxflow.docs.issuing_rows import Row
from services.prescribe.application.known import known
from services.prescribe.domain.commands import IssuePrescription
from services.prescribe.domain.issue_checks import WHAT, WHO, IssueRule, Written
from services.prescribe.domain.patient_record import LEAVING, Identity, PatientState
from services.prescribe.domain.policy import CN, POLICIES, Policy
from services.prescribe.domain.registers import Known
from services.prescribe.domain.values import StandingFacts
from services.seedwork.reference import EntryRecorded, EntryState, evolve_entry

CASES = GOLDEN / "issuing" / "cases"
RULES = (*WHO, *WHAT)
IDENTIFIER = UUID("0190a0a0-0000-7000-8000-000000000001")
"""Prescription and patient of every case: no check looks at more than whether there is one."""


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
    return tuple(map(_read, written_cases(CASES)))


def found(case: Case, rules: Iterable[IssueRule] = RULES, change: Callable[[Policy], Policy] | None = None) -> Answer:
    """What the rules answer; `change` is made to the newest policy of China, where the case is decided by that."""
    policy = case.policy
    if change is not None and policy is CN.versions[-1]:
        policy = change(policy)
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


def failing_without(name: str, problem: str) -> list[str]:
    """The cases of this check and this problem that fail once the check is taken out."""
    left = [rule for rule in RULES if rule.name != name]
    about = [case for case in sound() if case.expected.refused == (name, problem)]
    return [case.id for case in about if found(case, left) != case.expected]


@cache
def failing_row(row: Row) -> tuple[str, ...]:
    """The cases that fail when the row is changed; none where one of its changes is missed by no case."""
    by_change = [[case.id for case in sound() if found(case, change=change) != case.expected] for change in row.changes]
    return tuple(sorted({each for missed in by_change for each in missed})) if all(by_change) else ()


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
