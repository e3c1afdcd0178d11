"""The one builder of the demo world. Everything follows from the seed; dates of shelves and keys from the day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from contracts.registers import AntibacterialLevel, Courier, Designation, DrugClass, Institution, Insurer, Pharmacy
from rxflow.world.catalogue import Product, load_products
from rxflow.world.identity import (
    Sex,
    identity_number,
    person_name,
    signing_pair,
    social_credit_code,
    telephone,
)
from rxflow.world.model import Authority, Carrier, Hospital, Lot, Patient, Person, Store, World, trace_prefix
from rxflow.world.regions import Region, load_regions
from services.seedwork.signing import sm2

DEMO_SEED = 20
DEMO_DAY = date(2026, 1, 5)
PATIENTS = 60
YEARS_OF_PRACTICE = 10
PACKS_PER_LOT = (3, 6)
RETIRED_BORN_BEFORE = 1964
CHAINS = ("安和示例大药房", "康宁示例大药房", "济民示例药业")
PREFIX = {"prescriber": "D", "reviewer": "HY", "pharmacist": "HY", "preparer": "HJ", "checker": "HY"}


def build_world(seed: int = DEMO_SEED, as_of: date = DEMO_DAY) -> World:
    """The demo world of a seed: two worlds of one seed and day are equal, down to keys and trace codes."""
    random = Random(seed)
    regions = load_regions()
    products = load_products()
    staff = Staff(seed, random)
    hospitals = tuple(_hospitals(regions, staff, as_of, random))
    stores = tuple(_stores(regions, staff, random))
    world = World(
        seed=seed,
        as_of=as_of,
        regions=regions,
        products=products,
        hospitals=hospitals,
        stores=stores,
        carriers=tuple(_carriers(regions, as_of, random)),
        authorities=tuple(_authorities(regions)),
        designations=dict(designations_of(stores, regions)),
        patients=tuple(_patients(regions, random)),
        stock={store.code: tuple(_shelves(n, store, products, as_of, random)) for n, store in enumerate(stores)},
    )
    # Hired last: who came before keeps their name, number and shelves.
    return replace(world, hospitals=tuple(_supervised(hospital, staff) for hospital in hospitals))


def _supervised(hospital: Hospital, staff: Staff) -> Hospital:
    """With a second reviewing pharmacist, who may take over what the first one holds."""
    second = staff.hire("reviewer", hospital.code, hospital.institution.region)
    return replace(hospital, reviewers=(*hospital.reviewers, replace(second, besides=("supervisor",))))


@dataclass(frozen=True)
class _Post:
    """What a doctor's registration says: title, rights by class, highest level of antibacterials, specialties."""

    title: str
    rights: tuple[DrugClass, ...]
    level: AntibacterialLevel
    specialties: tuple[str, ...]
    by_sm2: bool = False
    """Signs with SM2, as Chinese certificates do; with ES256 like the others where this machine has no SM2."""


POSTS = (
    _Post(
        "chief",
        (DrugClass.ORDINARY, DrugClass.PSYCHOTROPIC_2, DrugClass.NARCOTIC),
        AntibacterialLevel.SPECIAL,
        ("内科",),
    ),
    _Post(
        "associate_chief",
        (DrugClass.ORDINARY, DrugClass.PSYCHOTROPIC_2),
        AntibacterialLevel.SPECIAL,
        ("内科", "儿科"),
        by_sm2=True,
    ),
    _Post("attending", (DrugClass.ORDINARY,), AntibacterialLevel.RESTRICTED, ("全科",)),
)
"""Three doctors in each hospital."""


KINDS_OF_HOSPITALS = (("人民医院", "hospital_online", 3), ("社区卫生服务中心", "community_centre", 1))


class Staff:
    """Hands out people with codes numbered per prefix and region."""

    def __init__(self, seed: int, random: Random, last: int = 0) -> None:
        self._seed = seed
        self._random = random
        self._before = last
        """The last number of every prefix and region that is taken already."""
        self._last: dict[tuple[str, str], int] = {}

    def appoint(self, post: _Post, organisation: str, region: str, practising_since: date) -> Person:
        """A doctor."""
        doctor = self.hire("prescriber", organisation, region)
        by_sm2 = post.by_sm2 and sm2.unavailable() is None
        return replace(
            doctor,
            key=signing_pair(self._seed, doctor.key.kid, by_sm2=by_sm2),
            prescribing_rights=post.rights,
            title=post.title,
            antibacterial_level=post.level,
            practising_since=practising_since,
            specialties=post.specialties,
        )

    def hire(self, profession: str, organisation: str, region: str) -> Person:
        number = self._last.get((PREFIX[profession], region), self._before) + 1
        self._last[PREFIX[profession], region] = number
        code = f"{PREFIX[profession]}{region}{number:06d}"
        return Person(
            code=code,
            name=person_name(self._random),
            profession=profession,
            organisation=organisation,
            region=region,
            registration_no=f"{self._random.randrange(10**14):015d}",
            key=signing_pair(self._seed, f"{code}-1"),
        )


def _hospitals(regions: tuple[Region, ...], staff: Staff, as_of: date, random: Random) -> Iterator[Hospital]:
    practising_since = as_of.replace(year=as_of.year - YEARS_OF_PRACTICE, day=1)
    for region in regions:
        for number in range(1, region.hospitals + 1):
            code = f"H{region.code}{number:05d}"
            name, kind, level = KINDS_OF_HOSPITALS[number - 1]
            credit_code = social_credit_code(random, "12", region.code)
            yield Hospital(
                code=code,
                social_credit_code=credit_code,
                institution=Institution(
                    name=f"{region.county}示例{name}",
                    region=region.code,
                    level=level,
                    kind=kind,
                    social_credit_code=credit_code,
                ),
                doctors=tuple(staff.appoint(post, code, region.code, practising_since) for post in POSTS),
                reviewers=(staff.hire("reviewer", code, region.code),),
            )


