"""What holds for a member from a day on: assistance identities (医疗救助身份) and filings.

A filing is for care out of area (异地就医备案).
Both come by dated import. A period is known by the day on which it begins (a filing also by its place): the same again
with a newer word changes or withdraws it. Two periods that hold at once are refused, so that every day has one answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, ClassVar, Generic, TypeVar
from uuid import UUID

from pydantic import Field

from services.insurance.domain.periods import Period, overlap, within
from services.insurance.domain.places import places
from services.insurance.domain.policy import FilingKind
from services.seedwork.model import DomainEvent, Immutable, Outcome, Personal, PersonalClass, Refusal


class Filing(Immutable):
    """A filing for care out of area: where, of what kind, from when until when (inclusive)."""

    region: Annotated[str, Field(pattern=r"^\d{6}$")]
    kind: FilingKind
    valid_from: date
    valid_until: date | None = None
    withdrawn: bool = False


class AssistanceIdentity(Immutable):
    """Whom medical assistance pays for: 特困, 低保, 返贫 …, from when until when (inclusive)."""

    identity: str
    valid_from: date
    valid_until: date | None = None
    withdrawn: bool = False


class AssistanceImported(DomainEvent):
    """The authority told that the person has an assistance identity, has it otherwise, or never had it."""

    TOPIC: ClassVar[str] = "insurance.member.assistance_imported"

    patient_ref: UUID
    as_of: date
    assistance: Annotated[AssistanceIdentity | None, Personal(PersonalClass.FINANCIAL)]


class FilingImported(DomainEvent):
    """The insurer told of a filing: that it holds, holds otherwise, or never held."""

    TOPIC: ClassVar[str] = "insurance.member.filing_imported"

    patient_ref: UUID
    as_of: date
    filing: Annotated[Filing | None, Personal(PersonalClass.FINANCIAL)]


P = TypeVar("P", Filing, AssistanceIdentity)
K = TypeVar("K")


@dataclass(frozen=True)
class Told(Generic[P]):
    """A period, and the day of the word that it is known by."""

    as_of: date
    period: P


FilingKey = tuple[str, date]
Filings = Mapping[FilingKey, Told[Filing]]
Assistances = Mapping[date, Told[AssistanceIdentity]]


def import_assistance(known: Assistances, patient_ref: UUID, as_of: date, said: AssistanceIdentity) -> Outcome:
    """Take over the authority's word on one period of assistance."""
    others = (told.period for begin, told in known.items() if begin != said.valid_from)
    event = AssistanceImported(patient_ref=patient_ref, as_of=as_of, assistance=said)
    return _imported(known.get(said.valid_from), as_of, said, others, event)


def import_filing(known: Filings, patient_ref: UUID, as_of: date, said: Filing) -> Outcome:
    """Take over the insurer's word on one filing. Filings for different places may hold at once."""
    mine = (said.region, said.valid_from)
    others = (told.period for key, told in known.items() if key != mine and key[0] == said.region)
    event = FilingImported(patient_ref=patient_ref, as_of=as_of, filing=said)
    return _imported(known.get(mine), as_of, said, others, event)


def _imported(before: Told[P] | None, as_of: date, said: P, others: Iterable[P], event: DomainEvent) -> Outcome:
    if before is not None and as_of < before.as_of:
        return Refusal("member.import_outdated", {"as_of": as_of, "known_as_of": before.as_of})
    if before == Told(as_of, said):
        return []
    meets = [other for other in others if not other.withdrawn and overlap(other, said)]
    if meets and not said.withdrawn:
        return Refusal("member.periods_overlap", {"valid_from": said.valid_from, "other_from": meets[0].valid_from})
    return [event]


def with_assistance(known: Assistances, event: AssistanceImported) -> Assistances:
    """A forgotten patient's have no content any more and are left out."""
    if event.assistance is None:
        return known
    return {**known, event.assistance.valid_from: Told(event.as_of, event.assistance)}


def with_filing(known: Filings, event: FilingImported) -> Filings:
    """The same of a filing."""
    if event.filing is None:
        return known
    return {**known, (event.filing.region, event.filing.valid_from): Told(event.as_of, event.filing)}


def in_force(period: Period, day: date, *, withdrawn: bool) -> bool:
    return not withdrawn and within(period, day)


def assistance_on(known: Assistances, day: date) -> str | None:
    """The identity that holds on a day; None: nobody assists."""
    held = (told.period for told in known.values())
    return next((each.identity for each in held if in_force(each, day, withdrawn=each.withdrawn)), None)


def filing_on(known: Iterable[Filing], region: str, day: date) -> FilingKind | None:
    """The kind of filing that holds for care in a region on a day; of several the one for the nearest place."""
    held = {filing.region: filing.kind for filing in known if in_force(filing, day, withdrawn=filing.withdrawn)}
    return next((held[place] for place in places(region) if place in held), None)
