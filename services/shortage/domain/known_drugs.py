"""The drugs that shortage can be told about: the keys of the register's drugs, with the words others have for them.

A key is shared by all brands of one generic name, form and strength; its stream is the last word on any of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from services.seedwork.model import Aggregate, DomainEvent, StreamRef, derived_id

_BLANKS = re.compile(r"\s+")


class DrugKnown(DomainEvent):
    """The register of drugs has a product of this key."""

    TOPIC: ClassVar[str] = "shortage.known_drug.known"

    drug_key: str
    generic_name: str
    english_name: str
    form: str
    strength: str
    atc: str


@dataclass(frozen=True)
class KnownDrugState:
    """What is known of a key; `known` None: nobody has such a drug."""

    known: DrugKnown | None = None


def evolve(_state: KnownDrugState, event: DrugKnown) -> KnownDrugState:
    return KnownDrugState(event)


KNOWN_DRUG: Aggregate[KnownDrugState] = Aggregate(
    name="known_drug", events=(DrugKnown,), initial=KnownDrugState(), evolve=evolve, cached=True
)


def known_drug_ref(drug_key: str) -> StreamRef[KnownDrugState]:
    return KNOWN_DRUG.ref(derived_id("known_drug", drug_key))


def know_drug(state: KnownDrugState, drug: DrugKnown) -> list[DomainEvent]:
    """The same again is nothing new."""
    return [] if state.known == drug else [drug]


def same_words(words: str) -> str:
    """Words as they are compared: small letters, no blanks. A register writes `250 MG`, the other `250mg`."""
    return _BLANKS.sub("", words).casefold()
