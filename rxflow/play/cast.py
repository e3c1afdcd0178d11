"""The people of the demo world as users of one installation, each with a token of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar
from uuid import UUID

from contracts.roles import Role
from rxflow.client import (
    Administrator,
    Connection,
    Courier,
    Insurer,
    Office,
    Patient,
    Pharmacy,
    Prescriber,
    Regulator,
    Reviewer,
    Session,
    Stockroom,
    Supplier,
)
from rxflow.world import Carrier, Person, Store, World

T = TypeVar("T")


class TokenMaker(Protocol):
    """Makes a bearer token of the installation."""

    def __call__(
        self,
        subject: str,
        role: Role,
        *,
        organisation: str | None = None,
        patient_ref: UUID | None = None,
        region: str | None = None,
    ) -> str: ...


class Cast:
    """Hands out users. A person's token is made once: the services remember the tokens they have checked."""

    def __init__(self, world: World, connection: Connection, tokens: TokenMaker) -> None:
        self.world = world
        self._connection = connection
        self._tokens = tokens
        self._sessions: dict[tuple[Role, str, UUID | None], Session] = {}

    def new_id(self) -> UUID:
        """A name for something new, as the connection makes them."""
        return self._connection.new_id()

    def wait_until(self, condition: Callable[[], T | None], what: str) -> T:
        """At the pace of the connection. Raises TimedOut."""
        return self._connection.wait_until(condition, what)

    def prescriber(self, doctor: Person) -> Prescriber:
        return Prescriber(self._session(Role.PRESCRIBER, doctor.code, doctor.organisation, region=doctor.region))

    def reviewer_of(self, doctor: Person) -> tuple[Reviewer, Person]:
        """The reviewing pharmacist of the doctor's hospital."""
        person = self.world.hospital_of(doctor).reviewers[0]
        return self.reviewer(person), person

    def reviewer(self, person: Person) -> Reviewer:
        """This person with a reviewer's token, whatever the register says of them."""
        return Reviewer(self._session(Role.REVIEWER, person.code, person.organisation, region=person.region))

    def office_of(self, doctor: Person) -> Office:
        """The medical office of the doctor's hospital."""
        hospital = self.world.hospital_of(doctor)
        region = hospital.institution.region
        return Office(self._session(Role.MEDICAL_OFFICE, f"office-{hospital.code}", hospital.code, region=region))

    def pharmacy(self, store: Store) -> Pharmacy:
        region = store.pharmacy.region
        return Pharmacy(
            pharmacist=self._session(Role.PHARMACIST, store.pharmacist.code, store.code, region=region),
            preparer=self._session(Role.PREPARER, store.preparer.code, store.code, region=region),
            checker=self._session(Role.CHECKER, store.checker.code, store.code, region=region),
            quality=self._session(Role.QUALITY_MANAGER, store.checker.code, store.code, region=region),
        )

    def stockroom(self, store: Store) -> Stockroom:
        """The pharmacist who orders and counts."""
        return Stockroom(self.pharmacy(store).pharmacist)

    def supplier(self, code: str) -> Supplier:
        return Supplier(self._session(Role.WHOLESALER, f"sales-{code}", code))

    def courier(self, carrier: Carrier) -> Courier:
        return Courier(self._session(Role.COURIER, carrier.riders[0], carrier.code))

    def patient(self, patient_ref: UUID) -> Patient:
        return Patient(self._session(Role.PATIENT, f"patient-{patient_ref}", patient_ref=patient_ref))

    def representative(self, account: str, patient_ref: UUID) -> Patient:
        """Somebody who acts for a patient, as far as they were appointed."""
        return Patient(self._session(Role.REPRESENTATIVE, account, patient_ref=patient_ref))

    def insurer(self, code: str, person: str = "officer") -> Insurer:
        """An officer of it; `person`: which of them."""
        return Insurer(self._session(Role.INSURANCE_OFFICER, f"{person}-{code}", code))

    def regulator(self, region: str) -> Regulator:
        return Regulator(self._session(Role.REGULATOR, f"authority-{region}", region=region))

    def administrator(self) -> Administrator:
        return Administrator(self._session(Role.SYSTEM_ADMIN, "administrator"))

    def _session(
        self,
        role: Role,
        subject: str,
        organisation: str | None = None,
        *,
        patient_ref: UUID | None = None,
        region: str | None = None,
    ) -> Session:
        known = self._sessions.get((role, subject, patient_ref))
        if known is None:
            token = self._tokens(subject, role, organisation=organisation, patient_ref=patient_ref, region=region)
            known = self._sessions[role, subject, patient_ref] = Session(self._connection, token)
        return known
