"""What an insurer beyond the network is asked about a claim, and where it is reached."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from contracts.registers import Insurer
from services.insurance.domain.claim import ClaimState
from services.insurance.domain.gateway import Asked, Original, Reach
from services.insurance.domain.member import MemberState
from services.insurance.domain.policy import InsurancePolicy
from services.seedwork.reference import EntryState


def reach_of(insurer: EntryState) -> Reach | None:
    """By its register entry, in force or not: what is booked there can only be taken back there."""
    content = insurer.read(Insurer)
    if content is None or content.url is None:
        return None
    return Reach(insurer.code, content.region, content.url, content.steps)


def message(
    claim: ClaimState,
    member: MemberState,
    policy: InsurancePolicy,
    message_id: UUID,
    requested_at: datetime,
    credential: str | None = None,
) -> Asked | None:
    """One message about a claim; None for a claim that was never opened. A member without a number of the insurer's is
    known there by rxflow's own reference."""
    opened, facts = claim.opened, member.facts
    if opened is None:
        return None
    visit = policy.visits.get(opened.supply.insurance_intent)
    number = facts.psn_no if facts and facts.psn_no else opened.patient_ref.hex
    return Asked(
        message_id=message_id,
        requested_at=requested_at,
        member_number=number,
        pharmacy=opened.supply.pharmacy,
        region=opened.supply.region,
        prescription_id=opened.supply.prescription_id,
        insutype=facts.insutype if facts else "",
        med_type=visit.med_type if visit else "",
        lines=opened.lines,
        original=_original(claim),
        credential=credential,
    )


def _original(claim: ClaimState) -> Original | None:
    if claim.message_id is None or claim.requested_at is None:
        return None
    return Original(claim.message_id, claim.requested_at, claim.reference)
