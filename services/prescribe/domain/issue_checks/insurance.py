"""How the visit and each line are to be paid (医保): stated so that a claim can follow it."""

from __future__ import annotations

import re

from services.prescribe.domain.issue_checks.written import Written
from services.seedwork.model import Refusal

OTHER_REASON = "other"
"""The reason that needs words (selfPayRea 6 needs realDscr)."""


def kinds(written: Written) -> Refusal | None:
    """Each kind is one of the jurisdiction; lines that are paid otherwise are lines of this prescription, once each."""
    intent, policy = written.content.insurance_intent, written.policy
    numbers = {line.line for line in written.content.lines}
    for named in ([each.line for each in intent.lines], [each.line for each in intent.restricted_use]):
        for line in named:
            if line not in numbers:
                return Refusal("insurance_intent.line", {"line": line})
        if len(set(named)) < len(named):
            return Refusal("insurance_intent.line_twice", {"lines": named})
    for kind in (intent.kind, *(each.kind for each in intent.lines)):
        if kind not in policy.insurance_kinds:
            return Refusal("insurance_intent.kind", {"kind": kind, "kinds": sorted(policy.insurance_kinds)})
    return None


def disease_code(written: Written) -> Refusal | None:
    """门诊慢特病 names the recognised disease by its code."""
    content = written.content
    intent, code = content.insurance_intent, content.insurance_disease_code
    chronic = any(intent.of(line.line) == "chronic_disease" for line in content.lines)
    if code is None:
        return Refusal("insurance_intent.disease_code") if chronic else None
    if re.fullmatch(written.policy.disease_code_pattern, code) is None:
        return Refusal("insurance_intent.disease_code_form")
    return None


def self_pay(written: Written) -> Refusal | None:
    """A line that the patient pays alone says why (selfPayRea, needed when hospApprFlag is 2)."""
    for line in written.content.insurance_intent.lines:
        if line.kind != "self_pay":
            continue
        reasons = written.policy.self_pay_reasons
        if line.self_pay_reason not in reasons:
            return Refusal("insurance_intent.self_pay_reason", {"line": line.line, "reasons": sorted(reasons)})
        if line.self_pay_reason == OTHER_REASON and not (line.self_pay_note or "").strip():
            return Refusal("insurance_intent.self_pay_note", {"line": line.line})
    return None


def restricted_use(written: Written) -> Refusal | None:
    """A drug that insurance pays for some uses only: whether this is one (hospApprFlag), and why where it is not."""
    intent = written.content.insurance_intent
    stated = {use.line: use for use in intent.restricted_use}
    for line, drug in written.lines():
        use = stated.get(line.line)
        if use is None and drug.restricted_use and intent.of(line.line) != "self_pay":
            return Refusal("insurance_intent.restricted_use", {"line": line.line})
        if use is not None and not use.met and not (use.reason or "").strip():
            return Refusal("insurance_intent.reason", {"line": line.line})
    return None
