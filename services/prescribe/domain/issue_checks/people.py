"""Who takes part: prescriber, institution, patient."""

from __future__ import annotations

from services.prescribe.domain.issue_checks.written import Written
from services.seedwork.model import Refusal


def prescriber_registered(written: Written) -> Refusal | None:
    """L1: a registered doctor, in force today."""
    code, entry = written.content.prescriber, written.known.prescriber
    if entry is None or "prescriber" not in entry.professions:
        return Refusal("prescriber.not_registered", {"prescriber": code})
    return None if entry.in_force else Refusal("prescriber.not_in_force", {"prescriber": code})


def institution_admitted(written: Written) -> Refusal | None:
    """The institution is in the register and in force today (准入, 退出)."""
    institution = written.known.institution
    if institution is None or not institution.in_force:
        return Refusal("institution.not_admitted", {"institution": written.content.institution})
    return None


def practice_site(written: Written) -> Refusal | None:
    """L2: the right to prescribe holds at the places of practice, each as long as it is registered (多点执业)."""
    institution, prescriber = written.content.institution, written.known.prescriber
    in_force = prescriber.sites.get(institution) if prescriber else None
    if in_force is None:
        return Refusal("prescriber.practice_site", {"institution": institution})
    return None if in_force else Refusal("prescriber.site_not_in_force", {"institution": institution})


def institution_holds_such_visits(written: Written) -> Refusal | None:
    """An internet hospital holds online visits only, others none without a licence for them (互联网诊疗管理办法).

    Where the register does not say what an institution is, it holds visits in person.
    """
    institution = written.known.institution
    kind = institution.kind if institution else None
    visit = "online" if written.content.online_visit else "in_person"
    held = written.policy.institution_visits.get(kind, frozenset()) if kind else frozenset({"in_person"})
    if visit in held:
        return None
    return Refusal("institution.kind", {"kind": kind, "visit": visit})


def patient_known(written: Written) -> Refusal | None:
    """A registered patient, who is not about to be forgotten."""
    if written.known.patient is None:
        return Refusal("prescription.patient_unknown", {"patient_ref": str(written.content.patient_ref)})
    return Refusal("patient.leaving") if written.known.patient.leaving else None


def weight_known(written: Written) -> Refusal | None:
    """N3.1: infants are prescribed for by age in days or months and, where needed, by weight (处方管理办法 §6)."""
    patient, below = written.known.patient, written.policy.weight_below_days
    age_days = (written.today - patient.birth_date).days if patient else below
    if age_days >= below or written.facts.weight_grams is not None:
        return None
    return Refusal("patient.weight_missing", {"age_days": age_days, "below_days": below})
