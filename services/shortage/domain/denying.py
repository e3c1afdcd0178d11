"""Sources that say there is enough: they take back what they have reported themselves, and two independent kinds of
them end a suspicion that nothing has spoken for since. A confirmed case ends by its periods, never by their word."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from services.seedwork.model import DomainEvent
from services.shortage.domain.case import CASE, CaseState
from services.shortage.domain.events import CaseEnded, SourceDenied
from services.shortage.domain.policy import ShortagePolicy
from services.shortage.domain.values import SourceKind


def denied(
    state: CaseState,
    source: SourceKind,
    events: tuple[str, ...],
    places: Mapping[str, str],
    now: datetime,
    policy: ShortagePolicy,
) -> list[DomainEvent]:
    """A source says that there is enough. Recorded where it changes something: the first of its kind since the latest
    sign for a shortage, or somebody's who had reported one."""
    if not state.is_open or state.quiet(now):
        return []
    new = state.status == "suspected" and source not in state.denied
    if not new and not places.keys() & state.reporters.keys():
        return []
    told: list[DomainEvent] = [SourceDenied(source=source, events=events, places=places, denied_at=now)]
    after = CASE.fold(told, state)
    if after.status == "suspected" and policy.independent(after.denied) >= policy.confirm_source_groups:
        told.append(CaseEnded(ended_as="dismissed_auto", reason=None, ended_at=now, denied_by=tuple(after.denied)))
    return told
