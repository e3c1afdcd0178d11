"""What an earlier prescription means for one that is issued: checked, and what is left of a replaced one cancelled."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from services.prescribe.application.registers import FAMILY_CONTRACTS
from services.prescribe.domain.cancellation import cancel
from services.prescribe.domain.commands import CancelPrescription, WrittenPrescription
from services.prescribe.domain.links import REPLACED, broken_link, named
from services.prescribe.domain.policy import POLICIES
from services.prescribe.domain.prescription import PRESCRIPTION, PrescriptionState
from services.prescribe.domain.registers import FamilyContract
from services.prescribe.domain.values import Status
from services.seedwork.calendar import civil_day
from services.seedwork.model import Loaded, Refusal, derived_id
from services.seedwork.reference import entry
from services.seedwork.usecase import Decision, Load, Moment


def linked(
    moment: Moment, command: WrittenPrescription, issued: PrescriptionState, decision: Decision
) -> Generator[Load, Any, Decision]:
    """The decision, once its link holds. A repeat has its link behind it."""
    if not named(command) or not decision.changes[0].events:
        return decision
    earlier, contract = yield Load.of(
        PRESCRIPTION.ref(named(command)[0]), entry(FAMILY_CONTRACTS, "family_contract", command.family_contract or "")
    )
    day = civil_day(moment.now)
    known, in_force = contract.state.read(FamilyContract), contract.state.in_force(day)
    refusal = broken_link(command, earlier.state, known, issued.signed.lines, contract_in_force=in_force)
    if refusal:
        return Decision.refused(refusal)
    return _without(moment, command, earlier, decision) if command.replaces else decision


def _without(
    moment: Moment, command: WrittenPrescription, earlier: Loaded[PrescriptionState], decision: Decision
) -> Decision:
    """What is left of the replaced prescription is cancelled in the same save, by its prescriber."""
    if earlier.state.status in {Status.CANCELLED, Status.CLOSING_CANCELLED}:
        return decision
    request = CancelPrescription(
        prescription_id=earlier.stream_id,
        request_id=derived_id("replacement", command.prescription_id),
        reason_code=REPLACED,
    )
    policy = POLICIES.on(civil_day(moment.now), moment.jurisdiction)
    outcome = cancel(earlier.state, request, command.prescriber, None, policy=policy, now=moment.now)
    if isinstance(outcome, Refusal):
        return Decision.refused(Refusal("link.nothing_to_replace", {"state": str(earlier.state.status)}))
    return decision.and_also(earlier, outcome)
