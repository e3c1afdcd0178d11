"""The decisions over a shortage case, all pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from services.seedwork.calendar import civil_day
from services.seedwork.model import DomainEvent, Outcome, Refusal
from services.shortage.domain.case import CASE, EVENTS_MAX, CaseState
from services.shortage.domain.case_transitions import CASE_TRANSITIONS
from services.shortage.domain.commands import ConfirmCase, DismissCase
from services.shortage.domain.detector import (
    Reporters,
    below_threshold_at,
    reported_evidence,
    strongest_evidence,
)
from services.shortage.domain.events import (
    CaseConfirmed,
    CaseEnded,
    CaseSuspected,
    ConfirmedBy,
    EvidenceAdded,
    SourceJoined,
    Task,
)
from services.shortage.domain.grading import Grade, GradeInputs, graded, inputs_of
from services.shortage.domain.policy import ShortagePolicy
from services.shortage.domain.regions import Level, covers
from services.shortage.domain.values import Evidence, Signal, SourceKind

NOWHERE: Mapping[str, str] = {}
"""Of no place: who tells so speaks of a drug as a whole."""


@dataclass(frozen=True)
class NewCase:
    """What a case that may be opened would be: its identity, its number and the ended case it continues."""

    case_id: UUID
    drug_key: str
    region: str
    n: int
    previous: CaseState | None = None
    reporters: Reporters = field(default_factory=dict)

    @property
    def previous_case(self) -> UUID | None:
        return self.previous.suspected.case_id if self.previous and self.previous.suspected else None


def suspect(
    new: NewCase, signals: tuple[Signal, ...], told: Sequence[Signal], now: datetime, policy: ShortagePolicy
) -> list[DomainEvent]:
    """Signals while no case is open: enough of them open one, and at once confirm it where they suffice for that.

    After an ended case only what happened since counts, so that what was dismissed is not raised again by itself.
    """
    counts_from = new.previous.ended.ended_at if new.previous and new.previous.ended else None
    counted = _since(counts_from, signals)
    evidence = strongest_evidence(counted, told, policy, new.reporters)
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
        events=events_of(counted),
        reporters=new.reporters,
    )
    return [suspected, *_confirmed_by_rule(CASE.fold([suspected]), evidence, now, policy)]


def add_evidence(
    state: CaseState, signals: tuple[Signal, ...], told: Sequence[Signal], now: datetime, policy: ShortagePolicy
) -> list[DomainEvent]:
    """Signals for an open case. A confirmed one is fed no more: its detector goes on counting."""
    if state.status != "suspected" or not (state.suspected and state.evidence and state.quiet_at):
        return []
    counted = _since(state.suspected.counts_from, signals)
    evidence = strongest_evidence(counted, told, policy, state.suspected.reporters)
    if evidence is None:
        return []
    threshold = policy.suspect_again_pharmacies if state.suspected.counts_from else policy.suspect_pharmacies
    strongest = max(state.evidence, evidence, key=lambda known: (known.pharmacies, known.demands))
    quiet_at = max(state.quiet_at, _quiet_at(counted, threshold, evidence, policy))
    added = EvidenceAdded(evidence=strongest, quiet_at=quiet_at, events=events_of(told))
    new: list[DomainEvent] = [added]
    enough = evidence.pharmacies >= threshold and evidence.demands >= policy.suspect_demands
    if enough and SourceKind.UNFILLED not in state.sources:
        new.append(SourceJoined(source=SourceKind.UNFILLED, events=(), joined_at=now, quiet_at=quiet_at))
    after = CASE.fold(new, state)
    return [*new, *(_confirmed_by_rule(after, evidence, now, policy) or confirmed_by_sources(after, now, policy))]


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
    return [confirmed(state, "regulator", command.reason, now, policy)]


def dismiss_case(state: CaseState, command: DismissCase, now: datetime, authority: str | None) -> Outcome:
    evidence = _decidable(state, "DismissCase", now, authority)
    if isinstance(evidence, Refusal):
        return evidence
    return [CaseEnded(ended_as="dismissed", reason=command.reason, ended_at=now)]


def grade(evidence: Evidence, policy: ShortagePolicy) -> tuple[Grade, Level]:
    """The grade that counted evidence alone gives, of a drug of which nothing else is known, and who owns it."""
    return graded(inputs_of([evidence]), policy.grades)


def confirmed_by_sources(state: CaseState, now: datetime, policy: ShortagePolicy) -> list[DomainEvent]:
    """A suspicion that independent kinds of source agree on needs nobody's word."""
    if state.status != "suspected" or policy.independent(state.sources) < policy.confirm_source_groups:
        return []
    return [confirmed(state, "sources", None, now, policy)]


