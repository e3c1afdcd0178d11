"""The figures of a run: what the table and the report say. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from tests.chaos.faults import Fault
from tests.chaos.memory import Growth
from tests.chaos.notes import Breach, Refusal
from tests.chaos.recovery import Committed, refused_under

MIB = 1024 * 1024
BREACHES_SHOWN_MAX = 40


@dataclass(frozen=True)
class Figure:
    """Of one kind of fault. `recovered` counts those whose end was seen; seconds are from the fault's beginning."""

    fault: str
    times: int
    recovered: int
    median_seconds: float | None
    max_seconds: float | None
    refused: int
    lost: int
    doubled: int


@dataclass
class Outcome:
    """A run as it is reported."""

    seed: int
    minutes: float
    every: float
    rate: float
    figures: Sequence[Figure]
    not_run: Mapping[str, str]
    troubles: Sequence[str]
    breaches: Sequence[Breach]
    memory: Sequence[Growth]
    load: Mapping[str, Any]
    calls: Mapping[str, Any]
    checks: Mapping[str, str] = field(default_factory=dict)
    """What an operator's look said: `verify`, dead letters, readiness; by name, empty where all is well."""

    @property
    def lost(self) -> int:
        return sum(breach.kind == "lost" for breach in self.breaches)

    @property
    def doubled(self) -> int:
        return sum(breach.kind == "doubled" for breach in self.breaches)

    @property
    def flat(self) -> bool:
        return all(growth.flat for growth in self.memory)

    @property
    def passed(self) -> bool:
        return not self.breaches and self.flat and not any(self.checks.values()) and not self.troubles

    def as_json(self) -> dict[str, Any]:
        return {
            "passed": self.passed,
            "lost": self.lost,
            "doubled": self.doubled,
            "memory flat": self.flat,
            **asdict(self),
        }


def figures(
    faults: Mapping[str, Fault],
    committed: Iterable[Committed],
    refusals: Sequence[Refusal],
    breaches: Sequence[Breach],
    ended_at: float,
) -> list[Figure]:
    """By kind of fault, in the table's order. What is lost or doubled counts for each fault it was accepted under."""
    done = [each for each in committed if each.target]
    found = []
    for name in faults:
        mine = [each for each in done if each.name == name]
        seconds = sorted(each.seconds_to_recover for each in mine if each.seconds_to_recover is not None)
        under = [breach for breach in breaches if any(each.covers(breach.at, ended_at) for each in mine)]
        figure = Figure(
            fault=name,
            times=len(mine),
            recovered=len(seconds),
            median_seconds=round(median(seconds), 1) if seconds else None,
            max_seconds=round(seconds[-1], 1) if seconds else None,
            refused=sum(refused_under(each, refusals, ended_at) for each in mine),
            lost=sum(breach.kind == "lost" for breach in under),
            doubled=sum(breach.kind == "doubled" for breach in under),
        )
        found.append(figure)
    return found


def table(outcome: Outcome, faults: Mapping[str, Fault]) -> str:
    """Markdown: the faults, then memory, then all together."""
    lines = [
        "| fault | promise | times | lasts, s | works again, s (median / max) | refused | lost | doubled |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for figure in outcome.figures:
        fault = faults[figure.fault]
        again = "-" if figure.median_seconds is None else f"{figure.median_seconds} / {figure.max_seconds}"
        if figure.recovered < figure.times:
            again += f" ({figure.times - figure.recovered} not seen)"
        times = outcome.not_run.get(figure.fault) or str(figure.times)
        lines.append(
            f"| {figure.fault} | {fault.promise} | {times} | {fault.seconds:g} | {again} | {figure.refused}"
            f" | {figure.lost} | {figure.doubled} |"
        )
    total = sum(figure.times for figure in outcome.figures)
    lines.append(
        f"| all | | {total} | | | {sum(f.refused for f in outcome.figures)} | {outcome.lost} | {outcome.doubled} |"
    )
    return "\n".join([*lines, "", *_memory_table(outcome.memory)])


def _memory_table(memory: Iterable[Growth]) -> list[str]:
    lines = [
        "| process | lives looked at | first quarter, MiB | last quarter, MiB | most grown | flat |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.kind} | {each.processes} | {each.first_bytes / MIB:.0f} | {each.last_bytes / MIB:.0f}"
        f" | {each.worst_share:+.0%} | {'yes' if each.flat else 'NO'} |"
        for each in memory
    ]
    return lines


def verdict(outcome: Outcome) -> list[str]:
    """In words: what was accepted, and everything that was not as promised."""
    calls, load = outcome.calls, outcome.load
    share = calls["invalid calls"] / max(1, calls["calls"])
    return [
        f"{load['started']} prescriptions started ({load['held back']} held back), {load['endings']}",
        (
            f"{calls['calls']} calls, {share:.1%} of them invalid, {calls['double clicks']} clicked twice;"
            f" {calls['accepted commands']} commands accepted"
        ),
        *([f"an operator restarted the broker {again} times"] if (again := calls.get("broker restarts")) else []),
        *(f"not run: {name}: {why}" for name, why in outcome.not_run.items()),
        *(f"trouble: {each}" for each in outcome.troubles),
        *(f"{name}: {found}" for name, found in outcome.checks.items() if found),
        *(f"{breach.kind}: {breach.what}" for breach in outcome.breaches[:BREACHES_SHOWN_MAX]),
        (
            f"{outcome.lost} lost, {outcome.doubled} doubled,"
            f" {len(outcome.breaches) - outcome.lost - outcome.doubled} otherwise wrong;"
            f" memory {'flat' if outcome.flat else 'NOT FLAT'}{'' if outcome.memory else ' (no life was long enough)'}"
        ),
        "passed" if outcome.passed else "FAILED",
    ]
