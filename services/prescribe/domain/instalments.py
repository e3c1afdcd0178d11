"""Opening and closing the instalments of a long-term supply (长期处方), found by the clock."""

from __future__ import annotations

from datetime import datetime

from services.prescribe.domain.buckets import Buckets
from services.prescribe.domain.calendar import past
from services.prescribe.domain.parts import as_lines, quantities
from services.prescribe.domain.prescription import PRESCRIPTION, PrescriptionState
from services.prescribe.domain.prescription_events import InstalmentLapsed, InstalmentOpened, PrescriptionExpired
from services.prescribe.domain.windows import next_opening, window_of
from services.seedwork.model import DomainEvent

TAKEN = ("held", "dispensed", "in_hands", "replaceable")


def first_instalment(state: PrescriptionState, now: datetime) -> InstalmentOpened:
    """Open from the release until validity ends; an ordinary prescription is 1 of 1."""
    plan = state.signed.plan
    return InstalmentOpened(
        instalment=1,
        of=plan.instalments if plan else 1,
        opens_at=now,
        closes_at=state.signed.valid_until,
        lines=as_lines(quantities([state.parts.instalments[1]], "remaining")),
    )


def open_due(state: PrescriptionState, now: datetime) -> list[DomainEvent]:
    """The next instalment, once it is time; nothing is opened that is no more in circulation."""
    if state.current is None or state.refuses("clock: instalment_opens"):
        return []
    plan, opening = state.signed.plan, next_opening(state)
    if plan is None or opening is None or now < opening[1]:
        return []
    number, _ = opening
    return [
        InstalmentOpened(
            instalment=number,
            of=plan.instalments,
            opens_at=now,
            closes_at=window_of(plan, now),
            lines=as_lines(quantities([state.parts.instalments[number]], "remaining")),
        )
    ]


def close_due(state: PrescriptionState, now: datetime) -> list[DomainEvent]:
    """Windows that are over: what remains of them lapses. With the last one, or the first of which nothing was taken,
    the prescription closes."""
    if state.current is None or state.current.plan is None or state.refuses("clock: instalment_closes"):
        return []
    events: list[DomainEvent] = []
    for number in state.open_instalments:
        window = state.windows[number]
        if window.lapsed or now < past(window.closes_at):
            continue
        part = state.parts.instalments[number]
        events.append(InstalmentLapsed(instalment=number, lines=as_lines(quantities([part], "remaining"))))
        if not state.to_come or (number == 1 and not _taken(part)):
            after = PRESCRIPTION.fold(events, state)
            events.append(PrescriptionExpired(final=False, buckets=tuple(after.parts.all_lapsed().total.values())))
            break
    return events


def _taken(part: Buckets) -> bool:
    return any(getattr(line, bucket) for line in part.values() for bucket in TAKEN)
