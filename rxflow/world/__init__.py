"""The demo world: one deterministic cast and stock for the demo, the tests and the benchmarks."""

from rxflow.world.build import build_world
from rxflow.world.catalogue import Product, Regimen
from rxflow.world.model import Carrier, Hospital, Lot, Patient, Person, RegisterEntry, Store, World
from rxflow.world.prescribing import Draft, everyday_products, line_for, long_term, prescription_for, registration_of

__all__ = [
    "Carrier",
    "Draft",
    "Hospital",
    "Lot",
    "Patient",
    "Person",
    "Product",
    "Regimen",
    "RegisterEntry",
    "Store",
    "World",
    "build_world",
    "everyday_products",
    "line_for",
    "long_term",
    "prescription_for",
    "registration_of",
]
