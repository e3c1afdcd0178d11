"""The smart audit before anything is signed: a hint out of what is known then, kept by nobody.

The rules are those that a claim is audited by before it is authorised. What the asker does not say, and what only a
dispensed supply has (trace codes, lots), is not known, and a rule that needs it says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from services.insurance.application.previews import Question
from services.insurance.application.registers import AUDIT_RULES, AUDIT_RULES_KIND, rules_in_force
from services.insurance.domain.audit.findings import Audited, audit
from services.insurance.domain.audit.history import history_of
from services.insurance.domain.audit.subject import PastSupply, Subject, SuppliedLine
from services.insurance.domain.preview import Preview
from services.seedwork.model import Loaded, StreamRef
from services.seedwork.reference import entry

NOT_YET = UUID(int=0)
"""There is no supply, and no prescription, yet."""


@dataclass(frozen=True)
class Known:
    """What the asker says of patient and prescription, as far as it is said. `days`: how long each line lasts, in the
    order of the lines."""

    prescriber: str | None = None
    sex: str | None = None
    age_days: int | None = None
    diagnoses: tuple[str, ...] | None = None
    days: tuple[int, ...] = ()


def audit_streams(question: Question, day: date, jurisdiction: str) -> tuple[StreamRef[Any], ...]:
    """The rules, and what the patient was supplied in two years."""
    years = (history_of(question.patient_ref, day.year - 1), history_of(question.patient_ref, day.year))
    return (entry(AUDIT_RULES, AUDIT_RULES_KIND, jurisdiction), *years)


def audited_before_signing(
    question: Question,
    found: Preview,
    known: Known,
    looked: tuple[Loaded[Any], ...],
    day: date,
    jurisdiction: str,
) -> Audited:
    """What the audit would find in it today; nothing where no insurer is to pay, as with a claim."""
    if found.insurer is None:
        return Audited()
    rules, *years = looked
    before = tuple(supply for year in years for supply in year.state.before(NOT_YET))
    return audit(
        rules_in_force(rules.state, day, jurisdiction), _subject(question, found, known, before, day), "before"
    )


def _subject(question: Question, found: Preview, known: Known, before: tuple[PastSupply, ...], day: date) -> Subject:
    supplied = {line.product: line.generic_name for supply in before for line in supply.lines}
    listed = {line.line: line.generic_name for line in found.lines}
    lines = tuple(
        SuppliedLine(
            line=row.line,
            product=row.product,
            generic_name=supplied.get(row.product) or listed.get(row.line, row.product),
            quantity=row.quantity,
            days=known.days[number] if number < len(known.days) else None,
        )
        for number, row in enumerate(question.lines)
    )
    return Subject(
        supply=PastSupply(
            supply_id=NOT_YET,
            fulfilment_id=NOT_YET,
            prescription_id=NOT_YET,
            prescriber=known.prescriber,
            day=day,
            lines=lines,
        ),
        visit=question.insurance_intent,
        sex=known.sex,
        age_days=known.age_days,
        diagnoses=known.diagnoses,
        before=before,
    )


def audit_view(audited: Audited) -> dict[str, Any]:
    """Findings as a quote tells them, and the rules that could not tell."""
    return {
        "audit_hints": [finding.model_dump(mode="json") for finding in audited.findings],
        "audit_unchecked": list(audited.unchecked),
    }
