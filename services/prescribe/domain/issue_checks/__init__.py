"""The checks of an issue, one rule and one refusal code each. They read what was written and what the registers say.

The reviewing pharmacist's screening looks at number of lines and quantities again (N3.3, N3.6): here a quantity
without any reason is refused; whether a reason is good enough is a person's decision.
"""

from __future__ import annotations

from services.prescribe.domain.issue_checks import authority, content, insurance, lines, online, people, supply
from services.prescribe.domain.issue_checks.written import Check, Written
from services.seedwork.model import Refusal

__all__ = ["WHAT", "WHO", "Written", "broken"]

WHO: tuple[Check, ...] = (people.prescriber_registered,)
"""Before the signature: its key is taken from the register's entry."""

WHAT: tuple[Check, ...] = (
    content.written_by_a_person,
    content.no_steering,
    people.institution_admitted,
    people.practice_site,
    people.institution_holds_such_visits,
    people.patient_known,
    people.weight_known,
    content.diagnoses,
    content.tcm_diagnosis,
    lines.line_count,
    lines.drugs_known,
    authority.class_circulates,
    lines.medicine_kind,
    lines.written_alone,
    online.admitted,
    online.return_visit,
    online.authorised,
    online.no_excluded_class,
    online.experienced,
    online.child_accompanied,
    authority.prescribing_right,
    authority.antibacterial_level,
    authority.antibacterial_title,
    lines.clear_directions,
    lines.infusion,
    supply.frequency,
    supply.quantity_follows,
    supply.whole_packs,
    supply.class_amounts,
    supply.days_supplied,
    supply.long_term,
    supply.validity,
    insurance.kinds,
    insurance.disease_code,
    insurance.self_pay,
    insurance.restricted_use,
)
"""After it; the first broken rule answers."""


def broken(checks: tuple[Check, ...], written: Written) -> Refusal | None:
    """The first broken rule, if there is one."""
    return next((refusal for check in checks if (refusal := check(written))), None)
