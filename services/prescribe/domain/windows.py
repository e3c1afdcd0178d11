"""When the instalments of a long-term supply (长期处方) open and close. Pure functions of the state."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta

from services.prescribe.domain.calendar import past
from services.prescribe.domain.plan import Plan
from services.prescribe.domain.prescription_state import PrescriptionState
from services.seedwork.calendar import ZONE, civil_day

OPENS, CLOSES = "instalment_opens", "instalment_closes"


def instalments_due(state: PrescriptionState) -> Mapping[str, datetime]:
    """The next opening, once what came before is settled; the next window that closes."""
    due: dict[str, datetime] = {}
    opening = next_opening(state)
    if opening:
        due[OPENS] = opening[1]
    running = (state.windows[number] for number in state.open_instalments)
    closing = [past(window.closes_at) for window in running if not window.lapsed]
    if closing:
        due[CLOSES] = min(closing)
    return due


def next_opening(state: PrescriptionState) -> tuple[int, datetime] | None:
    """The next instalment and when it opens: as planned, but not before what the patient received of the one before
    is nearly used up; where that one lapsed untaken, when its window has closed."""
    plan = state.signed.plan
    if plan is None or not state.to_come or not state.windows:
        return None
    number = state.to_come[0]
    before = max(n for n in state.windows if n < number)
    if not _settled(state, before):
        return None
    window, first = state.windows[before], state.windows[1]
    planned = first.opens_at + timedelta(days=(number - 1) * plan.days - plan.lead_days)
    supplied = _days_supplied(state, before, plan)
    if window.received_at is not None and supplied:
        return number, max(planned, window.received_at + timedelta(days=supplied - plan.lead_days))
    return number, max(planned, past(window.closes_at)) if window.lapsed else planned


def window_of(plan: Plan, opens_at: datetime) -> datetime:
    """The last second of the window that opens then."""
    last = civil_day(opens_at) + timedelta(days=plan.open_days - 1)
    return datetime.combine(last, time(23, 59, 59), ZONE)


def _settled(state: PrescriptionState, number: int) -> bool:
    """Nothing of it remains, is held or waits in a pharmacy."""
    buckets = state.parts.instalments[number].values()
    return not any(line.remaining or line.held or line.dispensed for line in buckets)


def _days_supplied(state: PrescriptionState, number: int, plan: Plan) -> int:
    """For how many days the patient has of what was received, by the line that lasts the shortest."""
    rows = [row for row in state.parts.instalments[number].values() if row.in_hands]
    return min((row.in_hands * plan.days // row.total for row in rows), default=0)
