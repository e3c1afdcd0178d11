"""Screening: rules that look at a prescription before a person does. They advise or block; they never approve.

Each rule is a row: what it stands for in the review standard (医疗机构处方审核规范, 国卫办医发〔2018〕14号), how much a
hit weighs, its official result code (医院处方点评管理规范), and the function that finds it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from services.review.domain.policy import ReviewPolicy
from services.review.domain.values import ClinicalFacts, Finding, Line, Severity


@dataclass(frozen=True)
class Subject:
    """What is screened."""

    lines: tuple[Line, ...]
    clinical: ClinicalFacts
    validity_days: int
    emergency: bool

    def days_max(self, policy: ReviewPolicy) -> int:
        return policy.days_max_emergency if self.emergency else policy.days_max


@dataclass(frozen=True)
class Hit:
    """Where a rule found something, and the numbers that show it."""

    evidence: str
    lines: tuple[int, ...] = ()


@dataclass(frozen=True)
class Rule:
    """One named, separate rule."""

    item: str
    title: str
    severity: Severity
    result_code: str | None
    check: Callable[[Subject, ReviewPolicy], Iterable[Hit]]
    confirmable: bool = False
    """Whether the prescriber may insist by a second signature."""


def too_many_lines(subject: Subject, policy: ReviewPolicy) -> Iterator[Hit]:
    count = len(subject.lines)
    if count > policy.lines_max:
        yield Hit(f"{count} lines, at most {policy.lines_max}")


def drug_on_several_lines(subject: Subject, _policy: ReviewPolicy) -> Iterator[Hit]:
    """The same generic name, form and strength twice is one drug written on two lines; brands are no difference."""
    lines: dict[str, list[int]] = defaultdict(list)
    for line in subject.lines:
        lines[line.drug_key].append(line.line)
    for drug, numbers in lines.items():
        if len(numbers) > 1:
            yield Hit(f"{drug} on lines {', '.join(map(str, numbers))}", tuple(numbers))


def longer_supply_unexplained(subject: Subject, policy: ReviewPolicy) -> Iterator[Hit]:
    reason = subject.clinical.long_supply_reason
    if not _accepted(reason, policy):
        why = "the reason names none of the accepted ones" if reason else "no reason"
        for line in _longer(subject, policy):
            yield Hit(f"line {line.line}: {line.days} days, limit {subject.days_max(policy)}; {why}", (line.line,))


def longer_supply_explained(subject: Subject, policy: ReviewPolicy) -> Iterator[Hit]:
    """Told to the pharmacist, who judges whether the reason is true."""
    if _accepted(subject.clinical.long_supply_reason, policy):
        for line in _longer(subject, policy):
            yield Hit(f"line {line.line}: {line.days} days, limit {subject.days_max(policy)}", (line.line,))


def validity_too_long(subject: Subject, policy: ReviewPolicy) -> Iterator[Hit]:
    if subject.validity_days > policy.validity_days_max:
        yield Hit(f"valid for {subject.validity_days} days, at most {policy.validity_days_max}")


def longer_validity_unexplained(subject: Subject, policy: ReviewPolicy) -> Iterator[Hit]:
    days = subject.validity_days
    if policy.validity_days < days <= policy.validity_days_max and not subject.clinical.validity_reason:
        yield Hit(f"valid for {days} days instead of {policy.validity_days}; no reason")


def _longer(subject: Subject, policy: ReviewPolicy) -> Iterator[Line]:
    limit = subject.days_max(policy)
    return (line for line in subject.lines if line.days > limit)


def _accepted(reason: str | None, policy: ReviewPolicy) -> bool:
    return reason is not None and any(accepted in reason.lower() for accepted in policy.accepted_reasons)


RULES: tuple[Rule, ...] = (
    Rule("N3.3", "At most five drugs on a prescription", Severity.BLOCKING, "1-11", too_many_lines),
    Rule("N3.3", "One drug per line, one line per drug", Severity.SERIOUS, "1-7", drug_on_several_lines),
    Rule("N3.6", "Longer supply needs a reason", Severity.SERIOUS, "1-12", longer_supply_unexplained, confirmable=True),
    Rule("N3.6", "Longer supply with a reason", Severity.INFO, None, longer_supply_explained),
    Rule("N3.6", "Validity at most three days", Severity.BLOCKING, "1-1", validity_too_long),
    Rule(
        "N3.6", "Longer validity needs a reason", Severity.CAUTION, "1-1", longer_validity_unexplained, confirmable=True
    ),
)


def screen(subject: Subject, policy: ReviewPolicy, rules: tuple[Rule, ...] = RULES) -> tuple[Finding, ...]:
    """What the rules find, in the order of the table."""
    hits = ((rule, hit) for rule in rules for hit in rule.check(subject, policy))
    return tuple(
        Finding(
            number=number,
            rule=rule.item,
            knowledge_version=policy.version,
            evidence=f"{rule.title}: {hit.evidence}",
            severity=rule.severity,
            result_code=rule.result_code,
            lines=hit.lines,
            confirmable=rule.confirmable,
        )
        for number, (rule, hit) in enumerate(hits, start=1)
    )


def unavailable(policy: ReviewPolicy) -> tuple[Finding, ...]:
    """The rules could not look: the case says so, and a pharmacist works without them."""
    return (
        Finding(
            number=1,
            rule="screening",
            knowledge_version=policy.version,
            evidence="Screening unavailable: the content cannot be read",
            severity=Severity.CAUTION,
            result_code=None,
            lines=(),
            confirmable=False,
        ),
    )
