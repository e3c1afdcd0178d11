"""What another set of knowledge would have found in a decided case, against what was found when it was opened. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.review.domain.case import CaseState
from services.review.domain.decisions import subject_of
from services.review.domain.events import CaseOpened
from services.review.domain.knowledge.reading import KnowledgeSet
from services.review.domain.policy import ReviewPolicy
from services.review.domain.screening import screen
from services.review.domain.values import PHARMACIST, Finding, Severity
from services.seedwork.policies import Policies

PASSED = "passed"
AGAINST = frozenset({"returned", "refused"})
NO_MATTER_OF_KNOWLEDGE = frozenset({PHARMACIST, "screening"})
"""What a person found, and that nothing could be screened: no set of knowledge takes it back."""


@dataclass(frozen=True)
class Replayed:
    """One case screened again. `status`: undecided, unreadable, same, told, or differs.

    `new`: findings of any weight that the case did not have. `vanished`: those it had and would not have any more; one
    that weighs otherwise is both. "differs": something serious or blocking is new in a passed case, or has vanished
    from a returned or refused one, so that the decision would be another. "told": the decision would stand, and whoever
    takes it would be told otherwise.
    """

    status: str
    case: CaseOpened
    decided: str
    was: str | None = None
    new: tuple[Finding, ...] = ()
    vanished: tuple[Finding, ...] = ()

    @property
    def weighs(self) -> str | None:
        """The gravest of what differs."""
        gravest = max((finding.severity for finding in (*self.new, *self.vanished)), default=None)
        return gravest.word if gravest else None

    def as_json(self) -> dict[str, Any]:
        return {
            "case_id": str(self.case.case_id),
            "prescription_id": str(self.case.prescription_id),
            "revision": self.case.revision,
            "opened_at": self.case.opened_at.isoformat(),
            "decided": self.decided,
            "status": self.status,
            "weighs": self.weighs,
            "knowledge_version": self.was,
            "new": [_told(finding) for finding in self.new],
            "vanished": [_told(finding) for finding in self.vanished],
        }


def replay(state: CaseState, candidate: KnowledgeSet, policies: Policies[ReviewPolicy]) -> Replayed | None:
    """With the candidate as it would have been on the day of the case, and with the limits of that day. None: there is
    no case."""
    opened = state.opened
    if opened is None:
        return None
    if state.status != PASSED and state.status not in AGAINST:
        return Replayed("undecided", opened, state.status)
    subject = subject_of(opened)
    if subject is None:
        return Replayed("unreadable", opened, state.status)
    found = screen(subject, candidate.on(_covered(candidate, subject.on)), policies.on(subject.on))
    at_opening = [finding for finding in state.findings if finding.number not in state.found_later]
    before = [finding for finding in at_opening if finding.rule not in NO_MATTER_OF_KNOWLEDGE]
    new, vanished = _missing(found, before), _missing(before, found)
    decisive = new if state.status == PASSED else vanished
    status = "told" if new or vanished else "same"
    if any(finding.severity >= Severity.SERIOUS for finding in decisive):
        status = "differs"
    was = before[0].knowledge_version if before else None
    return Replayed(status, opened, state.status, was, new, vanished)


def _covered(candidate: KnowledgeSet, day: date) -> date:
    """A set knows nothing of the days before its own first one; past cases are shown what it says then."""
    return max(day, candidate.header.valid_from)


def _missing(those: Iterable[Finding], among: Sequence[Finding]) -> tuple[Finding, ...]:
    """Those of the first that the second do not have."""
    return tuple(each for each in those if not any(_same(each, other) for other in among))


def _same(one: Finding, other: Finding) -> bool:
    if (one.severity, one.lines) != (other.severity, other.lines):
        return False
    return one.rule == other.rule or one.rule == _item(other.rule) or other.rule == _item(one.rule)


def _item(rule: str) -> str | None:
    """What older findings name of a rule: its item alone."""
    item, _, slug = rule.rpartition(".")
    return item if item and not slug.isdigit() else None


def _told(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.word,
        "result_code": finding.result_code,
        "lines": list(finding.lines),
        "evidence": finding.evidence,
    }
