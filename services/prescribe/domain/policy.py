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

    def is_diagnosis(self, code: str) -> bool:
        return re.fullmatch(self.diagnosis_pattern, code) is not None

    def forbidden_phrase(self, text: str) -> str | None:
        """The phrase in this text that says nothing about how to take a drug, if there is one."""
        lowered = text.casefold()
        return next((phrase for phrase in self.forbidden_phrases if phrase.casefold() in lowered), None)


POLICIES = read_policies("services.prescribe.domain", Policy)
CN = POLICIES.of("cn")
