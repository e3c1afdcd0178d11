"""What a long-term supply must be: 长期处方管理规范(试行) (国卫办医发〔2021〕17号). One rule, one refusal."""

from __future__ import annotations

from collections.abc import Iterable

from services.prescribe.domain.plan import Plan, WrittenPlan
from services.prescribe.domain.policy import LongTerm
from services.prescribe.domain.registers import Drug
from services.prescribe.domain.values import WrittenLine
from services.seedwork.model import Refusal


def broken_plan(
    plan: WrittenPlan, lines: Iterable[tuple[WrittenLine, Drug]], policy: LongTerm | None
) -> Refusal | None:
    """The first rule that the plan breaks."""
    if policy is None:
        return Refusal("plan.not_admitted")
    total = plan.instalments * plan.days
    if plan.days > policy.instalment_days_max:
        return Refusal("plan.instalment_too_long", {"days": plan.days, "max": policy.instalment_days_max})
    if total > policy.days_max:
        return Refusal("plan.too_long", {"days": total, "max": policy.days_max})
    if total > policy.days_usual and not (plan.assessment and plan.patient_agreed):
        return Refusal("plan.assessment_missing", {"days": total, "usual": policy.days_usual})
    for line, drug in lines:
        if policy.excludes(drug.drug_class, drug.atc, cold_chain=drug.cold_chain):
            return Refusal("plan.excluded", {"line": line.line, "drug_class": drug.drug_class, "atc": drug.atc})
        if line.days != total:
            return Refusal("plan.days", {"line": line.line, "days": line.days, "planned": total})
        if line.quantity % plan.instalments:
            facts = {"line": line.line, "quantity": line.quantity, "instalments": plan.instalments}
            return Refusal("plan.uneven", facts)
    return None


def as_planned(plan: WrittenPlan, policy: LongTerm) -> Plan:
    """The plan with the windows of the policy in force today; a shorter lead than the policy's is the prescriber's."""
    lead = policy.lead_days if plan.lead_days is None else min(plan.lead_days, policy.lead_days)
    return Plan(instalments=plan.instalments, days=plan.days, lead_days=lead, open_days=policy.open_days)
