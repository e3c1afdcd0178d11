"""The checks of an issue, one rule and one refusal code each. They read what was written and what the registers say.

The reviewing pharmacist's screening looks at number of lines and quantities again (N3.3, N3.6): here a quantity
without any reason is refused; whether a reason is good enough is a person's decision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from services.prescribe.domain.commands import WrittenPrescription
from services.prescribe.domain.plan_checks import broken_plan
from services.prescribe.domain.policy import Policy
from services.prescribe.domain.registers import Drug, Known
from services.prescribe.domain.values import WrittenLine
from services.seedwork.model import Refusal


@dataclass(frozen=True)
class Written:
    """What is checked: the written form, what is known, and the policy of the day."""

    content: WrittenPrescription
    known: Known
    policy: Policy

    def lines(self) -> Iterator[tuple[WrittenLine, Drug]]:
        """Lines with their drugs; only after every drug was found."""
        for line in self.content.lines:
            yield line, self.known.drugs[line.product]


Check = Callable[[Written], Refusal | None]


def prescriber_registered(written: Written) -> Refusal | None:
    """L1: a registered doctor, in force today."""
    code, entry = written.content.prescriber, written.known.prescriber
    if entry is None or "prescriber" not in entry.professions:
        return Refusal("prescriber.not_registered", {"prescriber": code})
    return None if entry.in_force else Refusal("prescriber.not_in_force", {"prescriber": code})


def practice_site(written: Written) -> Refusal | None:
    """L2: the right to prescribe holds at the place of practice."""
    content, known = written.content, written.known
    if known.institution is None or not known.institution.in_force:
        return Refusal("institution.not_admitted", {"institution": content.institution})
    if known.prescriber is None or known.prescriber.institution != content.institution:
        return Refusal("prescriber.practice_site", {"institution": content.institution})
    return None


def patient_known(written: Written) -> Refusal | None:
    if written.known.patient is None:
        return Refusal("prescription.patient_unknown", {"patient_ref": str(written.content.patient_ref)})
    return Refusal("patient.leaving") if written.known.patient.leaving else None


def no_online_visit(written: Written) -> Refusal | None:
    if written.content.online_visit and not written.policy.online_visits:
        return Refusal("prescription.online_visit", {"policy": written.policy.version})
    return None


def diagnoses(written: Written) -> Refusal | None:
    """At least one diagnosis, each of the shape of an ICD-10 code."""
    if not written.content.diagnoses:
        return Refusal("diagnosis.missing")
    wrong = [each.code for each in written.content.diagnoses if not written.policy.is_diagnosis(each.code)]
    return Refusal("diagnosis.code", {"codes": wrong}) if wrong else None


def line_count(written: Written) -> Refusal | None:
    """N3.3: one to five drugs, one per line, numbered from 1."""
    lines = written.content.lines
    if not 1 <= len(lines) <= written.policy.lines_max:
        return Refusal("line.count", {"lines": len(lines), "max": written.policy.lines_max})
    if [line.line for line in lines] != list(range(1, len(lines) + 1)):
        return Refusal("line.numbering", {"lines": [line.line for line in lines]})
    if len({line.product for line in lines}) < len(lines):
        return Refusal("line.drug_twice", {"products": [line.product for line in lines]})
    return None


def drugs_known(written: Written) -> Refusal | None:
    for line in written.content.lines:
        drug = written.known.drugs.get(line.product)
        if drug is None:
            return Refusal("drug.unknown", {"line": line.line, "product": line.product})
        if not drug.in_force:
            return Refusal("drug.not_in_force", {"line": line.line, "product": line.product})
    return None


def class_circulates(written: Written) -> Refusal | None:
    """Narcotics and first-class psychotropics are never sold in retail (处方管理办法; 药品管理法 §61)."""
    for line, drug in written.lines():
        if drug.drug_class in written.policy.never_circulate:
            return Refusal("drug.never_circulates", {"line": line.line, "drug_class": drug.drug_class})
    return None


def prescribing_right(written: Written) -> Refusal | None:
    """L3: the prescriber holds the right for each drug's class."""
    prescriber = written.known.prescriber
    rights = prescriber.rights if prescriber else frozenset()
    for line, drug in written.lines():
        if drug.drug_class not in rights:
            return Refusal("prescriber.no_right", {"line": line.line, "drug_class": drug.drug_class})
    return None


