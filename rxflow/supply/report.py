"""The report of a run, as a page for `docs/`."""

from __future__ import annotations

from rxflow.docs.markdown import code, first_paragraph, page, table
from rxflow.supply import __doc__ as about
from rxflow.supply.running import CALM_DRUGS, Result
from rxflow.supply.scoring import GRACE_DAYS, Score
from rxflow.supply.setting import KINDS

WRITTEN = "*Written by `rxflow simulate supply`; run it again, do not edit this page.*"


def supply_page(result: Result) -> str:
    """Everything a reader needs to judge the figures and to make them again."""
    setting = result.setting
    kinds = [kind.name for kind in KINDS]
    delays = ((name, *(_delay(score, kind) for kind in kinds)) for name, score in result.scores.items())
    seen = ((name, *(_percent(score.detected(kind)) for kind in kinds)) for name, score in result.scores.items())
    worth = (
        (
            name,
            _number(score.false_per_drug_year),
            _number(score.false_per_free_year),
            _number(result.calm[name].false_per_free_year),
            _percent(score.predictive_value),
            score.true_alarms,
            score.false_alarms,
            score.already,
        )
        for name, score in result.scores.items()
    )
    counts = ", ".join(f"{kind}: {_episodes(result, kind)}" for kind in kinds)
    seeds = ", ".join(map(str, result.seeds))
    again = (
        f"rxflow simulate supply --seed {result.seeds[0]} --worlds {len(result.seeds)} --drugs {setting.drugs}"
        f" --pharmacies {setting.pharmacies}"
    )
    return page(
        "Detecting shortages: the simulated supply",
        first_paragraph(about),
        f"Made by {code(again)}: seeds {seeds}, policy {code(result.policy.version)}; the same seeds give the same"
        " page.",
        f"{setting.pharmacies} pharmacies, {setting.drugs} drugs, each in {setting.carried_by} pharmacies,"
        f" {setting.history} days of history and a judged year. {setting.late_share:.0%} of the pharmacies report one"
        f" to three days late, {setting.very_late_share:.0%} three to seven, {setting.silent_share:.0%} stop to report"
        f" for one to three months, {setting.doubled_share:.0%} of the reports arrive twice. Orders are filled with a"
        f" chance of 97 %, but in episodes, two for each drug: {counts}.",
        "Each detector *alone* may raise one false alarm per drug-year; *together* they share the same one. Order"
        " lines and the shared counts have thresholds by exact run length, the others the most sensitive that keeps"
        f" the rate in calm worlds (seeds {', '.join(map(str, result.calm_seeds))}): days of supply below"
        f" {result.tuning.cover.alarm_share:.0%} of what is usual.",
        "## Delay: median (P90), in days",
        "From the begin of the episode to the alarm, at the end of each day and with what has arrived by then; 0 is"
        " the day on which it began. Missed episodes count; `-`: fewer than that share was ever noticed.",
        table(("detector", *kinds), delays),
        "## Probability of detection",
        table(("detector", *kinds), seen),
        "## What an alarm is worth",
        f"An alarm belongs to an episode from its begin until {GRACE_DAYS} days after its end; all others are false."
        " The last kind, a surge that supply keeps up with, counts as an episode. *Already*: episodes that began while"
        " the detector alarmed, and are judged neither way. An alarm that outlasts its episode hides those that would"
        " begin meanwhile: the second rate is per drug-year in which none stood, the third the same of calm worlds"
        f" ({_calm_years(result)}), where nothing is ever short.",
        table(
            (
                "detector",
                "false alarms per drug-year",
                "while none stands",
                "in calm worlds",
                "predictive value",
                "right",
                "false",
                "already",
            ),
            worth,
        ),
        "## Silent reporters",
        _silent(result),
        origin=WRITTEN,
    )


def _calm_years(result: Result) -> str:
    years = len(result.calm_seeds) * min(result.setting.drugs, CALM_DRUGS)
    return f"{years} drug-years"


def _delay(score: Score, kind: str) -> str:
    median, late = score.delay(kind, 0.5), score.delay(kind, 0.9)
    return f"{_days(median)} ({_days(late)})"


def _days(delay: int | None) -> str:
    return "-" if delay is None else str(delay)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _episodes(result: Result, kind: str) -> int:
    return sum(episode.kind == kind for episode in result.episodes)


def _silent(result: Result) -> str:
    score = Score(delays={"": result.silences.delays})
    return (
        f"{len(result.silences.delays)} pharmacies stopped to report; noticed after {_delay(score, '')} days, median"
        f" (P90), {_percent(score.detected(''))} of them. Alerts about pharmacies that had not:"
        f" {_number(result.silences.false_per_reporter_year)} per reporter-year."
    )
