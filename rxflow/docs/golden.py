"""Golden prescriptions (tests/golden): each against the shipped knowledge and the shipped rules, or all but one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from rxflow.docs.golden_cases import GOLDEN, written_cases
from services.review.domain.knowledge.files import shipped_sets
from services.review.domain.policy import CN
from services.review.domain.screening import RULES, Rule, Subject, screen
from services.review.domain.values import (
    Diagnosis,
    Finding,
    Line,
    Medicine,
    PatientFacts,
    Prescriber,
    Severity,
    SignatureChecked,
    TcmDiagnosis,
)

CASES = GOLDEN / "cases"

Found = tuple[str, str, str | None, tuple[int, ...]]
"""Rule, severity, result code, lines."""


@dataclass(frozen=True)
class Case:
    """One golden prescription, written by hand from its source."""

    id: str
    title: str
    source: str
    faulty: bool
    subject: Subject
    expected: frozenset[Found]

    @property
    def rules(self) -> frozenset[str]:
        return frozenset(rule for rule, *_ in self.expected)


@cache
def cases() -> tuple[Case, ...]:
    return tuple(map(_read, written_cases(CASES)))


def found(case: Case, rules: Sequence[Rule] = RULES) -> frozenset[Found]:
    """What the rules find, as a case writes it. Mere information counts only where the case expects some of it."""
    day = case.subject.on
    findings = screen(case.subject, shipped_sets()[-1].on(day), CN.on(day), rules)
    told = {_told(finding) for finding in findings}
    return frozenset(each for each in told if each[1] != "info" or each in case.expected)


def failing(name: str, among: Iterable[Case]) -> list[str]:
    """The cases that fail once the rule of this name is taken out."""
    left = [rule for rule in RULES if rule.name != name]
    return [case.id for case in among if name in case.rules and found(case, left) != case.expected]


def _told(finding: Finding) -> Found:
    return finding.rule, finding.severity.word, finding.result_code, finding.lines


def _read(raw: dict[str, Any]) -> Case:
    expected = frozenset(
        (each["rule"], Severity[each["severity"].upper()].word, each["result_code"], tuple(sorted(each["lines"])))
        for each in raw["expected"]
    )
    return Case(raw["id"], raw["title"], raw["source"], raw["faulty"], _subject(raw), expected)


def _subject(raw: dict[str, Any]) -> Subject:
    written = raw["prescription"]
    return Subject(
        on=date.fromisoformat(raw["on"]),
        emergency=written.get("visit_kind") == "emergency",
        herbal=written.get("medicine_kind") == "herbal",
        validity_days=written["validity_days"],
        validity_reason=written.get("validity_reason"),
        long_supply_reason=written.get("long_supply_reason"),
        beyond_level_reason=written.get("beyond_level_reason"),
        facts=PatientFacts.model_validate(written["facts"]),
        diagnoses=tuple(Diagnosis.model_validate(each) for each in written["diagnoses"]),
        tcm_diagnoses=tuple(TcmDiagnosis.model_validate(each) for each in written.get("tcm_diagnoses", ())),
        lines=tuple(_line(each) for each in written["lines"]),
        prescriber=Prescriber.model_validate(raw["prescriber"]),
        signature=SignatureChecked.model_validate(written.get("signature", {})),
        current_medicines=tuple(_medicine(each) for each in raw["current_medicines"]),
    )


def _line(raw: dict[str, Any]) -> Line:
    key = "|".join(raw.get(name) or "" for name in ("generic_name", "form", "strength"))
    return Line.model_validate({"drug_key": key, **raw})


def _medicine(raw: dict[str, Any]) -> Medicine:
    return Medicine.model_validate({"drug_key": raw["generic_name"], "atc": None, **raw})
