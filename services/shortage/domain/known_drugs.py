"""The drugs that shortage can be told about: the keys of the register's drugs, with the words others have for them, and
what the lists of the jurisdiction say of each.

A key is shared by all brands of one generic name, form and strength; its stream is the last word on any of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import ClassVar

from services.seedwork.model import Aggregate, DomainEvent, Outcome, Refusal, StreamRef, derived_id
from services.shortage.domain.values import DrugClass, DrugList, DrugProfile

LISTINGS_MAX = 100
"""Days on which what the lists say of one drug has changed."""
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


class DrugListed(DomainEvent):
    """What the lists say of it from `valid_from` to `valid_until` (inclusive; None: until they say something else)."""

    TOPIC: ClassVar[str] = "shortage.known_drug.listed"

    drug_key: str
    drug_class: DrugClass
    lists: tuple[DrugList, ...]
    valid_from: date
    valid_until: date | None
    source: str


@dataclass(frozen=True)
class KnownDrugState:
    """What is known of a key; `known` None: nobody has such a drug. `listed`: by the day from which it holds."""

    known: DrugKnown | None = None
    listed: Mapping[date, DrugListed] = field(default_factory=dict)

    def profile(self, day: date) -> DrugProfile | None:
        """What the lists say on this day; None: nothing."""
        begun = [since for since in self.listed if since <= day]
        if not begun:
            return None
        latest = self.listed[max(begun)]
        over = latest.valid_until is not None and latest.valid_until < day
        return None if over else DrugProfile(drug_class=latest.drug_class, lists=latest.lists)


def evolve(state: KnownDrugState, event: DrugKnown | DrugListed) -> KnownDrugState:
    if isinstance(event, DrugKnown):
        return replace(state, known=event)
    return replace(state, listed={**state.listed, event.valid_from: event})


KNOWN_DRUG: Aggregate[KnownDrugState] = Aggregate(
    name="known_drug", events=(DrugKnown, DrugListed), initial=KnownDrugState(), evolve=evolve, cached=True
)


def known_drug_ref(drug_key: str) -> StreamRef[KnownDrugState]:
    return KNOWN_DRUG.ref(derived_id("known_drug", drug_key))


def know_drug(state: KnownDrugState, drug: DrugKnown) -> list[DomainEvent]:
    """The same again is nothing new."""
    return [] if state.known == drug else [drug]


def list_drug(state: KnownDrugState, listed: DrugListed) -> Outcome:
    """The same again is nothing new; another word of the same day takes the place of the first."""
    if state.known is None:
        return Refusal("report.drug_unknown", {"drug_key": listed.drug_key})
    if state.listed.get(listed.valid_from) == listed:
        return []
    if listed.valid_from not in state.listed and len(state.listed) >= LISTINGS_MAX:
        return Refusal("drug_list.too_many", {"limit": LISTINGS_MAX})
    return [listed]


def same_words(words: str) -> str:
    """Words as they are compared: small letters, no blanks. A register writes `250 MG`, the other `250mg`."""
    return _BLANKS.sub("", words).casefold()