def _stores(regions: tuple[Region, ...], staff: Staff, random: Random) -> Iterator[Store]:
    for region in regions:
        for number in range(1, region.pharmacies + 1):
            yield store_in(region, number, staff, random)


def store_in(region: Region, number: int, staff: Staff, random: Random) -> Store:
    """The pharmacy of this number in a region, with its people."""
    code = f"P{region.code}{number:05d}"
    chain = CHAINS[number % len(CHAINS)]
    return Store(
        code=code,
        social_credit_code=social_credit_code(random, "91", region.code),
        pharmacy=Pharmacy(
            name=f"{chain}{region.county}第{number}店",
            region=region.code,
            address=f"{region.full_name}示例路{random.randint(1, 300)}号",
            latitude=round(region.latitude + random.uniform(-0.03, 0.03), 5),
            longitude=round(region.longitude + random.uniform(-0.03, 0.03), 5),
            chain=chain,
        ),
        pharmacist=staff.hire("pharmacist", code, region.code),
        preparer=staff.hire("preparer", code, region.code),
        checker=replace(staff.hire("checker", code, region.code), besides=("quality_manager",)),
    )


def _carriers(regions: tuple[Region, ...], as_of: date, random: Random) -> Iterator[Carrier]:
    provinces = {region.province: region.code for region in regions}
    until = as_of.replace(year=as_of.year + 2, day=1)
    for number, (province, region) in enumerate(provinces.items()):
        code = social_credit_code(random, "91", region)
        courier = Courier(name=f"{province}示例医药配送", agreement_until=until, cold_chain=number % 2 == 0)
        yield Carrier(code=code, region=region, courier=courier, riders=tuple(f"rider-{code}-{n}" for n in (1, 2)))


def insurer_code(insurance_city: str) -> str:
    return f"I{insurance_city}"


def _authorities(regions: tuple[Region, ...]) -> Iterator[Authority]:
    cities = {region.insurance_city: region.city for region in regions}
    for city, name in cities.items():
        yield Authority(insurer_code(city), Insurer(name=f"{name}医疗保障局(示例)", region=city))


def designations_of(stores: tuple[Store, ...], regions: tuple[Region, ...]) -> Iterator[tuple[str, Designation]]:
    """Every pharmacy but each eighth has an agreement with the insurer of its city; every second is a dual channel."""
    city = {region.code: region.insurance_city for region in regions}
    for number, store in enumerate(stores, start=1):
        if number % 8 == 0:
            continue
        insurer = insurer_code(city[store.pharmacy.region])
        channels = ("定点", "门诊统筹", "双通道") if number % 2 else ("定点", "门诊统筹")
        yield f"{store.code}-{insurer}", Designation(pharmacy=store.code, insurer=insurer, channels=channels)


def _patients(regions: tuple[Region, ...], random: Random) -> Iterator[Patient]:
    for number in range(PATIENTS):
        yield patient_of(number, regions[number % len(regions)], random)


def patient_of(number: int, region: Region, random: Random) -> Patient:
    """The patient of this number, who lives in this region."""
    sex: Sex = "male" if random.random() < 0.5 else "female"
    identity, born = identity_number(random, region.code, sex, serial=number % 2)
    return Patient(
        number=number,
        name=person_name(random),
        identity_number=identity,
        born=born,
        sex=sex,
        phone=telephone(number),
        region=region.code,
        address=f"{region.full_name}示例小区{random.randint(1, 60)}幢{random.randint(101, 1802)}室",
        weight_grams=random.randrange(45_000, 90_000, 500),
        allergies=("青霉素",) if number % 10 == 9 else (),
        insurer=insurer_code(region.insurance_city),
        scheme="310" if number % 3 else "390",
        person_type=_person_type(born, employee=number % 3 != 0),
        member_no=f"{region.insurance_city}{number:08d}",
    )


def _person_type(born: date, *, employee: bool) -> str:
    if not employee:
        return "居民"
    return "退休" if born.year < RETIRED_BORN_BEFORE else "在职"


def _shelves(
    store_number: int, store: Store, products: tuple[Product, ...], as_of: date, random: Random
) -> Iterator[Lot]:
    """Two lots of each product that may be sold here; the first one expires within the year."""
    for product_number, product in enumerate(products):
        if not product.circulates:
            continue
        price = product.list_price + product.list_price * random.randrange(0, 6) // 100
        for lot_number, days in enumerate((random.randint(90, 300), random.randint(400, 900))):
            packs = random.randint(*PACKS_PER_LOT)
            yield Lot(
                pharmacy=store.code,
                product=product.code,
                lot=f"{as_of:%y}{product_number:02d}{lot_number}{random.choice('ABCDEFGH')}",
                expires_on=as_of + timedelta(days=days),
                unit_price=price,
                pack_size=product.drug.pack_size,
                trace_codes=tuple(
                    _trace_code(product_number, store_number, lot_number, pack, random) for pack in range(packs)
                ),
            )


def _trace_code(product: int, store: int, lot: int, pack: int, random: Random) -> str:
    """20 digits: 7 that name the product (first one 8), then a serial that is unique over all pharmacies."""
    return f"{trace_prefix(product)}{store:03d}{lot}{pack:02d}{random.randrange(10**7):07d}"
