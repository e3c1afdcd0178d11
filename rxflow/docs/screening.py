"""The page about screening: the rules out of their table, with the golden cases that fail without each of them."""

from __future__ import annotations

from rxflow.docs.golden import cases, failing
from rxflow.docs.golden_cases import shown
from rxflow.docs.markdown import code, page, table
from services.review.domain.knowledge.entries import SECTIONS
from services.review.domain.knowledge.files import shipped_sets
from services.review.domain.screening import RULES, Rule

HOW = """
A prescription is screened when its case is opened, with the knowledge in force that day and the limits of the policy
in force that day ([policies.md](policies.md)). A finding names rule, version, lines, numbers and the entries it rests
on (`GET /knowledge/VERSION/SECTION/ID`), never the patient. Rules advise or block; a pharmacist decides.

*Severity*, *code* "-": the knowledge entry, or the case, says. *May confirm*: the prescriber may insist by a second
signature (双签名) where the finding is neither blocking nor mere information. *Fails without it*: golden prescriptions
(`tests/golden`) that are found wrong when the rule is taken out; a rule without one fails the build.
"""
KNOWLEDGE = """
`rxflow load knowledge PATH` loads a set (a directory or one JSON document): whole, from its `valid_from` on, or not at
all. A loaded set in force goes before the shipped one. `rxflow replay-review --knowledge PATH --since DATE` shows
before that which past decisions would differ, and in which cases something else would be told, by weight. Shipped sets
are reference sets: compiled from public documents, each entry with its source, incomplete, and no clinical advice.
"""


def screening_page() -> str:
    """Rules and shipped knowledge."""
    rules = (_row(rule) for rule in RULES)
    columns = ("rule", "what", "source", "severity", "code", "may confirm", "fails without it")
    newest = shipped_sets()[-1]
    entries = ((code(section), newest.counts()[section]) for section in SECTIONS)
    return page(
        "Screening",
        HOW,
        "## Rules",
        table(columns, rules),
        "## Knowledge",
        KNOWLEDGE,
        f"Shipped: {code(newest.header.version)} ({newest.header.name}), from {newest.header.valid_from}.",
        table(("section", "entries"), entries),
    )


def _row(rule: Rule) -> tuple[str, ...]:
    return (
        code(rule.name),
        rule.title,
        rule.source,
        rule.severity.word if rule.severity else "-",
        rule.code or ("none" if rule.severity else "-"),
        "yes" if rule.confirmable else "no",
        shown(failing(rule.name, cases())),
    )
