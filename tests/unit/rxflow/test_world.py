"""The demo world is right in form: whoever plays with it meets no identity, code or dose that the services refuse."""

import re
from datetime import date

import pytest
from joserfc import jws
from joserfc.jwk import ECKey
from stdnum.cn import ric, uscc

from contracts.registers import CONTENT, AntibacterialLevel, DrugClass
from rxflow.world import World, build_world
from services.prescribe.application.known import known
from services.prescribe.domain.patient_record import PatientState
from services.prescribe.domain.policy import POLICIES
from services.seedwork.reference import EntryState

NATIONAL_CODE = re.compile(r"^[XZ][0-9A-Z]{22}$")


@pytest.fixture(scope="module")
def world() -> World:
    return build_world()


def test_equal_seeds_build_equal_worlds(world: World) -> None:
    assert build_world(world.seed, world.as_of) == world


def test_another_seed_builds_another_world(world: World) -> None:
    other = build_world(world.seed + 1, world.as_of)

    assert other.patients != world.patients
    assert {person.key.kid: person.key for person in other.people} != {
        person.key.kid: person.key for person in world.people
    }


def test_the_cast_is_large_enough(world: World) -> None:
    assert len({product.drug.generic_name for product in world.products}) >= 60
    assert len(world.hospitals) == 12
    assert len(world.stores) == 40
    assert len({region.province for region in world.regions}) == 3
    assert len(world.patients) >= 30
    assert len({authority.code for authority in world.authorities}) >= 3


def test_national_drug_codes_have_six_segments_and_name_their_atc_group(world: World) -> None:
    codes = [product.code for product in world.products]

    assert len(set(codes)) == len(codes)
    for product in world.products:
        assert NATIONAL_CODE.fullmatch(product.code)
        assert product.code[1:6] == product.drug.atc[:5]
        assert re.fullmatch(r"[A-Z]\d{3}", product.code[6:10]), "name"
        assert re.fullmatch(r"[A-Z]\d{3}", product.code[10:14]), "form"
        assert re.fullmatch(r"\d{4}", product.code[14:18]), "specification and packing"
        assert re.fullmatch(r"9\d{4}", product.code[18:]), "generated enterprise"
        assert re.fullmatch(r"[A-Z]\d{2}[A-Z]{2}\d{2}", product.drug.atc)


def test_brands_of_one_drug_share_all_but_the_enterprise(world: World) -> None:
    by_key: dict[str, set[str]] = {}
    for product in world.products:
        by_key.setdefault(product.drug.drug_key, set()).add(product.code[:18])

    assert all(len(prefixes) == 1 for prefixes in by_key.values())
    assert len(world.products) > len(by_key), "some drug has two brands"


def test_usual_doses_divide_into_whole_base_units(world: World) -> None:
    for product in world.products:
        assert product.usual_quantity > 0
        assert product.regimen.days <= 7 or (product.regimen.days <= 28 and product.drug.pack_size == 1)

    assert sum(product.whole_packs for product in world.products) >= 60


def test_a_dose_that_does_not_divide_is_refused(world: World) -> None:
    amlodipine = world.products[0]

    with pytest.raises(ValueError, match="no whole number"):
        amlodipine.quantity(dose=3000, frequency_per_day=1, days=1)


def test_classes_follow_the_law_of_circulation_and_delivery(world: World) -> None:
    classes = [product.drug.drug_class for product in world.products]

    assert classes.count(DrugClass.NARCOTIC) == 1
    assert classes.count(DrugClass.PSYCHOTROPIC_2) >= 2
    for product in world.products:
        if product.drug.drug_class is not DrugClass.ORDINARY:
            assert not product.drug.deliverable
        if "insulin" in product.drug.english_name:
            assert product.drug.cold_chain
            assert product.drug.deliverable


def test_what_may_not_be_sold_online_is_marked_as_not_deliverable(world: World) -> None:
    policy = POLICIES.on(world.as_of, "cn")
    for product in world.products:
        entry = EntryState(content=product.drug.model_dump(mode="json"), code=product.code)
        (drug,) = known(PatientState(), EntryState(), EntryState(), [entry], world.as_of).drugs.values()
        assert policy.may_be_delivered(drug) == product.drug.deliverable


def test_antibacterials_have_levels_and_somebody_in_each_hospital_may_prescribe_them(world: World) -> None:
    for product in world.products:
        systemic = product.drug.atc.startswith("J01")
        assert (product.drug.antibacterial_level is not None) == (systemic or product.drug.generic_name == "甲硝唑")
    for hospital in world.hospitals:
        assert {doctor.antibacterial_level for doctor in hospital.doctors} >= {
            AntibacterialLevel.RESTRICTED,
            AntibacterialLevel.SPECIAL,
        }
        assert all(doctor.title and doctor.practising_since for doctor in hospital.doctors)


def test_reimbursement_is_complete_and_consistent(world: World) -> None:
    assert {product.insurance_class for product in world.products} == {"甲", "乙", "丙"}
    for product in world.products:
        assert product.list_price > 0
        assert product.payment_standard is None or 0 < product.payment_standard <= product.list_price
        match product.insurance_class:
            case "甲":
                assert product.first_self_pay_bp == 0
            case "乙":
                assert 0 < product.first_self_pay_bp <= 3000
            case "丙":
                assert product.first_self_pay_bp == 0, "paid by the patient alone"


