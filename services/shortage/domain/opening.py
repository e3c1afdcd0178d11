"""Cases that something else than unfilled lines opens: reports, a maker's stop, confirmed cases of several regions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from services.seedwork.model import DomainEvent
from services.shortage.domain.case import CASE, CaseState
from services.shortage.domain.decisions import NOWHERE, NewCase, case_inputs, confirmed, recent_evidence
from services.shortage.domain.detector import DetectorState, reported_evidence
from services.shortage.domain.events import CaseSuspected, ChildEnded, ChildLinked, NoticeLinked
from services.shortage.domain.policy import ShortagePolicy
from services.shortage.domain.values import Evidence, SourceKind
from services.shortage.domain.watching import raised


def suspect_by(
    new: NewCase,
    source: SourceKind,
    evidence: Evidence,
    events: tuple[str, ...],
    now: datetime,
    policy: ShortagePolicy,
    places: Mapping[str, str] = NOWHERE,
) -> list[DomainEvent]:
    """A sign that needs no count: one report of a shortage is a suspicion."""
    return [
        CaseSuspected(
            case_id=new.case_id,
            drug_key=new.drug_key,
            region=new.region,
            n=new.n,
            evidence=evidence,
            policy_version=policy.version,
            previous_case=new.previous_case,
            counts_from=new.previous.ended.ended_at if new.previous and new.previous.ended else None,
            suspected_at=now,
            quiet_at=now + policy.hysteresis,
            source=source,
            events=events,
            places=places,
            reporters=new.reporters,
        )
    ]


def open_by_notice(new: NewCase, notice: NoticeLinked, now: datetime, policy: ShortagePolicy) -> list[DomainEvent]:
    """A maker stops: confirmed at once, and anticipated until something is missing."""
    told = suspect_by(new, SourceKind.STOP_NOTICE, reported_evidence(NOWHERE, now, policy), (), now, policy)
    told.append(notice)
    return [*told, confirmed(CASE.fold(told), "stop_notice", None, now, policy)]


def open_by_regions(
    new: NewCase, regions: Mapping[str, UUID], now: datetime, policy: ShortagePolicy
) -> list[DomainEvent]:
    """Confirmed in enough regions, and nobody knows until when: a case of the nation with theirs inside."""
    told = suspect_by(new, SourceKind.REGIONS, reported_evidence(NOWHERE, now, policy), (), now, policy)
    told += [ChildLinked(region=region, case_id=case_id) for region, case_id in sorted(regions.items())]
    return [*told, confirmed(CASE.fold(told), "rule", None, now, policy)]


def enough_regions(nation: DetectorState, policy: ShortagePolicy) -> bool:
    return len(nation.regions) >= policy.nation_from_regions


def regions_join(
    state: CaseState, regions: Mapping[str, UUID], now: datetime, policy: ShortagePolicy
) -> list[DomainEvent]:
    """Confirmed cases of regions belong to the nation's open one: they may make it worse, and enough of them confirm
    what was only suspected."""
    told: list[DomainEvent] = [
        ChildLinked(region=region, case_id=case_id) for region, case_id in sorted(regions.items())
    ]
    after = CASE.fold(told, state)
    if after.status == "suspected" and len(after.children) >= policy.nation_from_regions:
        return [*told, confirmed(after, "rule", None, now, policy)]
    return [*told, *raised(after, case_inputs(after, recent_evidence(after, now, policy), now, policy), now, policy)]


def region_leaves(state: CaseState, case_id: UUID) -> list[DomainEvent]:
    return [ChildEnded(case_id=case_id)] if case_id in state.children else []
