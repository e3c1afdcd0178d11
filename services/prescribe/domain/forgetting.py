"""Forgetting a patient: what must be over before, by dated policy.

Personal data is deleted when the person asks or its purpose is over, unless a legal period runs (个人信息保护法 §47).
What counts is the longest period of everything that was written for the patient.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from services.prescribe.domain.commands import ForgetPatient
from services.prescribe.domain.patient_record import (
    FORGOTTEN,
    LEAVING,
    PATIENT_TRANSITIONS,
    ForgettingAsked,
    ForgettingCalledOff,
    PatientState,
)
from services.prescribe.domain.policy import Policy, RecordKind
from services.prescribe.domain.values import FINAL
from services.seedwork.calendar import civil_day
from services.seedwork.forgotten import PatientForgotten
from services.seedwork.model import DomainEvent, Outcome, Refusal

_ENDED = frozenset(map(str, FINAL))
_BY_STRICTNESS: tuple[RecordKind, ...] = ("ordinary", "psychotropic_2", "toxic", "psychotropic_1", "narcotic")
"""In the order in which 处方管理办法 §50 has prescriptions kept for longer."""


def strictest_class(classes: Iterable[str]) -> RecordKind:
    """The class of the drugs of a prescription for which it is kept the longest."""
    found = set(classes)
    return next((kind for kind in reversed(_BY_STRICTNESS) if kind in found), "ordinary")


@dataclass(frozen=True)
class Records:
    """Prescriptions of one patient that are alike: their status, why they are kept, the last day one of them held."""

    status: str
    kinds: frozenset[RecordKind]
    valid_until: datetime

    def kept_until(self, policy: Policy) -> date:
        """The first day on which nothing obliges to keep them."""
        years = max(policy.records_kept_years[kind] for kind in self.kinds)
        last = civil_day(self.valid_until)
        day = last.replace(year=last.year + years, day=1) + timedelta(days=last.day - 1)  # 29 February: 1 March
        return day + timedelta(days=1)


def ask_to_forget(
    state: PatientState,
    command: ForgetPatient,
    asked_by: str,
    records: Iterable[Records],
    *,
    policy: Policy,
    now: datetime,
) -> Outcome:
    """From now on nothing new is written for the patient; after the wait they are forgotten."""
    if not PATIENT_TRANSITIONS.allows(state.status, "ForgetPatient"):
        return Refusal("patient.unknown")
    if state.status in {LEAVING, FORGOTTEN}:
        return []
    kept = _obstacle(records, policy, now)
    if kept:
        return kept
    forget_at = now + timedelta(hours=policy.forgetting_wait_hours)
    return [
        ForgettingAsked(
            patient_ref=command.patient_ref, asked_by=asked_by, reason_code=command.reason_code, forget_at=forget_at
        )
    ]


def forget_when_due(
    state: PatientState, patient_ref: UUID, records: Iterable[Records], *, policy: Policy, now: datetime
) -> list[DomainEvent]:
    """The clock: looked at once more, because something may have been under way when it was asked."""
    if state.status != LEAVING or state.forget_at is None or now < state.forget_at:
        return []
    kept = _obstacle(records, policy, now)
    if kept:
        return [ForgettingCalledOff(patient_ref=patient_ref, reason=kept.code)]
    return [PatientForgotten(patient_ref=patient_ref)]


def _obstacle(records: Iterable[Records], policy: Policy, now: datetime) -> Refusal | None:
    found = list(records)
    if any(each.status not in _ENDED for each in found):
        return Refusal("patient.prescription_runs")
    until = max((each.kept_until(policy) for each in found), default=date.min)
    if civil_day(now) < until:
        return Refusal("patient.kept_by_law", {"until": until.isoformat()})
    return None
