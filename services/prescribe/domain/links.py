"""Prescriptions that go on from an earlier one: renewed, extended (延伸处方) or replaced.

No change after release: a change cancels what is left and issues anew (药品管理法 §58: 经处方医师更正). A family doctor
with a contract continues another institution's regimen, and only that (家庭医生签约服务, 延伸处方).
"""

from __future__ import annotations

import unicodedata
from uuid import UUID

from services.prescribe.domain.commands import WrittenPrescription
from services.prescribe.domain.prescription import PrescriptionState
from services.prescribe.domain.registers import FamilyContract
from services.prescribe.domain.values import Line
from services.seedwork.model import Refusal

REPLACED = "replaced"
"""Reason code of the cancellation that a replacement brings."""


def named(command: WrittenPrescription) -> tuple[UUID, ...]:
    """The earlier prescriptions a command names."""
    return tuple(each for each in (command.renews, command.extends, command.replaces) if each is not None)


def broken_link(
    command: WrittenPrescription,
    earlier: PrescriptionState,
    contract: FamilyContract | None,
    lines: tuple[Line, ...],
    *,
    contract_in_force: bool,
) -> Refusal | None:
    """What is wrong with the one link of a command; `lines` are the new ones, `contract` is the family
    doctor's as the register has it."""
    if len(named(command)) > 1:
        return Refusal("link.more_than_one")
    known = earlier.current
    if known is None or known.patient_ref != command.patient_ref or known.prescription_id == command.prescription_id:
        return Refusal("link.unknown")
    if command.extends is not None:
        return _not_extendable(command, earlier, contract, lines, contract_in_force=contract_in_force)
    if known.prescriber != command.prescriber:
        return Refusal("link.not_yours")
    if command.renews is not None and not earlier.was_released:
        return Refusal("link.never_released", {"state": str(earlier.status)})
    return None


def _not_extendable(
    command: WrittenPrescription,
    earlier: PrescriptionState,
    contract: FamilyContract | None,
    lines: tuple[Line, ...],
    *,
    contract_in_force: bool,
) -> Refusal | None:
    if contract is None or (contract.doctor, contract.patient_ref) != (command.prescriber, command.patient_ref):
        return Refusal("link.no_contract")
    if not contract_in_force:
        return Refusal("link.contract_not_in_force")
    if earlier.signed.institution == command.institution:
        return Refusal("link.same_institution")
    if not earlier.was_released:
        return Refusal("link.never_released", {"state": str(earlier.status)})
    regimen = set(map(_regimen, earlier.signed.lines))
    for line in lines:
        if _regimen(line) not in regimen:
            return Refusal("link.other_regimen", {"line": line.line})
    return None


def _regimen(line: Line) -> tuple[object, ...]:
    """What an extension continues: the drug, how much of it, how often and by which way. The same way in other words
    is another way here: which words mean the same is review's knowledge, and the doctor can copy what stands there."""
    way = unicodedata.normalize("NFKC", line.route).strip().casefold()
    return (line.drug_key, line.dose, line.dose_unit, way, line.frequency_per_day, line.per_days, line.as_needed)
