"""What the rules find, told as findings."""

from __future__ import annotations

from collections.abc import Sequence

from services.review.domain.knowledge.index import Knowledge
from services.review.domain.policy import ReviewPolicy
from services.review.domain.screening.rule import Hit, Rule
from services.review.domain.screening.subject import Subject, View
from services.review.domain.screening.table import RULES
from services.review.domain.values import Finding, Severity


def screen(
    subject: Subject, knowledge: Knowledge, policy: ReviewPolicy, rules: Sequence[Rule] = RULES
) -> tuple[Finding, ...]:
    """In the order of the table; each names the version of the knowledge, and where its limit is written."""
    view = View(subject, knowledge, policy)
    hits = [(rule, hit) for rule in rules for hit in rule.check(view)]
    return tuple(_finding(number, rule, hit, view) for number, (rule, hit) in enumerate(hits, start=1))


def _finding(number: int, rule: Rule, hit: Hit, view: View) -> Finding:
    severity = hit.severity or rule.severity or Severity.CAUTION
    written = ", ".join(hit.entries) or view.policy.version
    return Finding(
        number=number,
        rule=rule.name,
        knowledge_version=view.knowledge.version,
        evidence=f"{rule.title}: {hit.evidence} [{written}]",
        severity=severity,
        result_code=hit.code or rule.code,
        lines=hit.lines,
        confirmable=rule.confirmable and Severity.INFO < severity < Severity.BLOCKING,
        entries=hit.entries,
    )


def unavailable(version: str) -> tuple[Finding, ...]:
    """The rules could not look: the case says so, and a pharmacist works without them."""
    return (
        Finding(
            number=1,
            rule="screening",
            knowledge_version=version,
            evidence="Screening unavailable: the content cannot be read",
            severity=Severity.CAUTION,
            result_code=None,
            lines=(),
            confirmable=False,
        ),
    )
