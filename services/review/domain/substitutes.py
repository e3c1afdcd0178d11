"""A substitute that a pharmacy proposes under a protocol: screened for this patient in place of its line.

What it brings is told, not what was found on the prescription anyway. Patients whom the protocol excludes are found by
their facts; a fact that was not asked is told as such, because "not asked" is not "no".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from services.review.domain.case import CaseState
from services.review.domain.case_transitions import CASE_TRANSITIONS
from services.review.domain.decisions import subject_of
from services.review.domain.events import SubstituteScreened
from services.review.domain.knowledge.index import Knowledge
from services.review.domain.policy import ReviewPolicy
from services.review.domain.screening import screen
from services.review.domain.values import Finding, Line, Medicine, PatientFacts, Severity
from services.seedwork.model import DomainEvent, Immutable

ADULT_DAYS = 6575
"""18 years, in days: under it the protocol's word "children" holds."""
EXCLUSION = "protocol.excluded"
FLAGS = ("pregnant", "lactating", "renal_impairment", "hepatic_impairment")


class Proposed(Immutable):
    """What is to be given instead: `quantity` in base units of the substitute, for `prescribed_quantity` of the line;
    `dose_per_base_unit` in thousandths of its dose unit."""

    proposal_id: UUID
    line: int
    quantity: int
    prescribed_quantity: int
    product: str
    generic_name: str
    english_name: str | None = None
    drug_key: str
    form: str
    strength: str
    atc: str | None = None
    dose_unit: str
    dose_per_base_unit: int
    base_unit: str
    excluded: tuple[str, ...] = ()


def screen_substitute(
    state: CaseState,
    proposed: Proposed,
    medicines: tuple[Medicine, ...],
    policy: ReviewPolicy,
    knowledge: Knowledge | None,
    today: date,
) -> list[DomainEvent]:
    """Once per proposal, on a passed case."""
    allowed = CASE_TRANSITIONS.allows(state.status, "substitution_proposed")
    known = state.opened is not None and any(line.line == proposed.line for line in state.opened.lines)
    if state.opened is None or not known or not allowed or proposed.proposal_id in state.substitutes:
        return []
    about = {"proposal_id": proposed.proposal_id, "line": proposed.line}
    subject = subject_of(state.opened)
    if subject is None or knowledge is None:
        return [SubstituteScreened(**about, findings=(), degraded=True)]
    as_prescribed = replace(subject, on=today, current_medicines=medicines)
    lines = tuple(_instead(line, proposed) if line.line == proposed.line else line for line in subject.lines)
    before = {_what(finding) for finding in screen(as_prescribed, knowledge, policy)}
    found = screen(replace(as_prescribed, lines=lines), knowledge, policy)
    brought = [*_excluded(proposed, subject.facts, knowledge), *(each for each in found if _what(each) not in before)]
    numbered = (each.model_copy(update={"number": number}) for number, each in enumerate(brought, start=1))
    return [SubstituteScreened(**about, findings=tuple(numbered), degraded=False)]


def _instead(line: Line, proposed: Proposed) -> Line:
    """The line with the substitute in it: the same directions, its own dose."""
    total = Decimal(line.quantity) * proposed.quantity / proposed.prescribed_quantity
    return line.model_copy(
        update={
            "product": proposed.product,
            "generic_name": proposed.generic_name,
            "english_name": proposed.english_name,
            "drug_key": proposed.drug_key,
            "form": proposed.form,
            "strength": proposed.strength,
            "atc": proposed.atc,
            "base_unit": proposed.base_unit,
            "quantity": int(total),
            "dose": _dose(line, proposed, total),
            "dose_unit": proposed.dose_unit,
        }
    )


def _dose(line: Line, proposed: Proposed, total: Decimal) -> str:
    """The same drug at another strength is taken in the same dose; another drug by what its units hold."""
    if (line.name, line.dose_unit) == (proposed.generic_name, proposed.dose_unit):
        return line.dose
    doses = Decimal(line.frequency_per_day * line.days) / line.per_days
    dose = total / doses * proposed.dose_per_base_unit / 1000
    return format(round(dose, 3).normalize(), "f")


def _excluded(proposed: Proposed, facts: PatientFacts, knowledge: Knowledge) -> Iterator[Finding]:
    for group in proposed.excluded:
        applies = facts.age_days < ADULT_DAYS if group == "children" else _flag(facts, group)
        if applies is not False:
            yield Finding(
                number=1,
                rule=EXCLUSION,
                knowledge_version=knowledge.version,
                evidence=f"{group}: {'yes' if applies else 'not asked'}",
                severity=Severity.BLOCKING if applies else Severity.CAUTION,
                result_code=None,
                lines=(proposed.line,),
                confirmable=False,
            )


def _flag(facts: PatientFacts, group: str) -> bool | None:
    """None: not asked; a group nobody has told of here is never asked."""
    flag: bool | None = getattr(facts, group) if group in FLAGS else None
    return flag


def _what(finding: Finding) -> tuple[object, ...]:
    return (finding.rule, finding.result_code, finding.lines, finding.evidence)