def clear_directions(written: Written) -> Refusal | None:
    """N3.5: dose and use are stated; `as directed` (遵医嘱, 自用) is forbidden."""
    for line in written.content.lines:
        phrase = written.policy.forbidden_phrase(f"{line.route} {line.dose_unit} {line.instructions or ''}")
        if phrase:
            return Refusal("line.as_directed", {"line": line.line, "phrase": phrase})
    return None


def quantity_follows(written: Written) -> Refusal | None:
    """dose x frequency x days = quantity, exactly; what is no whole number of base units is refused, never rounded."""
    for line, drug in written.lines():
        if line.dose_unit != drug.dose_unit:
            return Refusal("line.dose_unit", {"line": line.line, "dose_unit": line.dose_unit, "known": drug.dose_unit})
        thousandths = line.dose * 1000 * line.frequency_per_day * line.days
        if thousandths != line.quantity * drug.dose_per_base_unit:
            needed = str(thousandths / drug.dose_per_base_unit)
            return Refusal("line.quantity", {"line": line.line, "quantity": line.quantity, "needed": needed})
    return None


def days_supplied(written: Written) -> Refusal | None:
    """N3.6: 7 days, 3 in an emergency, longer only with a written reason; less for some classes (处方管理办法 §19)."""
    content, policy = written.content, written.policy
    limit = policy.days[content.visit_kind]
    for line, drug in written.lines():
        facts = {"line": line.line, "days": line.days}
        class_max = policy.class_days_max.get(drug.drug_class)
        if class_max is not None and line.days > class_max:
            return Refusal("supply.class_limit", {**facts, "drug_class": drug.drug_class, "max": class_max})
        if content.plan:  # a long-term supply has limits of its own
            continue
        if line.days > limit.with_reason:
            return Refusal("supply.too_long", {**facts, "max": limit.with_reason})
        if line.days > limit.usual and not content.long_supply_reason:
            return Refusal("supply.reason_missing", {**facts, "max": limit.usual})
    return None


def long_term(written: Written) -> Refusal | None:
    """A supply in instalments (长期处方)."""
    plan = written.content.plan
    return broken_plan(plan, written.lines(), written.policy.long_term) if plan else None


def validity(written: Written) -> Refusal | None:
    """Valid on the day of issue; up to 3 days with a reason (处方管理办法 §18)."""
    content, limit = written.content, written.policy.validity_days
    if content.validity_days > limit.with_reason:
        return Refusal("validity.too_long", {"days": content.validity_days, "max": limit.with_reason})
    if content.validity_days > limit.usual and not content.validity_reason:
        return Refusal("validity.reason_missing", {"days": content.validity_days, "max": limit.usual})
    return None


def insurance_intent(written: Written) -> Refusal | None:
    """A chronic disease names its code; a restricted use that is not met says why."""
    content = written.content
    if content.insurance_intent.kind == "chronic_disease" and not content.insurance_disease_code:
        return Refusal("insurance_intent.disease_code")
    numbers = {line.line for line in content.lines}
    for use in content.insurance_intent.restricted_use:
        if use.line not in numbers:
            return Refusal("insurance_intent.line", {"line": use.line})
        if not use.met and not use.reason:
            return Refusal("insurance_intent.reason", {"line": use.line})
    return None


WHO: tuple[Check, ...] = (prescriber_registered,)
"""Before the signature: its key is taken from the register's entry."""

WHAT: tuple[Check, ...] = (
    practice_site,
    patient_known,
    no_online_visit,
    diagnoses,
    line_count,
    drugs_known,
    class_circulates,
    prescribing_right,
    clear_directions,
    quantity_follows,
    days_supplied,
    long_term,
    validity,
    insurance_intent,
)
"""After it; the first broken rule answers."""


def broken(checks: tuple[Check, ...], written: Written) -> Refusal | None:
    """The first broken rule, if there is one."""
    return next((refusal for check in checks if (refusal := check(written))), None)
