"""Whoever reports stands in a register, of pharmacies or of institutions: nobody waits for those who have left."""

from __future__ import annotations

from datetime import datetime

from services.seedwork.calendar import civil_day
from services.seedwork.model import Loaded
from services.seedwork.reference import EntryState, entry
from services.seedwork.register_loading import EntryTold, copy_entry
from services.seedwork.usecase import Change, Decision, Load, Moment, UseCase
from services.shortage.application.nodes import Loading
from services.shortage.application.officers import COPIES
from services.shortage.domain.policy import POLICIES
from services.shortage.domain.reporter import ReporterState, leaving, registered, reporter_ref

KINDS = ("pharmacy", "institution")
"""Kinds of entries of those who report."""


def register_reporter(event: EntryTold) -> UseCase:
    """Where it is and whose chain it belongs to, a copy that is obeyed at once; and until when it is awaited, as one
    whose systems tell and for each kind of report that it has brought."""
    copied = copy_entry(COPIES, event)

    def decide(moment: Moment, known: Loaded[EntryState]) -> Loading[Decision]:
        copy: Decision = copied.decide(moment, known)  # type: ignore[assignment]
        awaited = POLICIES.on(civil_day(moment.now), moment.jurisdiction).detection.reporting
        sources = (None, *awaited)
        loaded: tuple[Loaded[ReporterState], ...] = yield Load(
            tuple(reporter_ref(event.code, source) for source in sources)
        )
        end = leaving(moment.now, valid_until=event.valid_until, suspended=event.suspended)
        told = []
        for source, reporter in zip(sources, loaded, strict=True):
            region = reporter.state.region if reporter.exists else event.content.get("region", "")
            if reporter.exists or source is None:
                events = registered(reporter.state, event.code, region, end, moment.now, source)
                told.append(Change(reporter, tuple(events)))
        return Decision((*copy.changes, *(change for change in told if change.events)))

    return UseCase(copied.streams, decide)


def has_left(reporter: str, now: datetime) -> Loading[bool]:
    """Whether it stands in a register that it has left by now. Who stands in none, as a public register, has not."""
    entries: tuple[Loaded[EntryState], ...] = yield Load(tuple(entry(COPIES, kind, reporter) for kind in KINDS))
    return any(_over(each.state, now) for each in entries)


def _over(state: EntryState, now: datetime) -> bool:
    validity = state.validity
    if validity is None:
        return False
    end = leaving(now, valid_until=validity.valid_until, suspended=validity.suspended)
    return end is not None and end <= now
