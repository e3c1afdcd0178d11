"""The rows of the policy that checks of an issue read, and what each would be if it were taken out or moved by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby, pairwise
from operator import attrgetter
from typing import Any

from services.prescribe.domain.policy import AmountLimit, DrugGroup, Limit, Policy
from services.seedwork.model import Immutable
from services.seedwork.policies import Policies

FIELDS = (
    "lines_max",
    "medicine_types",
    "written_alone",
    "tcm_diagnosis_for",
    "forbidden_phrases",
    "diagnosis_pattern",
    "form_groups",
    "frequencies",
    "split_packs",
    "days",
    "amounts",
    "validity_days",
    "never_circulate",
    "never_delivered",
    "titles",
    "antibacterials",
    "institution_visits",
    "weight_below_days",
    "online_visits",
    "insurance_kinds",
    "disease_code_pattern",
    "self_pay_reasons",
    "long_term",
)
"""What no check of an issue reads is not among them: deadlines, rounds, years of keeping."""
NO_CHECK = frozenset({("long_term", "lead_days"), ("long_term", "open_days")})
"""How an instalment opens: nothing is refused by it."""
ORDERED = frozenset({("lines_max", "western")})
"""Numbers of a table that are limits of their own; the others are ranks, or there to be found only."""
LOOKED_UP_ONLY = frozenset({"form_groups", "titles"})
"""Tables in which rows of others look something up: entries that came later change nothing before by themselves."""
ANYTHING = ".*"
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Change:
    """Where one version decides, another policy does instead; on one day only, where the change is one of a date."""

    version: Policy
    instead: Policy
    on: date | None = None


@dataclass(frozen=True, eq=False)
class Row:
    """One row of a jurisdiction's policy, as it stands in consecutive versions: its field, its name there, and the
    policies without it, those of the newest of these versions first."""

    jurisdiction: str
    field: str
    name: str
    versions: tuple[Policy, ...]
    changes: tuple[Change, ...]

    @property
    def in_force(self) -> str:
        """From which version to which."""
        return " - ".join(dict.fromkeys((self.versions[0].version, self.versions[-1].version)))


def rows(policies: Policies[Policy]) -> Iterator[Row]:
    """Every row that a check reads, in every version; what stood there before and after; and the days between."""
    for field in FIELDS:
        spans = [tuple(span) for _value, span in groupby(policies.versions, attrgetter(field))]
        for span in spans:
            for name, values in _changed((field,), getattr(span[0], field)):
                yield _row(policies.jurisdiction, field, name, span, values)
        for before, after in pairwise(spans):
            yield _neighbour(policies.jurisdiction, field, after, before[-1])
            if field not in LOOKED_UP_ONLY:
                yield _neighbour(policies.jurisdiction, field, before, after[0])
    for earlier, later in pairwise(policies.versions):
        if any(getattr(earlier, field) != getattr(later, field) for field in FIELDS):
            yield _first_day(policies.jurisdiction, earlier, later)


def _row(jurisdiction: str, field: str, name: str, span: tuple[Policy, ...], values: list[Any]) -> Row:
    changes = [
        Change(version, version.model_copy(update={field: value})) for version in reversed(span) for value in values
    ]
    return Row(jurisdiction, field, name, span, tuple(changes))


def _neighbour(jurisdiction: str, field: str, span: tuple[Policy, ...], other: Policy) -> Row:
    return _row(jurisdiction, field, f"{field}, not that of {other.version}", span, [getattr(other, field)])


def _first_day(jurisdiction: str, earlier: Policy, later: Policy) -> Row:
    """A day later, or a day earlier."""
    first = later.valid_from
    changes = Change(later, earlier, first), Change(earlier, later, first - ONE_DAY)
    return Row(jurisdiction, "valid_from", f"valid_from: {first}", (later,), changes)


def _changed(path: tuple[str, ...], value: Any) -> Iterator[tuple[str, list[Any]]]:
    """What a value is without each of its rows: the row's name, and the values."""
    name = ".".join(path)
    match value:
        case bool():
            yield name, [not value]
        case int():
            yield name, [value - 1, value + 1]
        case str():
            yield name, [ANYTHING]
        case Limit():
            yield from _limit(name, value)
        case dict():
            yield from _of_table(path, value)
        case Immutable():
            yield from _of_model(path, value)
        case frozenset() | tuple():
            for row in sorted(value) if isinstance(value, frozenset) else value:
                yield f"{name}: {row.name if isinstance(row, DrugGroup) else row}", [*_of_list(value, row)]


def _limit(name: str, limit: Limit) -> Iterator[tuple[str, list[Limit]]]:
    """Both ends move where they are one."""
    if limit.usual == limit.with_reason:
        yield name, [_moved(limit, ("usual", "with_reason"), by) for by in (-1, 1)]
        return
    for end in ("usual", "with_reason"):
        yield f"{name}.{end}", [_moved(limit, (end,), by) for by in (-1, 1)]


def _moved(model: Any, fields: tuple[str, ...], by: int) -> Any:
    return model.model_copy(update={field: getattr(model, field) + by for field in fields})


def _of_table(path: tuple[str, ...], table: dict[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    for key, value in table.items():
        without = {other: row for other, row in table.items() if other != key}
        if isinstance(value, Limit) or (*path, key) in ORDERED:
            for name, values in _changed((*path, key), value):
                yield name, [table | {key: each} for each in values]
            continue
        yield ".".join((*path, key)), [without]
        if isinstance(value, frozenset):
            for name, values in _changed((*path, key), value):
                yield name, [table | {key: each} for each in values]


def _of_model(path: tuple[str, ...], model: Immutable) -> Iterator[tuple[str, list[Any]]]:
    for field in type(model).model_fields:
        if (*path, field) not in NO_CHECK:
            for name, values in _changed((*path, field), getattr(model, field)):
                yield name, [model.model_copy(update={field: each}) for each in values]


def _of_list(rows: Any, row: Any) -> Iterator[Any]:
    """Without the row; and, where it is a limit, with its figures moved."""
    yield type(rows)(each for each in rows if each != row)
    if isinstance(row, AmountLimit):
        for moved in _moved_amounts(row):
            yield tuple(moved if each == row else each for each in rows)


def _moved_amounts(limit: AmountLimit) -> Iterator[AmountLimit]:
    if limit.days is not None:
        for _name, values in _limit("", limit.days):
            yield from (limit.model_copy(update={"days": days}) for days in values)
    if limit.daily_doses_max is not None:
        yield from (_moved(limit, ("daily_doses_max",), by) for by in (-1, 1))
