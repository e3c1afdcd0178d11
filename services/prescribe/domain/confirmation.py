"""Confirming findings: the prescriber insists on a returned prescription by a second signature (双签名).

Source: 医疗机构处方审核规范 (国卫办医发〔2018〕14号): what the pharmacist wants confirmed may stand once the prescriber
has signed it again. A medication error cannot be confirmed: its finding says so.
"""

from __future__ import annotations

from datetime import datetime

from services.prescribe.domain.commands import ConfirmFindings
from services.prescribe.domain.confirmation_events import FindingsConfirmed
from services.prescribe.domain.prescription import PrescriptionState
from services.prescribe.domain.signing_again import Signer, may_not_sign, other_content
from services.prescribe.domain.values import ConfirmedFinding, Finding
from services.seedwork.model import Outcome, Refusal

STAND_IN_THE_WAY = frozenset({"serious", "blocking"})
"""Severities that a pharmacist cannot pass without a word; milder findings need none of the prescriber either."""


def confirm_findings(state: PrescriptionState, command: ConfirmFindings, signer: Signer, *, now: datetime) -> Outcome:
    """The same content under review again, its validity unchanged; the same bytes again change nothing."""
    signature = may_not_sign(state, command, signer)
    if isinstance(signature, Refusal):
        return signature
    if state.confirmation and state.confirmation.signature.sha256 == signature.sha256:
        return []
    if refusal := state.refuses("ConfirmFindings") or other_content(state, command):
        return refusal
    current = state.signed
    if state.past_validity(now):
        return Refusal("prescription.validity_over", {"valid_until": current.valid_until.isoformat()})
    expected = (current.revision, current.confirmation_no + 1)
    if (command.revision, command.confirmation_no) != expected:
        return Refusal("confirmation.number", {"revision": expected[0], "confirmation_no": expected[1]})
    findings = _reasoned(state.findings, command)
    if isinstance(findings, Refusal):
        return findings
    return [
        FindingsConfirmed(
            patient_ref=current.patient_ref,
            revision=command.revision,
            confirmation_no=command.confirmation_no,
            findings=findings,
            signature=signature,
            jws=signer.compact,
            confirmed_at=now,
        )
    ]


def not_confirmable(findings: tuple[Finding, ...]) -> list[int]:
    """The numbers of those that stand in the way and that no signature of a prescriber takes out of it."""
    return sorted(each.number for each in findings if each.severity in STAND_IN_THE_WAY and not each.confirmable)


def in_the_way(findings: tuple[Finding, ...]) -> tuple[str, ...]:
    """The rules of those that a prescriber's word could take out of the way, if any could: nobody else's does."""
    return tuple(each.rule for each in findings if each.severity in STAND_IN_THE_WAY)


def _reasoned(findings: tuple[Finding, ...], command: ConfirmFindings) -> tuple[ConfirmedFinding, ...] | Refusal:
    """Every open finding with its reason; one that cannot be confirmed asks for an amendment."""
    open_findings = {each.number: each for each in findings if each.severity in STAND_IN_THE_WAY}
    if stubborn := not_confirmable(findings):
        return Refusal("confirmation.not_confirmable", {"findings": stubborn})
    reasons = {each.finding: each.reason for each in command.findings}
    if len(reasons) < len(command.findings) or not reasons.keys() <= {each.number for each in findings}:
        return Refusal("confirmation.unknown_finding", {"findings": [each.finding for each in command.findings]})
    silent = sorted(open_findings.keys() - reasons.keys())
    if silent:
        return Refusal("confirmation.reason_missing", {"findings": silent})
    return tuple(
        ConfirmedFinding(**each.model_dump(), reason=reasons[each.number])
        for each in findings
        if each.number in reasons
    )
