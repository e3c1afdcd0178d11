"""What the demo world's doctors write and sign: the payload of IssuePrescription and AmendPrescription, and its JWS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import orjson

from contracts.registers import DrugClass
from rxflow.world.catalogue import Product
from rxflow.world.identity import SigningPair
from rxflow.world.model import Patient, Person, World

LONG_SUPPLY_REASON = "慢性病, 病情稳定"
USUAL_DAYS_MAX = 7
PENICILLINS, PENICILLIN_ALLERGY = "J01C", "青霉素"
"""Their ATC group, given after a skin test only, and how an allergy to them is written."""

IntentKind = Literal["general", "pooled_outpatient", "dual_channel", "chronic_disease", "self_pay"]


@dataclass(frozen=True)
class Draft:
    """A prescription ready to be sent. `payload` is what is signed; `jws` is the same at each reading."""

    prescription_id: UUID
    payload: Mapping[str, Any]
    signer: SigningPair

    @property
    def body(self) -> bytes:
        return orjson.dumps(self.payload, option=orjson.OPT_SORT_KEYS)

    @property
    def jws(self) -> str:
        """Compact JWS over `body`."""
        return self.signer.sign(self.body)

    def amended(self, revision: int, **changes: Any) -> Draft:
        """The same prescription written anew after a return; `revision` is the number it is to become."""
        return Draft(self.prescription_id, {**self.payload, **changes, "revision": revision}, self.signer)


def line_for(
    number: int,
    product: Product,
    *,
    dose: int | None = None,
    frequency_per_day: int | None = None,
    days: int | None = None,
    substitution_consent: bool = False,
) -> dict[str, Any]:
    """One written line; what is not said is the product's usual regimen. `dose` in thousandths of the dose unit."""
    usual = product.regimen
    dose = usual.dose if dose is None else dose
    frequency_per_day = usual.frequency_per_day if frequency_per_day is None else frequency_per_day
    days = usual.days if days is None else days
    skin_test = {"skin_test": "negative"} if product.drug.atc.startswith(PENICILLINS) else {}
    return {
        "line": number,
        "product": product.code,
        "dose": f"{(Decimal(dose) / 1000).normalize():f}",
        "dose_unit": product.drug.dose_unit,
        "frequency_per_day": frequency_per_day,
        "days": days,
        "quantity": product.quantity(dose, frequency_per_day, days),
        "route": usual.route,
        "substitution_consent": substitution_consent,
        **skin_test,
    }


def prescription_for(
    world: World,
    patient: Patient,
    doctor: Person,
    *,
    prescription_id: UUID,
    patient_ref: UUID,
    products: Sequence[Product] = (),
    lines: Sequence[Mapping[str, Any]] = (),
    validity_days: int = 1,
    validity_reason: str | None = None,
    long_supply_reason: str = LONG_SUPPLY_REASON,
    intent: IntentKind = "pooled_outpatient",
    plan: Mapping[str, Any] | None = None,
) -> Draft:
    """A lawful prescription of this doctor for this patient: the given lines, or a usual regimen of each product.

    Without either it is one everyday product that follows from the patient's number. `patient_ref` is what the
    registration of the patient answered. `plan`: a long-term supply in instalments, as `long_term` writes it.
    """
    if not lines:
        everyday = everyday_products(world, patient)
        chosen = products or (everyday[patient.number % len(everyday)],)
        lines = [line_for(number, product) for number, product in enumerate(chosen, start=1)]
    written = {world.product[line["product"]].regimen.indication_code: line["product"] for line in lines}
    diagnoses = [
        {"code": code, "name": world.product[product].regimen.indication_name} for code, product in written.items()
    ]
    long_supply = any(line["days"] > USUAL_DAYS_MAX for line in lines)
    payload: dict[str, Any] = {
        "prescription_id": str(prescription_id),
        "patient_ref": str(patient_ref),
        "prescriber": doctor.code,
        "institution": doctor.organisation,
        "visit_kind": "outpatient",
        "diagnoses": diagnoses,
        "lines": [dict(line) for line in lines],
        "long_supply_reason": long_supply_reason if long_supply else None,
        "validity_days": validity_days,
        "validity_reason": validity_reason or ("行动不便, 由家属代取" if validity_days > 1 else None),
        "online_visit": False,
        "insurance_intent": {"kind": intent, "restricted_use": []},
        "insurance_disease_code": None,
        **({"plan": dict(plan)} if plan else {}),
    }
    return Draft(prescription_id, payload, doctor.key)


def long_term(instalments: int, days: int) -> dict[str, Any]:
    """The plan of a long-term supply (长期处方) in instalments of so many days each, which its lines add up to."""
    return {"instalments": instalments, "days": days, "assessment": "病情稳定, 依从性好", "patient_agreed": True}


def everyday_products(world: World, patient: Patient | None = None) -> tuple[Product, ...]:
    """Ordinary products whose usual quantity is one or two whole packs and up to a week's supply; of a patient, those
    that the patient is not allergic to."""
    allergic = patient is not None and PENICILLIN_ALLERGY in patient.allergies
    return tuple(
        product
        for product in world.products
        if product.drug.drug_class is DrugClass.ORDINARY
        and product.drug.deliverable
        and not product.drug.cold_chain
        and product.whole_packs
        and product.usual_quantity <= 2 * product.drug.pack_size
        and product.regimen.days <= USUAL_DAYS_MAX
        and not (allergic and product.drug.atc.startswith(PENICILLINS))
    )


def registration_of(patient: Patient) -> dict[str, Any]:
    """The body that registers this patient with prescribe."""
    return {
        "identity_number": patient.identity_number,
        "name": patient.name,
        "sex": patient.sex,
        "birth_date": patient.born.isoformat(),
        "phone": patient.phone,
        "address": patient.address,
        "facts": {"weight_grams": patient.weight_grams, "allergies": list(patient.allergies)},
    }
