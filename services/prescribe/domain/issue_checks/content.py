"""What stands at the head of a prescription: who wrote it, and the diagnoses."""

from __future__ import annotations

from services.prescribe.domain.icd10 import is_code, meant, nearest
from services.prescribe.domain.issue_checks.written import Written
from services.seedwork.model import Refusal


def written_by_a_person(written: Written) -> Refusal | None:
    """Never a machine (互联网诊疗监管细则: 严禁使用人工智能等自动生成处方); out of an online visit it is stated."""
    content = written.content
    if content.written_by == "machine":
        return Refusal("prescription.machine_written")
    if content.online_visit and content.written_by is None:
        return Refusal("prescription.author_not_stated")
    return None


def no_steering(written: Written) -> Refusal | None:
    """The patient chooses the pharmacy, never the prescriber."""
    if written.content.pharmacy is None:
        return None
    return Refusal("prescription.names_a_pharmacy", {"pharmacy": written.content.pharmacy})


def diagnoses(written: Written) -> Refusal | None:
    """At least one diagnosis; each, and each standing disease, a code of ICD-10 with a place in the classification."""
    codes = [each.code for each in written.content.diagnoses]
    if not codes:
        return Refusal("diagnosis.missing")
    codes += written.facts.conditions or ()
    if wrong := [code for code in codes if not written.policy.is_diagnosis(code)]:
        return Refusal("diagnosis.code", {"codes": wrong, "nearest": {code: list(meant(code)) for code in wrong}})
    unknown = [code for code in codes if not is_code(code)]
    near = {code: list(nearest(code)) for code in unknown}
    return Refusal("diagnosis.unknown", {"codes": unknown, "nearest": near}) if unknown else None


def tcm_diagnosis(written: Written) -> Refusal | None:
    """Herbal pieces are prescribed by disease and pattern of Chinese medicine (T1; 中药处方格式及书写规范)."""
    content = written.content
    if content.medicine_kind not in written.policy.tcm_diagnosis_for:
        return None
    if any(each.syndrome for each in content.tcm_diagnoses):
        return None
    return Refusal("diagnosis.tcm_missing", {"medicine_kind": content.medicine_kind})
