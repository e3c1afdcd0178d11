"""The page about shortages: what is watched, when it alarms, how it is graded and who answers, out of its tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rxflow.docs.markdown import code, page, table
from services.shortage.domain.detection.calibration import Walk, order_line_walk, unfilled_walk
from services.shortage.domain.detection.policy import DAYS_PER_YEAR, DetectionPolicy
from services.shortage.domain.grading import GradeRule
from services.shortage.domain.policy import POLICIES, ShortagePolicy
from services.shortage.domain.regions import Level
from services.shortage.domain.report_formulas import FORMULAS
from services.shortage.domain.values import DrugClass, SourceKind

HOW = """
Every unfilled line, every line of an order and every level of a shelf that the pharmacies tell goes into detectors: one
set for each drug (generic name, form, strength) in each region node (county, city, province, nation). What alarms opens
a *suspected* case, which authorities alone can see. People, enough pharmacies, or independent kinds of source confirm
it; a confirmed case is graded, owned by a level, brings tasks with deadlines, and is public. Its states are in
[transitions.md](transitions.md), all figures in [policies.md](policies.md), who may do what in [roles.md](roles.md),
how well the detectors find known shortages in [supply.md](supply.md).
"""
SOURCES: Mapping[SourceKind, str] = {
    SourceKind.UNFILLED: "a prescribed line that a pharmacy could not fill; one demand, wherever it is tried",
    SourceKind.ORDER_LINES: "a line that a pharmacy ordered and its supplier did not fill in full",
    SourceKind.DEMAND_SURGE: "much more is asked for than usual, days without stock or word left out",
    SourceKind.DAYS_OF_SUPPLY: "what is on the shelves lasts for much less long than usual",
    SourceKind.DIRECT_REPORT: "短缺药品信息直报 of an institution, a wholesaler or a maker",
    SourceKind.STOP_NOTICE: "a maker's notice that production stops",
    SourceKind.REGISTER: "a public register of shortages (openFDA, Drug Shortages Canada, any by a mapping)",
    SourceKind.PRICE_JUMP: "who has some left asks for more",
    SourceKind.REGIONS: "confirmed cases of several regions, for the case of the nation",
}
THRESHOLDS = """
How rarely a false alarm may come is stated once, for one drug in one node and all detectors together. Each detector has
a share of it and each level of node a share of that; the threshold is the smallest whose expected run without a
shortage is long enough, computed exactly, never tuned by hand. The figures below are those of a drug of which nothing
is known yet; what is usual is learnt from quiet days. A walk rises by *up* with each short line or unfilled demand,
sinks by *down* with each line, short or not, or each day, and alarms from *threshold* on until it is at 0 again.
"""
GRADES = """
The worst row that is reached in full gives the grade; what is unknown reaches no row. One step worse for what cannot be
replaced (class A) and is on a national list, one milder for what can be replaced wholly (class C). A grade rises at
once, and sinks one after the other when its periods were better. An owner that misses a deadline is followed by the
level above it; the grade stays.
"""
CONDITIONS: Mapping[str, str] = {
    "pharmacies": "pharmacies short: {}",
    "in_one_county": "of them in one county: {}",
    "cities": "cities: {}",
    "provinces": "provinces: {}",
    "county_share": "share of a county's reporters: {:.0%}",
    "city_share": "share of a city's reporters: {:.0%}",
    "drug_class": "drugs of class {}",
    "sole_supplier_stopped": "the only supplier has stopped",
    "restoration_unknown": "nobody says when it will be there again",
}
CLASSES: Mapping[DrugClass, str] = {
    DrugClass.A: "临床必需不可替代: nothing can take its place",
    DrugClass.B: "不完全替代: something can, in part",
    DrugClass.C: "完全替代: something can",
}
REPORTS = """
A report says what was known at an instant, by the formula that was in force on its day, and stays the same to the byte
after late reports, a rebuild or an upgrade; it carries its inputs, how fresh and how complete they were, and a
signature.
"""


def shortage_page() -> str:
    """Sources and formulas once; what is policy for every jurisdiction."""
    formulas = ((code(each.version), "the beginning" if each.since.year == 1 else each.since) for each in FORMULAS)
    parts = [part for name in sorted(POLICIES.names) for each in POLICIES.of(name).versions for part in _of(name, each)]
    return page(
        "Shortages",
        HOW,
        "## What is watched",
        table(("source", "what it sees"), ((code(kind), SOURCES[kind]) for kind in SourceKind)),
        "## From when on it alarms",
        THRESHOLDS,
        "## How it is graded",
        GRADES,
        table(("class", "meaning"), ((code(each), CLASSES[each]) for each in DrugClass)),
        "## Reports",
        REPORTS,
        table(("formula", "for instants from"), formulas),
        *parts,
    )


def _of(jurisdiction: str, policy: ShortagePolicy) -> Iterator[str]:
    detection = policy.detection
    yield f"## {jurisdiction}: {policy.version}"
    yield f"From {policy.valid_from}. {policy.source}."
    yield "### Alarms"
    yield (
        f"False alarms of one drug in one node: {detection.false_alarms_per_drug_year:g} a year. Reports about what is "
        f"older than {detection.lateness_days} days come too late."
    )
    yield table(
        ("detector", "level", "tuned to", "a false alarm in", "usual", "up", "down", "threshold"), _walks(detection)
    )
    yield _steady(detection)
    yield "### What confirms a suspicion"
    yield (
        f"{policy.confirm_pharmacies} pharmacies within {policy.window_hours} hours, or {policy.confirm_source_groups} "
        f"independent kinds of source, or an authority. Below its threshold for {policy.hysteresis_hours} hours a "
        "suspicion ends by itself. Kinds in one row see the same thing and count once:"
    )
    yield table(("independent", "kinds"), ((number, _kinds(g)) for number, g in enumerate(policy.source_groups, 1)))
    yield "### Grades and owners"
    yield table(
        ("grade", "owner", "reached by"), ((row.grade, row.owner_level, _reached(row)) for row in policy.grades)
    )
    yield "### What a grade brings"
    yield table(
        ("task", "grades", "hours"),
        ((code(task.kind), ", ".join(task.grades), task.hours) for task in policy.tasks),
    )
    yield f"The level above has {policy.task_escalated_hours} hours."


def _walks(detection: DetectionPolicy) -> Iterator[tuple[object, ...]]:
    for level, share in detection.level_shares.items():
        lines = detection.line_prior(level_share=share)
        walk = order_line_walk(lines.short_share, lines.lines_per_day, lines.days_between_alarms, lines.ratio)
        usual = f"{lines.short_share:.1%} of the lines short"
        yield _walk("order_lines", level, lines.ratio, lines.days_between_alarms, usual, walk)
    for level, share in detection.level_shares.items():
        tries = detection.unfilled_prior(level_share=share)
        walk = unfilled_walk(tries.per_day, tries.days_between_alarms, tries.ratio)
        yield _walk("unfilled", level, tries.ratio, tries.days_between_alarms, f"{tries.per_day:g} demands a day", walk)
    for level, share in detection.level_shares.items():
        rules = detection.surge_rules(level_share=share)
        usual = f"the median of {rules.history_days} days"
        yield _walk("demand_surge", level, rules.ratio, rules.days_between_alarms, usual, None)


def _walk(detector: str, level: Level, ratio: float, days: float, usual: str, walk: Walk | None) -> tuple[object, ...]:
    """One row; without a walk it depends on what is usual alone."""
    figures = ("", "", "") if walk is None else (walk.unit, walk.allowance, walk.threshold)
    return (code(detector), level, f"{ratio:g} times the usual", f"{days / DAYS_PER_YEAR:.1f} years", usual, *figures)


def _steady(detection: DetectionPolicy) -> str:
    cover, status = detection.cover, detection.status
    return (
        f"Days of supply alarm at {cover.alarm_share:.0%} of their median of {cover.history_days} days, until they are "
        f"above {cover.release_share:.1%} of it. A pharmacy is severely short (④) up to {status.severe_days:g} days, "
        f"with an empty shelf or when it turned somebody away without an alternative; short (③) up to "
        f"{status.short_days:g} days or where less than {status.short_fill_share:.0%} of what it ordered in a week has "
        f"come; nearly supplied (②) up to {status.nearly_days:g} days. Worse counts at once, better after "
        f"{status.better_after_periods} days. Unknown is a status of its own; silence is told, never taken for zero."
    )


def _kinds(group: tuple[SourceKind, ...]) -> str:
    return ", ".join(code(kind) for kind in group)


def _reached(rule: GradeRule) -> str:
    named = rule.model_dump(exclude={"grade", "owner_level"}, exclude_defaults=True)
    return "; ".join(CONDITIONS[name].format(value) for name, value in named.items())
