"""What another set of rules would have found in a past supply, against what was found. Pure.

It sees what was known by today of the supply's prescription, and the supplies that were counted before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from services.insurance.domain.audit.case import AuditState
from services.insurance.domain.audit.findings import AuditFinding, audit
from services.insurance.domain.audit.history import HistoryState
from services.insurance.domain.audit.looking import before, subject, supplied
from services.insurance.domain.audit.prescription import PrescriptionState
from services.insurance.domain.audit.rules import RuleSet
from services.insurance.domain.claim import ClaimState
from services.insurance.domain.recalled_lots import RecalledLotsState

Status = Literal["same", "differs", "uninsured", "uncounted"]
"""`uncounted`: dispensed before supplies were counted, so what came before it is not known."""


@dataclass(frozen=True)
class Past:
    """One first claim and the streams beside it."""

    claim: ClaimState
    case: AuditState
    prescription: PrescriptionState
    year: HistoryState
    year_before: HistoryState
    recalls: Mapping[str, RecalledLotsState]


@dataclass(frozen=True)
class Replayed:
    """`new`: suspicions and violations that were not found; `vanished`: those that would not be found any more."""

    status: Status
    past: Past
    new: tuple[AuditFinding, ...] = ()
    vanished: tuple[AuditFinding, ...] = ()
    unchecked: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Codes, numbers and rules: nothing of the patient."""
        opened = self.past.claim.opened
        return {
            "claim_id": str(opened.claim_id) if opened else None,
            "supply_id": str(opened.supply.supply_id) if opened else None,
            "prescription_id": str(opened.supply.prescription_id) if opened else None,
            "insurer": self.past.claim.insurer,
            "claim": self.past.claim.state,
            "case": self.past.case.state,
            "new": [finding.model_dump(mode="json") for finding in self.new],
            "vanished": [finding.model_dump(mode="json") for finding in self.vanished],
            "unchecked": list(self.unchecked),
        }


def replay(past: Past, candidate: RuleSet) -> Replayed | None:
    """With the candidate, whenever the supply was; None: there is no claim."""
    opened = past.claim.opened
    if opened is None:
        return None
    if past.claim.insurer is None and past.case.flagged is None:
        return Replayed("uninsured", past)
    counted = past.year.counted(opened.supply.supply_id) or past.year_before.counted(opened.supply.supply_id)
    if counted is None:
        return Replayed("uncounted", past)
    seen = subject(
        opened,
        supplied(opened, past.prescription, counted.day),
        past.prescription,
        before(opened, past.year, past.year_before),
        past.recalls,
        repeated_codes=any(finding.kind == "trace_reuse" for finding in past.case.findings),
    )
    found = [audit(candidate, seen, stage) for stage in ("before", "after")]
    now = {finding.key: finding for each in found for finding in each.findings}
    new, vanished = _missing(now.values(), past.case.findings), _missing(past.case.findings, tuple(now.values()))
    unchecked = tuple(dict.fromkeys(rule for each in found for rule in each.unchecked))
    return Replayed("differs" if new or vanished else "same", past, new, vanished, unchecked)


def _missing(those: Iterable[AuditFinding], among: Sequence[AuditFinding]) -> tuple[AuditFinding, ...]:
    """What is more than a hint among the first and is not among the second."""
    known = {finding.key for finding in among}
    return tuple(finding for finding in those if finding.grade != "hint" and finding.key not in known)
