"""What each kind of rule looks for. A check answers with the lines it hits, or that it cannot tell (`None`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from services.insurance.domain.audit import rules as r
from services.insurance.domain.audit.subject import PastSupply, Subject, SuppliedLine

Hit = tuple[int, ...] | None
"""Lines that are hit, none of them (empty), or None: what the rule needs is not known."""
DAYS_OF_400_YEARS = 146_097


def hit(rule: r.AuditRule, subject: Subject) -> Hit:
    """The lines of the supply that a rule is about and that it hits."""
    chosen = tuple(line for line in subject.supply.lines if rule.drugs.include(line.product, line.generic_name))
    if not chosen or _excepted(rule, subject):
        return ()
    return CHECKS[rule.check.kind](rule, subject, chosen)


def _excepted(rule: r.AuditRule, subject: Subject) -> bool:
    return subject.visit in rule.excepted.visits or _diagnosed(subject, rule.excepted.diagnoses)


def _diagnosed(subject: Subject, beginnings: tuple[str, ...]) -> bool:
    return any(code.startswith(beginnings) for code in subject.diagnoses or ()) if beginnings else False


def years_of(age_days: int) -> int:
    """Full years. The day of a birthday may be one off: what is told is days, not the date of birth."""
    return 400 * age_days // DAYS_OF_400_YEARS


Lines = tuple[SuppliedLine, ...]


def _sex(rule: r.AuditRule, subject: Subject, lines: Lines) -> Hit:
    check: Any = rule.check
    return None if subject.sex is None else () if subject.sex == check.allowed else _numbers(lines)


def _age(rule: r.AuditRule, subject: Subject, lines: Lines) -> Hit:
    check: Any = rule.check
    if subject.age_days is None:
        return None
    return () if check.from_years <= years_of(subject.age_days) < check.under_years else _numbers(lines)


def _indication(rule: r.AuditRule, subject: Subject, lines: Lines) -> Hit:
    check: Any = rule.check
    if subject.diagnoses is None:
        return None
    return () if _diagnosed(subject, check.diagnoses) else _numbers(lines)


def _visit(rule: r.AuditRule, subject: Subject, lines: Lines) -> Hit:
    check: Any = rule.check
    return () if subject.visit in check.allowed else _numbers(lines)


def _quantity(rule: r.AuditRule, subject: Subject, lines: Lines) -> Hit:
    check: Any = rule.check
    known = [line for line in lines if line.days is not None]
    if not known:
        return None
    hits = []
    for line in known:
        earlier = (each.days or 0 for _, each in _same_drug(subject, line, check.window_days))
        now = sum(each.days or 0 for each in known if each.generic_name == line.generic_name)
        if now + sum(earlier) > check.days_max:
            hits.append(line.line)
    return tuple(dict.fromkeys(hits))


def _duplicate(rule: r.AuditRule, subject: Subject, lines: Lines) -> Hit:
    check: Any = rule.check
    return _numbers(
        line
        for line in lines
        if any(
            past.prescription_id != subject.supply.prescription_id
            for past, _ in _same_drug(subject, line, check.window_days)
        )
    )


def _early(rule: r.AuditRule, subject: Subject, lines: Lines) -> Hit:
    """Parts of one instalment, at whichever pharmacies, belong together; a part without known days says nothing."""
    check: Any = rule.check
    latest = subject.supply.day + timedelta(days=check.lead_days)
    return _numbers(
        line
        for line in lines
        if any(
            past.fulfilment_id != subject.supply.fulfilment_id
            and each.days is not None
            and past.day + timedelta(days=each.days) > latest
            for past, each in _same_drug(subject, line, None)
        )
    )


def _frequency(rule: r.AuditRule, subject: Subject, lines: Lines) -> Hit:
    check: Any = rule.check
    times = 1 + sum(1 for past in _within(subject, check.window_days) if _chosen(rule, past))
    return _numbers(lines) if times > check.times_max else ()


def _doctors(rule: r.AuditRule, subject: Subject, lines: Lines) -> Hit:
    check: Any = rule.check
    if subject.supply.prescriber is None:
        return None
    others = (past.prescriber for past in _within(subject, check.window_days) if _chosen(rule, past))
    found = {subject.supply.prescriber, *filter(None, others)}
    return _numbers(lines) if len(found) > check.prescribers_max else ()


def _split(rule: r.AuditRule, subject: Subject, lines: Lines) -> Hit:
    check: Any = rule.check
    prescriber = subject.supply.prescriber
    if prescriber is None:
        return None
    hits = []
    for line in lines:
        same = _same_drug(subject, line, check.window_days)
        found = {past.prescription_id for past, _ in same if past.prescriber == prescriber}
        if len(found | {subject.supply.prescription_id}) > check.prescriptions_max:
            hits.append(line)
    return _numbers(hits)


def _trace_reuse(_rule: r.AuditRule, subject: Subject, lines: Lines) -> Hit:
    return _numbers(lines) if subject.repeated_codes else ()


def _recalled(_rule: r.AuditRule, subject: Subject, lines: Lines) -> Hit:
    recalled = {product for product, lot in subject.lots if (product, lot) in subject.recalled}
    return _numbers(line for line in lines if line.product in recalled)


CHECKS: Mapping[str, Callable[[r.AuditRule, Subject, Lines], Hit]] = {
    "sex": _sex,
    "age": _age,
    "indication": _indication,
    "visit": _visit,
    "quantity": _quantity,
    "duplicate": _duplicate,
    "early": _early,
    "frequency": _frequency,
    "doctor_shopping": _doctors,
    "split": _split,
    "trace_reuse": _trace_reuse,
    "recalled_lot": _recalled,
}


def _within(subject: Subject, window_days: int | None) -> Iterator[PastSupply]:
    """Supplies before this one, from so many days ago on; None: as far back as is known."""
    since = None if window_days is None else subject.supply.day - timedelta(days=window_days)
    return (past for past in subject.before if since is None or past.day >= since)


def _same_drug(
    subject: Subject, line: SuppliedLine, window_days: int | None
) -> Iterator[tuple[PastSupply, SuppliedLine]]:
    for past in _within(subject, window_days):
        for each in past.lines:
            if each.generic_name == line.generic_name:
                yield past, each


def _chosen(rule: r.AuditRule, past: PastSupply) -> bool:
    return any(rule.drugs.include(line.product, line.generic_name) for line in past.lines)


def _numbers(lines: Any) -> tuple[int, ...]:
    return tuple(dict.fromkeys(line.line for line in lines))
