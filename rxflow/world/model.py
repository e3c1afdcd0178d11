"""What the demo world consists of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from contracts.registers import (
    CONTENT,
    AntibacterialLevel,
    AntibacterialRight,
    Courier,
    Designation,
    DrugClass,
    Institution,
    Insurer,
    Pharmacy,
    RegisterContent,
    ReviewAgreement,
    SigningKey,
    agreement_code,
)
from contracts.registers import Person as PersonContent
from rxflow.world.catalogue import Product
from rxflow.world.identity import Sex, SigningPair
from rxflow.world.regions import Region


def trace_prefix(product: int) -> str:
    """The 7 digits (药品标识码) that the trace codes of a product's packs begin with, by its place in the catalogue."""
    return f"8{product:06d}"


@dataclass(frozen=True)
class RegisterEntry:
    """One entry as its owner's admin route takes it."""

    kind: str
    code: str
    content: RegisterContent
    valid_from: date
    valid_until: date | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "content": self.content.model_dump(mode="json"),
            "valid_from": self.valid_from.isoformat(),
            "valid_until": self.valid_until.isoformat() if self.valid_until else None,
        }


@dataclass(frozen=True)
class Person:
    """A named professional with a signing key. `profession`: prescriber, reviewer, pharmacist, preparer or checker;
    `besides`: professions the same person is registered for as well."""

    code: str
    name: str
    profession: str
    organisation: str
    region: str
    registration_no: str
    key: SigningPair
    prescribing_rights: tuple[DrugClass, ...] = ()
    title: str | None = None
    antibacterial_level: AntibacterialLevel | None = None
    practising_since: date | None = None
    specialties: tuple[str, ...] = ()
    besides: tuple[str, ...] = ()

    def content(self, valid_from: date, valid_until: date) -> PersonContent:
        key = SigningKey(kid=self.key.kid, jwk=self.key.public_jwk, valid_from=valid_from, valid_until=valid_until)
        return PersonContent(
            name=self.name,
            professions=(self.profession, *self.besides),
            organisation=self.organisation,
            registration_no=self.registration_no,
            prescribing_rights=self.prescribing_rights,
            antibacterial_rights=self._antibacterial_rights(valid_from),
            title=self.title,
            practising_since=self.practising_since,
            specialties=self.specialties,
            keys=(key,),
        )

    def _antibacterial_rights(self, since: date) -> tuple[AntibacterialRight, ...]:
        return (
            (AntibacterialRight(level=self.antibacterial_level, valid_from=since),) if self.antibacterial_level else ()
        )


@dataclass(frozen=True)
class Hospital:
    """An issuing institution with its doctors and its own reviewing pharmacists; the last one is their supervisor."""

    code: str
    social_credit_code: str
    institution: Institution
    doctors: tuple[Person, ...]
    reviewers: tuple[Person, ...]


@dataclass(frozen=True)
class Store:
    """A retail pharmacy with a person per step."""

    code: str
    social_credit_code: str
    pharmacy: Pharmacy
    pharmacist: Person
    preparer: Person
    checker: Person


@dataclass(frozen=True)
class Carrier:
    """A courier company; its code is its unified social credit code. `riders` are the subjects of its tokens."""

    code: str
    region: str
    courier: Courier
    riders: tuple[str, ...]


@dataclass(frozen=True)
class Authority:
    """An insurance authority of one pooling area."""

    code: str
    insurer: Insurer


@dataclass(frozen=True)
class Patient:
    """A patient and how they are insured. `scheme` 310: employees, 390: residents; allergies by generic name."""

    number: int
    name: str
    identity_number: str
    born: date
    sex: Sex
    phone: str
    region: str
    address: str
    weight_grams: int
    allergies: tuple[str, ...]
    insurer: str
    scheme: str
    person_type: str
    member_no: str


@dataclass(frozen=True)
class Lot:
    """Packs of one lot on one pharmacy's shelf. `unit_price` in fen per pack; one trace code per pack."""

    pharmacy: str
    product: str
    lot: str
    expires_on: date
    unit_price: int
    pack_size: int
    trace_codes: tuple[str, ...]

    @property
    def packs(self) -> int:
        return len(self.trace_codes)

    @property
    def quantity(self) -> int:
        """Base units."""
        return self.packs * self.pack_size


