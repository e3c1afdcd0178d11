"""How a case ends: passed by one or two pharmacists, or in a batch of clean ones; returned; refused. All pure."""

from __future__ import annotations

from datetime import datetime

from services.review.domain.authority import answering, as_reviewer, in_hand, may_not_review
from services.review.domain.case import CaseState
from services.review.domain.commands import CodedFinding, PassCase, RefuseCase, ReturnCase
from services.review.domain.events import (
    CaseFirstPassed,
    CaseOpened,
    CasePassed,
    CaseRefused,
    CaseReturned,
    CaseSampled,
    SecondWanted,
)
from services.review.domain.policy import ReviewPolicy
from services.review.domain.values import PHARMACIST, Finding, Licence, Severity, Signature
from services.seedwork.model import Ids, Outcome, Refusal

PER_MILLE = 1000


def pass_case(
    state: CaseState,
    command: PassCase,
    now: datetime,
    licence: Licence,
    signature: Signature,
    policy: ReviewPolicy,
    ids: Ids,
) -> Outcome:
    """Nobody passes a blocking finding; a serious one only with a word on it, the prescriber's or the pharmacist's."""
    opened = in_hand(state, "PassCase", now, licence)
    if isinstance(opened, Refusal):
        return opened
    return _passed(state, opened, command, now, licence, signature, policy, ids)


def pass_batched(
    state: CaseState,
    command: PassCase,
    now: datetime,
    licence: Licence,
    signature: Signature,
    policy: ReviewPolicy,
    ids: Ids,
) -> Outcome:
    """One case of a batch, straight from the queue: only where the rules have looked and found nothing."""
    opened = answering(state, "PassBatch")
    if isinstance(opened, Refusal):
        return opened
    refusal = may_not_review(licence, opened)
    if refusal:
        return refusal
    notable = [finding.number for finding in state.findings if finding.severity > Severity.INFO]
    if state.degraded or notable:
        return Refusal("case.not_clean", {"degraded": state.degraded, "findings": notable})
    return _passed(state, opened, command, now, licence, signature, policy, ids)


def chosen(per_mille: int, ids: Ids) -> bool:
    """Whether chance picks this one. Nothing that anybody chose goes in, so nobody can keep out of a sample."""
    return per_mille > 0 and ids.new().int % PER_MILLE < per_mille


def return_case(
    state: CaseState, command: ReturnCase, now: datetime, licence: Licence, policy: ReviewPolicy
) -> Outcome:
    opened = in_hand(state, "ReturnCase", now, licence)
    if isinstance(opened, Refusal):
        return opened
    unknown = sorted({finding.code for finding in command.findings} - policy.result_codes.keys())
    if unknown:
        return Refusal("case.unknown_code", {"codes": unknown})
    strange = sorted({line for finding in command.findings for line in finding.lines} - state.line_numbers)
    if strange:
        return Refusal("case.unknown_line", {"lines": strange})
    findings = tuple(
        _written(finding, number, policy)
        for number, finding in enumerate(command.findings, start=len(state.findings) + 1)
    )
    returned = CaseReturned(
        patient_ref=opened.patient_ref, reviewer=as_reviewer(licence), findings=findings, comment=command.comment
    )
    return [returned]


def refuse_case(
    state: CaseState, command: RefuseCase, now: datetime, licence: Licence, policy: ReviewPolicy
) -> Outcome:
    opened = in_hand(state, "RefuseCase", now, licence)
    if isinstance(opened, Refusal):
        return opened
    light = sorted(set(command.codes) - set(policy.serious_codes))
    if light:
        return Refusal("case.code_not_serious", {"codes": light, "serious": list(policy.serious_codes)})
    refused = CaseRefused(
        patient_ref=opened.patient_ref, reviewer=as_reviewer(licence), codes=command.codes, reason=command.reason
    )
    return [refused]


def _passed(
    state: CaseState,
    opened: CaseOpened,
    command: PassCase,
    now: datetime,
    licence: Licence,
    signature: Signature,
    policy: ReviewPolicy,
    ids: Ids,
) -> Outcome:
    if (command.revision, command.signed_sha256) != (opened.revision, opened.signed_sha256):
        return Refusal("case.signed_something_else", {"revision": opened.revision})
    refusal = _findings_in_the_way(state, {comment.finding for comment in command.comments})
    if refusal:
        return refusal
    said = {
        "patient_ref": opened.patient_ref,
        "reviewer": as_reviewer(licence, signature.sha256),
        "comment": "\n".join(f"{comment.finding}: {comment.comment}" for comment in command.comments) or None,
        "signature": signature.compact,
        "signature_check": signature.check,
    }
    why = None if state.second_wanted else _second_wanted(state, opened, policy, ids)
    if why:
        return [CaseFirstPassed(**said, why=why)]
    drawn = chosen(policy.sampling.per_mille, ids)
    return [CasePassed(**said), *([CaseSampled(by="", sampled_at=now)] if drawn else [])]


def _second_wanted(state: CaseState, opened: CaseOpened, policy: ReviewPolicy, ids: Ids) -> SecondWanted | None:
    """Why this pass needs another pharmacist, if it does."""
    rule = policy.second_reviewer
    from_severity = Severity[rule.confirmed_severity.upper()]
    if any(finding.number in state.confirmed and finding.severity >= from_severity for finding in state.findings):
        return "confirmed_finding"
    if any(line.drug_class in rule.drug_classes for line in opened.lines):
        return "drug_class"
    return "sampled" if chosen(rule.per_mille, ids) else None


def _findings_in_the_way(state: CaseState, commented: set[int]) -> Refusal | None:
    findings = state.findings
    unknown = sorted(commented - {finding.number for finding in findings})
    if unknown:
        return Refusal("case.unknown_finding", {"findings": unknown})
    blocking = [finding.number for finding in findings if finding.severity is Severity.BLOCKING]
    if blocking:
        return Refusal("case.blocking_finding", {"findings": blocking})
    answered = commented | state.confirmed
    silent = [f.number for f in findings if f.severity is Severity.SERIOUS and f.number not in answered]
    return Refusal("case.comment_missing", {"findings": silent}) if silent else None


def _written(finding: CodedFinding, number: int, policy: ReviewPolicy) -> Finding:
    """A pharmacist's finding in the form of the others; its evidence is the official text of the code."""
    return Finding(
        number=number,
        rule=PHARMACIST,
        knowledge_version=policy.version,
        evidence=policy.result_codes[finding.code],
        severity=Severity.SERIOUS,
        result_code=finding.code,
        lines=finding.lines,
        confirmable=finding.confirmable,
    )
