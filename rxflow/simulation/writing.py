"""What doctors write in a world: ordinary prescriptions, long-term supplies in instalments, and what does not go
together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any, Literal, Protocol
from uuid import UUID

from rxflow.play.cast import Cast
from rxflow.play.journey import Journey
from rxflow.play.stage import Admitted, Stage
from rxflow.world import (
    Draft,
    Person,
    Product,
    Store,
    World,
    everyday_products,
    line_for,
    long_term,
    prescription_for,
)

Kind = Literal["plain", "planned", "interacting"]
KINDS: tuple[Kind, ...] = ("plain", "planned", "interacting")
INTERACTING = ("C09CA03", "C09AA02")
"""Valsartan and enalapril by their ATC codes: serious, and a prescriber may confirm it."""
NOT_LONG_TERM = ("J", "P01")
"""Whatever works against infections is not supplied for months."""
INSTALMENTS_MAX = 3


class Town(Protocol):
    """Where the people live."""

    random: Random
    world: World
    stage: Stage
    cast: Cast

    def new_id(self) -> UUID: ...
    def move_clock(self, by: timedelta) -> None: ...


def a_journey(
    town: Town,
    number: int,
    *,
    days: int = 3,
    packs: int = 1,
    lines: int = 1,
    first_product: int | None = None,
    admitted: Any = None,
) -> Journey:
    """A prescription of a doctor for the patient of that number, written and not yet issued."""
    patient = town.world.patients[number]
    hospital = next(each for each in town.world.hospitals if each.institution.region == patient.region)
    doctor = hospital.doctors[number % len(hospital.doctors)]
    everyday = everyday_products(town.world, patient)
    first = number if first_product is None else first_product
    products = [everyday[(first + each) % len(everyday)] for each in range(lines)]
    written = [line_for(n, p, dose=packs * p.regimen.dose) for n, p in enumerate(products, start=1)]
    admitted = admitted or town.stage.admit(patient)
    return Journey(town.stage, doctor, admitted, _draft(town, doctor, admitted, written, days))


def any_journey(town: Town, admitted: Admitted) -> Journey:
    """Of any doctor near the patient, of any kind."""
    chance, patient = town.random, admitted.patient
    hospitals = [each for each in town.world.hospitals if each.institution.region == patient.region]
    doctor = chance.choice(chance.choice(hospitals).doctors)
    lines, plan = _WRITE[chance.choice(KINDS)](town, everyday_products(town.world, patient))
    return Journey(town.stage, doctor, admitted, _draft(town, doctor, admitted, lines, 3, plan=plan))


def follow_up(town: Town, journey: Journey, doctor: Person, **link: Any) -> Journey:
    """The same lines once more, as a prescription that goes on from the first (`renews`, `extends`, `replaces`)."""
    written = {name: journey.draft.payload.get(name) for name in ("lines", "plan")}
    draft = _draft(town, doctor, journey.admitted, written["lines"], 3, plan=written["plan"])
    named = Draft(draft.prescription_id, {**draft.payload, **link}, draft.signer)
    return Journey(town.stage, doctor, journey.admitted, named)


def stores_of(town: Town, journey: Journey) -> tuple[Store, ...]:
    return town.world.stores_in(journey.admitted.patient.region)


def _draft(town: Town, doctor: Person, admitted: Admitted, lines: Any, days: int, **more: Any) -> Draft:
    return prescription_for(
        town.world,
        admitted.patient,
        doctor,
        prescription_id=town.new_id(),
        patient_ref=admitted.patient_ref,
        lines=lines,
        validity_days=days,
        **more,
    )


Written = tuple[list[dict[str, Any]], dict[str, Any] | None]
"""Lines, and a plan where it is a long-term supply."""


def _plain(town: Town, everyday: tuple[Product, ...]) -> Written:
    """One or two lines of one or two packs."""
    packs = town.random.choice((1, 2))
    products = town.random.sample(everyday, town.random.choice((1, 1, 2)))
    return [line_for(n, p, dose=packs * p.regimen.dose) for n, p in enumerate(products, start=1)], None


def _planned(town: Town, everyday: tuple[Product, ...]) -> Written:
    """In instalments of some days: what a lead of five days opens while the people still live."""
    product = town.random.choice([each for each in everyday if not each.drug.atc.startswith(NOT_LONG_TERM)])
    instalments, days = town.random.randint(2, INSTALMENTS_MAX), product.regimen.days
    return [line_for(1, product, days=instalments * days)], long_term(instalments, days)


def _interacting(_town: Town, everyday: tuple[Product, ...]) -> Written:
    """A pharmacist sends it back, or asks for a second signature."""
    pair = [next(each for each in everyday if each.drug.atc == atc) for atc in INTERACTING]
    return [line_for(number, product) for number, product in enumerate(pair, start=1)], None


_WRITE: dict[Kind, Callable[[Town, tuple[Product, ...]], Written]] = {
    "plain": _plain,
    "planned": _planned,
    "interacting": _interacting,
}