def confirmed(
    state: CaseState, confirmed_by: ConfirmedBy, reason: str | None, now: datetime, policy: ShortagePolicy
) -> CaseConfirmed:
    """The case as a shortage: grade and owner by its inputs, and what has to be done by when."""
    evidence = state.evidence or reported_evidence(NOWHERE, now, policy)
    inputs = case_inputs(state, standing_evidence(state, policy), now, policy)
    grade, owner_level = graded(inputs, policy.grades)
    harm = set(state.sources) - {SourceKind.STOP_NOTICE}  # by people: they see more than the sources do
    return CaseConfirmed(
        grade=grade,
        owner_level=owner_level,
        confirmed_by=confirmed_by,
        reason=reason,
        evidence=evidence,
        policy_version=policy.version,
        confirmed_at=now,
        drug_class=inputs.drug_class,
        anticipated=not harm,
        expected_until=state.restored_by,
        inputs=inputs,
        tasks=tasks_of(state, grade, None, owner_level, now, policy),
        period_at=now + policy.period,
    )


def standing_evidence(state: CaseState, policy: ShortagePolicy, since: datetime | None = None) -> list[Evidence]:
    """What the signs of this case have counted, each kind for itself; `since`: those that came since then only."""
    counted = [
        evidence
        for kind, evidence in state.counted.items()
        if since is None or (kind in state.sources and state.sources[kind] >= since)
    ]
    told = {who: (where, at) for who, (where, at) in state.reporters.items() if since is None or at >= since}
    if told:
        latest = max(at for _, at in told.values())
        counted.append(reported_evidence({who: where for who, (where, _) in told.items()}, latest, policy))
    if since is None and state.evidence is not None:
        counted.append(state.evidence)
    return counted


def recent_evidence(state: CaseState, now: datetime, policy: ShortagePolicy) -> list[Evidence]:
    """Of a confirmed case, what its signs have counted in the period that is running; of another one, all."""
    begin = (state.period_at or now) - policy.period
    return standing_evidence(state, policy, begin if state.status == "confirmed" else None)


def case_inputs(state: CaseState, counted: Sequence[Evidence], now: datetime, policy: ShortagePolicy) -> GradeInputs:
    """What the grade of this case follows from now: the widest spread that any kind of source has counted. A confirmed
    case inside it counts as a place that is short, and a day of return that is over, or further away than policy waits
    for, as none."""
    profile = policy.profile(state.suspected.drug_key if state.suspected else "")
    restored_by, today = state.restored_by, civil_day(now)
    inputs = inputs_of(
        counted,
        drug_class=profile.drug_class,
        nationally_listed=profile.nationally_listed,
        sole_supplier_stopped=state.sole_supplier_stopped,
        restoration_known=restored_by is not None and 0 <= (restored_by - today).days <= policy.restoration_days,
    )
    regions = len(set(state.children.values()))
    return inputs.model_copy(
        update={name: max(regions, getattr(inputs, name)) for name in ("pharmacies", "cities", "provinces")}
    )


def tasks_of(
    state: CaseState, grade: Grade, before: Grade | None, owner: Level, now: datetime, policy: ShortagePolicy
) -> tuple[Task, ...]:
    """What this grade brings that the one before did not."""
    rules = [rule for rule in policy.tasks if grade in rule.grades and before not in rule.grades]
    return tuple(
        Task(number=state.tasks_so_far + n, kind=rule.kind, owner_level=owner, due_at=now + timedelta(hours=rule.hours))
        for n, rule in enumerate(rules, start=1)
    )


def events_of(signals: Iterable[Signal]) -> tuple[str, ...]:
    """The very events that told these signals."""
    known = sorted(signals, key=lambda signal: signal.occurred_at)
    return tuple(dict.fromkeys(signal.event for signal in known if signal.event))[-EVENTS_MAX:]


def _since(moment: datetime | None, signals: tuple[Signal, ...]) -> tuple[Signal, ...]:
    return signals if moment is None else tuple(signal for signal in signals if signal.occurred_at > moment)


def _confirmed_by_rule(
    state: CaseState, evidence: Evidence, now: datetime, policy: ShortagePolicy
) -> list[DomainEvent]:
    if evidence.pharmacies < policy.confirm_pharmacies:
        return []
    return [confirmed(replace(state, evidence=evidence), "rule", None, now, policy)]


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
