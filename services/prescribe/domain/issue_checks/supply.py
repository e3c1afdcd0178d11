"""How much: frequency, quantity, packs, days, amounts by class, and for how long it may be collected."""

from __future__ import annotations

from difflib import get_close_matches

from services.prescribe.domain.issue_checks.written import Written
from services.prescribe.domain.plan_checks import broken_plan
from services.prescribe.domain.policy import AmountLimit
from services.prescribe.domain.registers import Drug
from services.prescribe.domain.values import WrittenLine
from services.seedwork.model import Refusal


def frequency(written: Written) -> Refusal | None:
    """N3.5: how often is stated, by a number a day or by a code of the table; as needed with the most in a day."""
    table = written.policy.frequencies
    for line in written.content.lines:
        facts = {"line": line.line, "frequency": line.frequency}
        if line.frequency is None:
            if line.frequency_per_day is None:
                return Refusal("line.frequency_missing", facts)
            continue
        coded = table.get(line.frequency)
        if coded is None:
            return Refusal("line.frequency", {**facts, "nearest": get_close_matches(line.frequency, table, cutoff=0.3)})
        stated = line.frequency_per_day
        if stated is None if coded.as_needed else stated not in {None, coded.times}:
            return Refusal("line.frequency_unclear", {**facts, "frequency_per_day": stated})
        if coded.once and line.days > 1:
            return Refusal("line.frequency_unclear", {**facts, "days": line.days})
    return None


def quantity_follows(written: Written) -> Refusal | None:
    """dose x frequency x days = quantity, exactly; what is no whole number of base units is refused, never rounded.

    What is taken as needed is at most that much, and at least one dose.
    """
    for line, drug in written.lines():
        if line.dose_unit != drug.dose_unit:
            return Refusal("line.dose_unit", {"line": line.line, "dose_unit": line.dose_unit, "known": drug.dose_unit})
        often = written.frequency(line)
        dose, given = line.dose * 1000, line.quantity * drug.dose_per_base_unit
        needed = dose * often.doses(line.days)
        if dose <= given <= needed if often.as_needed else given == needed:
            continue
        facts = {"line": line.line, "quantity": line.quantity, "needed": str(needed / drug.dose_per_base_unit)}
        return Refusal("line.quantity", facts)
    return None


def whole_packs(written: Written) -> Refusal | None:
    """A pack is opened (拆零) where jurisdiction and drug allow it; nothing is rounded up to a pack. Of a long-term
    supply each instalment is fetched by itself."""
    for line, drug in written.lines():
        if written.split_pack(line, drug) and not (written.policy.split_packs and drug.splittable):
            at_once = written.at_once(line)
            return Refusal("line.pack", {"line": line.line, "quantity": at_once, "pack_size": drug.pack_size})
    return None


def class_amounts(written: Written) -> Refusal | None:
    """N3.6: what a class, its form and the disease allow at once (处方管理办法 §23-25; 毒性药品管理办法 §9)."""
    for line, drug in written.lines():
        limit = _amount_limit(written, drug)
        if limit is not None and (refusal := _exceeds(written, line, drug, limit)):
            return refusal
    return None


def _amount_limit(written: Written, drug: Drug) -> AmountLimit | None:
    codes = [each.code for each in written.content.diagnoses]
    return next(
        (
            limit
            for limit in written.policy.amounts
            if written.policy.belongs(drug, limit)
            and (not limit.diagnoses or any(code.startswith(limit.diagnoses) for code in codes))
        ),
        None,
    )


def _exceeds(written: Written, line: WrittenLine, drug: Drug, limit: AmountLimit) -> Refusal | None:
    facts = {"line": line.line, "limit": limit.name}
    if limit.single_dose and written.frequency(line).doses(line.days) > 1:
        return Refusal("supply.single_dose", facts)
    if limit.days is not None:
        if line.days > limit.days.with_reason:
            return Refusal("supply.class_limit", {**facts, "days": line.days, "max": limit.days.with_reason})
        if line.days > limit.days.usual and not written.content.long_supply_reason:
            return Refusal("supply.class_reason_missing", {**facts, "days": line.days, "max": limit.days.usual})
    if limit.daily_doses_max is not None and drug.daily_dose_max is not None:
        largest = limit.daily_doses_max * drug.daily_dose_max
        if line.quantity * drug.dose_per_base_unit > largest:
            most = largest // drug.dose_per_base_unit
            return Refusal("supply.largest_dose", {**facts, "quantity": line.quantity, "max": most})
    return None


def days_supplied(written: Written) -> Refusal | None:
    """N3.6: 7 days, 3 in an emergency, longer only with a reason (处方管理办法 §19); a plan has limits of its own."""
    content = written.content
    if content.plan:
        return None
    limit = written.policy.days[content.visit_kind]
    for line in content.lines:
        facts = {"line": line.line, "days": line.days}
        if line.days > limit.with_reason:
            return Refusal("supply.too_long", {**facts, "max": limit.with_reason})
        if line.days > limit.usual and not content.long_supply_reason:
            return Refusal("supply.reason_missing", {**facts, "max": limit.usual})
    return None


def long_term(written: Written) -> Refusal | None:
    """A supply in instalments (长期处方)."""
    plan, rules, visit_kind = written.content.plan, written.policy.long_term, written.content.visit_kind
    if plan is None:
        return None
    if rules and visit_kind not in rules.visit_kinds:
        return Refusal("plan.emergency", {"visit_kind": visit_kind})
    return broken_plan(plan, written.lines(), rules)


def validity(written: Written) -> Refusal | None:
    """Valid on the day of issue; up to 3 days with a reason (处方管理办法 §18)."""
    content, limit = written.content, written.policy.validity_days
    if content.validity_days > limit.with_reason:
        return Refusal("validity.too_long", {"days": content.validity_days, "max": limit.with_reason})
    if content.validity_days > limit.usual and not content.validity_reason:
        return Refusal("validity.reason_missing", {"days": content.validity_days, "max": limit.usual})
    return None
