"""Whose claims and payments an actor sees: a patient their own, a pharmacy its own, an officer those of own members."""

from __future__ import annotations

from uuid import UUID

from contracts.roles import Role
from services.insurance.domain.claim import ClaimState
from services.seedwork.usecase import Actor


def concerns(actor: Actor, *, patient_ref: UUID, pharmacy: str, insurer: str | None) -> bool:
    """Whether a claim with these parties is one of the actor's."""
    match actor.role:
        case Role.PATIENT:
            return actor.patient_ref == patient_ref
        case Role.PHARMACIST:
            return actor.organisation == pharmacy
        case Role.INSURANCE_OFFICER:
            return actor.organisation is not None and actor.organisation == insurer
        case _:
            return False


def sees(actor: Actor, claim: ClaimState) -> bool:
    return claim.opened is not None and concerns(
        actor, patient_ref=claim.opened.patient_ref, pharmacy=claim.opened.supply.pharmacy, insurer=claim.insurer
    )