@dataclass(frozen=True)
class World:
    """Everything the demo, the tests and the benchmarks play with; equal for equal seeds and days."""

    seed: int
    as_of: date
    regions: tuple[Region, ...]
    products: tuple[Product, ...]
    hospitals: tuple[Hospital, ...]
    stores: tuple[Store, ...]
    carriers: tuple[Carrier, ...]
    authorities: tuple[Authority, ...]
    designations: Mapping[str, Designation]
    patients: tuple[Patient, ...]
    stock: Mapping[str, tuple[Lot, ...]] = field(repr=False)
    """pharmacy code -> its lots, those that expire first in front"""

    @cached_property
    def product(self) -> Mapping[str, Product]:
        return {product.code: product for product in self.products}

    @cached_property
    def store(self) -> Mapping[str, Store]:
        return {store.code: store for store in self.stores}

    @property
    def people(self) -> Iterator[Person]:
        for hospital in self.hospitals:
            yield from (*hospital.doctors, *hospital.reviewers)
        for store in self.stores:
            yield from (store.pharmacist, store.preparer, store.checker)

    @property
    def doctors(self) -> tuple[Person, ...]:
        return tuple(doctor for hospital in self.hospitals for doctor in hospital.doctors)

    def hospital_of(self, person: Person) -> Hospital:
        return next(hospital for hospital in self.hospitals if hospital.code == person.organisation)

    def stores_in(self, region: str) -> tuple[Store, ...]:
        return tuple(store for store in self.stores if store.pharmacy.region == region)

    @property
    def review_agreements(self) -> Iterator[ReviewAgreement]:
        """The pharmacists of a region's hospital may review what its health centre prescribes (委托审方)."""
        for centre in self.hospitals:
            for hospital in self.hospitals:
                same_region = centre.institution.region == hospital.institution.region
                if same_region and centre.institution.level < hospital.institution.level:
                    number = f"{centre.code[1:]}-1"
                    yield ReviewAgreement(institution=centre.code, reviewed_by=hospital.code, agreement_no=number)

    def carrier_near(self, store: Store) -> Carrier:
        """One of the same province."""
        province = store.pharmacy.region[:2]
        return next(carrier for carrier in self.carriers if carrier.region.startswith(province))

    def lots(self, pharmacy: str, product: str) -> tuple[Lot, ...]:
        return tuple(lot for lot in self.stock[pharmacy] if lot.product == product)

    def entries(self, kind: str) -> tuple[RegisterEntry, ...]:
        """The register of one kind: those of `contracts.registers.OWNER`, and insurance's own catalogue."""
        since, until = self.as_of.replace(month=1, day=1), self.as_of.replace(year=self.as_of.year + 5, month=1, day=1)
        contents: Mapping[str, RegisterContent]
        match kind:
            case "person":
                contents = {person.code: person.content(since, until) for person in self.people}
            case "institution":
                contents = {hospital.code: hospital.institution for hospital in self.hospitals}
            case "review_agreement":
                contents = {agreement_code(each.institution, each.reviewed_by): each for each in self.review_agreements}
            case "drug":
                contents = {
                    product.code: product.drug.model_copy(update={"trace_ids": (f"cn:{trace_prefix(number)}",)})
                    for number, product in enumerate(self.products)
                }
            case "catalogue_entry":
                contents = {
                    product.code: product.reimbursement for product in self.products if product.insurance_class != "丙"
                }
            case "pharmacy":
                contents = {store.code: store.pharmacy for store in self.stores}
            case "courier":
                contents = {carrier.code: carrier.courier for carrier in self.carriers}
            case "insurer":
                contents = {authority.code: authority.insurer for authority in self.authorities}
            case "designation":
                contents = self.designations
            case _:
                raise ValueError(f"no register {kind}; there are {', '.join(CONTENT)} and catalogue_entry")
        return tuple(RegisterEntry(kind, code, content, since) for code, content in contents.items())
