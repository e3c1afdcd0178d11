"""Prescriptions out of an online visit (互联网诊疗管理办法(试行) 2018, 互联网诊疗监管细则(试行) 2022)."""

from __future__ import annotations

from services.prescribe.domain.issue_checks.written import Written, whole_years
from services.prescribe.domain.policy import OnlineVisits
from services.prescribe.domain.values import OnlineVisit
from services.seedwork.model import Refusal


def admitted(written: Written) -> Refusal | None:
    """The jurisdiction admits them, and what makes one lawful is stated."""
    content, policy = written.content, written.policy
    if not content.online_visit:
        return Refusal("online.not_online") if content.online else None
    if policy.online_visits is None:
        return Refusal("prescription.online_visit", {"policy": policy.version})
    return None if content.online else Refusal("online.details_missing")


def return_visit(written: Written) -> Refusal | None:
    """Only a known disease is treated again, on the record that names it (复诊)."""
    rules, visit = _online(written)
    if rules is None or visit is None or not rules.return_visits_only:
        return None
    if visit.first_visit:
        return Refusal("online.first_visit")
    return None if (visit.prior_record or "").strip() else Refusal("online.prior_record")


def authorised(written: Written) -> Refusal | None:
    """The visit has its number (authNo)."""
    rules, visit = _online(written)
    if rules is None or visit is None or not rules.authorisation_no or (visit.authorisation_no or "").strip():
        return None
    return Refusal("online.authorisation_no")


def no_excluded_class(written: Written) -> Refusal | None:
    """No narcotic, psychotropic or other specially controlled drug."""
    rules, _ = _online(written)
    for line, drug in written.lines():
        if rules is not None and drug.drug_class in rules.excluded_classes:
            return Refusal("online.excluded_class", {"line": line.line, "drug_class": drug.drug_class})
    return None


def experienced(written: Written) -> Refusal | None:
    """Three years of independent clinical practice."""
    rules, _ = _online(written)
    if rules is None:
        return None
    since = written.known.prescriber.practising_since if written.known.prescriber else None
    years = whole_years(since, written.today) if since else 0
    if years >= rules.practice_years_min:
        return None
    return Refusal("online.practice_years", {"years": years, "min": rules.practice_years_min})


def child_accompanied(written: Written) -> Refusal | None:
    """A child under six has a guardian with it, and a doctor of a fitting specialty."""
    rules, visit = _online(written)
    patient, prescriber = written.known.patient, written.known.prescriber
    if rules is None or visit is None or patient is None or prescriber is None:
        return None
    if whole_years(patient.birth_date, written.today) >= rules.guardian_below_years:
        return None
    if visit.guardian is None:
        return Refusal("online.guardian", {"below_years": rules.guardian_below_years})
    if not prescriber.specialties & rules.guardian_specialties:
        return Refusal("online.specialty", {"specialties": sorted(rules.guardian_specialties)})
    return None


def _online(written: Written) -> tuple[OnlineVisits | None, OnlineVisit | None]:
    """Rules and details of an online visit; neither for a visit in person."""
    if not written.content.online_visit:
        return None, None
    return written.policy.online_visits, written.content.online
