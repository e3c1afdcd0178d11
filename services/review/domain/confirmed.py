"""What a prescriber's second signature (双签名) means for the case that it opens."""

from __future__ import annotations

from services.review.domain.values import ConfirmedFinding, Finding


def not_confirmed(findings: tuple[Finding, ...], confirmed: tuple[ConfirmedFinding, ...] | None) -> tuple[Finding, ...]:
    """The findings that still stand in the way. A confirmed one is known by rule, code, lines and evidence: the same
    rule with other numbers is another finding, and one that cannot be confirmed stands whatever was signed."""
    signed = {(each.rule, each.result_code, each.lines, each.evidence) for each in confirmed or ()}
    return tuple(
        each
        for each in findings
        if not each.confirmable or (each.rule, each.result_code, each.lines, each.evidence) not in signed
    )
