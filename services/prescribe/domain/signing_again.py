"""Who may say something of a prescription by another signature: its prescriber, registered today, over its content.

经处方医师更正或重新签字 (药品管理法 §58, §73): a delegate or a colleague may not.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.prescribe.domain.commands import SignedAgain
from services.prescribe.domain.prescription import PrescriptionState
from services.prescribe.domain.registers import Prescriber
from services.prescribe.domain.values import Signature
from services.seedwork.model import Refusal


@dataclass(frozen=True)
class Signer:
    """The compact JWS as received, what checking it gave, and what the register says of the prescriber today."""

    compact: str
    check: Signature | Refusal
    entry: Prescriber | None


def may_not_sign(state: PrescriptionState, command: SignedAgain, signer: Signer) -> Signature | Refusal:
    """The checked signature, or the first broken rule."""
    if state.current is None:
        return Refusal("prescription.unknown")
    if command.prescriber != state.current.prescriber:
        return Refusal("prescription.not_yours")
    if signer.entry is None or "prescriber" not in signer.entry.professions:
        return Refusal("prescriber.not_registered", {"prescriber": command.prescriber})
    if not signer.entry.in_force:
        return Refusal("prescriber.not_in_force", {"prescriber": command.prescriber})
    return signer.check


def other_content(state: PrescriptionState, command: SignedAgain) -> Refusal | None:
    """None when the signature is over the content that stands now."""
    current = state.signed.signature.sha256
    return None if command.signed_sha256 == current else Refusal("prescription.other_content", {"current": current})