def test_identity_numbers_are_valid_unique_and_never_issued(world: World) -> None:
    numbers = [patient.identity_number for patient in world.patients]

    assert len(set(numbers)) == len(numbers)
    for patient in world.patients:
        assert ric.is_valid(patient.identity_number)
        assert ric.get_birth_date(patient.identity_number) == patient.born
        assert int(patient.identity_number[14:17]) >= 996, "kept for centenarians"
        assert world.as_of.year - patient.born.year < 100
        assert (int(patient.identity_number[16]) % 2 == 1) == (patient.sex == "male")
        assert re.fullmatch(r"142\d{8}", patient.phone)


def test_social_credit_codes_are_valid_and_unique(world: World) -> None:
    codes = [
        *(hospital.social_credit_code for hospital in world.hospitals),
        *(store.social_credit_code for store in world.stores),
        *(carrier.code for carrier in world.carriers),
    ]

    assert all(uscc.is_valid(code) for code in codes)
    assert len(set(codes)) == len(codes)


def test_codes_of_organisations_and_people_carry_their_region(world: World) -> None:
    regions = {region.code for region in world.regions}

    for hospital in world.hospitals:
        assert re.fullmatch(r"H\d{11}", hospital.code)
        assert hospital.code[1:7] in regions
    for store in world.stores:
        assert re.fullmatch(r"P\d{11}", store.code)
        assert store.code[1:7] == store.pharmacy.region
    people = list(world.people)
    assert len({person.code for person in people}) == len(people)
    for person in people:
        assert re.fullmatch(r"(D|HY|HJ)\d{12}", person.code)
        assert person.region in person.code
        assert "示" in person.name
    assert all("示" in patient.name for patient in world.patients)


def test_every_store_has_a_person_per_step(world: World) -> None:
    for store in world.stores:
        staff = (store.pharmacist, store.preparer, store.checker)
        assert [person.profession for person in staff] == ["pharmacist", "preparer", "checker"]
        assert {person.organisation for person in staff} == {store.code}
        assert len({person.code for person in staff}) == 3


def test_each_county_has_pharmacies_enough_for_a_shortage_case(world: World) -> None:
    assert all(len(world.stores_in(region.code)) >= 3 for region in world.regions)


def test_keys_are_the_persons_own_and_sign_es256(world: World) -> None:
    people = list(world.people)
    assert len({person.key.public_jwk["x"] for person in people}) == len(people)
    doctor = world.doctors[0]

    compact = doctor.key.sign(b'{"a":1}')

    opened = jws.deserialize_compact(compact, ECKey.import_key(doctor.key.public_jwk), algorithms=["ES256"])
    assert opened.payload == b'{"a":1}'
    assert opened.headers()["kid"] == doctor.key.kid
    assert "d" not in doctor.key.public_jwk


def test_shelves_hold_lots_in_date_with_unique_trace_codes(world: World) -> None:
    lots = [lot for shelf in world.stock.values() for lot in shelf]
    codes = [code for lot in lots for code in lot.trace_codes]

    assert set(world.stock) == {store.code for store in world.stores}
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"8\d{19}", code) for code in codes)
    for lot in lots:
        assert lot.expires_on > world.as_of
        assert lot.quantity == lot.packs * world.product[lot.product].drug.pack_size
        assert world.product[lot.product].circulates
    product_part = {(code[:7], lot.product) for lot in lots for code in lot.trace_codes}
    assert len(product_part) == len({product for _, product in product_part})


def test_each_shelf_covers_a_usual_prescription(world: World) -> None:
    for store in world.stores:
        for product in world.products:
            if product.circulates:
                assert sum(lot.quantity for lot in world.lots(store.code, product.code)) >= product.usual_quantity


def test_register_entries_of_each_kind_have_the_contracts_form(world: World) -> None:
    for kind, model in CONTENT.items():
        entries = world.entries(kind)
        assert entries, kind
        assert len({entry.code for entry in entries}) == len(entries)
        for entry in entries:
            fields = entry.as_json()
            assert model.model_validate(fields["content"]) == entry.content
            assert date.fromisoformat(fields["valid_from"]) <= world.as_of


def test_the_insurance_catalogue_lists_what_is_reimbursed(world: World) -> None:
    listed = {entry.code: entry.content for entry in world.entries("catalogue_entry")}

    assert set(listed) == {product.code for product in world.products if product.insurance_class != "丙"}


def test_an_unknown_register_is_named(world: World) -> None:
    with pytest.raises(ValueError, match="no register hospital"):
        world.entries("hospital")


def test_designations_name_known_pharmacies_and_the_insurer_of_their_city(world: World) -> None:
    insurers = {authority.code for authority in world.authorities}
    designated = {designation.pharmacy for designation in world.designations.values()}

    assert designated < set(world.store), "some pharmacies are not designated"
    assert {designation.insurer for designation in world.designations.values()} <= insurers
    assert {patient.insurer for patient in world.patients} <= insurers
