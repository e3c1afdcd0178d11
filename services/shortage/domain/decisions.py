"""The decisions over a shortage case, all pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.seedwork.model import DomainEvent, Outcome, Refusal
from services.shortage.domain.case import CaseState
from services.shortage.domain.case_transitions import CASE_TRANSITIONS
from services.shortage.domain.commands import ConfirmCase, DismissCase
from services.shortage.domain.detector import below_threshold_at, strongest_evidence
from services.shortage.domain.events import CaseConfirmed, CaseEnded, CaseSuspected, ConfirmedBy, EvidenceAdded
from services.shortage.domain.policy import GradeRule, ShortagePolicy
from services.shortage.domain.regions import covers
from services.shortage.domain.values import Evidence, Signal


@dataclass(frozen=True)
class NewCase:
    """What a case that may be opened would be: its identity, its number and the ended case it continues."""

    case_id: UUID
    drug_key: str
    region: str
    n: int
    previous: CaseState | None = None

    @property
    def previous_case(self) -> UUID | None:
        return self.previous.suspected.case_id if self.previous and self.previous.suspected else None


def suspect(
    new: NewCase, signals: tuple[Signal, ...], signal: Signal, now: datetime, policy: ShortagePolicy
) -> list[DomainEvent]:
    """A signal while no case is open: enough of them open one, and at once confirm it where they suffice for that.

    After an ended case only what happened since counts, so that what was dismissed is not raised again by itself.
    """
    counts_from = new.previous.ended.ended_at if new.previous and new.previous.ended else None
    counted = _since(counts_from, signals)
    evidence = strongest_evidence(counted, signal, policy)
    threshold = policy.suspect_again_pharmacies if counts_from else policy.suspect_pharmacies
    if evidence is None or evidence.pharmacies < threshold or evidence.demands < policy.suspect_demands:
        return []
    suspected = CaseSuspected(
        case_id=new.case_id,
        drug_key=new.drug_key,
        region=new.region,
        n=new.n,
        evidence=evidence,
        policy_version=policy.version,
        previous_case=new.previous_case,
        counts_from=counts_from,
        suspected_at=now,
        quiet_at=_quiet_at(counted, threshold, evidence, policy),
    )
    return [suspected, *_confirmed_by_rule(evidence, now, policy)]


def add_evidence(
    state: CaseState, signals: tuple[Signal, ...], signal: Signal, now: datetime, policy: ShortagePolicy
) -> list[DomainEvent]:
    """A signal for an open case. A confirmed one is fed no more: its detector goes on counting."""
    if state.status != "suspected" or not (state.suspected and state.evidence and state.quiet_at):
        return []
    counted = _since(state.suspected.counts_from, signals)
    evidence = strongest_evidence(counted, signal, policy)
    if evidence is None:
        return []
    threshold = policy.suspect_again_pharmacies if state.suspected.counts_from else policy.suspect_pharmacies
    strongest = max(state.evidence, evidence, key=lambda known: (known.pharmacies, known.demands))
    quiet_at = max(state.quiet_at, _quiet_at(counted, threshold, evidence, policy))
    added = EvidenceAdded(evidence=strongest, quiet_at=quiet_at)
    return [added, *_confirmed_by_rule(evidence, now, policy)]


def dismiss_quiet(state: CaseState, moment: datetime) -> list[DomainEvent]:
    """The clock, or the first signal after the deadline: the suspicion has ended by itself, at its deadline."""
    if not state.quiet(moment) or state.quiet_at is None:
        return []
    return [CaseEnded(ended_as="dismissed_auto", reason=None, ended_at=state.quiet_at)]


def confirm_case(
    state: CaseState, command: ConfirmCase, now: datetime, authority: str | None, policy: ShortagePolicy
) -> Outcome:
    """The authority of the region decides what the rule has not reached yet."""
    evidence = _decidable(state, "ConfirmCase", now, authority)
    if isinstance(evidence, Refusal):
        return evidence
    return [_confirmed(evidence, "regulator", command.reason, now, policy)]


def dismiss_case(state: CaseState, command: DismissCase, now: datetime, authority: str | None) -> Outcome:
    evidence = _decidable(state, "DismissCase", now, authority)
    if isinstance(evidence, Refusal):
        return evidence
    return [CaseEnded(ended_as="dismissed", reason=command.reason, ended_at=now)]


def grade(evidence: Evidence, policy: ShortagePolicy) -> GradeRule:
    """The worst row of the grading table that the evidence reaches; the last row holds in any case."""
    counts = ("pharmacies", "in_one_county", "cities", "provinces")
    reached = (rule for rule in policy.grades if all(getattr(evidence, name) >= getattr(rule, name) for name in counts))
    return next(reached, policy.grades[-1])


def _since(moment: datetime | None, signals: tuple[Signal, ...]) -> tuple[Signal, ...]:
    return signals if moment is None else tuple(signal for signal in signals if signal.occurred_at > moment)


def _confirmed_by_rule(evidence: Evidence, now: datetime, policy: ShortagePolicy) -> Iterable[DomainEvent]:
    if evidence.pharmacies >= policy.confirm_pharmacies:
        yield _confirmed(evidence, "rule", None, now, policy)


def _confirmed(
    evidence: Evidence, confirmed_by: ConfirmedBy, reason: str | None, now: datetime, policy: ShortagePolicy
) -> CaseConfirmed:
    row = grade(evidence, policy)
    return CaseConfirmed(
        grade=row.grade,
        owner_level=row.owner_level,
        confirmed_by=confirmed_by,
        reason=reason,
        evidence=evidence,
        policy_version=policy.version,
        confirmed_at=now,
    )


def _quiet_at(signals: Iterable[Signal], threshold: int, evidence: Evidence, policy: ShortagePolicy) -> datetime:
    below = below_threshold_at(signals, threshold, policy) or evidence.last_at + policy.window
    return below + policy.hysteresis


def _decidable(state: CaseState, trigger: str, now: datetime, authority: str | None) -> Evidence | Refusal:
    """What the case rests on, when this authority may decide it now."""
    if state.suspected is None or state.evidence is None:
        return Refusal("shortage.unknown")
    if authority is None or not covers(authority, state.suspected.region):
        return Refusal("shortage.not_your_region", {"region": state.suspected.region})
    status = "dismissed" if state.quiet(now) else state.status
    if not CASE_TRANSITIONS.allows(status, trigger):
        return Refusal("shortage.wrong_state", {"state": status, "trigger": trigger})
    return state.evidence
