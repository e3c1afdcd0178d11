"""The drugs of the demo world: real generic names, forms, strengths and ATC codes; generated enterprises and prices.

`drugs.csv` holds one product per row, in the form that `rxflow load drug` takes, with what the world needs beside it:
reimbursement class, payment standard, list price and a usual regimen whose dose divides into whole base units.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

from contracts.registers import Drug, DrugClass, RegisterContent

InsuranceClass = Literal["甲", "乙", "丙"]
"""甲: reimbursed in full; 乙: after a first self-paid part; 丙: not in the catalogue, self-pay."""


class Reimbursement(RegisterContent):
    """A product's entry in the insurance drug catalogue (医保药品目录), which insurance owns and keeps to itself."""

    name: str
    drug_list_class: InsuranceClass
    payment_standard: int | None = None
    first_self_pay_bp: int = 0


@dataclass(frozen=True)
class Regimen:
    """How a product is usually taken. `dose` in thousandths of the product's dose unit."""

    route: str
    dose: int
    frequency_per_day: int
    days: int
    indication_code: str
    indication_name: str


@dataclass(frozen=True)
class Product:
    """One product of the catalogue. Money in fen per pack, the first-self-pay ratio in basis points.

    `payment_standard` None: the price is paid whatever it is.
    """

    code: str
    drug: Drug
    insurance_class: InsuranceClass
    payment_standard: int | None
    first_self_pay_bp: int
    list_price: int
    regimen: Regimen

    def quantity(self, dose: int, frequency_per_day: int, days: int) -> int:
        """Base units for a regimen; doses that do not divide into whole base units are refused, never rounded."""
        units, rest = divmod(dose * frequency_per_day * days, self.drug.dose_per_base_unit)
        if rest:
            raise ValueError(f"{self.code}: {dose} x {frequency_per_day} x {days} is no whole number of base units")
        return units

    @property
    def usual_quantity(self) -> int:
        return self.quantity(self.regimen.dose, self.regimen.frequency_per_day, self.regimen.days)

    @property
    def whole_packs(self) -> bool:
        """Whether the usual quantity needs no split pack (拆零)."""
        return self.usual_quantity % self.drug.pack_size == 0

    @property
    def reimbursement(self) -> Reimbursement:
        return Reimbursement(
            name=self.drug.generic_name,
            drug_list_class=self.insurance_class,
            payment_standard=self.payment_standard,
            first_self_pay_bp=self.first_self_pay_bp,
        )

    @property
    def circulates(self) -> bool:
        """Narcotics and first-class psychotropics are never sold at retail (处方管理办法)."""
        return self.drug.drug_class in (DrugClass.ORDINARY, DrugClass.PSYCHOTROPIC_2)


def load_products() -> tuple[Product, ...]:
    """All products, in the file's order."""
    rows = files("rxflow.world").joinpath("drugs.csv").read_text(encoding="utf-8").splitlines()
    return tuple(_product(row) for row in csv.DictReader(rows))


def load_lists() -> tuple[dict[str, str], ...]:
    """What the lists of the demo world say of some of its drugs: rows as `rxflow load drug_lists` takes them."""
    rows = files("rxflow.world").joinpath("drug_lists.csv").read_text(encoding="utf-8").splitlines()
    return tuple({name: value for name, value in row.items() if value} for row in csv.DictReader(rows))


def _product(row: dict[str, str]) -> Product:
    return Product(
        code=row["code"],
        drug=Drug.model_validate({name: value for name, value in row.items() if value}),
        insurance_class=_insurance_class(row["insurance_class"]),
        payment_standard=int(row["payment_standard"]) if row["payment_standard"] else None,
        first_self_pay_bp=int(row["first_self_pay_bp"]),
        list_price=int(row["list_price"]),
        regimen=Regimen(
            route=row["route"],
            dose=int(row["usual_dose"]),
            frequency_per_day=int(row["usual_frequency"]),
            days=int(row["usual_days"]),
            indication_code=row["indication_code"],
            indication_name=row["indication_name"],
        ),
    )


def _insurance_class(text: str) -> InsuranceClass:
    match text:
        case "甲" | "乙" | "丙":
            return text
    raise ValueError(f"no insurance class: {text}")
