"""The limits of prescribing: dated data of one jurisdiction, not constants."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field

from services.seedwork.model import Immutable
from services.seedwork.policies import DatedPolicy, read_policies

VisitKind = Literal["outpatient", "emergency"]
RecordKind = Literal["ordinary", "psychotropic_2", "toxic", "psychotropic_1", "narcotic", "dispensed", "online_visit"]
"""Why a prescription must be kept: the classes of its drugs, that something was handed out, how the visit was held."""


class Limit(Immutable):
    """A limit that a written reason raises, up to an end."""

    usual: int = Field(ge=1)
    with_reason: int = Field(ge=1)


class LongTerm(Immutable):
    """Long-term supply (长期处方): how long, when an assessment is needed, how instalments open, what is excluded."""

    days_usual: int = Field(ge=1)
    days_max: int = Field(ge=1)
    """With a written assessment and the patient's signature."""
    instalment_days_max: int = Field(ge=1)
    lead_days: int = Field(ge=0)
    """Before what was supplied is used up, unless the plan names fewer."""
    open_days: int = Field(ge=1)
    """How long a later instalment may be held."""
    excluded_classes: frozenset[str]
    excluded_atc: tuple[str, ...]
    """Leading characters of ATC codes."""
    cold_chain_excluded: bool

    def excludes(self, drug_class: str, atc: str, *, cold_chain: bool) -> bool:
        anti_infective = atc.startswith(self.excluded_atc) if self.excluded_atc else False
        return drug_class in self.excluded_classes or anti_infective or (cold_chain and self.cold_chain_excluded)


class Policy(DatedPolicy):
    """What holds from one day on, until the next entry of the file."""

    version: str
    lines_max: int = Field(ge=1)
    forbidden_phrases: tuple[str, ...]
    diagnosis_pattern: str
    days: dict[VisitKind, Limit]
    class_days_max: dict[str, int]
    validity_days: Limit
    never_circulate: frozenset[str]
    never_delivered: frozenset[str]
    online_visits: bool
    amendments_max: int = Field(ge=0)
    cancellation_answer_minutes: int = Field(ge=1)
    cancellations_max: int = Field(ge=1)
    forgetting_wait_hours: int = Field(ge=1)
    """From the request until the patient is forgotten: nothing undoes it, and by then every list has followed."""
    records_kept_years: dict[RecordKind, int]
    """From the last day of validity; a prescription that is of several kinds is kept for the longest."""
    long_term: LongTerm | None = None
    """None: the jurisdiction has no supply in instalments."""

    def is_diagnosis(self, code: str) -> bool:
        return re.fullmatch(self.diagnosis_pattern, code) is not None

    def forbidden_phrase(self, text: str) -> str | None:
        """The phrase in this text that says nothing about how to take a drug, if there is one."""
        lowered = text.casefold()
        return next((phrase for phrase in self.forbidden_phrases if phrase.casefold() in lowered), None)


CN = read_policies("services.prescribe.domain", Policy)
