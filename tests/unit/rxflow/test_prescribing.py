"""What the demo world's doctors write is what prescribe asks for, signed by their own key."""

from decimal import Decimal
from uuid import UUID

import orjson
import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from contracts.registers import DrugClass
from rxflow.world import World, build_world, everyday_products, line_for, prescription_for, registration_of

PRESCRIPTION = UUID("5f1c2b7e-5c0e-4a6e-9c68-3f0f6d9b2a11")
PATIENT = UUID("0f7a0c3c-2d51-4b0e-8a57-1f3f3a9d4c22")


@pytest.fixture(scope="module")
def world() -> World:
    return build_world()


def test_a_draft_is_signed_over_exactly_its_payload(world: World) -> None:
    doctor = world.doctors[0]

    draft = prescription_for(world, world.patients[0], doctor, prescription_id=PRESCRIPTION, patient_ref=PATIENT)

    opened = jws.deserialize_compact(draft.jws, ECKey.import_key(doctor.key.public_jwk), algorithms=["ES256"])
    assert orjson.loads(opened.payload) == draft.payload
    assert draft.payload["prescription_id"] == str(PRESCRIPTION)
    assert draft.payload["prescriber"] == doctor.code
    assert draft.payload["institution"] == doctor.organisation


def test_each_line_says_dose_times_frequency_times_days_equals_quantity(world: World) -> None:
    for product in world.products:
        line = line_for(1, product)
        units = (
            Decimal(line["dose"]) * 1000 * line["frequency_per_day"] * line["days"] / product.drug.dose_per_base_unit
        )
        assert units == line["quantity"]


def test_a_larger_dose_takes_more_packs(world: World) -> None:
    amoxicillin = next(product for product in world.products if product.drug.generic_name == "阿莫西林")

    line = line_for(2, amoxicillin, dose=1000)

    assert (line["line"], line["dose"], line["quantity"]) == (2, "1", 2 * amoxicillin.drug.pack_size)


def test_a_supply_beyond_a_week_gives_its_reason(world: World) -> None:
    inhaler = next(product for product in world.products if product.regimen.days > 7)
    doctor, patient = world.doctors[0], world.patients[0]
    ids = {"prescription_id": PRESCRIPTION, "patient_ref": PATIENT}

    assert prescription_for(world, patient, doctor, products=[inhaler], **ids).payload["long_supply_reason"]
    assert prescription_for(world, patient, doctor, **ids).payload["long_supply_reason"] is None


def test_each_diagnosis_is_written_once(world: World) -> None:
    for_pressure = [product for product in world.products if product.regimen.indication_name == "高血压"][:3]

    draft = prescription_for(
        world,
        world.patients[0],
        world.doctors[0],
        prescription_id=PRESCRIPTION,
        patient_ref=PATIENT,
        products=for_pressure,
    )

    assert [diagnosis["name"] for diagnosis in draft.payload["diagnoses"]] == ["高血压"]
    assert [line["line"] for line in draft.payload["lines"]] == [1, 2, 3]


def test_an_amendment_is_the_same_prescription_signed_as_its_next_revision(world: World) -> None:
    draft = prescription_for(
        world, world.patients[0], world.doctors[0], prescription_id=PRESCRIPTION, patient_ref=PATIENT
    )
    amended = draft.amended(2, lines=[line_for(1, world.products[0])])

    assert amended.prescription_id == draft.prescription_id
    assert amended.payload["revision"] == 2
    assert "revision" not in draft.payload
    assert amended.jws != draft.jws


def test_everyday_products_are_ordinary_and_come_in_whole_packs(world: World) -> None:
    products = everyday_products(world)

    assert len(products) >= 30
    assert {product.drug.drug_class for product in products} == {DrugClass.ORDINARY}


def test_penicillins_are_given_after_a_skin_test_and_never_to_who_is_allergic(world: World) -> None:
    penicillins = [product for product in everyday_products(world) if product.drug.generic_name == "阿莫西林"]
    may_have = everyday_products(world, world.patients[9])

    assert penicillins
    assert all(line_for(1, product)["skin_test"] == "negative" for product in penicillins)
    assert set(everyday_products(world)) - set(may_have) == set(penicillins)


def test_a_registration_carries_the_patients_identity(world: World) -> None:
    allergic = world.patients[9]

    registration = registration_of(allergic)

    assert registration["identity_number"] == allergic.identity_number
    assert registration["birth_date"] == allergic.born.isoformat()
    assert registration["facts"]["allergies"] == ["青霉素"]
