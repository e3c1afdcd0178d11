"""What is screened: a prescription on a day, with what is known of its patient and its prescriber. Pure values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from services.review.domain.knowledge.herb_entries import Herb
from services.review.domain.knowledge.index import Knowledge, Substance
from services.review.domain.knowledge.words import route_of
from services.review.domain.policy import ReviewPolicy, ScreeningLimits
from services.review.domain.values import (
    Diagnosis,
    Line,
    Medicine,
    PatientFacts,
    Prescriber,
    SignatureChecked,
    TcmDiagnosis,
)


@dataclass(frozen=True)
class Subject:
    """One prescription. `prescriber` None: the registers have not told review of them yet."""

    on: date
    emergency: bool
    herbal: bool
    validity_days: int
    facts: PatientFacts
    lines: tuple[Line, ...]
    diagnoses: tuple[Diagnosis, ...] = ()
    tcm_diagnoses: tuple[TcmDiagnosis, ...] = ()
    validity_reason: str | None = None
    long_supply_reason: str | None = None
    beyond_level_reason: str | None = None
    prescriber: Prescriber | None = None
    signature: SignatureChecked = field(default_factory=SignatureChecked)
    current_medicines: tuple[Medicine, ...] = ()
    planned: bool = False
    """Whether it is a long-term supply in instalments (长期处方), which has limits of its own."""


@dataclass(frozen=True)
class Prescribed:
    """A line and what the knowledge base knows of its medicine."""

    line: Line
    substance: Substance

    @property
    def number(self) -> int:
        return self.line.line


@dataclass(frozen=True)
class View:
    """What a rule looks at: the subject, the knowledge of the day and the limits of the day."""

    subject: Subject
    knowledge: Knowledge
    policy: ReviewPolicy

    @property
    def limits(self) -> ScreeningLimits:
        return self.policy.screening

    @property
    def facts(self) -> PatientFacts:
        return self.subject.facts

    @cached_property
    def prescribed(self) -> tuple[Prescribed, ...]:
        """The lines in the order of their numbers."""
        lines = sorted(self.subject.lines, key=lambda line: line.line)
        return tuple(
            Prescribed(
                line,
                self.knowledge.substance(
                    line.name, line.english_name or "", line.atc or "", route_of(line.route or "")
                ),
            )
            for line in lines
        )

    @cached_property
    def medicines(self) -> tuple[Prescribed, ...]:
        """Lines that are no herbal pieces."""
        return tuple(each for each in self.prescribed if not self.is_piece(each.line))

    @cached_property
    def pieces(self) -> tuple[Prescribed, ...]:
        """Lines that are herbal pieces (饮片)."""
        return tuple(each for each in self.prescribed if self.is_piece(each.line))

    def is_piece(self, line: Line) -> bool:
        return any(form in (line.form or "") for form in self.limits.herbal_forms)

    @cached_property
    def taken(self) -> tuple[Substance, ...]:
        """What the patient takes besides, by the medication list and by their own word; each medicine once."""
        listed = [(each.generic_name, each.atc or "") for each in self._current]
        said = [(name, "") for name in self.facts.other_medicines or ()]
        found = {name: self.knowledge.substance(name, "", atc) for name, atc in sorted({*listed, *said})}
        return tuple(found.values())

    @cached_property
    def taken_herbs(self) -> tuple[Herb, ...]:
        """The herbal pieces among what the patient takes: a decoction is listed piece by piece."""
        found = [self.knowledge.herb(each.name) for each in self.taken]
        return tuple(herb for herb in found if herb is not None)

    @cached_property
    def kept(self) -> tuple[Substance, ...]:
        """Those of them that go on for longer than a renewal laps over: what ends in days may be prescribed again."""
        ending = {
            each.generic_name
            for each in self._current
            if (each.until - self.subject.on).days <= self.limits.renewal_days
        }
        return tuple(each for each in self.taken if each.name not in ending)

    @property
    def _current(self) -> list[Medicine]:
        return [each for each in self.subject.current_medicines if each.until >= self.subject.on]

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """ICD-10 codes of today's diagnoses and of the standing diseases."""
        return tuple(each.code for each in self.subject.diagnoses) + (self.facts.conditions or ())

    def suffers(self, prefixes: tuple[str, ...]) -> bool:
        """Whether a code begins with one of these."""
        return any(code.startswith(prefixes) for code in self.codes)

    def reason_accepted(self) -> bool:
        """Whether the reason for a longer supply names one that the policy accepts. A long-term supply is one: what
        it needs was asked for at its issue."""
        if self.subject.planned:
            return True
        reason = self.subject.long_supply_reason
        return reason is not None and any(word in reason.lower() for word in self.limits.accepted_reasons)
