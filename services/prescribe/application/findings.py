"""Findings of the review, in the domain's words."""

from __future__ import annotations

from contracts.events import review as told_by_review
from services.prescribe.domain.values import Finding


def finding_of(told: told_by_review.Finding) -> Finding:
    """Rules, numbers and codes; never the patient."""
    return Finding(
        number=told.number,
        rule=told.rule,
        severity=str(told.severity),
        result_code=told.result_code,
        lines=told.lines,
        evidence=told.evidence,
        confirmable=told.confirmable,
    )
