"""What a check is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache

from services.prescribe.domain.commands import WrittenPrescription
from services.prescribe.domain.policy import DoseFrequency, Policy
from services.prescribe.domain.registers import Drug, Known
from services.prescribe.domain.values import StandingFacts, WrittenLine
from services.seedwork.model import Refusal


@dataclass(frozen=True)
class Written:
    """What is checked: the written form, what is known, the policy of the day, and the day."""

    content: WrittenPrescription
    known: Known
    policy: Policy
    today: date

    def lines(self) -> Iterator[tuple[WrittenLine, Drug]]:
        """Lines with their drugs; only after every drug was found."""
        for line in self.content.lines:
            yield line, self.known.drugs[line.product]

    @property
    def facts(self) -> StandingFacts:
        """What is known of the patient's body: the record, and what was asked today."""
        recorded = self.known.patient.facts if self.known.patient else None
        return (recorded or StandingFacts()).and_today(self.content.facts)

    def frequency(self, line: WrittenLine) -> DoseFrequency:
        """How often a line is taken; only after its frequency was found clear."""
        if line.frequency is None:
            return _a_day(line.frequency_per_day or 1)
        coded = self.policy.frequencies[line.frequency]
        return coded.model_copy(update={"times": line.frequency_per_day}) if coded.as_needed else coded

    def at_once(self, line: WrittenLine) -> int:
        """Base units of a line that are given out together: all, or those of one instalment. What instalments cannot
        share evenly is refused by a rule of its own."""
        plan = self.content.plan
        even = plan is not None and line.quantity % plan.instalments == 0
        return line.quantity // plan.instalments if plan and even else line.quantity

    def split_pack(self, line: WrittenLine, drug: Drug) -> bool:
        """Whether that is no number of whole packs (拆零)."""
        return self.at_once(line) % drug.pack_size != 0


@cache
def _a_day(times: int) -> DoseFrequency:
    return DoseFrequency(times=times)


Check = Callable[[Written], Refusal | None]


@dataclass(frozen=True)
class IssueRule:
    """One row of the table: a check, by whose name the rule goes, and the document it rests on."""

    check: Check
    source: str

    @property
    def name(self) -> str:
        return self.check.__name__


def broken(rules: tuple[IssueRule, ...], written: Written) -> Refusal | None:
    """How the first broken rule refuses, if there is one."""
    return next((refusal for rule in rules if (refusal := rule.check(written))), None)


def whole_years(since: date, day: date) -> int:
    """Completed years, as age is counted (周岁): the birthday counts."""
    return day.year - since.year - ((day.month, day.day) < (since.month, since.day))
