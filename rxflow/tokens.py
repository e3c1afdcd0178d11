"""Tokens of the development issuer, and the demo world's person for each role."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import typer
from rich.console import Console

from contracts.roles import Role
from rxflow.installation import Installation
from rxflow.play.cast import TokenMaker
from rxflow.world import World, build_world
from services.seedwork.failures import ConfigurationError
from services.seedwork.identity import LIFETIME_SECONDS, Issuer, development_issuer
from services.seedwork.model import derived_id
from services.seedwork.settings import Settings


@dataclass(frozen=True)
class Bearer:
    """Who a token is for."""

    role: Role
    subject: str
    organisation: str | None = None
    patient_ref: UUID | None = None
    region: str | None = None


def tokens_of(installation: Installation) -> TokenMaker:
    """Makes tokens that this installation accepts. Raises ConfigurationError outside development mode."""
    return development_issuer(Settings(**installation.settings)).issue_token


def issuer_or_exit(settings: Settings, errors: Console) -> Issuer:
    """The development issuer; otherwise says what is missing and ends the command."""
    try:
        return development_issuer(settings)
    except ConfigurationError as error:
        errors.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from None


def bearer_of(role: Role) -> Bearer | None:
    """The demo world's first person of a role."""
    return next((bearer for bearer in bearers(build_world()) if bearer.role is role), None)


def token_for(issuer: Issuer, bearer: Bearer, lifetime_seconds: int = LIFETIME_SECONDS) -> str:
    return issuer.issue_token(
        bearer.subject,
        bearer.role,
        organisation=bearer.organisation,
        patient_ref=bearer.patient_ref,
        region=bearer.region,
        lifetime_seconds=lifetime_seconds,
    )


def bearers(world: World, patient_ref: UUID | None = None) -> tuple[Bearer, ...]:
    """The demo world's first person of each role. Without a registered patient it is one that nobody knows yet."""
    hospital, store, carrier = world.hospitals[0], world.stores[0], world.carriers[0]
    doctor, region = hospital.doctors[0], hospital.institution.region
    patient_ref = patient_ref or derived_id("demo_patient", world.patients[0].identity_number)
    return (
        Bearer(Role.PRESCRIBER, doctor.code, hospital.code, region=region),
        Bearer(Role.DELEGATE, f"delegate-{hospital.code}", hospital.code, region=region),
        Bearer(Role.MEDICAL_OFFICE, f"office-{hospital.code}", hospital.code, region=region),
        Bearer(Role.REVIEWER, hospital.reviewers[0].code, hospital.code, region=region),
        Bearer(Role.PHARMACIST, store.pharmacist.code, store.code, region=region),
        Bearer(Role.PREPARER, store.preparer.code, store.code, region=region),
        Bearer(Role.CHECKER, store.checker.code, store.code, region=region),
        Bearer(Role.QUALITY_MANAGER, store.checker.code, store.code, region=region),
        Bearer(Role.MAKER, "recalls-02699", "02699"),
        Bearer(Role.WHOLESALER, f"orders-W{region}00001", f"W{region}00001", region=region),
        Bearer(Role.COURIER, carrier.riders[0], carrier.code),
        Bearer(Role.PATIENT, "demo-patient", patient_ref=patient_ref),
        Bearer(Role.REPRESENTATIVE, "demo-representative", patient_ref=patient_ref),
        Bearer(Role.INSURANCE_OFFICER, f"officer-{world.authorities[0].code}", world.authorities[0].code),
        Bearer(Role.REGULATOR, f"authority-{region[:2]}0000", region=f"{region[:2]}0000"),
        Bearer(Role.SYSTEM_ADMIN, "administrator"),
    )
