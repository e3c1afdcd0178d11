"""What a set of rules finds in a supply. Pure, so that past supplies can be looked at again with another set."""

from __future__ import annotations

from dataclasses import dataclass

from services.insurance.domain.audit.checks import hit
from services.insurance.domain.audit.rules import GRADE_RANK, About, Grade, RuleSet, Stage
from services.insurance.domain.audit.subject import Subject
from services.seedwork.model import Immutable

AUDIT_REASON = "audit/"
"""With this begins the reason of a claim that the audit refused."""


class AuditFinding(Immutable):
    """A rule that is hit: by its id and the version of its set, with the lines. It says nothing about the patient."""

    rule: str
    version: str
    kind: str
    grade: Grade
    about: About
    lines: tuple[int, ...]

    @property
    def name(self) -> str:
        """What a refused claim names as its reason."""
        return f"{AUDIT_REASON}{self.rule}@{self.version}"

    @property
    def key(self) -> tuple[str, Grade, tuple[int, ...]]:
        """Found again it is the same; a change of grade is another finding."""
        return self.rule, self.grade, self.lines


class AuditNote(Immutable):
    """What a quote says of the audit: what was found, and which rules could not tell."""

    findings: tuple[AuditFinding, ...] = ()
    unchecked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Audited:
    """What was found, and which rules could not tell because something is not known."""

    findings: tuple[AuditFinding, ...] = ()
    unchecked: tuple[str, ...] = ()

    @property
    def note(self) -> AuditNote:
        return AuditNote(findings=self.findings, unchecked=self.unchecked)


def audit(rule_set: RuleSet, subject: Subject, stage: Stage) -> Audited:
    """All rules of a stage, in the order of their set."""
    findings, unchecked = [], []
    for rule in rule_set.rules:
        if stage not in rule.stages:
            continue
        lines = hit(rule, subject)
        if lines is None:
            unchecked.append(rule.id)
        elif lines:
            findings.append(
                AuditFinding(
                    rule=rule.id,
                    version=rule_set.version,
                    kind=rule.check.kind,
                    grade=rule.grade,
                    about=rule.about,
                    lines=lines,
                )
            )
    return Audited(tuple(findings), tuple(unchecked))


def gravest(findings: tuple[AuditFinding, ...]) -> Grade:
    """The highest grade among them; there is at least one."""
    return max((finding.grade for finding in findings), key=GRADE_RANK.__getitem__)
