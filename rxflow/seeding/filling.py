"""What an installation is filled with, as commands of its people: registers, shelves, patients, and prescriptions that
were issued, reviewed and released, and wait for a pharmacy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from random import Random
from typing import Any
from uuid import UUID

from contracts.registers import ENTRIES_PER_REQUEST_MAX, OWNER
from rxflow.play.stage import ACCOUNT_BALANCE_FEN, DEDUCTIBLE_USED_FEN, ORDER
from rxflow.seeding.offices import Offices, SeedingFailed, new_id, pieces
from rxflow.world import Draft, Patient, Person, Product, World, everyday_products, prescription_for, registration_of
from rxflow.world.signing_again import passed
from services.dispatch.application.stock import Receipt, receive_stock
from services.insurance.application.members import give_standing_authorisation, load_member
from services.insurance.domain.accumulator import YearFigures
from services.insurance.domain.member import ImportMember, MemberFacts
from services.prescribe.application.signed_commands import issue_prescription
from services.prescribe.application.use_cases import register_new_patient
from services.prescribe.domain.commands import RegisterPatient
from services.review.application.use_cases import pass_case, return_case, take_case
from services.review.domain.case import CaseState, case_id, case_ref
from services.review.domain.commands import CodedFinding, ReturnCase, TakeCase
from services.review.domain.values import Severity
from services.seedwork.register_loading import record_entries
from services.seedwork.usecase import Actor, UseCase

ADMINISTRATOR = Actor("administrator", "system_admin")
REQUESTS_OF_A_REGISTER = 20
"""Written in one piece."""
PACKS_ON_A_SHELF = 200
SHELF_DAYS = 600
"""How long the packs on the shelves last."""
VALIDITY_DAYS = 3
"""The longest there is: whoever measures has until the evening of the day after tomorrow."""
COMMENT = "已与医师核实"
UNSUITABLE = "2-9"
"""The official code of a finding that names none: 其它用药不适宜情况."""
REVIEWERS = 2
"""In each hospital; the second one reviews what the policy wants to be seen twice."""


@dataclass(frozen=True)
class Issued:
    """A prescription on its way: who signed it, and for whom."""

    draft: Draft
    doctor: Person


def fill_registers(offices: Offices, world: World) -> Iterator[int]:
    """Every register of the world at its owner, and the copies of the others; how many entries each piece had."""
    for kind in ORDER:
        owner = OWNER.get(kind, "insurance")
        kinds = import_module(f"services.{owner}.application.registers").KINDS
        rows = [entry.as_json() for entry in world.entries(kind)]
        requests = list(pieces(rows, ENTRIES_PER_REQUEST_MAX))
        for some in pieces(requests, REQUESTS_OF_A_REGISTER):
            for each in some:  # one by one: a hundred requests of a hundred streams are too many for one load
                (outcome,) = offices[owner].command([(record_entries(kinds, kind, each), ADMINISTRATOR)])
                if outcome.body["refused"]:
                    raise SeedingFailed(f"{kind}: {outcome.body['rows']}")
            offices.settle()
            offices.write_out()
            yield sum(map(len, some))


def fill_shelves(offices: Offices, world: World, products: int) -> Iterator[int]:
    """So many everyday products on the shelves of each pharmacy, any of them; how many items each piece had."""
    everyday = everyday_products(world)
    chance = Random(f"{world.seed} shelves")
    expiry = world.as_of + timedelta(days=SHELF_DAYS)
    for stores in pieces(world.stores, 50):
        receipts = [
            Receipt(
                pharmacy=store.code,
                product=product.code,
                lot=f"{world.as_of:%y}S{number:03d}",
                expiry=expiry,
                quantity=PACKS_ON_A_SHELF * product.drug.pack_size,
                unit_price=product.list_price,
            )
            for store in stores
            for number, product in enumerate(chance.sample(everyday, min(products, len(everyday))))
        ]
        offices["dispatch"].command((receive_stock(each), ADMINISTRATOR) for each in receipts)
        offices.settle()
        offices.write_out()
        yield len(receipts)


def fill_with_prescriptions(offices: Offices, world: World, patients: Sequence[Patient], each: int, most: int) -> int:
    """`each` prescriptions for each of these patients, `most` in all, from registration on; how many are released.

    The others went back to their doctors, as what stands against them demands.
    """
    known = _registered(offices, world, patients)
    written = []
    for patient, patient_ref in known:
        everyday = everyday_products(world, patient)
        numbers = range(patient.number * each, (patient.number + 1) * each)
        written += [_written(world, patient, patient_ref, everyday, number) for number in numbers]
    del written[most:]
    offices["prescribe"].command((issue_prescription(one.draft.jws), prescriber(one.doctor)) for one in written)
    offices.settle()
    released = _review(offices, world, written)
    offices.settle()
    offices.write_out()
    return released


def prescriber(doctor: Person) -> Actor:
    return Actor(doctor.code, "prescriber", doctor.organisation, region=doctor.region)


def _registered(offices: Offices, world: World, patients: Sequence[Patient]) -> list[tuple[Patient, UUID]]:
    """With prescribe and with their insurer, and with a standing authorisation."""
    commands = (RegisterPatient.model_validate(registration_of(patient)) for patient in patients)
    outcomes = offices["prescribe"].command((register_new_patient(each), ADMINISTRATOR) for each in commands)
    known = [(patient, UUID(each.body["patient_ref"])) for patient, each in zip(patients, outcomes, strict=True)]
    imports = (load_member(_member(world, patient, ref)) for patient, ref in known)
    offices["insurance"].command((each, ADMINISTRATOR) for each in imports)
    bearers = (Actor(f"patient-{ref}", "patient", patient_ref=ref) for _, ref in known)
    offices["insurance"].command((give_standing_authorisation(each), each) for each in bearers)
    return known


def _member(world: World, patient: Patient, patient_ref: UUID) -> ImportMember:
    facts: dict[str, Any] = {
        "insurer": patient.insurer,
        "insutype": patient.scheme,
        "psn_type": patient.person_type,
        "account_balance": ACCOUNT_BALANCE_FEN if patient.scheme == "310" else 0,
        "insured_from": "2020-01-01",
    }
    figures = YearFigures(deductible_used=DEDUCTIBLE_USED_FEN, pooled_paid=0)
    return ImportMember(
        patient_ref=patient_ref, as_of=world.as_of, facts=MemberFacts.model_validate(facts), figures=figures
    )


def _written(world: World, patient: Patient, patient_ref: UUID, everyday: Sequence[Product], number: int) -> Issued:
    """The next prescription of one of the doctors near the patient who sign with ES256, for one or two products."""
    doctors = [
        doctor
        for hospital in world.hospitals
        if hospital.institution.region == patient.region
        for doctor in hospital.doctors
        if doctor.key.public_jwk["crv"] == "P-256"
    ]
    doctor = doctors[number % len(doctors)]
    draft = prescription_for(
        world,
        patient,
        doctor,
        prescription_id=new_id(),
        patient_ref=patient_ref,
        products=_products(everyday, number),
        validity_days=VALIDITY_DAYS,
    )
    return Issued(draft, doctor)


def _products(everyday: Sequence[Product], number: int) -> tuple[Product, ...]:
    """One; every second time another one beside it, for the same complaint no second one."""
    first = everyday[number % len(everyday)]
    beside = everyday[(number * 7 + 3) % len(everyday)]
    alone = number % 2 == 0 or beside.regimen.indication_code == first.regimen.indication_code
    return (first,) if alone else (first, beside)


def _review(offices: Offices, world: World, written: Sequence[Issued]) -> int:
    """Each case taken and decided, signed, by a pharmacist of the doctor's hospital; where a second one is wanted, by
    the other as well. How many are passed."""
    review, released = offices["review"], 0
    waiting = [(case_id(one.draft.prescription_id, 1, 0), world.hospital_of(one.doctor)) for one in written]
    for number in range(REVIEWERS):
        decided = [(case, hospital.reviewers[number]) for case, hospital in waiting]
        review.command((take_case(TakeCase(case_id=case), _reviewer(who)), _reviewer(who)) for case, who in decided)
        states = review.states([case_ref(case) for case, _ in decided])
        review.command(_decide(state, who) for (_, who), state in zip(decided, states, strict=True))
        statuses = [state.status for state in review.states([case_ref(case) for case, _ in decided])]
        released += statuses.count("passed")
        waiting = [each for each, status in zip(waiting, statuses, strict=True) if status == "second_wanted"]
    if waiting:
        raise SeedingFailed(f"{len(waiting)} cases want a third pharmacist")
    return released


def _reviewer(person: Person) -> Actor:
    return Actor(person.code, "reviewer", person.organisation, region=person.region)


def _decide(state: CaseState, person: Person) -> tuple[UseCase, Actor]:
    """What this pharmacist, who has read it, does: returns what must not pass, and passes the rest with a signature."""
    opened, actor = state.opened, _reviewer(person)
    if opened is None:
        raise SeedingFailed("review has not opened a case")
    against = [each for each in state.findings if each.severity is Severity.BLOCKING]
    if against:
        coded = tuple(CodedFinding(code=each.result_code or UNSUITABLE, lines=each.lines) for each in against)
        return return_case(ReturnCase(case_id=opened.case_id, findings=coded, comment=COMMENT), actor), actor
    shown = {
        "case_id": str(opened.case_id),
        "revision": opened.revision,
        "signed_sha256": opened.signed_sha256,
        "findings": [{"number": each.number, "severity": each.severity.word} for each in state.findings],
    }
    return pass_case(opened.case_id, passed(person, shown, COMMENT), actor), actor
