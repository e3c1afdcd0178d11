"""Who may act for a patient: appointed by the patient, or for those who cannot by an officer on evidence; withdrawn.

Source: 民法典 §17, §18 (majority), §23, §24, §27, §28 (guardians), §39 (their end), §161-§165 (代理, and what its
document says: person, matters, power, days), §173 (days over, withdrawn). The figures are dated policy.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from stdnum.cn import ric
from stdnum.exceptions import ValidationError

from services.prescribe.domain.commands import AppointRepresentative
from services.prescribe.domain.patient_record import FORGOTTEN, LEAVING, PATIENT_TRANSITIONS, Identity, PatientState
from services.prescribe.domain.policy import RepresentativeKind, Representatives
from services.prescribe.domain.representative_events import (
    RepresentationWithdrawn,
    RepresentativeAppointed,
    RepresentativePerson,
)
from services.seedwork.calendar import civil_day
from services.seedwork.model import Outcome, Refusal
from services.seedwork.representation import Representation, Scope


@dataclass(frozen=True)
class Appointer:
    """Who appoints or withdraws: the patient, or an officer of an institution."""

    account: str
    institution: str | None = None


def appoint(
    state: PatientState,
    command: AppointRepresentative,
    appointment_id: UUID,
    by: Appointer,
    *,
    rules: Representatives | None,
    now: datetime,
) -> Outcome:
    """The last day is the one asked for, or the last that the kind allows; of a minor's guardian at the latest the day
    before the patient is of age."""
    if not PATIENT_TRANSITIONS.allows(state.status, "AppointRepresentative"):
        return _not_now(state)
    kind = rules.kinds.get(command.kind) if rules else None
    if state.identity is None or rules is None or kind is None:
        return Refusal("representative.kind", {"kinds": sorted(rules.kinds) if rules else []})
    today = civil_day(now)
    begins_by = today + timedelta(days=rules.begins_within_days)
    dates = Refusal("representative.dates", {"today": today.isoformat(), "begins_by": begins_by.isoformat()})
    refused = _not_by(command, kind, by) or (None if today <= command.valid_from <= begins_by else dates)
    refused = refused or _not_for(state.identity, kind, rules, command.valid_from if kind.for_minors else today)
    refused = refused or _not_whom(state.identity, command, by, rules, today)
    if refused:
        return refused
    last = _last_day(state.identity, command, kind, rules)
    if isinstance(last, Refusal):
        return last
    if last < command.valid_from:
        return dates
    if state.appointments.running(today) >= rules.max_at_once:
        return Refusal("representative.too_many", {"max": rules.max_at_once})
    wanted = set(command.scope)
    return [
        RepresentativeAppointed(
            patient_ref=command.patient_ref,
            appointment_id=appointment_id,
            appointed_by=by.account,
            institution=by.institution,
            appointed_at=now,
            terms=Representation(
                account=command.account,
                scope=tuple(scope for scope in Scope if scope in wanted),
                valid_from=command.valid_from,
                valid_until=last,
            ),
            person=RepresentativePerson(
                kind=command.kind,
                name=command.name,
                identity_number=command.identity_number.upper(),
                evidence=command.evidence,
            ),
        )
    ]


def withdraw(state: PatientState, appointment_id: UUID, by: Appointer, *, now: datetime) -> Outcome:
    """By the patient at any time; by an institution what it entered itself. Again, or when it is over, is no news."""
    found = state.appointments.by_id.get(appointment_id)
    if found is None:
        return Refusal("representative.unknown", {"appointment_id": str(appointment_id)})
    if by.institution is not None and by.institution != found.appointed.institution:
        return Refusal("patient.not_yours")
    if not found.runs(civil_day(now)):
        return []
    return [
        RepresentationWithdrawn(
            patient_ref=found.appointed.patient_ref,
            appointment_id=appointment_id,
            withdrawn_by=by.account,
            withdrawn_at=now,
        )
    ]


def of_age_on(birth_date: date, years: int) -> date:
    """The birthday from which on somebody is of age; born on 29 February: the first of March."""
    year, leap_day = birth_date.year + years, (birth_date.month, birth_date.day) == (2, 29)
    return birth_date.replace(year=year, month=3, day=1) if leap_day else birth_date.replace(year=year)


def _not_now(state: PatientState) -> Refusal:
    if state.status == LEAVING:
        return Refusal("patient.leaving")
    return Refusal("patient.forgotten" if state.status == FORGOTTEN else "patient.unknown")


def _not_by(command: AppointRepresentative, kind: RepresentativeKind, by: Appointer) -> Refusal | None:
    """None when it is theirs to appoint, and what an officer must have seen is named."""
    if kind.appointed_by != ("institution" if by.institution is not None else "patient"):
        return Refusal("representative.appointed_by_another", {"appointed_by": kind.appointed_by})
    if by.institution is not None and not command.evidence:
        return Refusal("representative.evidence")
    return None


def _not_for(patient: Identity, kind: RepresentativeKind, rules: Representatives, day: date) -> Refusal | None:
    """None for a patient of the age that the kind is for: a minor's guardian when it begins, all others already when
    they are appointed."""
    minor = day < of_age_on(patient.birth_date, rules.adult_from_years)
    facts = {"adult_from": rules.adult_from_years}
    if kind.for_minors and not minor:
        return Refusal("representative.patient_is_of_age", facts)
    if minor and not kind.for_minors:
        return Refusal("representative.patient_is_minor", facts)
    return None


def _not_whom(
    patient: Identity, command: AppointRepresentative, by: Appointer, rules: Representatives, today: date
) -> Refusal | None:
    """None when this person may act for others at all, and is another one."""
    try:
        number = ric.validate(command.identity_number.upper())
    except ValidationError:
        return Refusal("representative.identity_number")
    if number == patient.identity_number or (by.institution is None and command.account == by.account):
        return Refusal("representative.is_the_patient")
    if today < of_age_on(ric.get_birth_date(number), rules.adult_from_years):
        return Refusal("representative.is_minor", {"adult_from": rules.adult_from_years})
    return None


def _last_day(
    patient: Identity, command: AppointRepresentative, kind: RepresentativeKind, rules: Representatives
) -> date | Refusal:
    asked, latest = command.valid_until or date.max, date.max
    if kind.days_max is not None:
        latest = command.valid_from + timedelta(days=kind.days_max - 1)
        if command.valid_until is not None and asked > latest:
            return Refusal("representative.too_long", {"days_max": kind.days_max})
    if kind.for_minors:
        latest = min(latest, of_age_on(patient.birth_date, rules.adult_from_years) - timedelta(days=1))
    return min(asked, latest)
