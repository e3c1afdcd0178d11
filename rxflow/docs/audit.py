"""The page about the smart audit: the shipped rules out of their data."""

from __future__ import annotations

from rxflow.docs.markdown import code, page, table
from services.insurance.domain.audit.rules import GRADES, SHIPPED, AuditRule

HOW = """
The audit (智能审核) looks at every supply that an insurer is to pay: when its claim is quoted, before the insurer is
asked, and when it settles. What it finds before is in the quote; what waits for a person, what is refused, appealed and
taken back follows the table of the case ([transitions.md](transitions.md)). What is not known is held against nobody: a
rule that needs it says nothing, and is listed as unchecked.

`GET /audits` lists cases; `POST /audits/ID/decision`, `/appeal` and `/appeal-decision` decide them. `rxflow load
audit_rules FILE` loads a set, which goes before the shipped one while it is in force; `rxflow replay-audit --rules FILE
--since DATE` shows what a set would have found in past supplies, before it is loaded.
"""


def audit_page() -> str:
    """Grades, and the rules of every jurisdiction."""
    parts = [HOW, "## Grades", table(("grade", "meaning"), ((code(grade), meaning) for grade, meaning in GRADES))]
    for name in sorted(SHIPPED.names):
        for version in SHIPPED.of(name).versions:
            parts += [
                f"## {name}: {version.version}",
                f"From {version.valid_from}. {version.source}. An appeal is possible for {version.appeal_days} days.",
                table(("rule", "says", "looks at", "drugs", "grade", "source"), (_row(rule) for rule in version.rules)),
            ]
    return page("Smart audit", *parts)


def _row(rule: AuditRule) -> tuple[str, ...]:
    looked = rule.check.model_dump(exclude={"kind"}, exclude_defaults=True)
    figures = ", ".join(f"{name} {_value(value)}" for name, value in looked.items())
    drugs = " ".join([*rule.drugs.names, *(code(group) for group in rule.drugs.atc)]) or "all"
    return (
        code(rule.id),
        rule.says,
        f"{rule.check.kind}: {figures}" if figures else rule.check.kind,
        drugs,
        rule.grade,
        rule.source,
    )


def _value(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
